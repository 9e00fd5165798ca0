"""What the files of a run of acetylene.py say. Times in ps, lengths in Angstrom, forces in eV/Angstrom."""

import csv
from dataclasses import dataclass

import numpy as np
from burning import RUNAWAY, Deviations, measure_deviations, smooth
from carbon import SIZES, Carbon, carbon_graph, clusters, follow
from command_line import Failure
from report import ConstantEnergy, constant_energy, read_last_loop, read_thermo
from species import count_species, read_frames, write_species

SMOOTH = 1.0  # ps, of the temperature
END = 0.1  # of the run, over which what there is at the end is averaged


@dataclass
class Sooting:
    """One run: what there is in it against time since its thermostat began to hold the temperature."""

    ratio: float  # of O2 to C2H2
    atoms: int
    acetylene: int  # molecules at the start
    time: np.ndarray
    species: dict  # name: for each C2H2 at the start
    carbon: Carbon
    thermo_time: np.ndarray
    temperature: np.ndarray  # smoothed
    hottest: float  # K, of all steps reported
    energy: ConstantEnergy
    microseconds: float  # per atom, step and core
    deviations: Deviations

    def at_end(self, values):
        """Mean over the last part of the run."""
        return float(np.mean(values[-max(1, round(END * len(values))):]))

    @property
    def cluster(self):
        """Carbon atoms of the largest cluster in the last frame."""
        return clusters(carbon_graph(self.carbon.last))[0]


def write_carbon(path, carbon):
    with path.open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["step", *(f"rings of {size}" for size in SIZES), "largest cluster", "atoms in large clusters"])
        table.writerows(zip(carbon.steps, *carbon.rings.values(), carbon.largest, carbon.large))


def check_temperatures(folder, time, kelvin, highest):
    if (gone := np.flatnonzero(kelvin > highest)).size:
        raise Failure(f"{folder}: the models failed: {kelvin[gone[0]]:.0f} K at {time[gone[0]]:.1f} ps")


def evaluate(folder, ratio, temperature, step):
    """A Sooting from the files of one run at a temperature in K; writes its species.csv and carbon.csv. Failure if they do
    not hold it, or if the models failed."""
    dump = folder / "frames.lammpstrj"
    try:
        thermo, is_measured = read_thermo(folder / "thermo.csv")
        is_held = read_thermo(folder / "thermo.csv", "hold")[1]
        check_temperatures(folder, thermo["time"], thermo["temperature"], RUNAWAY * temperature)
        if not is_measured.any():
            raise Failure(f"{folder}: the models failed at {thermo['time'][-1]:.1f} ps: the run ended by itself")
        steps, counts = count_species(dump)
        carbon = follow(read_frames(dump))
        seconds, ranks, done, atoms = read_last_loop(folder / "log.lammps")
        energy = constant_energy(atoms, *(thermo[name][is_measured] for name in ("time", "temperature", "total")))
        shown = is_held | is_measured
        time, kelvin = thermo["time"][shown], thermo["temperature"][shown]
        acetylene = np.count_nonzero(carbon.last.elements == "C") / 2
        deviations = measure_deviations(dump, len(steps))
    except (OSError, ValueError, IndexError, KeyError, TypeError) as error:
        raise Failure(f"{folder}: not the files of a finished run of in.burn: {error}") from None
    write_species(folder / "species.csv", steps, counts)
    write_carbon(folder / "carbon.csv", carbon)
    return Sooting(
        ratio=ratio, atoms=atoms, acetylene=acetylene, time=steps * step,
        species={name: number / acetylene for name, number in counts.items()}, carbon=carbon, thermo_time=time,
        temperature=smooth(kelvin, round(SMOOTH / (time[1] - time[0]))), hottest=kelvin.max(), energy=energy,
        microseconds=1e6 * seconds * ranks / (done * atoms), deviations=deviations)
