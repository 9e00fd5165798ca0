"""Milliseconds per atom and step of SevenNet's own ASE calculator on one core, as JSON on the last line.

    python bench/sevennet_torch.py CHECKPOINT STRUCTURE.extxyz [--steps 5] [--threads 1]

Atoms move a little from step to step, as in molecular dynamics, so that neighbours are found anew as they are there.
Needs the packages sevenn, torch and ase.
"""

import argparse
import json
import time

import ase.io
import numpy as np
import torch
from sevenn.calculator import SevenNetCalculator


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint")
    parser.add_argument("structure")
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    atoms = ase.io.read(arguments.structure)
    atoms.calc = SevenNetCalculator(arguments.checkpoint, device="cpu")
    energy = atoms.get_potential_energy()
    forces = atoms.get_forces()
    random = np.random.default_rng(1)
    for step in range(arguments.steps + 2):
        if step == 2:  # the first steps compile
            start = time.perf_counter()
        atoms.positions += random.normal(0, 1e-3, atoms.positions.shape)
        atoms.get_forces()
    seconds = (time.perf_counter() - start) / arguments.steps
    print(json.dumps({"ms_per_atom_step": 1e3 * seconds / len(atoms), "energy": float(energy),
                      "forces": forces.tolist(), "torch": torch.__version__}))


if __name__ == "__main__":
    main()
