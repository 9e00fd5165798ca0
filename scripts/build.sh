#!/usr/bin/env bash
# Builds the targets named, or all, in `build`; after the first time only what changed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

echo "== Build"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! cmake --preset release >"$log" 2>&1; then
  cat "$log" >&2
  exit 1
fi
cmake --build --preset release --target "${@:-all}"
