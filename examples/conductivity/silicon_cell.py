"""How much a cell of silicon looks like the crystal or the glass: density, neighbours, pair distribution."""

from dataclasses import dataclass

import numpy as np
from ase import Atoms, units
from ase.io import read
from command_line import Failure
from pairs import distances, pair_distribution

BOND = 2.85  # Angstrom, the first minimum of the pair distribution of the glass
BIN = 0.05


@dataclass
class Structure:
    atoms: Atoms
    density: float  # g/cm3
    neighbours: np.ndarray  # of each atom, within BOND
    distance: np.ndarray
    g: np.ndarray

    @property
    def edges(self):
        return self.atoms.cell.lengths()

    def share(self, count):
        """Of atoms with so many neighbours."""
        return np.mean(self.neighbours == count)


def evaluate(path):
    """A Structure from a LAMMPS data file of a rectangular cell. Failure if it is none."""
    try:
        atoms = read(path, format="lammps-data", units="metal", atom_style="atomic")
    except Exception as error:  # whatever ASE's reader trips over
        raise Failure(f"{path}: cannot be read: {str(error) or type(error).__name__}") from None
    lengths = atoms.cell.lengths()
    pairs = distances(atoms.positions, atoms.positions, lengths)
    np.fill_diagonal(pairs, np.inf)
    edges = np.arange(0.0, lengths.min() / 2, BIN)
    counts = np.histogram(pairs, edges)[0][None]
    density = len(atoms) * 28.0855 * units._amu * 1e3 / (atoms.get_volume() * 1e-24)
    return Structure(atoms=atoms, density=density, neighbours=np.count_nonzero(pairs < BOND, axis=1),
                     distance=0.5 * (edges[1:] + edges[:-1]),
                     g=pair_distribution(counts, len(atoms) ** 2, atoms.get_volume(), edges))
