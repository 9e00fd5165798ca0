"""What can be checked before a run begins."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from typing import Any

from ase import Atoms
from grapevine import Error
from grapevine.learn import labelling
from grapevine.learn.exploring import PROGRAM, Condition, conditions_of
from grapevine.learn.folder import read_structures
from grapevine.learn.options import Options
from grapevine.learn.start import beginnings, first_structures


def checked(options: Options, config: Path) -> tuple[dict[str, list[Atoms]], list[Condition]]:
    """Structures to explore from and the runs of a round. Error if anything that a run needs is wrong or missing."""
    check_programs(options)
    check_options_of_training({**options.train.options, **options.train.warm, **options.train.final_options})
    begin = beginnings(options.start, options.seed)
    conditions = conditions_of(options.explore, list(begin))
    check_labeller(options, first_structures(begin, options.start, options.seed), config)
    return begin, conditions


def check_programs(options: Options) -> None:
    """Error if LAMMPS, MPI, a template or the package for pictures is not found."""
    ranks = max(stage.ranks for stage in options.explore)
    done = subprocess.run([PROGRAM, "lammps", "--dry-run", "-np", str(ranks)], capture_output=True, text=True)
    if done.returncode != 0:
        raise Error(done.stderr.strip().removeprefix("grapevine: error: "))
    for stage in options.explore:
        if stage.template and not Path(stage.template).is_file():
            raise Error(f"explore.template: there is no {stage.template}")
    if importlib.util.find_spec("matplotlib") is None:
        raise Error("the report needs matplotlib: pip install matplotlib")


def check_options_of_training(options: dict[str, Any]) -> None:
    """Error if they are no options of grapevine train, or have impossible values."""
    words = []
    for name, value in options.items():
        if isinstance(value, bool):
            words.append(f"--{'' if value else 'no-'}{name.replace('_', '-')}")
        else:
            text = ",".join(map(str, value)) if isinstance(value, list) else str(value)
            words.append(f"--{name.replace('_', '-')}={text}")
    done = subprocess.run([PROGRAM, "train", "--init", *words], capture_output=True, text=True)
    if done.returncode != 0:
        raise Error("train: " + done.stderr.strip().removeprefix("grapevine: error: "))


def check_labeller(options: Options, frames: list[Atoms], config: Path) -> None:
    """Error if the calculator cannot be made, or no structure of the start is worth a label."""
    folder = str(config.resolve().parent)
    if folder not in sys.path:
        sys.path.insert(0, folder)
    if options.label.calculator:
        try:
            labelling.calculator(frames[0].copy(), options.label)
        except Error:
            raise
        except Exception as problem:  # of any calculator
            raise Error(f"label.calculator {options.label.calculator} cannot be made: {problem}") from None
    bad = [reason for atoms in frames if (reason := labelling.too_close(atoms, options.label))]
    if len(bad) == len(frames):
        raise Error(f"no structure of the start is worth a label: {bad[0]}")


def labelled_structures(paths: list[str]) -> list[Atoms]:
    """Structures of files with energies and forces. Error if one has none."""
    frames = []
    for path in paths:
        for n, atoms in enumerate(read_structures(path)):
            results = atoms.calc.results if atoms.calc else {}
            if {"energy", "forces"} - set(results):
                raise Error(f"{path}: structure {n + 1} has no energy or no forces")
            frames.append(atoms)
    return frames
