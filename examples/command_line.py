"""What the command lines of the examples share."""

import argparse
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]


class Failure(Exception):
    """What ends a program with one line: the message says what is wrong and where."""


class Parser(argparse.ArgumentParser):
    """Throws Failure where argparse would print its usage."""

    def error(self, message):
        raise Failure(f"{message} (see --help)")


def find_grapevine(given):
    """Path of the program: the one given, else the checkout's, else the one on PATH. Failure if there is none."""
    candidates = [given] if given else [CHECKOUT / "build/bin/grapevine", shutil.which("grapevine")]
    for path in filter(None, candidates):
        if os.access(path, os.X_OK) and Path(path).is_file():
            return Path(path).resolve()
    raise Failure(f"{candidates[0]}: there is no such program; build it first, or name it by --grapevine")


def check_lammps_paths(model, *others):
    """Failure if there is no such model file, or if LAMMPS could not read one of the paths."""
    if not model.is_file():
        raise Failure(f"{model}: there is no such model file")
    for path in (model, *others):
        if re.search(r"\s", str(path)):
            raise Failure(f"{path}: LAMMPS takes no path with a space in it")


def run_evaluate(grapevine, model, structures, *flags):
    """What `grapevine evaluate` prints; Failure with what it says is wrong."""
    command = [grapevine, "evaluate", model, structures, *flags]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        raise Failure(lines[-1].removeprefix("grapevine: error: "))
    return done.stdout


def run_program(action, note=""):
    """Calls action(arguments); what goes wrong ends the program with one line. `note` is added to an interruption."""
    name = Path(sys.argv[0]).name
    try:
        action(sys.argv[1:])
    except (Failure, OSError) as failure:
        sys.exit(f"{name}: error: {failure}")
    except KeyboardInterrupt:
        sys.exit(f"{name}: interrupted{note}")
