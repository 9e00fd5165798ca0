"""What the files of runs of in.electrolyte say about the motion of lithium, and what follows for the conductivity.

Lengths in Angstrom, times in ps, diffusion coefficients in 1e-9 m2/s, energies in eV.
"""

from dataclasses import dataclass

import numpy as np
from argyrodite import SPECIES
from ase.io import read
from command_line import Failure
from pairs import distances, pair_distribution
from report import ConstantEnergy, Estimate, average, measure_constant_energy, read_last_loop, read_thermo
from self_diffusion import Diffusion, measure_group_diffusion, remove_drift

BOLTZMANN = 8.617333e-5  # eV/K
CHARGE = 1.602177e-19  # C
MASSES = np.array([6.94, 30.974, 32.06, 35.45])  # of SPECIES
GPA_PER_BAR = 1e-4
BIN = 0.05  # of the pair distribution
PIXELS = 60  # of the density, along an edge of the cubic cell
SLAB = 0.5  # half thickness of the layer whose density is shown
TRANSLATIONS = np.array([(0, 0, 0), (0, 0.5, 0.5), (0.5, 0, 0.5), (0.5, 0.5, 0)])  # of F-43m
CAGE_RADIUS = 0.3  # cell edges: within it of a 4c site, lithium is in that cage; half the distance of two is 0.354
MOST_FRAMES = 100  # for pair distribution and density


@dataclass
class Conductor:
    """One run. The frame of the crystal is P, S and Cl; displacements are relative to its centre of mass."""

    target: float  # K
    temperature: Estimate
    pressure: Estimate  # GPa
    lattice_constant: float
    ions: int  # of Li
    volume: float
    span: float  # ps
    seconds_per_step: float
    ranks: int
    energy: ConstantEnergy
    diffusion: dict  # species: Diffusion
    halves: tuple  # diffusion coefficient of Li in the first and in the second half of the run
    left: float  # share of Li that are in another cage at the end than at the start
    distance: np.ndarray
    g: dict  # of Li and an anion, by its species
    density: np.ndarray  # Li per cubic Angstrom in the plane z = 1/4 of the cubic cell, [y][x]

    @property
    def lithium(self):
        return Estimate(self.diffusion["Li"].coefficient, self.diffusion["Li"].error)

    @property
    def conductivity(self):
        """mS/cm, at the temperature of the run."""
        factor = conductivity(1.0, self.temperature.value, self.ions / self.volume)
        return Estimate(factor * self.lithium.value, factor * self.lithium.error)


@dataclass
class Arrhenius:
    """ln D = ln D0 - energy / kT."""

    logarithm: float  # of D0 in 1e-9 m2/s
    energy: float  # eV
    covariance: np.ndarray  # of these two

    def diffusion(self, temperature):
        return np.exp(self.logarithm - self.energy / (BOLTZMANN * temperature))

    def relative_error(self, temperature):
        """Standard error of ln D."""
        gradient = np.array([1.0, -1.0 / (BOLTZMANN * temperature)])
        return np.sqrt(gradient @ self.covariance @ gradient)

    @property
    def error(self):
        return np.sqrt(self.covariance[1, 1])


def fit_arrhenius(temperatures, estimates):
    """Weighted straight line through ln D over 1/kT. Errors grow if the line leaves more than they say.

    Coefficients that are not above their error are left out. Returns None if fewer than two remain.
    """
    points = [(1.0 / (BOLTZMANN * t), np.log(it.value), it.error / it.value)
              for t, it in zip(temperatures, estimates) if it.value > it.error > 0]
    if len({point[0] for point in points}) < 2:
        return None
    inverse, logarithm, error = np.array(points).T
    design = np.stack([np.ones_like(inverse), -inverse], axis=1) / error[:, None]
    covariance = np.linalg.inv(design.T @ design)
    found = covariance @ design.T @ (logarithm / error)
    freedom = len(points) - 2
    residual = np.sum((design @ found - logarithm / error) ** 2)
    return Arrhenius(*found, covariance * (max(1.0, residual / freedom) if freedom else 1.0))


def conductivity(diffusion, temperature, density):
    """Nernst-Einstein, mS/cm, of single charges that move independently: 1e-9 m2/s, K, carriers per cubic Angstrom."""
    return 10.0 * (density * 1e30) * CHARGE * (diffusion * 1e-9) / (BOLTZMANN * temperature)


