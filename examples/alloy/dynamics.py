"""Runs in.nve and measures what it wrote: drift of the total energy, temperature, forces, distances, moved atoms."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from ase.io import read
from scipy.spatial import cKDTree

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from command_line import Failure  # noqa: E402
from report import ConstantEnergy, correlation_length, measure_constant_energy, read_thermo  # noqa: E402

INPUT = Path(__file__).resolve().parent / "in.nve"
THERMO_COLUMNS = 7  # of in.nve
GPA_PER_BAR = 1e-4


@dataclass
class Run:
    """One run at constant energy. Angstrom, GPa, eV/Angstrom."""

    target: float  # K
    energy: ConstantEnergy
    lattice_constant: float
    pressure: float
    pressure_error: float
    largest_force: float
    shortest_distance: float
    neighbour_distance: float  # of the perfect lattice
    displacement: float  # root mean square, from an atom's mean position
    moved: int  # atoms on another site in the last tenth of the frames than in the first


@dataclass
class Plan:
    """How long a run takes, in ps, and how large it is."""

    picoseconds: float  # at constant energy
    equilibration: float  # without pressure, and again at fixed volume
    timestep: float
    cells: int  # along an edge

    @property
    def whole(self):
        return self.picoseconds + 2 * self.equilibration

    @property
    def atoms(self):
        return 2 * self.cells**3

    def steps(self, picoseconds):
        return max(2, round(picoseconds / self.timestep))

    def variables(self):
        """Those of in.nve."""
        relax = self.steps(self.equilibration)
        return {"cells": self.cells, "timestep": self.timestep, "relax": relax, "hold": relax,
                "measure": self.steps(self.picoseconds)}


def follow(process, screen, tell):
    """Writes what LAMMPS prints to a file and calls tell(ps) for new times. The line that says what went wrong."""
    last, error, told = "", "", 0.0
    for line in process.stdout:
        screen.write(line)
        last = line.strip() or last
        if line.startswith("ERROR") and not error:
            error = last
        numbers = line.split()
        if len(numbers) == THERMO_COLUMNS and numbers[0].isdigit() and float(numbers[1]) > told:
            told = float(numbers[1])
            tell(told)
    return error or last


def run(grapevine, model, folder, temperature, plan, tell):
    """Molecular dynamics in `folder`. tell(ps) is called as it goes on."""
    folder.mkdir(parents=True, exist_ok=True)
    variables = {"model": model, "temperature": temperature, **plan.variables()}
    words = [word for name, value in variables.items() for word in ("-var", name, str(value))]
    command = [grapevine, "lammps", "-np", "1", "-in", INPUT, "-log", "log.lammps", *words]
    output = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True, "errors": "replace"}
    with (folder / "screen.txt").open("w") as screen, subprocess.Popen(command, cwd=folder, **output) as process:
        try:
            wrong = follow(process, screen, tell)
        except BaseException:
            process.terminate()
            raise
    if process.returncode != 0:
        raise Failure(f"molecular dynamics at {temperature:g} K: {wrong} (see {folder / 'screen.txt'})")


def shortest_distance(frame):
    """Between any two atoms of a cubic periodic frame."""
    edge = frame.cell.lengths()[0]
    tree = cKDTree(frame.positions % edge, boxsize=edge)
    return tree.query(tree.data, k=2)[0][:, 1].min()


def measure(folder, temperature, plan):
    """A Run from the files of run()."""
    thermo, is_nve = read_thermo(folder / "thermo.csv")
    pressures = GPA_PER_BAR * thermo["pressure"][is_nve]
    frames = read(folder / "frames.lammpstrj", ":", format="lammps-dump-text")
    paths = np.array([frame.positions for frame in frames])
    tenth = max(1, len(paths) // 10)
    shift = np.linalg.norm(paths[-tenth:].mean(axis=0) - paths[:tenth].mean(axis=0), axis=1)
    lattice_constant = thermo["edge"][is_nve][-1] / plan.cells
    neighbour_distance = np.sqrt(3) / 2 * lattice_constant
    return Run(
        target=temperature,
        energy=measure_constant_energy(folder),
        lattice_constant=lattice_constant,
        pressure=pressures.mean(),
        pressure_error=pressures.std() * np.sqrt(correlation_length(pressures) / len(pressures)),
        largest_force=thermo["force_max"][is_nve].max(),
        shortest_distance=min(map(shortest_distance, frames)),
        neighbour_distance=neighbour_distance,
        displacement=np.sqrt(np.mean(np.sum((paths - paths.mean(axis=0)) ** 2, axis=2))),
        moved=int(np.count_nonzero(shift > neighbour_distance / 2)),
    )
