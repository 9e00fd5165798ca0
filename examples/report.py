"""Table and picture of an example's run: python report.py FOLDER TITLE

FOLDER holds the run's log.lammps and thermo.csv; report.png and report.txt are written there. Times are in ps,
energies in eV (units metal); each row of thermo.csv says whether it belongs to the thermostatted part of the run
(phase nvt) or to the part at constant energy (phase nve).
"""

import csv
import re
import sys
from dataclasses import dataclass
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

LOOP = re.compile(r"Loop time of (\S+) on (\d+) procs for (\d+) steps with (\d+) atoms")


def read_thermo(path, phase="nve"):
    """The columns of thermo.csv as arrays, and which of its rows belong to a phase, the constant energy part."""
    with path.open() as file:
        rows = list(csv.DictReader(file))
    columns = {name: np.array([float(row[name]) for row in rows]) for name in rows[0] if name != "phase"}
    return columns, np.array([row["phase"] == phase for row in rows])


def read_last_loop(path):
    """Seconds, ranks, steps and atoms of the last run in a LAMMPS log."""
    seconds, ranks, steps, atoms = LOOP.findall(path.read_text())[-1]
    return float(seconds), int(ranks), int(steps), int(atoms)


def correlation_length(values):
    """How many samples of a series count as one independent sample (statistical inefficiency)."""
    deviations = values - values.mean()
    if not deviations.any():
        return 1.0
    covariance = np.correlate(deviations, deviations, "full")[len(values) - 1 :]
    correlation = covariance / covariance[0]
    negative = np.flatnonzero(correlation < 0)
    end = negative[0] if negative.size else len(correlation)
    return max(1.0, 1.0 + 2.0 * correlation[1:end].sum())


def fit_drift(time, energy):
    """Slope, its standard error, and intercept of a straight line through a correlated series."""
    slope, intercept = np.polyfit(time, energy, 1)
    residuals = energy - (slope * time + intercept)
    spread = np.sqrt(np.sum((time - time.mean()) ** 2))
    error = residuals.std(ddof=2) / spread * np.sqrt(correlation_length(residuals))
    return slope, error, intercept


def average(values):
    """Mean of a correlated series."""
    return Estimate(values.mean(), values.std(ddof=1) * np.sqrt(correlation_length(values) / len(values)))


@dataclass
class Estimate:
    """A mean and its standard error."""

    value: float
    error: float

    def format(self, digits):
        return f"{self.value:.{digits}f} ± {self.error:.{digits}f}" if np.isfinite(self.value) else "–"


@dataclass
class ConstantEnergy:
    """The constant energy part of a run: ps, K, meV/atom, meV/atom/ns."""

    atoms: int
    time: np.ndarray
    temperature: np.ndarray
    energy: np.ndarray  # total energy less its mean
    line: np.ndarray  # the straight line fitted to it
    drift: float
    error: float

    @property
    def label(self):
        return f"drift {self.drift:.3f} ± {self.error:.3f} meV/atom/ns".replace("-", "\u2212")


def measure_constant_energy(folder):
    """What thermo.csv and log.lammps in a folder tell of the constant energy part of a run."""
    thermo, is_nve = read_thermo(folder / "thermo.csv")
    atoms = read_last_loop(folder / "log.lammps")[3]
    return constant_energy(atoms, *(thermo[name][is_nve] for name in ("time", "temperature", "total")))


def constant_energy(atoms, time, temperature, total):
    """A ConstantEnergy from series over time: ps, K, eV."""
    energy = 1e3 * total / atoms
    energy -= energy.mean()
    slope, error, intercept = fit_drift(time, energy)
    return ConstantEnergy(atoms, time, temperature, energy, slope * time + intercept, 1e3 * slope, 1e3 * error)


def draw_drift(axis, run, start):
    """Total energy against time since `start` (ps), and the line through it."""
    axis.plot(run.time - start, run.energy, color="black", linewidth=0.6)
    axis.plot(run.time - start, run.line, color="tab:orange", linewidth=1.6, label=run.label)
    axis.margins(x=0, y=0.25)
    axis.set_ylabel("total energy $-$ mean (meV/atom)")
    axis.legend(loc="upper left", frameon=False)


def make_table(title, loop, run):
    seconds, ranks, steps, atoms = loop
    microseconds = 1e6 * seconds / (steps * atoms)
    rows = [
        ("atoms", f"{atoms}"),
        ("MPI ranks", f"{ranks}"),
        ("steps/s", f"{steps / seconds:.1f}"),
        ("us per atom and step", f"{microseconds:.2f}"),
        ("us per atom, step and core", f"{microseconds * ranks:.2f}"),
        ("mean temperature (K)", f"{run.temperature.mean():.0f}"),
        ("energy drift (meV/atom/ns)", f"{run.drift:.3f} +- {run.error:.3f}"),
    ]
    width = max(len(name) for name, _ in rows)
    head = f"{title}: {run.time[-1] - run.time[0]:.1f} ps at constant energy"
    return "\n".join([head, "-" * len(head)] + [f"{name:<{width}}  {value}" for name, value in rows])


def draw(path, title, thermo, run):
    time, start = thermo["time"], run.time[0]
    figure, axes = plt.subplots(3, 1, figsize=(7, 8), constrained_layout=True)
    axes[0].set_title(title)
    axes[0].plot(time, thermo["temperature"], color="tab:red", linewidth=0.9)
    axes[0].set_ylabel("temperature (K)")
    axes[0].text(start, 0.04, " constant energy", transform=axes[0].get_xaxis_transform(), color="0.35")

    for name, colour in (("total", "black"), ("potential", "tab:blue")):
        energy = (thermo[name] - thermo["potential"][0]) / run.atoms
        axes[1].plot(time, energy, color=colour, linewidth=0.9, label=name)
    axes[1].set_ylabel("energy $-\\,E_{pot}(0)$ (eV/atom)")
    axes[1].set_xlabel("time (ps)")
    axes[1].legend(loc="best", frameon=False)
    for axis in axes[:2]:
        axis.axvspan(start, time[-1], color="0.93", zorder=0)
        axis.set_xlim(time[0], time[-1])

    draw_drift(axes[2], run, 0.0)
    axes[2].set_xlabel("time (ps), constant energy part")
    figure.align_ylabels(axes)
    figure.savefig(path, dpi=150)


def main(folder, title):
    folder = Path(folder)
    thermo, _ = read_thermo(folder / "thermo.csv")
    run = measure_constant_energy(folder)
    table = make_table(title, read_last_loop(folder / "log.lammps"), run)
    draw(folder / "report.png", title, thermo, run)
    (folder / "report.txt").write_text(table + "\n")
    print(table)
    print(f"\npicture: {folder / 'report.png'}")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__.splitlines()[0])
    main(sys.argv[1], sys.argv[2])
