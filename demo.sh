#!/usr/bin/env bash
# Installs what is missing, builds, and runs molecular dynamics on two MPI ranks:
#   ./demo.sh          the alloy NbMoTaW, 4,000 atoms, heated from 300 K to 1000 K
#   ./demo.sh water    liquid water, 64 molecules at 330 K
# Ends with a table and a picture in build/demo/.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
checkout=$PWD

name=${1:-alloy}
case "$name" in
  alloy) title="NbMoTaW alloy" ; model=nbmotaw ;;
  water) title="Liquid water" ; model=water ;;
  *) echo "usage: ./demo.sh [alloy|water]" >&2; exit 2 ;;
esac

scripts/setup.sh
scripts/build.sh grapevine_cli grapevineplugin

echo "== Molecular dynamics: $title"
folder=build/demo/$name
rm -rf "$folder"
mkdir -p "$folder"
cp -r "examples/$name"/. "$folder"
(cd "$folder" && "$checkout/build/bin/grapevine" lammps -np 2 -in "in.$name" -var model "$checkout/models/$model.safetensors")

echo
.venv/bin/python examples/report.py "$folder" "$title"
[ "$name" != water ] || .venv/bin/python examples/water/structure.py "$folder"
