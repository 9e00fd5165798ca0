"""The lithium argyrodite Li6PS5Cl as a LAMMPS data file: python argyrodite.py FILE [CELLS [DISORDER [SEED]]]

F-43m with P on 4b, S of the PS4 tetrahedra on 16e, Cl on 4a, free S on 4c and Li on 24g, which is every other place of
the 48h pairs that lithium shares in the crystal: six around each 4c. Coordinates are rounded ones of x-ray and neutron
diffraction; molecular dynamics finds its own.
"""

import sys

import numpy as np
from ase.io import write
from ase.spacegroup import crystal

LATTICE_CONSTANT = 9.86  # Angstrom, at room temperature
SPECIES = ("Li", "P", "S", "Cl")  # LAMMPS types 1 to 4
SITES = {"24g": ("Li", (0.02, 0.25, 0.25)), "4b": ("P", (0.5, 0.5, 0.5)), "16e": ("S", (0.618, 0.618, 0.618)),
         "4c": ("S", (0.25, 0.25, 0.25)), "4a": ("Cl", (0.0, 0.0, 0.0))}


def build(cells, disorder=0.0, seed=1):
    """ASE Atoms of cells^3 cubic cells. `disorder` is the share of Cl that changed places with free S, at random."""
    symbols, places = zip(*SITES.values())
    cell = crystal(symbols, places, spacegroup=216, cellpar=[LATTICE_CONSTANT] * 3 + [90.0] * 3)
    sites = np.array(list(SITES))[cell.get_array("spacegroup_kinds")]
    atoms, sites = cell.repeat(cells), np.tile(sites, cells**3)
    del atoms.arrays["spacegroup_kinds"]
    choose = np.random.default_rng(seed)
    swapped = round(disorder * np.count_nonzero(sites == "4a"))
    for site, symbol in (("4a", "S"), ("4c", "Cl")):
        atoms.symbols[choose.permutation(np.flatnonzero(sites == site))[:swapped]] = symbol
    return atoms


def write_data(path, atoms):
    """A LAMMPS data file of atom_style atomic, types in the order of SPECIES."""
    write(path, atoms, format="lammps-data", specorder=list(SPECIES), atom_style="atomic", units="metal")


if __name__ == "__main__":
    if not 2 <= len(sys.argv) <= 5:
        sys.exit(__doc__.splitlines()[0])
    try:
        values = [kind(text) for kind, text in zip((int, float, int), sys.argv[2:])]
    except ValueError as error:
        sys.exit(f"argyrodite.py: error: {error}")
    write_data(sys.argv[1], build(*(values or [2])))
