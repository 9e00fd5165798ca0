"""The first steps of a run in LAMMPS beside the same dynamics in mace-torch."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from ase import units
from ase.io import read, write
from ase.symbols import symbols2numbers
from command_line import Failure
from runs import Run, run_all

HERE = Path(__file__).resolve().parent
ELEMENTS = symbols2numbers(["O", "H"])  # of LAMMPS's types
COLUMNS = ["id", "type", "xu", "yu", "zu", "vx", "vy", "vz", "fx", "fy", "fz", "c_share"]


@dataclass
class Comparison:
    """Largest differences from mace-torch in double precision, step by step: eV/atom, eV/Angstrom, Angstrom."""

    steps: np.ndarray
    energy: np.ndarray
    force: np.ndarray
    position: np.ndarray

    def describe(self):
        return (f"mace-torch in double precision, the same {self.steps[-1]} steps: energies within "
                f"{self.energy.max():.1e} eV/atom, forces within {self.force.max():.1e} eV/Å (in the first step "
                f"{self.force[0]:.1e}), positions after the last within {self.position[-1]:.1e} Å")


def read_steps(path):
    """[step][atom] positions, velocities (Angstrom/ps), forces and shares of the energy of a dump of in.check."""
    blocks = path.read_text().split("ITEM: TIMESTEP\n")[1:]
    rows = [block.split(" ".join(["ITEM: ATOMS", *COLUMNS]))[-1].split("\n", 1)[1] for block in blocks]
    table = np.array([np.fromstring(text, sep=" ").reshape(-1, len(COLUMNS)) for text in rows])
    return table[:, :, 2:5], table[:, :, 5:8], table[:, :, 8:11], table[:, :, 11]


def run_lammps(folder, options, data, timestep):
    settings = {"model": options.model, "precision": options.precision, "data": data, "timestep": timestep,
                "steps": options.check_steps}
    command = [options.grapevine, "lammps", "-np", options.ranks, "-in", HERE / "in.check"]
    command += [word for name, value in settings.items() for word in ("-var", name, value)]
    run_all([Run("check", folder, [str(word) for word in command], options.check_steps)], 1)


def run_mace_torch(folder, options, source, timestep, start):
    write(folder / "start.traj", start)
    words = [HERE / "mace_torch.py", source, folder / "start.traj", folder / "mace-torch.traj", "--steps",
             options.check_steps, "--timestep", 1000 * timestep]
    done = subprocess.run([str(word) for word in (options.check, *words)], capture_output=True, text=True)
    if done.returncode != 0:
        raise Failure(f"{options.check}: {(done.stderr.strip().splitlines() or ['it failed'])[-1]}")
    return read(folder / "mace-torch.traj", ":")


def compare(folder, options, source, data, timestep):
    """Runs both from the LAMMPS data file `data`; `source` is what mace-torch reads."""
    run_lammps(folder, options, data, timestep)
    positions, velocities, forces, shares = read_steps(folder / "check.lammpstrj")
    start = read(data, format="lammps-data", units="metal", atom_style="atomic", sort_by_id=True)
    start.numbers = [ELEMENTS[kind - 1] for kind in start.get_array("type")]
    start.positions = positions[0]
    start.set_velocities(velocities[0] / (1000 * units.fs))
    frames = run_mace_torch(folder, options, source, timestep, start)
    if len(frames) != len(positions):
        raise Failure(f"{folder}: {len(positions)} steps of LAMMPS, {len(frames)} of mace-torch")
    energies = np.array([frame.get_potential_energy() for frame in frames])
    largest = [[np.abs(a - b).max() for a, b in zip(found, wanted)] for found, wanted in
               ((forces, [frame.get_forces() for frame in frames]), (positions, [frame.positions for frame in frames]))]
    return Comparison(np.arange(len(frames)), np.abs(shares.sum(axis=1) - energies) / len(start), *map(np.array, largest))
