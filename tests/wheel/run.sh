#!/usr/bin/env bash
# Makes the wheel from the build folder, installs it into an empty environment beside those that it needs, and uses it
# there with nothing on the path but that environment: tests/wheel/use.py.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

rm -rf dist
scripts/wheel.sh

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
echo "== Wheel in an empty environment"
/usr/bin/python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check --no-input dist/grapevine-*.whl

mkdir "$folder/work" "$folder/tools"
ln -s "$(command -v env)" "$(command -v sh)" "$(command -v ldd)" "$(command -v bash)" "$folder/tools"
cp tests/wheel/use.py "$folder/work"
cd "$folder/work"
env -i HOME="$folder/work" PATH="$folder/env/bin:$folder/tools" "$folder/env/bin/python" use.py
