"""What a run of in.rock_salt tells of the crystal and of the melt."""

from dataclasses import dataclass

import numpy as np
from ase.io import read
from pairs import distances, pair_distribution
from report import LOOP, Estimate, average, read_thermo

EDGES = np.arange(0.0, 8.0001, 0.05)  # Angstrom
DENSITY = 1.66053907 * (22.990 + 35.45) / 2  # g/cm3 of one cubic Angstrom per atom
SODIUM = 1


@dataclass
class Phase:
    """Crystal or melt: K, cubic Angstrom and eV per atom, GPa, pair distributions at `distances`."""

    temperature: Estimate
    volume: Estimate
    energy: Estimate
    pressure: Estimate
    distances: np.ndarray
    unlike: np.ndarray
    like: np.ndarray
    neighbours: float  # unlike ones up to the first minimum
    displacement: float  # mean square from the first frame to the last, square Angstrom: a crystal's stays small

    @property
    def density(self):
        value = DENSITY / self.volume.value
        return Estimate(value, value * self.volume.error / self.volume.value)

    @property
    def peak(self):
        return self.distances[np.argmax(self.unlike)]


@dataclass
class Measured:
    crystal: Phase
    melt: Phase
    lattice_constant: Estimate  # of the crystal
    heating: np.ndarray  # temperature (K) and volume (cubic Angstrom per atom) on the way up
    microseconds: float  # per atom, step and core
    ranks: int
    atoms: int


def measure(folder, cells):
    log = (folder / "log.lammps").read_text()
    loops = [[float(word) for word in found] for found in LOOP.findall(log)]
    seconds, steps = sum(loop[0] for loop in loops), sum(loop[2] for loop in loops)
    ranks, atoms = int(loops[0][1]), int(loops[0][3])
    crystal, melt = (read_phase(folder, name, atoms) for name in ("crystal", "melt"))
    edge = (crystal.volume.value * atoms) ** (1 / 3) / cells
    lattice_constant = Estimate(edge, edge * crystal.volume.error / crystal.volume.value / 3)
    thermo, heating = read_thermo(folder / "thermo.csv", "heat")
    path = np.array([thermo["temperature"][heating], thermo["volume"][heating] / atoms])
    return Measured(crystal, melt, lattice_constant, path, 1e6 * seconds * ranks / (steps * atoms), ranks, atoms)


def read_phase(folder, name, atoms):
    thermo, chosen = read_thermo(folder / "thermo.csv", name)
    frames = read(folder / f"{name}.lammpstrj", index=":", format="lammps-dump-text")
    unlike, like = zip(*map(pair_counts, frames))
    half, volume = atoms // 2, thermo["volume"][chosen].mean()
    across = pair_distribution(np.array(unlike), half * half, volume, EDGES)
    among = pair_distribution(np.array(like), 2 * half * (half - 1), volume, EDGES)
    # Beyond half the edge of the box, spheres reach their own images.
    inside = EDGES[1:] < min(frame.cell.lengths().min() for frame in frames) / 2
    centres = (EDGES[1:] + EDGES[:-1]) / 2
    pressure = average(thermo["pressure"][chosen] / 1e4)
    return Phase(average(thermo["temperature"][chosen]), average(thermo["volume"][chosen] / atoms),
                 average(thermo["potential"][chosen] / atoms), pressure, centres[inside], across[inside], among[inside],
                 coordination(np.array(unlike).mean(axis=0) / half, across, inside),
                 mean_square_displacement(frames[0], frames[-1]))


def pair_counts(frame):
    """Na-Cl pairs by distance, and Na-Na and Cl-Cl pairs (each twice)."""
    types, lengths = frame.get_array("type"), frame.cell.lengths()
    sodium, chlorine = frame.positions[types == SODIUM], frame.positions[types != SODIUM]
    among = [distances(ions, ions, lengths)[~np.eye(len(ions), dtype=bool)] for ions in (sodium, chlorine)]
    return (np.histogram(distances(sodium, chlorine, lengths), EDGES)[0],
            np.histogram(np.concatenate(among), EDGES)[0])


def coordination(counts, distribution, inside):
    """Neighbours up to the first minimum behind the highest peak."""
    top = np.argmax(distribution)
    behind = np.flatnonzero(inside & (np.arange(len(counts)) > top) & (EDGES[1:] < 4.6))
    return counts[: behind[np.argmin(distribution[behind])] + 1].sum()


def mean_square_displacement(first, last):
    """Of all ions, without the drift of the whole."""
    moved = last.positions - first.positions
    return np.square(moved - moved.mean(axis=0)).sum(axis=1).mean()
