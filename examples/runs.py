"""Runs of LAMMPS side by side, with their progress on standard error."""

import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from command_line import Failure, check_lammps_paths, find_grapevine

THERMO_LINE = re.compile(rb"^ +(\d+)(?: +[-+.\deE]+)+ *$", re.MULTILINE)
TAIL = 4096  # bytes of a log that hold its last line of thermodynamics


def run_folder(options, value, unit="K"):
    return options.folder / f"{value:g}{unit}"


def prepare_runs(options, scripts, name="temperatures", unit="K"):
    """What a study of several temperatures, or whatever option `name` has several values of, checks before it runs LAMMPS
    inputs of the folder `scripts`."""
    values = getattr(options, name)
    if len(set(values)) < len(values):
        raise Failure(f"--{name}: one is there twice")
    if options.evaluate:
        return
    check_lammps_paths(options.model, scripts)
    options.grapevine = find_grapevine(options.grapevine)
    for value in values:
        folder = run_folder(options, value, unit)
        if folder.exists():
            raise Failure(f"{folder} is there already: remove it, name another FOLDER, or use --evaluate")


@dataclass
class Run:
    """One LAMMPS process in a folder of its own."""

    name: str
    folder: Path
    command: list
    steps: int  # from the first to the last
    process: subprocess.Popen = field(default=None, repr=False)
    started: float = 0.0
    seconds: float = 0.0

    def start(self):
        self.folder.mkdir(parents=True)
        with (self.folder / "screen.txt").open("wb") as screen:
            self.process = subprocess.Popen(self.command, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=screen,
                                            stderr=subprocess.STDOUT)
        self.started = time.monotonic()

    def step(self):
        """The last step in the log."""
        try:
            with (self.folder / "log.lammps").open("rb") as log:
                log.seek(max(0, os.fstat(log.fileno()).st_size - TAIL))
                found = THERMO_LINE.findall(log.read())
        except FileNotFoundError:
            return 0
        return int(found[-1]) if found else 0

    def end(self):
        """Whether it has ended; Failure if not as it should."""
        if self.process.poll() is None:
            return False
        self.seconds = time.monotonic() - self.started
        if self.process.returncode != 0:
            screen = self.folder / "screen.txt"
            lines = [line.strip() for line in screen.read_text(errors="replace").splitlines() if line.strip()]
            errors = [line for line in lines if line.startswith("ERROR")]
            reason = (errors or lines[-1:] or [f"exit code {self.process.returncode}"])[0]
            raise Failure(f"{self.name}: LAMMPS stopped: {reason}; see {screen}")
        return True

    def kill(self):
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            self.process.wait()


class Progress:
    """How far the runs are: a line that is written anew on a terminal, else a line for every tenth."""

    def __init__(self, runs, stream=sys.stderr):
        self.runs, self.stream = runs, stream
        self.started = time.monotonic()
        self.tenths = {run.name: 0 for run in runs}

    def show(self):
        steps = {run.name: run.step() if run.process else 0 for run in self.runs}
        done, whole = sum(steps.values()), sum(run.steps for run in self.runs)
        left = ""
        if done > 0.02 * whole:
            left = f", {format_seconds((time.monotonic() - self.started) * (whole - done) / done)} left"
        if self.stream.isatty():
            shares = " | ".join(f"{run.name}: {steps[run.name] / run.steps:4.0%}" for run in self.runs)
            self.write(f"\r{shares}{left}\033[K")
            return
        for run in self.runs:
            tenth = 10 * steps[run.name] // run.steps
            if self.tenths[run.name] < tenth < 10:
                self.tenths[run.name] = tenth
                self.write(f"{run.name}: step {steps[run.name]} of {run.steps}{left}\n")

    def finish(self, run):
        self.clear()
        self.write(f"{run.name}: done in {format_seconds(run.seconds)}\n")

    def clear(self):
        if self.stream.isatty():
            self.write("\r\033[K")

    def write(self, text):
        self.stream.write(text)
        self.stream.flush()


def format_seconds(seconds):
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def run_all(runs, at_once):
    """Runs them all, so many at the same time; ends those still going if one fails or the user interrupts."""
    progress = Progress(runs)
    waiting, running = list(runs), []
    try:
        while waiting or running:
            while waiting and len(running) < at_once:
                running.append(waiting.pop(0))
                running[-1].start()
            time.sleep(0.2)
            progress.show()
            for run in [run for run in running if run.end()]:
                running.remove(run)
                progress.finish(run)
    except BaseException:
        progress.clear()
        for run in running:
            run.kill()
        raise
