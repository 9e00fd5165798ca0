#!/usr/bin/env bash
# Builds the targets named, or all, in `build`; after the first time only what changed. GRAPEVINE_CMAKE_OPTIONS are
# options for CMake, e.g. "-DGRAPEVINE_WARNINGS_AS_ERRORS=ON".
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

echo "== Build"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! cmake --preset release ${GRAPEVINE_CMAKE_OPTIONS:-} >"$log" 2>&1; then
  cat "$log" >&2
  exit 1
fi
cmake --build --preset release --target "${@:-all}"
