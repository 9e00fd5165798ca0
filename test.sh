#!/usr/bin/env bash
# Installs what is missing, builds, and runs all tests, quickest first. Arguments go to pytest, e.g. -k silver.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
jobs=$(nproc)

stage() { printf '\n== %s\n' "$*"; }

scripts/setup.sh --tests
scripts/build.sh
scripts/install_python.sh

stage "Unit tests"
tests/unit/run_sharded.sh build/bin/grapevine_unit_tests "$jobs"

stage "Tests of exchange on several ranks"
ctest --preset release -j "$jobs" -LE unit --no-tests=error

stage "End-to-end tests"
.venv/bin/python -m pytest tests/end_to_end -n "$jobs" -q "$@"
