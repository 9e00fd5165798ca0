"""What the files of a run of in.burn say. Times in ps, lengths in Angstrom, forces in eV/Angstrom."""

from dataclasses import dataclass
from itertools import islice

import numpy as np
from command_line import Failure
from report import ConstantEnergy, constant_energy, read_last_loop, read_thermo
from scipy.spatial import cKDTree
from species import count_species, molecules, read_frames, write_species

GRAM_PER_CM3 = 1.66053907  # amu per cubic Angstrom in it
MASSES = {"H": 1.008, "O": 15.999}
BURNT = 0.2  # of the hydrogen is water: the delay ends
CUTOFF = 5.0  # whose neighbours tell how crowded an atom is
MOST_FRAMES = 100  # for deviations
SMOOTH = 1.0  # ps, of the temperature
RUNAWAY = 3  # times the temperature at the start: atoms have fallen into each other


@dataclass
class Deviations:
    """Of the committee's forces, in some frames: for each atom its deviation, molecule and neighbours within the cutoff."""

    values: np.ndarray
    formulas: np.ndarray
    neighbours: np.ndarray


@dataclass
class Burning:
    """One run: temperature and species against time since the thermostat was taken off."""

    target: float  # K
    density: float  # g/cm3
    time: np.ndarray
    species: dict  # name: for each H2 at the start
    thermo_time: np.ndarray
    temperature: np.ndarray  # smoothed
    energy: ConstantEnergy
    microseconds: float  # per atom, step and core
    deviations: Deviations
    ran_away: float  # when the models failed; what follows is left out. NaN if they did not

    @property
    def delay(self):
        """When a fifth of the hydrogen has become water; NaN if it never does."""
        return reached(self.time, self.species.get("H2O", np.zeros_like(self.time)))


def reached(time, water, share=BURNT):
    """The first time at which `water` is as large as `share`, by linear interpolation; NaN if it never is."""
    at = np.flatnonzero(water >= share)
    if not at.size or at[0] == 0:
        return time[0] if at.size else np.nan
    n = at[0]
    return time[n - 1] + (share - water[n - 1]) / (water[n] - water[n - 1]) * (time[n] - time[n - 1])


def smooth(values, width):
    """Running means; at the ends over fewer values."""
    kernel = np.ones(max(1, min(width, len(values))))
    return np.convolve(values, kernel, "same") / np.convolve(np.ones_like(values), kernel, "same")


def measure_deviations(path, frames):
    """Of some of the first frames of a dump."""
    every = max(1, frames // MOST_FRAMES)
    values, formulas, neighbours = [], [], []
    for n, frame in enumerate(islice(read_frames(path), frames)):
        if n % every:
            continue
        labels, names = molecules(frame)
        tree = cKDTree(frame.positions % frame.lengths, boxsize=frame.lengths)
        values.append(frame.columns["f_sigma"])
        formulas.append(np.array(names)[labels])
        neighbours.append(tree.query_ball_point(tree.data, CUTOFF, return_length=True) - 1)
    return Deviations(*map(np.concatenate, (values, formulas, neighbours)))


def evaluate(folder, temperature, step):
    """A Burning from the files of one run; writes its species.csv. Failure if they do not hold it."""
    try:
        dump = folder / "frames.lammpstrj"
        thermo, is_measured = read_thermo(folder / "thermo.csv")
        if not is_measured.any():
            raise Failure(f"{folder}: the models failed at once: {thermo['temperature'].max():.0f} K")
        first = next(read_frames(dump))
        steps, counts = count_species(dump)
        write_species(folder / "species.csv", steps, counts)
        seconds, ranks, done, atoms = read_last_loop(folder / "log.lammps")
        time, temperatures, total = (thermo[name][is_measured] for name in ("time", "temperature", "total"))
        gone = np.flatnonzero(temperatures > RUNAWAY * temperature)
        ran_away = time[gone[0]] if gone.size else np.nan
        kept = time < ran_away if gone.size else np.ones(len(time), bool)
        frames = np.count_nonzero(steps * step < ran_away) if gone.size else len(steps)
        if frames < 2:
            raise Failure(f"{folder}: the models failed at once: {temperatures.max():.0f} K")
        energy = constant_energy(atoms, time[kept], temperatures[kept], total[kept])
        deviations = measure_deviations(dump, frames)
    except (OSError, ValueError, IndexError, KeyError, TypeError, StopIteration) as error:
        raise Failure(f"{folder}: not the files of a finished run of in.burn: {error}") from None
    mass = sum(MASSES[element] for element in first.elements)
    hydrogen = np.count_nonzero(first.elements == "H") / 2
    width = round(SMOOTH / (time[1] - time[0]))
    return Burning(
        target=temperature, density=GRAM_PER_CM3 * mass / np.prod(first.lengths), time=steps[:frames] * step,
        species={name: number[:frames] / hydrogen for name, number in counts.items()}, thermo_time=time[kept],
        temperature=smooth(temperatures[kept], width), energy=energy,
        microseconds=1e6 * seconds * ranks / (done * atoms), deviations=deviations, ran_away=ran_away)
