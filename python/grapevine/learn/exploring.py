"""Molecular dynamics with the committee, under several conditions side by side.

A run is stopped where the largest deviation of a force passes the upper bound, and goes on from the last state below it
in the next round. What it met between the bounds are candidates for labels.
"""

from __future__ import annotations

import itertools
import re
import shutil
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ase.io
import numpy as np
from ase import Atoms
from ase.data import chemical_symbols
from ase.md.velocitydistribution import MaxwellBoltzmannDistribution, Stationary
from grapevine import Error
from grapevine.learn import processes
from grapevine.learn.folder import fresh, read_frames, read_json, write_frames, write_json
from grapevine.learn.options import Explore

PROGRAM = Path(__file__).resolve().parents[1] / "bin" / "grapevine"
INPUTS = Path(__file__).resolve().parent / "inputs"
MOST = 200  # candidates of a run that are kept
LARGEST_SEED = 900_000_000  # that LAMMPS takes
VACUUM = 10.0  # around structures without a cell, Angstrom

BEGIN = """# The box, its atoms and the potential. Written by grapevine learn.
units        metal
boundary     {boundary}
read_data    {data}
pair_style   grapevine
pair_coeff   * * {models} {elements}
timestep     {timestep}
"""

WATCH = """# Deviations of forces, frames, and the end above the bound. Written by grapevine learn.
compute      deviation all pair grapevine
fix          sigma all pair {every} grapevine deviation 1
variable     largest equal c_deviation[1]
thermo_style custom step temp press pe vol c_deviation[1] c_deviation[2]
thermo_modify flush yes lost error
thermo       {every}
dump         frames all custom {every} frames.lammpstrj id element xu yu zu vx vy vz f_sigma
dump_modify  frames element {elements} sort id flush yes
fix          bound all halt {every} v_largest > {upper:.6g} error soft message no
"""


@dataclass(frozen=True)
class Condition:
    """One run of every round: its stage, where it begins, and at what temperature and pressure."""

    stage: Explore
    begin: str
    temperature: float
    pressure: float | None
    run: int
    number: int  # among all conditions

    @property
    def name(self) -> str:
        """Name of its folder."""
        parts = [self.stage.name or self.stage.kind, self.begin, f"{self.temperature:g}K"]
        if self.pressure is not None:
            parts.append(f"{self.pressure:g}bar")
        if self.stage.runs > 1:
            parts.append(str(self.run + 1))
        return re.sub(r"[^\w.+-]", "_", "-".join(parts))

    @property
    def steps(self) -> int:
        """Steps of a run, a multiple of those between two looks."""
        looks = max(1, round(1000 * self.stage.time / self.stage.timestep / self.stage.every))
        return looks * self.stage.every


@dataclass(frozen=True)
class Found:
    """What a run met: looks at the deviation, how many were below, between and above the bounds, and how it ended."""

    deviations: list[float]
    steps: int
    ended: str  # "whole", "above" the bound, or what LAMMPS said
    below: int
    between: int
    above: int


@dataclass
class Running:
    """A run that LAMMPS is at."""

    condition: Condition
    process: Any
    folder: Path


def conditions_of(stages: list[Explore], beginnings: list[str]) -> list[Condition]:
    """All runs of a round, in order. Error for beginnings that there are not, and names that are there twice."""
    found: list[Condition] = []
    for stage in stages:
        for name in stage.begin:
            if Path(name).stem not in beginnings and name not in beginnings:
                raise Error(f"explore.begin: there is no {name}; there are {', '.join(beginnings)}")
        begins = [name if name in beginnings else Path(name).stem for name in stage.begin] or beginnings
        pressures: list[float | None] = list(stage.pressures) or [0.0 if stage.kind == "npt" else None]
        for begin, temperature, pressure, run in itertools.product(begins, stage.temperatures, pressures,
                                                                   range(stage.runs)):
            found.append(Condition(stage, begin, temperature, pressure, run, len(found)))
    names = [condition.name for condition in found]
    for name in names:
        if names.count(name) > 1:
            raise Error(f"two runs of explore would be called {name}; give the stages names")
    return found


# ---- one run


