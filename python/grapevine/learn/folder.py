"""The folder of a run: its lock, its log, and files that are there whole or not at all."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ase.io
import numpy as np
from ase import Atoms
from grapevine import Error


class Folder:
    """The folder of a run, which one process at a time works on.

    A step of the run is done if what it makes is there: files are written under another name and renamed, folders made
    as ``name.part``. So a run that was killed goes on with the first step whose result is missing.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.mkdir(parents=True, exist_ok=True)
            self._lock = (path / "lock").open("w")
        except OSError as problem:
            raise Error(f"cannot write to {path}: {problem.strerror}") from None
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Error(f"another grapevine learn is at work in {path}") from None
        remove_parts(path)

    def __truediv__(self, name: str) -> Path:
        return self.path / name

    def round(self, number: int) -> Path:
        """Folder of a round; 0 is that of the start."""
        return self.path / f"round-{number:03}"

    def log(self, **event: Any) -> None:
        """A line in log.jsonl."""
        line = dumped({"time": time.strftime("%Y-%m-%d %H:%M:%S"), **event})
        with (self.path / "log.jsonl").open("a") as file:
            file.write(line + "\n")


def remove_parts(path: Path) -> None:
    """Removes files that a kill has left unfinished."""
    for left in path.rglob("*.writing"):
        left.unlink(missing_ok=True)


def write_whole(path: Path, write: Callable[[Path], Any]) -> None:
    """Has `write` write a file under another name, which then gets its own."""
    part = path.with_name(path.name + ".writing")
    write(part)
    with part.open("rb") as file:
        os.fsync(file.fileno())
    part.replace(path)


def write_text(path: Path, text: str) -> None:
    write_whole(path, lambda part: part.write_text(text))


def dumped(value: Any, **options: Any) -> str:
    """JSON of values that may be NumPy's, as ASE has them from files."""

    def plain(number: Any) -> Any:
        if isinstance(number, np.generic):
            return number.item()
        raise TypeError(f"{type(number).__name__} is not written as JSON")

    return json.dumps(value, default=plain, **options)


def write_json(path: Path, value: Any) -> None:
    write_text(path, dumped(value, indent=1) + "\n")


def read_json(path: Path) -> Any:
    return json.loads(path.read_text())


def write_json_lines(path: Path, values: list[Any]) -> None:
    write_text(path, "".join(dumped(value) + "\n" for value in values))


def read_json_lines(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def write_frames(path: Path, frames: list[Atoms]) -> None:
    """Extended XYZ; an empty file if there are none."""
    write_whole(path, lambda part: ase.io.write(part, frames, format="extxyz") if frames else part.write_text(""))


def read_frames(path: Path) -> list[Atoms]:
    """Structures of an extended XYZ file that this package wrote, with energy and forces if they are labelled."""
    return ase.io.read(path, ":", format="extxyz") if path.stat().st_size else []


def read_structures(path: str) -> list[Atoms]:
    """Structures of a file of the user's. Error with one line if it cannot be read, or has none."""
    try:
        frames = ase.io.read(path, ":")
    except Exception as problem:  # of ASE's readers, of any kind
        raise Error(f"cannot read structures from {path}: {problem or type(problem).__name__}") from None
    if not frames:
        raise Error(f"{path} has no structures")
    return frames


def fresh(path: Path) -> Path:
    """An empty folder, in the place of what a kill has left."""
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True)
    return path
