#!/usr/bin/env python3
"""Microseconds per atom and epoch of `grapevine train`, beside PyTorch where it is installed, in turn (A B A B).

    .venv/bin/python bench/training_speed.py DATA.extxyz [--torch-python PYTHON] [--rounds 3] [--output bench-results]

The model is REANN with T = 1, K = 8, L = 2, networks 16-16 and 32-32, cutoff 5 Angstrom, batches of 16 structures,
loss on energies and forces, AdamW: on one core, then on two. PyTorch runs a model written for speed, and one with the
operations of REANN's own program (bench/reann_training_torch.py).

With --mace IRREPS it is MACE instead, of two interactions, l_max = 3, nu = 3, radial networks 64-64-64, batches of --batch
structures, and mace-torch (bench/mace_training_torch.py), whose Python --torch-python then names:

    .venv/bin/python bench/training_speed.py acetylacetone/train.extxyz --mace 32x0e --batch 10 --torch-python PYTHON

Leaves training_speed.png and training_speed.csv.
"""

import argparse
import csv
import json
import os
import re
import statistics
import sys
from functools import partial
from pathlib import Path

from programs import ENVIRONMENTS, GRAPEVINE, ROOT, run


def mace_options(irreps, batch):
    """Of `grapevine train`: "64x0e+64x1o" has 64 channels and L = 1."""
    parts = irreps.split("+")
    channels = int(parts[0].split("x")[0])
    if parts != [f"{channels}x{order}{'eo'[order % 2]}" for order in range(len(parts))]:
        sys.exit(f"--mace {irreps}: as many channels of each order are wanted, e.g. 64x0e+64x1o")
    return ["--architecture", "mace", "--channels", channels, "--max-order", len(parts) - 1, "--edge-order", 3,
            "--radial-widths", "64,64,64", "--batch", batch]


def grapevine(data, threads, output, epochs, *options):
    """One training; time between the first and the last epoch, by its own log."""
    model = output / f"speed-{threads}.safetensors"
    command = [GRAPEVINE, "train", "--train", data, "--method", "adamw", "--split", 0.99, *options,
               "--epochs", epochs, "--threads", threads, "--cutoff", 5, "--overwrite", "-o", model]
    atoms = int(re.search(r"^train +\d+ +(\d+)", run(command), re.M).group(1))
    with open(output / f"speed-{threads}.log.csv") as file:
        seconds = [float(row["seconds"]) for row in csv.DictReader(file)]
    return 1e6 * (seconds[-1] - seconds[0]) / (len(seconds) - 1) / (0.99 * atoms)


def torch(python, script, data, environment, *options):
    command = [python, ROOT / "bench" / script, data, *options]
    return json.loads(run(command, env={**os.environ, **environment}).splitlines()[-1])["us_per_atom_epoch"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--torch-python", type=Path, help="Python that has PyTorch")
    parser.add_argument("--mace", metavar="IRREPS", help="train MACE with these features, e.g. 32x0e or 64x0e+64x1o")
    parser.add_argument("--batch", type=int, default=10, help="structures per step, of MACE (default: 10)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--output", type=Path, default=Path("bench-results"))
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True, exist_ok=True)
    own = mace_options(arguments.mace, arguments.batch) if arguments.mace else []
    cases = {
        f"grapevine, {cores} core{'s' * (cores > 1)}": partial(grapevine, arguments.data, cores, arguments.output,
                                                               arguments.epochs, *own)
        for cores in (1, 2)
    }
    if arguments.torch_python:
        for label, environment in ENVIRONMENTS.items():
            if arguments.mace:
                cases[f"mace-torch {label}, 1 core"] = partial(
                    torch, arguments.torch_python, "mace_training_torch.py", arguments.data, environment,
                    "--irreps", arguments.mace, "--batch", arguments.batch)
                continue
            measure = partial(torch, arguments.torch_python, "reann_training_torch.py", arguments.data, environment)
            cases[f"PyTorch {label}, 1 core"] = measure
            cases[f"PyTorch as published, {label}, 1 core"] = partial(measure, "--as-published")
    times = {name: [] for name in cases}
    for turn in range(arguments.rounds):
        for name, measure in cases.items():
            print(f"round {turn + 1} of {arguments.rounds}: {name}", file=sys.stderr)
            times[name].append(measure())
    for name, values in times.items():
        print(f"{name:<30} {statistics.median(values):8.2f} us per atom and epoch ({min(values):.2f} .. {max(values):.2f})")
    base = times["grapevine, 1 core"]
    for name, values in times.items():
        ratios = sorted(value / one for value, one in zip(values, base))
        print(f"{name:<30} {statistics.median(ratios):8.3g} times one core of grapevine ({ratios[0]:.3g} .. {ratios[-1]:.3g})")
    with open(arguments.output / "training_speed.csv", "w", newline="") as file:
        csv.writer(file).writerows([("case", *range(1, arguments.rounds + 1)), *((name, *v) for name, v in times.items())])
    draw(times, arguments.output / "training_speed.png")


def draw(times, path):
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(6, 1 + 0.5 * len(times)), layout="constrained")
    names = list(times)
    medians = [statistics.median(times[name]) for name in names]
    bars = axes.barh(names, medians, color=["#0072B2" if "grapevine" in name else "#777777" for name in names])
    axes.bar_label(bars, fmt="%.3g", padding=3)
    axes.set(xlabel="µs per atom and epoch", xscale="log", xlim=(1, 2 * max(medians)))
    axes.invert_yaxis()
    figure.savefig(path, dpi=150)


if __name__ == "__main__":
    main()