def prepare(condition: Condition, atoms: Atoms, models: list[Path], upper: float, seed: int, folder: Path) -> list[Any]:
    """Writes a run's files and gives its command."""
    stage = condition.stage
    fresh(folder)
    atoms = boxed(atoms)
    elements = sorted(set(atoms.symbols), key=chemical_symbols.index)
    rewound = atoms.has("momenta")
    if not rewound:
        kelvin = min(300.0, condition.temperature) if stage.kind == "heat-and-hold" else condition.temperature
        MaxwellBoltzmannDistribution(atoms, temperature_K=2 * kelvin, rng=np.random.default_rng(seed))
        Stationary(atoms)
    ase.io.write(folder / "begin.data", atoms, format="lammps-data", specorder=elements, masses=True, velocities=True,
                 units="metal", atom_style="atomic")
    factor = float(atoms.info.get("compressed", 1))
    write_json(folder / "begun.json", {"volume": atoms.cell.volume / factor**3, "seed": seed})
    names = " ".join(elements)
    (folder / "in.begin").write_text(BEGIN.format(
        boundary=" ".join("p" if periodic else "m" for periodic in atoms.pbc), data="begin.data", elements=names,
        models=" ".join(str(path) for path in models), timestep=stage.timestep / 1000))
    (folder / "in.watch").write_text(WATCH.format(every=stage.every, elements=names, upper=upper))
    source = Path(stage.template) if stage.template else INPUTS / f"in.{stage.kind}"
    shutil.copyfile(source, folder / "in.run")
    variables = {"begin": "in.begin", "watch": "in.watch", "temperature": f"{condition.temperature:g}",
                 "pressure": f"{condition.pressure or 0:g}", "steps": condition.steps, "seed": seed,
                 "timestep": stage.timestep / 1000, "compression": compression_left(condition, atoms),
                 "heating": 0 if rewound else int(stage.heat * condition.steps)}
    words = [PROGRAM, "lammps", "-np", stage.ranks, "-in", "in.run", "-log", "log.lammps"]
    return words + [word for name, value in variables.items() for word in ("-var", name, value)]


def compression_left(condition: Condition, atoms: Atoms) -> float:
    """What is left of the compression of edges: a rewound run has done a part of it."""
    return condition.stage.compression / float(atoms.info.get("compressed", 1))


def boxed(atoms: Atoms) -> Atoms:
    """A copy with a cell: one is put around it in directions that have none."""
    copy = atoms.copy()
    open_axes = [axis for axis in range(3) if not copy.pbc[axis] and not copy.cell[axis].any()]
    if open_axes:
        copy.center(vacuum=VACUUM, axis=open_axes)
    return copy


def read_run(folder: Path) -> tuple[list[Atoms], list[dict[str, float]]]:
    """Frames of a run and rows of its thermodynamic output, one for each look."""
    log, dump = folder / "log.lammps", folder / "frames.lammpstrj"
    rows = read_thermo(log.read_text(errors="replace")) if log.exists() else []
    if not rows or not dump.exists():
        return [], []
    steps = [int(step) for step in re.findall(r"^ITEM: TIMESTEP\n(\d+)$", dump.read_text(), re.MULTILINE)]
    by_step = {int(row["Step"]): row for row in rows}
    frames = ase.io.read(dump, ":", format="lammps-dump-text", units="metal")
    looks = [(atoms, by_step[step]) for step, atoms in zip(steps, frames) if step in by_step]
    return [atoms for atoms, _ in looks], [row for _, row in looks]


def read_thermo(text: str) -> list[dict[str, float]]:
    """Rows of all tables of a LAMMPS log."""
    rows: list[dict[str, float]] = []
    names: list[str] = []
    for line in text.splitlines():
        words = line.split()
        if words[:1] == ["Step"]:
            names = words
        elif names and len(words) == len(names):
            try:
                rows.append(dict(zip(names, map(float, words))))
            except ValueError:
                names = []
        else:
            names = []
    return rows


def digest(condition: Condition, folder: Path, bounds: tuple[float, float]) -> Found:
    """Candidates and the state to go on from, from the output of a run that has ended; large files are removed.

    The first frame is no candidate: it was labelled, or met, before. Where there is nothing between the bounds, the first
    look above them is one, some femtoseconds from what was below.
    """
    lower, upper = bounds
    frames, rows = read_run(folder)
    if not frames:
        raise Error(f"{condition.name}: LAMMPS did not begin: {processes.last_line(folder / 'screen.txt')}; "
                    f"see {folder / 'screen.txt'}")
    deviations = np.array([row["c_deviation[1]"] for row in rows])
    deviations[~np.isfinite(deviations)] = np.inf
    between = (deviations >= lower) & (deviations < upper)
    is_candidate = between & (np.arange(len(frames)) > 0)
    passed = np.flatnonzero(deviations >= upper)
    if len(passed) and not is_candidate.any():
        is_candidate[max(1, passed[0]) : max(1, passed[0]) + 1] = True
    candidates = [candidate(frames[n], rows[n], condition) for n in thinned(np.flatnonzero(is_candidate), MOST)]
    write_frames(folder / "candidates.extxyz", candidates)
    last = (passed[0] if len(passed) else len(frames)) - 1
    if last > 0:
        end = plain(frames[last], velocities=True)
        begun = float(read_json(folder / "begun.json")["volume"])
        end.info["compressed"] = (end.cell.volume / begun) ** (1 / 3)
        write_frames(folder / "end.extxyz", [end])
    steps = int(rows[-1]["Step"])
    ended = "above" if len(passed) else "whole"
    if not len(passed) and steps < condition.steps:
        ended = processes.last_line(folder / "screen.txt")
    found = Found([round(float(d), 5) if np.isfinite(d) else 1e9 for d in deviations], steps, ended,
                  int((deviations < lower).sum()), int(between.sum()), int((deviations >= upper).sum()))
    write_json(folder / "result.json", vars(found))
    (folder / "frames.lammpstrj").unlink()
    return found


