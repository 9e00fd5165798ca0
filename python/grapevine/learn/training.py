"""The committee: which structures each model is trained on, trainings side by side, and errors of the mean."""

from __future__ import annotations

import csv
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grapevine
import numpy as np
from ase import Atoms
from grapevine import Error
from grapevine.learn import processes
from grapevine.learn.folder import read_json, write_frames, write_json
from grapevine.learn.options import Train

LOOP = {"core": "none"}  # the bound ends runs in which atoms merge, and data of the first round know no short distances


def model_paths(folder: Path, committee: int) -> list[Path]:
    return [folder / f"model-{member + 1}.safetensors" for member in range(committee)]


def validation_set(count: int, part: float, seed: int, member: int) -> np.ndarray:
    """Which of the structures a model sets aside, shape (count,): the same ones in every round.

    At least one, if there are enough to spare it.
    """
    aside = np.random.default_rng([seed, 7, member]).random(count) < part
    if part > 0 and count >= 5 and not aside.any():
        aside[np.random.default_rng([seed, 8, member]).integers(5)] = True
    return aside


def cold_options(train: Train) -> dict[str, Any]:
    return {**LOOP, **train.options}


def warm_options(train: Train, start: Path) -> dict[str, Any]:
    """Options of a training that goes on from a model."""
    given = train.options
    epochs, rate = int(given.get("epochs", 200)), float(given.get("lr", 0.003))
    shorter = {"epochs": max(1, epochs // 2), "lr": rate / 3, "start": str(start)}
    kept = {key: value for key, value in given.items() if key not in SHAPE}
    return {**kept, **shorter, **dashed(train.warm)}


def final_options(train: Train) -> dict[str, Any]:
    return {**train.options, **dashed(train.final_options)}


def dashed(options: dict[str, Any]) -> dict[str, Any]:
    return {key.replace("_", "-"): value for key, value in options.items()}


# Options that the model to start from decides.
SHAPE = {"architecture", "species", "cutoff", "layers", "waves", "channels", "interactions", "edge-order", "correlation",
         "max-order", "orbitals", "radial-functions", "radial-widths", "parity", "message-widths", "readout-widths",
         "message-blocks", "readout-blocks", "activation", "layer-norm", "shared-mixing", "core"}


@dataclass
class Member:
    """One training of the committee."""

    folder: Path
    number: int
    options: dict[str, Any]
    process: Any = None

    @property
    def model(self) -> Path:
        return self.folder / f"model-{self.number + 1}.safetensors"

    @property
    def finished(self) -> Path:
        """Written when the training has ended: its errors."""
        return self.folder / f"model-{self.number + 1}.errors.json"

    @property
    def screen(self) -> Path:
        return self.folder / f"model-{self.number + 1}.txt"

    def start(self) -> None:
        begun = (self.folder / f"model-{self.number + 1}.checkpoint.safetensors").exists()
        way = {"resume": True} if begun else {"overwrite": True}
        options = self.folder / f"model-{self.number + 1}.options.json"
        write_json(options, {**self.options, **way})
        words = [sys.executable, "-m", "grapevine.learn.member", options, self.finished]
        self.process = processes.start(words, self.folder, self.screen)

    def epoch(self) -> int:
        """Epochs that are done."""
        try:
            with (self.folder / f"model-{self.number + 1}.log.csv").open() as log:
                rows = list(csv.DictReader(log))
            return int(float(rows[-1]["epoch"]))
        except (OSError, IndexError, KeyError, ValueError):
            return 0


def prepare(data: list[Atoms], train: Train, seed: int, number: int, folder: Path, start: list[Path] | None,
            new: int, threads: int, final: bool = False) -> list[Member]:
    """Members of a committee that is trained in `folder`, and their files of structures, if these are not there yet.

    The last `new` of the structures are new in this round, and each model goes on from one of `start`, if there are
    any.
    """
    folder.mkdir(parents=True, exist_ok=True)
    members = []
    for member in range(train.committee):
        aside = validation_set(len(data), train.validation, seed, member)
        options = final_options(train) if final else cold_options(train)
        trained = [n for n in range(len(data)) if not aside[n]]
        if start:
            options = warm_options(train, start[member])
            trained, old = replayed(trained, len(data) - new, train.replay, [seed, number, member])
            options |= write_set(folder / f"model-{member + 1}.replay.extxyz", [data[n] for n in old], "replay")
        options |= write_set(folder / f"model-{member + 1}.train.extxyz", [data[n] for n in trained], "train")
        options |= write_set(folder / f"model-{member + 1}.valid.extxyz",
                             [atoms for atoms, is_aside in zip(data, aside) if is_aside], "valid")
        options |= {"split": 0.999} if not aside.any() else {}
        options |= {"output": f"model-{member + 1}.safetensors", "threads": threads,
                    "seed": 1 + 1000 * seed + 100 * member + number}
        members.append(Member(folder, member, options))
    return members


def replayed(trained: list[int], before: int, number: int, seed: list[int]) -> tuple[list[int], list[int]]:
    """Structures to train on, and old ones to replay: all and none if `number` is 0."""
    old = [n for n in trained if n < before]
    if number == 0 or len(trained) == len(old):
        return trained, []
    order = np.random.default_rng(seed).permutation(len(old))[:number]
    return [n for n in trained if n >= before], sorted(old[n] for n in order)


def write_set(path: Path, frames: list[Atoms], name: str) -> dict[str, Any]:
    """Writes structures unless they are there, and gives the option that names them."""
    if not frames:
        return {}
    if not path.exists():
        write_frames(path, frames)
    return {name: [path.name]}


def train(members: list[Member], at_once: int, show: Callable[[float], None]) -> None:
    """Trains those that are not finished, so many at a time. `show` is told the share of epochs done."""
    waiting = [member for member in members if not member.finished.exists()]
    running: list[Member] = []
    epochs = max(1, int(members[0].options.get("epochs", 200)))
    try:
        while waiting or running:
            while waiting and len(running) < at_once:
                running.append(waiting.pop(0))
                running[-1].start()
            time.sleep(0.2)
            for member in [one for one in running if one.process.poll() is not None]:
                running.remove(member)
                if not member.finished.exists():
                    raise Error(f"training of {member.model.name}: {processes.last_line(member.screen)}; "
                                f"see {member.screen}")
            left = len(waiting) + sum(1 - min(1, member.epoch() / epochs) for member in running)
            show(1 - left / len(members))
    finally:
        for member in running:
            processes.kill(member.process)


def tidy(members: list[Member]) -> None:
    """Removes what only an unfinished training needs."""
    for member in members:
        for kind in ("checkpoint.safetensors", "train.extxyz", "valid.extxyz", "replay.extxyz", "options.json"):
            (member.folder / f"model-{member.number + 1}.{kind}").unlink(missing_ok=True)


def errors_of_members(folder: Path, committee: int) -> list[dict[str, Any]]:
    """Errors that the trainings of a folder ended with."""
    return [read_json(path) for number in range(committee)
            if (path := folder / f"model-{number + 1}.errors.json").exists()]


# ---- errors of the committee


@dataclass
class Judged:
    """The committee beside the labels: eV/atom and eV/Angstrom."""

    frames: int
    energy: float  # RMSE of the energy per atom of the committee's mean
    forces: float  # RMSE of components of its forces
    deviations: list[float]  # largest deviation of a force, of each structure
    errors: list[float]  # largest error of a force, of each structure


def judge(models: list[Path], frames: list[Atoms], threads: int) -> Judged | None:
    """Errors of the mean of the models on labelled structures, None if there are none or a model cannot tell."""
    if not frames:
        return None
    try:
        answers = [grapevine.evaluate(model, frames, precision="mixed", threads=threads) for model in models]
    except Error:
        return None
    energies, squares, deviations, worst = [], [], [], []
    for n, atoms in enumerate(frames):
        forces = np.array([of_model[n].forces for of_model in answers])
        off = forces.mean(axis=0) - atoms.get_forces()
        energy = float(np.mean([of_model[n].energy for of_model in answers]))
        energies.append((energy - atoms.get_potential_energy()) / len(atoms))
        squares.append(off.ravel() ** 2)
        deviations.append(float(np.sqrt(((forces - forces.mean(axis=0)) ** 2).sum(axis=2).mean(axis=0)).max()))
        worst.append(float(np.linalg.norm(off, axis=1).max()))
    return Judged(len(frames), rms(np.array(energies)), float(np.sqrt(np.concatenate(squares).mean())), deviations, worst)


def rms(values: np.ndarray) -> float:
    return float(np.sqrt((values**2).mean()))
