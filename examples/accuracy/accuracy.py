"""Trains models on published data sets and tables their errors: python examples/accuracy/accuracy.py DATA FOLDER [NAME ...]

DATA holds the sets as folders of extended XYZ files (docs/accuracy.md says which); NAME is a configuration beside this
script, without .toml: all of them if none is given. Models and their reports go to FOLDER/NAME, and the errors on the
test structures to FOLDER/accuracy.md and accuracy.json. What has been trained in FOLDER is not trained again.
"""

import argparse
import concurrent.futures
import json
import random
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]
from command_line import Failure, Parser, find_grapevine, run_program  # noqa: E402
from cost import cost_of, draw  # noqa: E402
from frames import frames_of  # noqa: E402
from training_runs import errors_of, minutes_of, train  # noqa: E402

# Files of DATA to train on, and the one to judge by.
FILES = {
    "molybdenum": (["molybdenum/train.extxyz"], "molybdenum/test.extxyz"),
    "molybdenum-mace": (["molybdenum/train.extxyz"], "molybdenum/test.extxyz"),
    "silicon": (["silicon/train.extxyz"], "silicon/test.extxyz"),
    "silicon-mace": (["silicon/train.extxyz"], "silicon/test.extxyz"),
    "lithium": (["lithium/train.extxyz"], "lithium/test.extxyz"),
    "nbmotaw": (["alloy-NbMoTaW/train.extxyz", "alloy-NbMoTaW/multinary-train.extxyz"], "alloy-NbMoTaW/test.extxyz"),
    "water": (["water/train.extxyz"], "water/test.extxyz"),
    "water-mace": (["water/train.extxyz"], "water/test.extxyz"),
    "acetylacetone": (["acetylacetone/train.extxyz"], "acetylacetone/test-300K.extxyz"),
    "acetylacetone-mace": (["acetylacetone/train.extxyz"], "acetylacetone/test-300K.extxyz"),
    "hydrogen-combustion": (["hydrogen-combustion/train.extxyz"], "hydrogen-combustion/test.extxyz"),
    "co2-on-ni100": (["co2-on-ni100/all.extxyz"], None),
}
TRAINED_PART = 0.8  # of a set that comes without test structures
SPLIT_SEED = 1


def parse(arguments):
    parser = Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", metavar="DATA", type=Path, help="folder of the data sets")
    parser.add_argument("folder", metavar="FOLDER", type=Path, help="where everything is written")
    parser.add_argument("names", metavar="NAME", nargs="*", help=f"of {', '.join(FILES)}")
    parser.add_argument("--at-once", type=int, default=2, help="trainings at a time, a thread each (default: 2)")
    parser.add_argument("--grapevine", type=Path, help="the program (default: build/bin of the checkout, then PATH)")
    options = parser.parse_args(arguments)
    unknown = [name for name in options.names if name not in FILES]
    if unknown:
        raise Failure(f"there is no data set '{unknown[0]}', only {', '.join(FILES)}")
    if options.at_once < 1:
        raise Failure(f"--at-once: {options.at_once} is no number of trainings")
    options.names = options.names or list(FILES)
    for name in options.names:
        train_files, test = FILES[name]
        for file in train_files + ([test] if test else []):
            if not (options.data / file).is_file():
                raise Failure(f"{options.data / file}: there is no such file")
    return options


def split(path, folder):
    """Two files in `folder`, of structures to train on and to judge by, drawn by SPLIT_SEED."""
    frames = frames_of(path)
    random.Random(SPLIT_SEED).shuffle(frames)
    count = round(TRAINED_PART * len(frames))
    train_file, test = folder / "train.extxyz", folder / "test.extxyz"
    train_file.write_text("".join(frames[:count]))
    test.write_text("".join(frames[count:]))
    return [train_file], test


def judge(name, options, grapevine):
    """Errors on the test structures, and the minutes of training."""
    place = options.folder / name
    place.mkdir(parents=True, exist_ok=True)
    train_files, test = [options.data / file for file in FILES[name][0]], FILES[name][1]
    if test:
        test = options.data / test
    else:
        train_files, test = split(train_files[0], place)
    model = place / "model.safetensors"
    train(grapevine, HERE / f"{name}.toml", model, train_files, test=test, flags=["--threads", 1])
    return errors_of(grapevine, model, test) | {"minutes": minutes_of(model)}


def table(results):
    rows = ["| set | energy MAE | energy RMSE (meV/atom) | force MAE | force RMSE (meV/Å) | minutes | µs per atom and step |",
            "| --- | --- | --- | --- | --- | --- | --- |"]
    for name, errors in results.items():
        energy, forces = errors["energy_per_atom"], errors["forces"]
        numbers = [1e3 * x for x in (energy["mae"], energy["rmse"], forces["mae"], forces["rmse"])]
        rows.append(f"| {name} | " + " | ".join(f"{x:.3g}" for x in numbers)
                    + f" | {errors['minutes']:.1f} | {errors['cost']:.3g} |")
    return "\n".join(rows) + "\n"


def write_results(new, folder):
    path = folder / "accuracy.json"
    before = json.loads(path.read_text()) if path.is_file() else {}
    results = {name: (before | new)[name] for name in FILES if name in before | new}
    path.write_text(json.dumps(results, indent=1) + "\n")
    (folder / "accuracy.md").write_text(table(results))
    draw(results, {name: test for name, (_, test) in FILES.items()}, folder / "accuracy.png")
    print(table(results))


def run(arguments):
    options = parse(arguments)
    grapevine = find_grapevine(options.grapevine)
    options.folder.mkdir(parents=True, exist_ok=True)
    results = {}
    with concurrent.futures.ThreadPoolExecutor(options.at_once) as pool:
        running = {pool.submit(judge, name, options, grapevine): name for name in options.names}
        for done in concurrent.futures.as_completed(running):
            name = running[done]
            results[name] = done.result()
            print(f"{name}: {results[name]['minutes']:.1f} minutes of training", flush=True)
    for name in results:  # one after another, when nothing is trained any more
        place = options.folder / name
        test = options.data / FILES[name][1] if FILES[name][1] else place / "test.extxyz"
        results[name]["cost"] = cost_of(grapevine, place / "model.safetensors", test, place / "cost")
    write_results(results, options.folder)


if __name__ == "__main__":
    run_program(run, "; what has been trained is kept")
