"""Trains a model on each of seven published data sets and tables its errors: python accuracy.py DATA FOLDER [NAME ...]

DATA holds the sets as folders of extended XYZ files (see README.md here); NAME is one of the configurations beside this
file, without .toml, all of them if none is given. Models, reports, and accuracy.md and accuracy.json with the errors on
the test structures go to FOLDER. What is in FOLDER already is not trained again.
"""

import argparse
import concurrent.futures
import csv
import json
import random
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
CHECKOUT = HERE.parent.parent

# Files of DATA to train on, and the one to judge by.
FILES = {
    "molybdenum": (["molybdenum/train.extxyz"], "molybdenum/test.extxyz"),
    "silicon": (["silicon/train.extxyz"], "silicon/test.extxyz"),
    "lithium": (["lithium/train.extxyz"], "lithium/test.extxyz"),
    "nbmotaw": (["alloy-NbMoTaW/train.extxyz", "alloy-NbMoTaW/multinary-train.extxyz"], "alloy-NbMoTaW/test.extxyz"),
    "water": (["water/train.extxyz"], "water/test.extxyz"),
    "acetylacetone": (["acetylacetone/train.extxyz"], "acetylacetone/test-300K.extxyz"),
    "co2-on-ni100": (["co2-on-ni100/all.extxyz"], None),
}
TRAINED_PART = 0.8  # of a set that comes without test structures
SPLIT_SEED = 1


def frames_of(path):
    """The frames of an extended XYZ file, as texts."""
    lines = path.read_text().splitlines(keepends=True)
    frames, at = [], 0
    while at < len(lines):
        end = at + int(lines[at]) + 2
        frames.append("".join(lines[at:end]))
        at = end
    return frames


def split(path, folder):
    """Two files in `folder`, of frames to train on and to judge by, drawn by SPLIT_SEED."""
    frames = frames_of(path)
    random.Random(SPLIT_SEED).shuffle(frames)
    count = round(TRAINED_PART * len(frames))
    train, test = folder / "train.extxyz", folder / "test.extxyz"
    train.write_text("".join(frames[:count]))
    test.write_text("".join(frames[count:]))
    return [train], test


def data_of(name, data, folder):
    train, test = FILES[name.removesuffix("-local").removesuffix("-deep")]
    train = [data / file for file in train]
    for file in train + ([data / test] if test else []):
        if not file.is_file():
            sys.exit(f"accuracy.py: {file} is missing")
    if test is None:
        return split(train[0], folder)
    return train, data / test


def train(name, data, folder, grapevine, threads):
    """Trains unless the model is there, and returns its errors on the test structures and the minutes it took."""
    place = folder / name
    place.mkdir(parents=True, exist_ok=True)
    model = place / "model.safetensors"
    train_files, test_file = data_of(name, data, place)
    if not model.is_file():
        command = [grapevine, "train", HERE / f"{name}.toml", "--threads", str(threads), "-o", model]
        for file in train_files:
            command += ["--train", file]
        with (place / "output.txt").open("w") as output:
            done = subprocess.run(command + ["--test", test_file], stdout=output, stderr=subprocess.STDOUT)
        if done.returncode != 0:
            raise RuntimeError(f"{name}: training failed, see {place / 'output.txt'}")
    done = subprocess.run([grapevine, "evaluate", "--json", model, test_file], capture_output=True, text=True, check=True)
    with model.with_suffix(".log.csv").open() as log:
        epochs = list(csv.DictReader(log))
    result = json.loads(done.stdout)["errors"]
    result["atoms"] = int(frames_of(test_file)[0].splitlines()[0])
    result["minutes"] = float(epochs[-1]["seconds"]) / 60
    return result


def table(results):
    rows = [
        "| set | energy MAE (meV/atom) | energy RMSE (meV/atom) | force MAE (meV/Å) | force RMSE (meV/Å) | minutes |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for name, errors in results.items():
        energy, forces = errors["energy_per_atom"], errors["forces"]
        numbers = [1e3 * x for x in (energy["mae"], energy["rmse"], forces["mae"], forces["rmse"])]
        rows.append(f"| {name} | " + " | ".join(f"{x:.3g}" for x in numbers) + f" | {errors['minutes']:.1f} |")
    return "\n".join(rows) + "\n"


def write_results(new, folder):
    path = folder / "accuracy.json"
    results = json.loads(path.read_text()) if path.is_file() else {}
    results.update(new)
    results = dict(sorted(results.items()))
    path.write_text(json.dumps(results, indent=1) + "\n")
    (folder / "accuracy.md").write_text(table(results))
    print(table(results))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--jobs", type=int, default=2, help="trainings at a time")
    parser.add_argument("--threads", type=int, default=1, help="threads of each")
    parser.add_argument("--grapevine", default=str(CHECKOUT / "build/bin/grapevine"))
    arguments = parser.parse_args()
    known = sorted(file.stem for file in HERE.glob("*.toml"))
    unknown = [name for name in arguments.names if name not in known]
    if unknown:
        sys.exit(f"accuracy.py: no configuration named {unknown[0]}; there are {', '.join(known)}")
    if shutil.which(arguments.grapevine) is None:
        sys.exit(f"accuracy.py: {arguments.grapevine} is not there; build first, or name it by --grapevine")

    results = {}
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        running = {
            pool.submit(train, name, arguments.data, arguments.folder, arguments.grapevine, arguments.threads): name
            for name in arguments.names or known
        }
        for done in concurrent.futures.as_completed(running):
            name = running[done]
            try:
                results[name] = done.result()
            except (RuntimeError, subprocess.CalledProcessError) as problem:
                sys.exit(f"accuracy.py: {problem}")
            print(f"{name}: {results[name]['minutes']:.1f} minutes of training", flush=True)
    write_results(results, arguments.folder)


if __name__ == "__main__":
    main()