def candidate(atoms: Atoms, row: dict[str, float], condition: Condition) -> Atoms:
    kept = plain(atoms)
    kept.arrays["deviation"] = np.asarray(atoms.arrays["f_sigma"], dtype=float).reshape(-1)
    kept.info = {"condition": condition.name, "step": int(row["Step"]), "deviation": row["c_deviation[1]"]}
    return kept


def plain(atoms: Atoms, velocities: bool = False) -> Atoms:
    kept = Atoms(atoms.get_chemical_symbols(), atoms.positions, cell=atoms.cell, pbc=atoms.pbc)
    if velocities:
        kept.set_velocities(atoms.get_velocities())
    return kept


def thinned(numbers: np.ndarray, most: int) -> np.ndarray:
    """At most so many of them, evenly spread."""
    return numbers if len(numbers) <= most else numbers[np.linspace(0, len(numbers) - 1, most).astype(int)]


# ---- a round


def result_of(folder: Path) -> Found:
    return Found(**read_json(folder / "result.json"))


def candidates_of(folder: Path, conditions: list[Condition]) -> list[Atoms]:
    return [atoms for condition in conditions for atoms in read_frames(folder / condition.name / "candidates.extxyz")]


def beginning(condition: Condition, before: Path | None, structures: dict[str, list[Atoms]], number: int) -> Atoms:
    """Where a condition begins in round `number`: rewound if it was stopped in the round before, else from the next of
    its structures."""
    if before is not None and (before / condition.name / "result.json").exists():
        stopped = result_of(before / condition.name).ended != "whole"
        rewound = before / condition.name / "end.extxyz"
        if stopped and rewound.exists():
            return read_frames(rewound)[0]
    choices = structures[condition.begin]
    return choices[(number - 1 + condition.run) % len(choices)]


def explore(conditions: list[Condition], begin: Callable[[Condition], Atoms], models: list[Path],
            bounds: tuple[float, float], seeds: dict[str, int], folder: Path, at_once: int,
            show: Callable[[float], None]) -> None:
    """Runs all conditions that are not done, `at_once` ranks at a time. `show` is told the share of steps done."""
    folder.mkdir(exist_ok=True)
    waiting = [condition for condition in conditions if not (folder / condition.name).exists()]
    total = sum(condition.steps for condition in conditions)
    done = total - sum(condition.steps for condition in waiting)
    running: list[Running] = []
    try:
        while waiting or running:
            while waiting and (not running or waiting[0].stage.ranks + ranks_of(running) <= at_once):
                condition = waiting.pop(0)
                part = folder / f"{condition.name}.part"
                words = prepare(condition, begin(condition), models, bounds[1], seeds[condition.name], part)
                by = signal.SIGTERM if condition.stage.ranks > 1 else signal.SIGKILL  # mpiexec ends its ranks
                process = processes.start(words, part, part / "screen.txt", by)
                running.append(Running(condition, process, part))
            time.sleep(0.1)
            for run in [one for one in running if one.process.poll() is not None]:
                running.remove(run)
                digest(run.condition, run.folder, bounds)
                run.folder.rename(folder / run.condition.name)
                done += run.condition.steps
            show((done + sum(step_of(run.folder) for run in running)) / max(1, total))
    finally:
        for run in running:
            processes.kill(run.process)


def ranks_of(running: list[Running]) -> int:
    return sum(run.condition.stage.ranks for run in running)


def step_of(folder: Path) -> int:
    """The last step in a run's log."""
    try:
        with (folder / "log.lammps").open("rb") as log:
            log.seek(0, 2)
            log.seek(max(0, log.tell() - 2000))
            found = re.findall(rb"^ +(\d+) +\S+ +\S+ +\S+ +\S+ +\S+ +\S+ *$", log.read(), re.MULTILINE)
    except OSError:
        return 0
    return int(found[-1]) if found else 0


def share_above(found: list[Found]) -> float:
    """Part of all looks at or above the lower bound."""
    looks = sum(len(one.deviations) for one in found)
    return sum(one.between + one.above for one in found) / max(1, looks)


def seeds_of(conditions: list[Condition], seed: int, number: int) -> dict[str, int]:
    """Seeds of the runs of a round, as LAMMPS takes them."""
    return {condition.name: int(np.random.default_rng([seed, number, condition.number]).integers(1, LARGEST_SEED))
            for condition in conditions}