def evaluate(folder, temperature, cells):
    """A Conductor from the files of one run. Failure if they do not hold it."""
    try:
        frames = read(folder / "frames.lammpstrj", index=":", format="lammps-dump-text")
        thermo, is_measured = read_thermo(folder / "thermo.csv")
        seconds, ranks, steps, _ = read_last_loop(folder / "log.lammps")
        energy = measure_constant_energy(folder)
        types = frames[0].get_array("type")
        positions = np.array([frame.positions for frame in frames])
        interval = (energy.time[-1] - energy.time[0]) / (len(frames) - 1)
    except (OSError, ValueError, IndexError, KeyError, TypeError, ZeroDivisionError) as error:
        raise Failure(f"{folder}: not the files of a finished run of in.electrolyte: {error}") from None
    lengths = frames[0].cell.lengths()
    still = remove_drift(positions, np.where(types == 1, 0.0, MASSES[types - 1]))
    groups = number_cells(positions[0], lengths, cells)
    centres = find_cages(still, types, lengths[0] / cells)
    try:
        diffusion = {name: measure_group_diffusion(still[:, types == n], interval, groups[types == n])
                     for n, name in enumerate(SPECIES, 1)}
        lithium, half = still[:, types == 1], len(still) // 2
        halves = tuple(measure_group_diffusion(part, interval, groups[types == 1]).coefficient
                       for part in (lithium[:half], lithium[half:]))
    except ValueError as error:
        raise Failure(f"{folder}: {error}") from None
    thinned = positions[:: max(1, len(positions) // MOST_FRAMES)]
    edges = np.arange(0.0, lengths.min() / 2, BIN)
    return Conductor(
        target=temperature, temperature=average(thermo["temperature"][is_measured]),
        pressure=average(GPA_PER_BAR * thermo["pressure"][is_measured]), lattice_constant=lengths[0] / cells,
        ions=np.count_nonzero(types == 1), volume=frames[0].get_volume(), span=interval * (len(frames) - 1),
        seconds_per_step=seconds / steps, ranks=ranks, energy=energy, diffusion=diffusion,
        halves=halves, left=np.mean(np.any(np.abs(centres[-1] - centres[0]) > BIN, axis=1)),
        distance=0.5 * (edges[1:] + edges[:-1]),
        g={SPECIES[n - 1]: lithium_pairs(thinned, types, n, lengths, edges) for n in (3, 4)},
        density=lithium_density(thinned, types, lengths[0] / cells),
    )


def number_cells(positions, lengths, cells):
    """For each atom the number of the cubic cell it is in: cells^3 blocks of the crystal."""
    places = np.floor(positions / lengths * cells).astype(int) % cells
    return places @ [cells**2, cells, 1]


def lithium_pairs(positions, types, other, lengths, edges):
    """g(r) of Li and the atoms of another type, from frames [frame][atom][xyz]."""
    counts = [np.histogram(distances(frame[types == 1], frame[types == other], lengths), edges)[0]
              for frame in positions]
    pairs = np.count_nonzero(types == 1) * np.count_nonzero(types == other)
    return pair_distribution(np.array(counts), pairs, np.prod(lengths), edges)


def find_origin(positions, edge):
    """Where the crystal's origin is, from the places of P on 0 and 1/2 of the cubic cells' edges: within a quarter."""
    angles = np.angle(np.exp(4j * np.pi * positions / edge).mean(axis=0))
    return edge * angles / (4 * np.pi)


def find_cages(positions, types, edge):
    """For each frame and Li the 4c site whose cage it is in, or was in last. Positions relative to the crystal."""
    origin = np.mean([find_origin(frame[types == 2], edge) for frame in positions], axis=0) + 0.25 * edge
    places = (positions[:, types == 1] - origin) / edge
    sites = np.array([np.round(places - shift) + shift for shift in TRANSLATIONS])
    distance = np.linalg.norm(places - sites, axis=3)
    nearest = distance.argmin(axis=0)[None]
    cages = np.take_along_axis(sites, nearest[..., None], axis=0)[0]
    is_between = np.take_along_axis(distance, nearest, axis=0)[0] > CAGE_RADIUS
    for n in range(1, len(cages)):
        cages[n, is_between[n]] = cages[n - 1, is_between[n]]
    return origin + cages * edge


def lithium_density(positions, types, edge):
    """Li per cubic Angstrom in a layer about z = 1/4, folded into one cubic cell by the lattice's translations."""
    total = np.zeros((PIXELS, PIXELS))
    for frame in positions:
        lithium = (frame[types == 1] - find_origin(frame[types == 2], edge)) / edge
        for shift in TRANSLATIONS:
            x, y, z = ((lithium + shift) % 1.0).T
            inside = np.abs(z - 0.25) * edge <= SLAB
            total += np.histogram2d(y[inside], x[inside], PIXELS, [[0, 1], [0, 1]])[0]
    cells = np.count_nonzero(types == 2) / 4
    return total / (4 * len(positions) * cells * 2 * SLAB * (edge / PIXELS) ** 2)
