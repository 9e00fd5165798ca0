"""A structure for any model, and the LAMMPS input that starts from it."""

import json

import ase.io
from ase import Atoms
from ase.build import bulk
from ase.data import atomic_masses, atomic_numbers
from programs import GRAPEVINE, run
from universal_speed import water

START = """units metal
boundary p p p
read_data {data}
{masses}
pair_style grapevine {precision}
pair_coeff * * {model} {elements}
velocity all create 300 1
fix move all nve
timestep 0.0002
"""


def elements_of(model):
    return json.loads(run([GRAPEVINE, "info", "--json", model]))["species"]


def structure(elements, atoms):
    """Water where the model has H and O, otherwise a bcc lattice of its first elements, of about so many atoms; and the
    elements in the order of LAMMPS's types."""
    if {"H", "O"} <= set(elements):
        return water(max(2, round((atoms / 3) ** (1 / 3)))), ["H", "O"]
    cells = max(2, round((atoms / 2) ** (1 / 3)))
    chosen = elements[:4]
    lattice = bulk("W", cubic=True, a=3.25).repeat(cells)
    symbols = [chosen[n % len(chosen)] for n in range(len(lattice))]
    crystal = Atoms(symbols, positions=lattice.positions, cell=lattice.cell, pbc=True)
    crystal.rattle(0.05, seed=1)
    return crystal, chosen


def write_structure(model, atoms, path):
    """Returns the elements in the order of LAMMPS's types."""
    made, elements = structure(elements_of(model), atoms)
    ase.io.write(path, made, format="lammps-data", specorder=elements)
    return elements


def start_of(model, elements, data, precision="mixed"):
    masses = "\n".join(f"mass {n + 1} {atomic_masses[atomic_numbers[e]]}" for n, e in enumerate(elements))
    return START.format(data=data, masses=masses, precision=precision, model=model.resolve(), elements=" ".join(elements))
