"""Trainings by `grapevine train` and errors by `grapevine evaluate`, for the examples."""

import csv
import json
import subprocess

from command_line import Failure, run_evaluate


def train(grapevine, config, model, train_files, *, test=None, flags=()):
    """Trains the model unless it is finished already, as its report tells, or goes on with a training that was stopped;
    what the program prints is kept in output.txt beside it."""
    if model.with_suffix(".report.html").is_file():
        return
    model.parent.mkdir(parents=True, exist_ok=True)
    begun = model.with_suffix(".checkpoint.safetensors").is_file()
    command = [grapevine, "train", config, "-o", model, "--resume" if begun else "--overwrite", *flags]
    for file in train_files:
        command += ["--train", file]
    if test:
        command += ["--test", test]
    with (model.parent / "output.txt").open("w") as output:
        done = subprocess.run([str(word) for word in command], stdout=output, stderr=subprocess.STDOUT)
    if done.returncode != 0:
        last = (model.parent / "output.txt").read_text().strip().splitlines()[-1:]
        raise Failure(f"{model.parent / 'output.txt'}: {''.join(last) or 'the training ended without a word'}")


def minutes_of(model):
    """How long a training took."""
    with model.with_suffix(".log.csv").open() as log:
        return float(list(csv.DictReader(log))[-1]["seconds"]) / 60


def errors_of(grapevine, model, structures):
    """The errors that `grapevine evaluate --json` finds: eV per atom, eV/Angstrom."""
    return json.loads(run_evaluate(grapevine, model, structures, "--json"))["errors"]
