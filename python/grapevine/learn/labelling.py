"""Labels: what defines them, calculators by import path, and workers that compute them."""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import json
import multiprocessing
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

import ase.io
import numpy as np
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from ase.data import covalent_radii
from ase.neighborlist import neighbor_list
from grapevine import Error
from grapevine.learn import processes
from grapevine.learn.options import Label

CONTEXT = multiprocessing.get_context("spawn")
READY = "ready"
STARTING = 120.0  # seconds that a worker may take to import what it needs
Answer = tuple[Atoms | None, str]  # a labelled structure, or why there is none


def definition(label: Label) -> dict[str, Any]:
    """All that says which label it is: data of another definition do not belong together."""
    said = {"calculator": label.calculator, "command": label.command, "keywords": label.keywords,
            "multiplicity": label.multiplicity, "definition": label.definition}
    return {key: value for key, value in said.items() if value not in ("", {})}


def tag(label: Label) -> str:
    """Short name of the definition, which is in the header of every labelled structure."""
    text = json.dumps(definition(label), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


# ---- one label


def find(path: str) -> Callable[..., Any]:
    """What an import path names. Error if it cannot be imported."""
    module, _, name = path.rpartition(".")
    try:
        return getattr(importlib.import_module(module), name)
    except ModuleNotFoundError as problem:
        raise Error(f"cannot import {path}: {problem}; install what has it for {sys.executable}") from None
    except (ImportError, ValueError, AttributeError) as problem:
        raise Error(f"cannot import {path}: {problem}") from None


def made(value: Any) -> Any:
    """A keyword's value; tables with the key ``import`` are objects to be made."""
    if isinstance(value, dict) and "import" in value:
        keywords = {key: made(one) for key, one in value.items() if key != "import"}
        return find(value["import"])(**keywords)
    return {key: made(one) for key, one in value.items()} if isinstance(value, dict) else value


def multiplicity(atoms: Atoms, label: Label) -> int | None:
    """Spin multiplicity, None if it is not to be given."""
    if label.multiplicity == "":
        return None
    if label.multiplicity != "lowest":
        return int(label.multiplicity)
    electrons = int(atoms.numbers.sum()) - int(label.keywords.get("charge", 0))
    return 1 + electrons % 2


def calculator(atoms: Atoms, label: Label) -> Any:
    """A new calculator for the structure, so that no label depends on those before."""
    keywords = made(label.keywords)
    spin = multiplicity(atoms, label)
    if spin is not None and label.multiplicity_keyword:
        keywords[label.multiplicity_keyword] = spin
    elif spin is not None:
        atoms.set_initial_magnetic_moments(np.full(len(atoms), (spin - 1) / len(atoms)))
    return find(label.calculator)(**keywords)


def by_calculator(atoms: Atoms, label: Label) -> Atoms:
    atoms.calc = calculator(atoms, label)
    results = {"energy": float(atoms.get_potential_energy()), "forces": np.array(atoms.get_forces())}
    if atoms.pbc.all() and "stress" in getattr(atoms.calc, "implemented_properties", ()):
        results["stress"] = np.array(atoms.get_stress())
    return with_results(atoms, results)


def by_command(atoms: Atoms, label: Label) -> Atoms:
    """Has a command of the user's read and write extended XYZ."""
    ase.io.write("input.extxyz", atoms, format="extxyz")
    words = [word.format(input="input.extxyz", output="output.extxyz") for word in shlex.split(label.command)]
    done = subprocess.run(words, stdin=subprocess.DEVNULL, preexec_fn=processes.end_with_parent)
    if done.returncode != 0:
        raise Error(f"exit code {done.returncode} of {words[0]}")
    answer = ase.io.read("output.extxyz", format="extxyz")
    if list(answer.numbers) != list(atoms.numbers):
        raise Error("the output has other atoms than the input")
    kept = {key: answer.calc.results[key] for key in ("energy", "forces", "stress") if key in answer.calc.results}
    return with_results(atoms, kept)


def with_results(atoms: Atoms, results: dict[str, Any]) -> Atoms:
    for name, value in results.items():
        if not np.isfinite(value).all():
            raise Error(f"{name} is not finite")
    if {"energy", "forces"} - set(results):
        raise Error("there is no energy, or there are no forces")
    atoms.calc = SinglePointCalculator(atoms, **results)
    return atoms


# ---- what is absurd


def too_close(atoms: Atoms, label: Label) -> str:
    """Why the structure is not worth a label, or nothing."""
    radii = covalent_radii[atoms.numbers]
    first, second, distance = neighbor_list("ijd", atoms, list(label.shortest * radii))
    if len(distance) == 0:
        return ""
    n = int(np.argmin(distance))
    names = f"{atoms.symbols[first[n]]} and {atoms.symbols[second[n]]}"
    return f"{names} are {distance[n]:.2f} A apart, less than {label.shortest:g} of their covalent radii"


def too_large(atoms: Atoms, label: Label) -> str:
    force = float(np.linalg.norm(atoms.get_forces(), axis=1).max())
    return f"a force of {force:.0f} eV/A" if force > label.largest_force else ""


def without_outliers(frames: list[Atoms], known: list[Atoms], label: Label) -> tuple[list[Atoms], list[Answer]]:
    """Frames whose energies are near what their elements explain, fitted to all; and the others, with the reason."""
    if not frames:
        return [], []
    every = [*known, *frames]
    elements = sorted({int(number) for atoms in every for number in atoms.numbers})
    counts = np.array([[(atoms.numbers == element).sum() for element in elements] for atoms in every], dtype=float)
    energies = np.array([atoms.get_potential_energy() for atoms in every])
    sizes = counts.sum(axis=1)
    kept = np.ones(len(every), dtype=bool)
    while kept.any():
        fit = np.linalg.lstsq(counts[kept] / sizes[kept, None], energies[kept] / sizes[kept], rcond=None)[0]
        off = np.abs(energies - counts @ fit) / sizes
        worst = int(np.argmax(np.where(kept, off, 0)))
        if off[worst] <= label.energy_range or worst < len(known):
            break
        kept[worst] = False
    kept[: len(known)] = True
    good = [atoms for atoms, keep in zip(frames, kept[len(known):]) if keep]
    bad = [(atoms, f"energy {off[len(known) + n]:.1f} eV/atom off what its elements explain")
           for n, atoms in enumerate(frames) if not kept[len(known) + n]]
    return good, bad


# ---- workers


def label_one(atoms: Atoms, label: Label, folder: Path) -> Answer:
    """The answer for one structure, computed in a folder of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    os.chdir(folder)
    try:
        done = by_command(atoms, label) if label.command else by_calculator(atoms, label)
    except Exception as problem:  # of any calculator: a label that failed
        return None, " ".join(f"{type(problem).__name__}: {problem}".split())[:500]
    reason = too_large(done, label)
    return (None, reason) if reason else (done, "")


def serve(pipe: Connection, label: Label, paths: list[str], log: str) -> None:
    """A worker: answers structures until the pipe is closed. What calculators print goes to the log."""
    processes.end_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.setpgid(0, 0)
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(output, 1)
    os.dup2(output, 2)
    sys.path[:0] = paths
    if label.calculator:
        with contextlib.suppress(Exception):  # told by every label
            find(label.calculator)
    pipe.send(READY)
    while True:
        try:
            atoms, folder = pipe.recv()
        except EOFError:
            return
        pipe.send(label_one(atoms, label, folder))


@dataclass
class Worker:
    """A worker process, what it is at, and since when."""

    process: Any
    pipe: Connection
    job: int | None = None
    limit: float = STARTING
    since: float = field(default_factory=time.monotonic)

    def end(self) -> None:
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            self.process.kill()
        self.process.join()
        self.pipe.close()


class Workers:
    """Worker processes that label structures, each within a time limit."""

    def __init__(self, label: Label, number: int, paths: list[str], folder: Path) -> None:
        self.label, self.number, self.paths, self.folder = label, number, paths, folder

    def answers(self, jobs: dict[int, Atoms]) -> Iterator[tuple[int, Answer]]:
        """Number and answer of each structure, as they come."""
        waiting, busy = dict(jobs), [self.start() for _ in range(min(self.number, len(jobs)))]
        try:
            for worker in busy:
                self.give(worker, waiting)
            while any(worker.job is not None for worker in busy):
                at_work = [worker for worker in busy if worker.job is not None]
                wait([worker.pipe for worker in at_work], timeout=0.5)
                for worker in at_work:
                    answer = self.answer_of(worker)
                    if answer is None:
                        continue
                    yield worker.job, answer
                    worker.job = None
                    if not worker.process.is_alive() or worker.pipe.closed:
                        busy[busy.index(worker)] = worker = self.start()
                    self.give(worker, waiting)
        finally:
            for worker in busy:
                worker.end()

    def start(self) -> Worker:
        here, there = CONTEXT.Pipe()
        log = str(self.folder / "workers.log")
        threads = {name: str(self.label.threads) for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS",
                                                              "MKL_NUM_THREADS")}
        before = {name: os.environ.get(name) for name in threads}
        os.environ.update(threads)
        try:
            process = CONTEXT.Process(target=serve, args=(there, self.label, self.paths, log), daemon=True)
            process.start()
        finally:
            for name, value in before.items():
                os.environ.pop(name, None) if value is None else os.environ.update({name: value})
        there.close()
        return Worker(process, here)

    def give(self, worker: Worker, waiting: dict[int, Atoms]) -> None:
        if waiting:
            worker.job = next(iter(waiting))
            worker.since = time.monotonic()
            worker.pipe.send((waiting.pop(worker.job), self.folder / f"{worker.job:04}"))

    def answer_of(self, worker: Worker) -> Answer | None:
        """The answer, if there is one; one of its own if the worker crashed or is over its time."""
        try:
            if worker.pipe.poll():
                answer = worker.pipe.recv()
                if answer != READY:
                    return answer
                worker.limit, worker.since = self.label.time_limit, time.monotonic()
        except (EOFError, OSError):
            worker.process.join()
            code = worker.process.exitcode
            worker.end()
            return None, f"the calculator ended its process with {'signal' if code < 0 else 'exit code'} {abs(code)}"
        if time.monotonic() - worker.since > worker.limit:
            worker.end()
            return None, f"not done within {worker.limit:g} s"
        return None
