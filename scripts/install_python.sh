#!/usr/bin/env bash
# Installs the Python package of this checkout into its environment `.venv`, from what scripts/build.sh has built.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

echo "== Python package"
.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-input --no-build-isolation --no-deps \
  --config-settings=build-dir=build .
