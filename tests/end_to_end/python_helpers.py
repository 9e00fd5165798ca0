"""Structures, models and programs for the tests of the Python package."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
from ase import Atoms, units
from ase.build import bulk, molecule
from grapevine import shipped_model
from grapevine.ase import Grapevine
from lammps_run import thermal_velocities
from test_lammps_committee import perturb, read_model, write_model

BIN = Path(sys.executable).parent  # of the environment that the package is installed in
PROGRAM = BIN / "grapevine"
ALLOY = shipped_model("nbmotaw")
WATER = shipped_model("water")
METALS = ["Nb", "Mo", "Ta", "W"]


def calculator(model=ALLOY, **options):
    """On one thread, if nothing else is said."""
    return Grapevine(model, **{"threads": 1, **options})


def attach(atoms, model=ALLOY, **options):
    atoms.calc = calculator(model, **options)
    return atoms


def tungsten(cells=(1, 1, 1), rattle=0.0, seed=0, a=3.18):
    atoms = bulk("W", cubic=True, a=a) * cells
    if rattle:
        atoms.rattle(rattle, seed=seed)
    return atoms


def alloy(seed=0, cells=(2, 1, 1), rattle=0.12):
    """A disturbed triclinic crystal of all four metals; two cells and fewer are smaller than the cutoff."""
    rng = np.random.default_rng(seed)
    atoms = bulk("W", cubic=True, a=3.24) * cells
    atoms.symbols = rng.choice(METALS, len(atoms))
    strain = np.eye(3) + 0.04 * rng.normal(size=(3, 3))
    atoms.set_cell(atoms.cell.array @ strain, scale_atoms=True)
    atoms.positions += rattle * rng.normal(size=(len(atoms), 3))
    return atoms


def cluster(seed=0):
    """The same without a cell."""
    atoms = alloy(seed, (2, 2, 1))
    return Atoms(atoms.symbols, positions=atoms.positions)


def water(seed=0, distance=3.1):
    """Eight molecules of water in a cube, turned at random."""
    rng = np.random.default_rng(seed)
    atoms = Atoms(cell=[2 * distance] * 3, pbc=True)
    for place in np.ndindex(2, 2, 2):
        one = molecule("H2O")
        one.rotate(360 * rng.random(), rng.normal(size=3))
        one.translate(distance * np.array(place))
        atoms += one
    atoms.positions += 0.03 * rng.normal(size=(len(atoms), 3))
    return atoms


def heat(atoms, kelvin, seed=1):
    """Maxwell-Boltzmann velocities without drift."""
    atoms.set_velocities(thermal_velocities(atoms, kelvin, seed) / (1000 * units.fs))  # from Angstrom/ps
    return atoms


def rotation(seed=1):
    matrix, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))
    return matrix * np.sign(np.linalg.det(matrix))


def transformed(atoms, matrix):
    return Atoms(atoms.symbols, positions=atoms.positions @ matrix.T, cell=atoms.cell.array @ matrix.T, pbc=atoms.pbc)


def write_committee(folder, members=3, model=ALLOY):
    """Model files that differ from `model` in their weights a little, the first not at all."""
    paths = [folder / f"member{n}.safetensors" for n in range(members)]
    for n, path in enumerate(paths):
        metadata, tensors = read_model(model)
        if n > 0:
            perturb(tensors, seed=n)
        write_model(path, metadata, tensors)
    return paths


def results_of(atoms, **options):
    """Everything that a calculator made for nothing else says of these atoms."""
    fresh = atoms.copy()
    fresh.calc = calculator(**{"skin": 0, **options})
    fresh.get_potential_energy()
    if fresh.pbc.all():
        fresh.get_stresses()
    return fresh.calc.results


def assert_same_results(found, expected, tolerance=1e-10):
    """Equal to rounding: per atom for energies, in eV, eV/Angstrom and eV/Angstrom^3."""
    assert set(found) == set(expected)
    atoms = len(expected["forces"])
    for name in expected:
        scale = atoms if name in ("energy", "free_energy") else 1
        np.testing.assert_allclose(found[name], expected[name], rtol=0, atol=scale * tolerance, err_msg=name)


def bare_environment(**changes):
    """Without anything that would tell programs where libraries, plugins or this package are."""
    dropped = ("LD_LIBRARY_PATH", "LD_PRELOAD", "PYTHONPATH")
    kept = {name: value for name, value in os.environ.items()
            if name not in dropped and not name.startswith(("LAMMPS_", "GRAPEVINE_", "OMP_"))}
    return {**kept, **changes}


def run(command, folder=None, timeout=120, **variables):
    """The finished process, in an environment that holds nothing of help."""
    return subprocess.run([str(word) for word in command], cwd=folder, env=bare_environment(**variables), text=True,
                          capture_output=True, stdin=subprocess.DEVNULL, timeout=timeout)
