#!/usr/bin/env bash
# Builds the documentation site in build/site; warnings are errors. Makes an environment of its own, `.venv-docs`, the
# first time and whenever requirements-docs.txt changes. Needs Python with venv, and nothing that is built.
#
#   scripts/docs.sh           build
#   scripts/docs.sh serve     serve the pages at http://127.0.0.1:8000 and follow changes
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

fail() { printf 'docs: error: %s\n' "$*" >&2; exit 1; }

command=${1:-build}
case "$command" in
  build | serve) ;;
  *) echo "usage: scripts/docs.sh [build|serve]" >&2; exit 2 ;;
esac

wanted=$(sha256sum <requirements-docs.txt)
stamp=.venv-docs/grapevine-requirements.sha256
if ! .venv-docs/bin/python -c '' 2>/dev/null || [ "$(cat "$stamp" 2>/dev/null)" != "$wanted" ]; then
  echo "== Python packages in .venv-docs"
  rm -rf .venv-docs
  python3 -m venv .venv-docs || fail "cannot make a virtual environment in .venv-docs"
  .venv-docs/bin/python -m pip install --quiet --disable-pip-version-check --no-input -r requirements-docs.txt ||
    fail "pip could not install requirements-docs.txt into .venv-docs"
  echo "$wanted" >"$stamp"
fi

echo "== Documentation site"
export NO_MKDOCS_2_WARNING=1
if [ "$command" = serve ]; then exec .venv-docs/bin/python -m mkdocs serve --strict; fi
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# Not --quiet, which keeps --strict from counting warnings.
if ! .venv-docs/bin/python -m mkdocs build --strict >"$log" 2>&1; then
  grep -v '^INFO' "$log" >&2
  fail "the site could not be built without warnings"
fi
echo "build/site/index.html"
