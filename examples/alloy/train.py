"""Trains the model of Nb, Mo, Ta, W that comes with Grapevine: python examples/alloy/train.py DATA FOLDER

DATA/alloy-NbMoTaW holds the structures of Li et al., npj Comput. Mater. 6, 70 (2020): train.extxyz, multinary-train.extxyz
and test.extxyz. A committee of large models learns from them; its mean labels structures made from those of the training
set by moving atoms and exchanging elements; a smaller model, FOLDER/model.safetensors, learns from both. It is as accurate as
the large ones and several times as fast. Takes less than an hour on two cores. What is done already is not done again.
"""

import argparse
import concurrent.futures
import sys
from pathlib import Path

import ase.io
import numpy as np

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]
from command_line import Failure, Parser, find_grapevine, run_program  # noqa: E402
from committee_labels import disordered, label, moved  # noqa: E402
from training_runs import errors_of, minutes_of, train  # noqa: E402

TEACHER = HERE.parent / "accuracy" / "nbmotaw.toml"
STUDENT = HERE / "student.toml"

# Volumes per atom of the bcc metals in the data at rest, Angstrom^3.
VOLUMES = {"Nb": 18.34, "Mo": 15.91, "Ta": 18.33, "W": 16.23}
SMALLEST = 24  # atoms: structures of molecular dynamics, surfaces
COPIES = 2
DISORDERED = 0.25  # of the copies
SPREAD = 0.15  # Angstrom
STRAIN = 0.01
LARGEST_DEVIATION = 1.0  # eV/Angstrom


def parse(arguments):
    parser = Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", metavar="DATA", type=Path, help="folder of the data sets")
    parser.add_argument("folder", metavar="FOLDER", type=Path, help="where everything is written")
    parser.add_argument("--teachers", type=int, default=2, help="models of the committee (default: 2)")
    parser.add_argument("--at-once", type=int, default=2, help="trainings at a time, a thread each (default: 2)")
    parser.add_argument("--grapevine", type=Path, help="the program (default: build/bin of the checkout, then PATH)")
    options = parser.parse_args(arguments)
    if options.teachers < 1 or options.at_once < 1:
        raise Failure("--teachers and --at-once are at least 1")
    return options


def make_structures(frames, random):
    """Disturbed copies of the larger structures."""
    made = []
    for frame in frames:
        for _ in range(COPIES if len(frame) >= SMALLEST else 0):
            copy = moved(frame, SPREAD, STRAIN, random)
            made.append(disordered(copy, VOLUMES, random) if random.uniform() < DISORDERED else copy)
    return made


def run(arguments):
    options = parse(arguments)
    grapevine = find_grapevine(options.grapevine)
    data = options.data / "alloy-NbMoTaW"
    train_files, test = [data / "train.extxyz", data / "multinary-train.extxyz"], data / "test.extxyz"
    for file in [*train_files, test]:
        if not file.is_file():
            raise Failure(f"{file}: there is no such file")
    teachers = [options.folder / f"teacher-{n + 1}" / "model.safetensors" for n in range(options.teachers)]
    print(f"{len(teachers)} teachers", flush=True)
    with concurrent.futures.ThreadPoolExecutor(options.at_once) as pool:
        list(pool.map(lambda n: train(grapevine, TEACHER, teachers[n], train_files, test=test,
                                      flags=["--seed", n + 1, "--threads", 1]), range(len(teachers))))
    labelled = options.folder / "labelled.extxyz"
    if not labelled.is_file():
        made = make_structures(ase.io.read(train_files[0], ":"), np.random.default_rng(1))
        kept = label(grapevine, teachers, made, LARGEST_DEVIATION)
        ase.io.write(labelled, kept, format="extxyz", write_results=False)
        print(f"{len(kept)} of {len(made)} disturbed structures, on which the teachers agree", flush=True)
    model = options.folder / "model.safetensors"
    train(grapevine, STUDENT, model, [*train_files, labelled], test=test, flags=["--threads", options.at_once])
    for name in [*teachers, model]:
        errors = errors_of(grapevine, name, test)
        print(f"{name}: {minutes_of(name):.1f} minutes, MAE {1e3 * errors['energy_per_atom']['mae']:.2f} meV/atom, "
              f"{1e3 * errors['forces']['mae']:.1f} meV/A")


if __name__ == "__main__":
    run_program(run, "; what is done is kept")
