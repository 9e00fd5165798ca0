"""The rounds of a run: explore, select, label, train, until nothing new is found."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from grapevine import Error
from grapevine.learn import exploring, labelling, selection, training
from grapevine.learn.checks import checked, labelled_structures
from grapevine.learn.config import read_config
from grapevine.learn.folder import (
    Folder,
    read_frames,
    read_json,
    read_json_lines,
    write_frames,
    write_json,
    write_json_lines,
)
from grapevine.learn.labelling import Workers
from grapevine.learn.options import Options
from grapevine.learn.progress import Progress, in_words
from grapevine.learn.start import first_structures

# Bounds where none are given, of the median force on an atom of the structures labelled first: docs/learn.md.
LOWER, UPPER = 0.1, 0.8


class TimeIsUp(Exception):
    """The hours that a run may take have passed."""


def learn(config: str | os.PathLike[str], *, folder: str | os.PathLike[str] | None = None) -> Path:
    """Learn a potential by itself, as ``grapevine learn`` does.

    Parameters
    ----------
    config : path
        Configuration file (TOML); ``grapevine learn --init`` writes one with every option and what it means.
    folder : path, optional
        Folder of the run; the name of the configuration without its ending if not given. A run that is there goes on.

    Returns
    -------
    Path
        Folder of the run, with ``report.html``, ``data.extxyz`` and the committee, whose paths are in ``state.json``.

    Raises
    ------
    Error
        For configurations that are wrong, programs and packages that are missing, another process at work in the
        folder, and steps that cannot be done. The same call goes on when the cause is mended.
    """
    path = Path(config)
    options = read_config(path)
    run = Run(options, path, folder_of(path, folder), Progress())
    run.go()
    return run.folder.path


def folder_of(config: Path, folder: str | os.PathLike[str] | None) -> Path:
    return Path(folder).resolve() if folder else config.resolve().with_suffix("")


class Run:
    """A run in its folder."""

    def __init__(self, options: Options, config: Path, folder: Path, progress: Progress) -> None:
        self.options, self.progress = options, progress
        self.paths = [str(config.resolve().parent)]
        self.cores = options.processes or len(os.sched_getaffinity(0))
        self.begin, self.conditions = checked(options, config)
        self.test = labelled_structures(options.start.test)
        self.folder = Folder(folder)
        self.check_label()
        state = self.folder / "state.json"
        self.spent = float(read_json(state)["seconds"]) if state.exists() else 0.0
        self.since = time.monotonic()

    def check_label(self) -> None:
        """Keeps what defines the labels beside the data; Error if those of this folder have another definition."""
        path, label = self.folder / "label.json", self.options.label
        said = {"tag": labelling.tag(label), **labelling.definition(label)}
        if not path.exists():
            write_json(path, said)
        elif (found := read_json(path)) != said:
            other = sorted(key for key in {*said, *found} if said.get(key) != found.get(key) and key != "tag")
            raise Error(f"{self.folder.path} has labels of another definition ({', '.join(other)}: see {path}); name "
                        "another folder, or give the label as it was")

    # ---- the rounds

    def go(self) -> None:
        """All that is still to be done."""
        if (self.folder / "log.jsonl").exists():
            self.progress.line(f"going on in {self.folder.path}")
        self.folder.log(event="begin", conditions=len(self.conditions), processes=self.cores)
        number = 0
        try:
            self.first_round()
            while not (reason := self.reason_to_stop(number)):
                number += 1
                self.round(number)
        except TimeIsUp:
            reason = f"{self.options.stop.hours:g} hours have passed"
        self.finish(number, reason)

    def reason_to_stop(self, number: int) -> str:
        """Why the learning ends after a round; nothing if it goes on."""
        stop = self.options.stop
        if number > 0:
            last = read_json(self.folder.round(number) / "summary.json")
            whole = all(run["ended"] == "whole" for run in last["runs"].values())
            if whole and last["share_above"] <= stop.fraction:
                return f"nothing new was found: {last['share_above']:.2%} of the exploration above the lower bound"
        return f"{number} rounds are done" if number >= stop.rounds else ""

    def first_round(self) -> None:
        """Labels the structures of the start and trains the first committee."""
        folder = self.folder.round(0)
        folder.mkdir(exist_ok=True)
        if not (folder / "given.extxyz").exists():
            write_frames(folder / "given.extxyz", self.given())
        if not (folder / "selected.extxyz").exists():
            frames = first_structures(self.begin, self.options.start, self.options.seed)
            write_frames(folder / "selected.extxyz", frames)
        self.label(0)
        if not self.data(0):
            reason = read_json_lines(folder / "failed.jsonl")[0]["reason"]
            raise Error(f"no structure of the start could be labelled: {reason}; see {folder / 'failed.jsonl'}")
        self.train(0)
        self.summarise(0)

    def given(self) -> list[Atoms]:
        """Labelled structures of the user. Error if they have another label."""
        start, tag = self.options.start, labelling.tag(self.options.label)
        frames = []
        for path in start.labelled:
            for n, atoms in enumerate(labelled_structures([path])):
                found = atoms.info.get("label")
                if found != tag and not (found is None and start.trust_labels):
                    what = f"label {found}" if found else "no label named"
                    raise Error(f"{path}: structure {n + 1} has {what}, this run's is {tag} (label.json): data of "
                                "another definition do not belong together" +
                                ("" if found else "; start.trust_labels = true takes them"))
                atoms.info = {"label": tag, "from": Path(path).name}
                frames.append(atoms)
        return frames

    def round(self, number: int) -> None:
        """A round from the exploration to the report."""
        folder = self.folder.round(number)
        folder.mkdir(exist_ok=True)
        self.explore(number)
        self.select(number)
        self.label(number)
        self.train(number)
        self.summarise(number)

    @contextmanager
    def step(self, number: int, name: str, result: Path) -> Iterator[bool]:
        """A step of a round: whether it has still to be done."""
        if result.exists():
            yield False
            return
        self.keep_time()
        if number > 0 and 0 < self.options.stop.hours <= self.seconds() / 3600:
            raise TimeIsUp
        self.progress.begin(f"round {number}, {name}")
        begun = time.monotonic()
        yield True
        seconds = round(time.monotonic() - begun, 1)
        self.folder.log(event=name, round=number, seconds=seconds)
        self.keep_time(round=number, step=name)

    def seconds(self) -> float:
        return self.spent + time.monotonic() - self.since

    def keep_time(self, **more: Any) -> None:
        state = self.folder / "state.json"
        known = read_json(state) if state.exists() else {}
        write_json(state, {**known, "finished": "", **more, "seconds": round(self.seconds(), 1)})

    # ---- steps

    def bounds(self) -> tuple[float, float]:
        """Lower and upper bound of the deviation of a force, eV/Angstrom."""
        given = self.options.select
        first = self.labelled(0)
        size = float(np.median(np.concatenate([np.linalg.norm(atoms.get_forces(), axis=1) for atoms in first])))
        lower = given.lower or min(LOWER * size, given.upper / 2 or np.inf)
        return lower, given.upper or max(UPPER * size, 2 * lower)

    def explore(self, number: int) -> None:
        folder = self.folder.round(number) / "explore"
        with self.step(number, "exploration", self.folder.round(number) / "candidates.extxyz") as is_due:
            if not is_due:
                return
            before = self.folder.round(number - 1) / "explore" if number > 1 else None
            exploring.explore(
                self.conditions, lambda one: exploring.beginning(one, before, self.begin, number), self.models(number),
                self.bounds(), exploring.seeds_of(self.conditions, self.options.seed, number), folder, self.cores,
                self.progress.show)
            found = exploring.candidates_of(folder, self.conditions)
            write_frames(self.folder.round(number) / "candidates.extxyz", found)
        runs = [exploring.result_of(folder / condition.name) for condition in self.conditions]
        stopped = sum(run.ended != "whole" for run in runs)
        self.progress.line(f"round {number}: {len(runs)} runs, {stopped} stopped above {self.bounds()[1]:.2f} eV/A, "
                           f"{exploring.share_above(runs):.1%} of looks above {self.bounds()[0]:.2f} eV/A, "
                           f"{len(found)} candidates")

    def select(self, number: int) -> None:
        folder, options = self.folder.round(number), self.options.select
        with self.step(number, "selection", folder / "selected.extxyz") as is_due:
            if is_due:
                candidates = read_frames(folder / "candidates.extxyz")
                chosen = selection.select(candidates, self.data(number - 1), options, [self.options.seed, number, 1])
                if options.fragment:
                    chosen = [selection.fragment(atoms, options.fragment) for atoms in chosen]
                write_frames(folder / "selected.extxyz", chosen)

    def label(self, number: int) -> None:
        folder = self.folder.round(number)
        with self.step(number, "labels", folder / "labelled.extxyz") as is_due:
            if is_due:
                frames = read_frames(folder / "selected.extxyz")
                self.label_all(frames, folder / "labels")
                self.gather(number, frames)
                good, bad = len(self.labelled(number)), len((folder / "failed.jsonl").read_text().splitlines())
                self.progress.line(f"round {number}: {good} labelled, {bad} failed")

    def label_all(self, frames: list[Atoms], folder: Path) -> None:
        """A file for each structure, NUMBER.extxyz or NUMBER.failed.json, as soon as its label is there."""
        folder.mkdir(exist_ok=True)
        jobs = {}
        for n, atoms in enumerate(frames):
            if (folder / f"{n:04}.extxyz").exists() or (folder / f"{n:04}.failed.json").exists():
                continue
            if reason := labelling.too_close(atoms, self.options.label):
                write_json(folder / f"{n:04}.failed.json", {"reason": reason})
                continue
            jobs[n] = atoms
        done, failed = len(frames) - len(jobs), 0
        workers = self.options.label.workers or max(1, self.cores // self.options.label.threads)
        for n, (atoms, reason) in Workers(self.options.label, workers, self.paths, folder).answers(jobs):
            if atoms is None:
                write_json(folder / f"{n:04}.failed.json", {"reason": reason})
                failed += 1
            else:
                write_frames(folder / f"{n:04}.extxyz", [atoms])
                shutil.rmtree(folder / f"{n:04}", ignore_errors=True)
            done += 1
            self.progress.show(done / max(1, len(frames)), f" ({done} of {len(frames)}, {failed} failed)")

    def gather(self, number: int, frames: list[Atoms]) -> None:
        """labelled.extxyz and failed.jsonl from the single files, which are removed; folders of failed ones stay."""
        folder, tag = self.folder.round(number), labelling.tag(self.options.label)
        good, failed = [], []
        for n, atoms in enumerate(frames):
            about = {"number": n, **{key: value for key, value in atoms.info.items() if key != "deviation"}}
            if (path := folder / "labels" / f"{n:04}.extxyz").exists():
                (labelled,) = read_frames(path)
                labelled.info = {**atoms.info, "round": number, "label": tag, "number": n}
                labelled.arrays.pop("deviation", None)
                good.append(labelled)
            else:
                failed.append({**about, **read_json(folder / "labels" / f"{n:04}.failed.json")})
        known = self.data(number - 1) if number > 0 else read_frames(folder / "given.extxyz")
        good, outliers = labelling.without_outliers(good, known, self.options.label)
        failed += [{"number": atoms.info["number"], "reason": reason} for atoms, reason in outliers]
        write_json_lines(folder / "failed.jsonl", failed)
        write_frames(folder / "labelled.extxyz", good)
        for path in (folder / "labels").glob("*.*"):
            path.unlink()
        if not any((folder / "labels").iterdir()):
            (folder / "labels").rmdir()

    def train(self, number: int) -> None:
        folder, options = self.folder.round(number), self.options.train
        new = len(self.labelled(number))
        if number > 0 and new == 0:
            return
        with self.step(number, "training", folder / "models") as is_due:
            if is_due:
                start = self.models(number) if number > 0 and options.warm_start else None
                self.train_committee(self.data(number), number, folder / "models", start, new)

    def train_committee(self, data: list[Atoms], number: int, folder: Path, start: list[Path] | None, new: int,
                        final: bool = False) -> None:
        """Trains in `folder`.part, which then gets its name."""
        part = folder.with_name(folder.name + ".part")
        clear_outdated(part, {"structures": len(data), "train": asdict(self.options.train)})
        at_once = min(self.cores, self.options.train.committee)
        members = training.prepare(data, self.options.train, self.options.seed, number, part, start, new,
                                   max(1, self.cores // at_once), final)
        training.train(members, at_once, self.progress.show)
        training.tidy(members)
        part.rename(folder)

    def summarise(self, number: int) -> None:
        """summary.json of a round, a line for the terminal, and the report."""
        path = self.folder.round(number) / "summary.json"
        if path.exists():
            return
        summary = self.summary(number)
        write_json(path, summary)
        self.progress.line(line_of(summary))
        self.folder.log(event="round", **{key: summary[key] for key in ("round", "candidates", "labelled", "failed")})
        self.report(f"after round {number}")

    def summary(self, number: int) -> dict[str, Any]:
        folder = self.folder.round(number)
        runs = {one.name: exploring.result_of(folder / "explore" / one.name) for one in self.conditions} if number else {}
        new = self.labelled(number) if number else []
        judged = training.judge(self.models(number), new, self.cores) if new else None
        tested = training.judge(self.models(number + 1), self.test, self.cores)
        committee = self.options.train.committee
        return {
            "round": number,
            "bounds": self.bounds(),
            "share_above": exploring.share_above(list(runs.values())),
            "runs": {name: vars(run) for name, run in runs.items()},
            "candidates": len(read_frames(folder / "candidates.extxyz")) if number else 0,
            "selected": len(read_frames(folder / "selected.extxyz")),
            "labelled": len(self.labelled(number)),
            "failed": len((folder / "failed.jsonl").read_text().splitlines()),
            "data": len(self.data(number)),
            "before": asdict(judged) if judged else None,
            "test": asdict(tested) if tested else None,
            "validation": validation_errors(training.errors_of_members(folder / "models", committee)),
        }

    def finish(self, number: int, reason: str) -> None:
        """The final committee, all data in one file, the report."""
        write_frames(self.folder / "data.extxyz", self.data(number))
        if self.options.train.final:
            self.train_finally(number)
        models = self.final_models(number)
        self.keep_time(round=number, step="", finished=reason, models=[str(path) for path in models])
        self.report(reason)
        self.folder.log(event="end", reason=reason)
        self.progress.line(f"{reason}; {len(self.data(number))} labels, {in_words(self.seconds())}")
        for path in (*models, self.folder / "report.html"):
            self.progress.line(str(path))

    def train_finally(self, number: int) -> None:
        """A committee from random weights on all data, unless it is there."""
        folder, done = self.folder / "final", self.folder / "final" / "round.json"
        if done.exists() and read_json(done) == len(self.data(number)):
            return
        if folder.exists():
            shutil.rmtree(folder)
        self.progress.begin("final training")
        self.train_committee(self.data(number), 999, folder, None, 0, final=True)
        write_json(done, len(self.data(number)))

    # ---- what is there

    def labelled(self, number: int) -> list[Atoms]:
        """Structures that a round has labelled; of the first, those given as well."""
        folder = self.folder.round(number)
        given = read_frames(folder / "given.extxyz") if number == 0 else []
        path = folder / "labelled.extxyz"
        return given + (read_frames(path) if path.exists() else [])

    def data(self, number: int) -> list[Atoms]:
        """All labelled structures of a round and those before."""
        return [atoms for n in range(number + 1) for atoms in self.labelled(n)]

    def models(self, number: int) -> list[Path]:
        """The committee that a round explores with: the last that was trained before it."""
        for n in range(number - 1, -1, -1):
            folder = self.folder.round(n) / "models"
            if folder.exists():
                return training.model_paths(folder, self.options.train.committee)
        raise Error(f"there are no models before round {number}")

    def final_models(self, number: int) -> list[Path]:
        if self.options.train.final:
            return training.model_paths(self.folder / "final", self.options.train.committee)
        return self.models(number + 1)

    def report(self, title: str) -> None:
        from grapevine.learn.report import write_report  # matplotlib takes its time

        write_report(self.folder, title, self.options)


def clear_outdated(part: Path, training_of: dict[str, Any]) -> None:
    """Removes an unfinished training of other data or with other options; marks the one that begins."""
    mark = part / "training.json"
    if part.exists() and not (mark.exists() and read_json(mark) == training_of):
        shutil.rmtree(part)
    part.mkdir(exist_ok=True)
    write_json(mark, training_of)


def validation_errors(members: list[dict[str, Any]]) -> dict[str, float] | None:
    """Mean RMSE of the models on what each has set aside, eV/atom and eV/Angstrom; None without any."""
    found = {}
    for name, key in (("energy", "energy_per_atom"), ("forces", "forces")):
        values = [one["valid"][key]["rmse"] for one in members if one.get("valid", {}).get(key)]
        if not values:
            return None
        found[name] = float(np.mean(values))
    return found


def line_of(summary: dict[str, Any]) -> str:
    """What the terminal tells of a round."""
    words = [f"round {summary['round']}: {summary['data']} structures"]
    if summary["before"]:
        before = summary["before"]
        words.append(f"new ones by the models before: {1000 * before['energy']:.1f} meV/atom, "
                     f"{before['forces']:.3f} eV/A")
    if valid := summary["validation"]:
        words.append(f"validation {1000 * valid['energy']:.1f} meV/atom, {valid['forces']:.3f} eV/A")
    if summary["test"]:
        words.append(f"test {1000 * summary['test']['energy']:.1f} meV/atom, {summary['test']['forces']:.3f} eV/A")
    return ", ".join(words)
