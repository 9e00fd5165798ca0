"""Structures whose energies and forces are the mean of a committee of models."""

import sys
import tempfile
from pathlib import Path

import ase.io
import numpy as np
from ase import Atoms

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from command_line import run_evaluate  # noqa: E402


def moved(atoms, spread, strain, random):
    """A strained copy with atoms moved by normal random numbers of a width drawn up to `spread` (Angstrom)."""
    copy = Atoms(atoms.numbers, atoms.positions, cell=atoms.cell, pbc=atoms.pbc)
    tensor = strain * random.normal(size=(3, 3))
    copy.set_cell(copy.cell @ (np.eye(3) + (tensor + tensor.T) / 2), scale_atoms=True)
    copy.positions += random.uniform(0.2, 1) * spread * random.normal(size=(len(copy), 3))
    return copy


def disordered(atoms, volumes, random):
    """A copy with elements drawn anew, scaled to the mean of their volumes per atom."""
    copy = atoms.copy()
    copy.set_chemical_symbols(list(random.choice(sorted(volumes), len(copy))))
    before = sum(volumes[symbol] for symbol in atoms.get_chemical_symbols())
    after = sum(volumes[symbol] for symbol in copy.get_chemical_symbols())
    copy.set_cell(copy.cell * (after / before) ** (1 / 3), scale_atoms=True)
    return copy


def predictions(grapevine, model, structures):
    """Energies and forces of all structures."""
    with tempfile.TemporaryDirectory() as folder:
        path, out = Path(folder) / "structures.extxyz", Path(folder) / "results.extxyz"
        ase.io.write(path, structures, format="extxyz")
        run_evaluate(grapevine, model, path, "-o", out)
        frames = ase.io.read(out, ":", format="extxyz")
    return [frame.get_potential_energy() for frame in frames], [frame.get_forces() for frame in frames]


def label(grapevine, models, structures, largest_deviation):
    """The structures with REF_energy and REF_forces, but for those with a force that the models disagree about by more
    than `largest_deviation` (eV/Angstrom, root of the summed variance of its components)."""
    answers = [predictions(grapevine, model, structures) for model in models]
    kept = []
    for n, atoms in enumerate(structures):
        forces = np.array([of_model[1][n] for of_model in answers])
        if np.sqrt(forces.var(axis=0).sum(axis=1)).max() > largest_deviation:
            continue
        atoms.info["REF_energy"] = float(np.mean([of_model[0][n] for of_model in answers]))
        atoms.arrays["REF_forces"] = forces.mean(axis=0)
        kept.append(atoms)
    return kept
