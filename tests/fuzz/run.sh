#!/usr/bin/env bash
# Runs each of the fuzz targets of BUILD_DIR, which the preset asan-ubsan builds: tests/fuzz/run.sh SECONDS BUILD_DIR. Ends
# with an error if one of them finds anything.
set -euo pipefail
seconds=${1:?usage: run.sh SECONDS BUILD_DIR}
build=${2:?usage: run.sh SECONDS BUILD_DIR}
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
build=$(cd "$build" && pwd)

corpus=$(mktemp -d)
trap 'rm -rf "$corpus"' EXIT

# seed TARGET FILE...: the files, each under a name of its own, as the target's first inputs.
seed() {
  local target=$1 number=0
  shift
  mkdir -p "$corpus/$target"
  for file in "$@"; do cp "$file" "$corpus/$target/seed-$((++number))"; done
}

golden=$root/tests/data/golden
seed safetensors "$root"/tests/data/models/*.safetensors
seed model_file "$root"/tests/data/models/*.safetensors
seed torch_archive "$golden"/{local-s-only,one-layer-tanh,f-orbitals-wide}/REANN.pth "$golden"/sevennet-{one-layer,modalities,old}/checkpoint.pth \
  "$golden"/nequip-{ema-all-trained,l2-zbl-readout}/model.ckpt "$golden"/mace-{nu-one,float32-soft,two-heads}/mace.model
# Packages hold sources of other projects and may lie beside the checkout only; sources are left out of the seeds.
mkdir -p "$corpus/torch_package"
for package in "$root"/../shared/golden/nequip-framework/*/model.nequip.zip; do
  [ -f "$package" ] || continue
  python3 -c 'import sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as source, zipfile.ZipFile(sys.argv[2], "w") as target:
    for name in source.namelist():
        if not name.endswith(".py"):
            target.writestr(name, source.read(name))' "$package" "$corpus/torch_package/$(basename "$(dirname "$package")")"
done
seed nequix "$golden"/nequix-*/model.nqx
seed para_file "$golden"/*/para/*
seed extxyz "$golden"/*/reference.extxyz
seed reann_configuration "$root"/tests/data/training/configuration
seed training_config "$root"/tests/data/training/training.toml
mkdir -p "$corpus/pickle"
for archive in "$golden"/*/REANN.pth "$golden"/sevennet-{one-layer,modalities,old}/checkpoint.pth; do
  python3 -c 'import sys, zipfile
archive = zipfile.ZipFile(sys.argv[1])
name = next(name for name in archive.namelist() if name.endswith("/data.pkl"))
open(sys.argv[2], "wb").write(archive.read(name))' "$archive" "$corpus/pickle/$(basename "$(dirname "$archive")")"
done

python3 "$root/tests/fuzz/heavy_inputs.py" "$corpus"

# Inputs have a megabyte at most: what needs more than these limits is out of proportion, and a finding.
limits=(-rss_limit_mb=1024 -malloc_limit_mb=256 -timeout=10)

# fuzz TARGET: runs it and says in one line what came of it.
fuzz() {
  local target=$1 name log
  name=$(basename "$target" | sed s/^fuzz_//)
  log=$corpus/$name.log
  mkdir -p "$corpus/$name" "$build/fuzz-findings"
  if "$target" -max_total_time="$seconds" "${limits[@]}" -print_final_stats=1 \
      -artifact_prefix="$build/fuzz-findings/$name-" "$corpus/$name" >"$log" 2>&1; then
    printf '%-14s no finding, %s\n' "$name" "$(grep -o 'number_of_executed_units.*' "$log" | tr -s ' ')"
  else
    touch "$corpus/found"
    printf '%-14s FINDING, input kept in %s\n%s\n' "$name" "$build/fuzz-findings" "$(tail -n 60 "$log")"
  fi
}

# One to a core: their limits of time are generous.
running=0
for target in "$build"/bin/fuzz_*; do
  [ "$running" -lt "$(nproc)" ] || { wait -n; running=$((running - 1)); }
  fuzz "$target" &
  running=$((running + 1))
done
wait
[ ! -e "$corpus/found" ]
