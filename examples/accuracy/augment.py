"""Structures labelled by a committee of models: python augment.py STRUCTURES OUT MODEL [MODEL ...]

Moves the atoms of each structure of the extended XYZ file STRUCTURES at random, strains its cell, and writes it to OUT with
the mean energy and forces of the models. The mean of a committee is better than each of its models; one model that is
trained on the reference data and on these structures learns to be as good.
"""

import argparse
import sys
import subprocess
import tempfile
from pathlib import Path

import ase.io
import numpy as np
from ase import Atoms

CHECKOUT = Path(__file__).resolve().parents[2]


def moved(atoms, spread, strain, random):
    """A strained copy with atoms moved by normal random numbers of a width drawn up to `spread` (Angstrom)."""
    copy = Atoms(atoms.numbers, atoms.positions, cell=atoms.cell, pbc=atoms.pbc)
    tensor = strain * random.normal(size=(3, 3))
    copy.set_cell(copy.cell @ (np.eye(3) + (tensor + tensor.T) / 2), scale_atoms=True)
    copy.positions += random.uniform(0.2, 1) * spread * random.normal(size=(len(copy), 3))
    return copy


def shuffled(atoms, elements, random):
    """A copy with elements drawn anew, at the volume per atom of its own."""
    copy = atoms.copy()
    copy.set_chemical_symbols(list(random.choice(elements, len(copy))))
    return copy


def labels_of(model, path, grapevine, folder):
    """Energies and forces of all structures of a file."""
    out = folder / "labelled.extxyz"
    done = subprocess.run([grapevine, "evaluate", model, path, "--precision", "mixed", "-o", out], text=True,
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    if done.returncode != 0:
        sys.exit(done.stderr.strip())
    frames = ase.io.read(out, ":", format="extxyz")
    return [frame.get_potential_energy() for frame in frames], [frame.get_forces() for frame in frames]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("structures", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("models", type=Path, nargs="+", metavar="MODEL")
    parser.add_argument("--copies", type=int, default=1, help="of each structure")
    parser.add_argument("--smallest", type=int, default=1, help="atoms of the smallest structure that is taken")
    parser.add_argument("--spread", type=float, default=0.15, help="largest width of the displacements (Angstrom)")
    parser.add_argument("--strain", type=float, default=0.01, help="width of the strains")
    parser.add_argument("--shuffle", type=float, default=0, help="share of the copies whose elements are drawn anew")
    parser.add_argument("--disagreement", type=float, default=1.0,
                        help="structures with a force that spreads wider than this are left out (eV/Angstrom)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--grapevine", default=str(CHECKOUT / "build/bin/grapevine"))
    arguments = parser.parse_args()

    random = np.random.default_rng(arguments.seed)
    frames = [f for f in ase.io.read(arguments.structures, ":", format="extxyz") if len(f) >= arguments.smallest]
    elements = sorted({symbol for frame in frames for symbol in frame.get_chemical_symbols()})
    new = []
    for frame in frames:
        for _ in range(arguments.copies):
            copy = moved(frame, arguments.spread, arguments.strain, random)
            new.append(shuffled(copy, elements, random) if random.uniform() < arguments.shuffle else copy)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "structures.extxyz"
        ase.io.write(path, new, format="extxyz")
        labels = [labels_of(model, path, arguments.grapevine, Path(folder)) for model in arguments.models]

    kept = []
    for n, atoms in enumerate(new):
        forces = np.array([of_model[1][n] for of_model in labels])
        if np.sqrt(forces.var(axis=0).sum(axis=1)).max() > arguments.disagreement:
            continue
        atoms.info["REF_energy"] = float(np.mean([of_model[0][n] for of_model in labels]))
        atoms.arrays["REF_forces"] = forces.mean(axis=0)
        kept.append(atoms)
    ase.io.write(arguments.out, kept, format="extxyz", write_results=False)
    print(f"{len(kept)} of {len(new)} structures, on which the models agree, are in {arguments.out}")


if __name__ == "__main__":
    main()
