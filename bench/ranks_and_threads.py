#!/usr/bin/env python3
"""Two MPI ranks and two threads of one rank beside one rank with one thread, for systems of several sizes, in turn.

    .venv/bin/python bench/ranks_and_threads.py MODEL.safetensors... [--atoms 1000 10000 100000] [--rounds 3]

The structure follows from the model's elements (bench/systems.py). Prints for each model and size the time of a step and
how many times as fast the others are, median and range over the rounds; leaves ranks_and_threads.csv and .png.
"""

import argparse
import csv
import os
import statistics
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from programs import GRAPEVINE, last_loop, run
from systems import start_of, write_structure

WAYS = {"one": (1, 1), "two ranks": (2, 1), "two threads": (1, 2)}


def seconds_per_step(start, ranks, threads, steps, folder):
    (folder / "in.ways").write_text(f"{start}run 1\nrun {steps}\n")
    command = [GRAPEVINE, "lammps", "-np", ranks, "-in", "in.ways"]
    seconds, steps, atoms = last_loop(run(command, cwd=folder, env={**os.environ, "OMP_NUM_THREADS": str(threads)}))
    return seconds / steps, atoms


def measure(model, atoms, folder, arguments):
    """Seconds per step of every way, round by round, and the number of atoms."""
    elements = write_structure(model, atoms, folder / "atoms.data")
    start = start_of(model, elements, "atoms.data")
    once, count = seconds_per_step(start, 2, 1, 2, folder)
    steps = max(2, round(arguments.seconds / (2 * once)))
    times = {way: [] for way in WAYS}
    for _ in range(arguments.rounds):
        for way, (ranks, threads) in WAYS.items():
            times[way].append(seconds_per_step(start, ranks, threads, steps, folder)[0])
    return times, count


def speedups(times, way):
    return sorted(one / other for one, other in zip(times["one"], times[way]))


def draw(results, path):
    models = list(dict.fromkeys(model for model, _ in results))
    figure, axes = plt.subplots(1, len(models), figsize=(4.5 * len(models), 3.6), sharey=True, squeeze=False)
    for axis, model in zip(axes[0], models):
        for way, marker in (("two ranks", "o"), ("two threads", "s")):
            sizes = [atoms for name, atoms in results if name == model]
            ratios = [speedups(results[model, atoms], way) for atoms in sizes]
            middle = [statistics.median(r) for r in ratios]
            spread = [[m - r[0] for m, r in zip(middle, ratios)], [r[-1] - m for m, r in zip(middle, ratios)]]
            axis.errorbar(sizes, middle, spread, marker=marker, capsize=3, label=way)
        axis.axhline(2, color="grey", linewidth=0.8, linestyle=":")
        axis.set(xscale="log", xlabel="atoms", title=model)
    axes[0][0].set_ylabel("times as fast as one rank with one thread")
    axes[0][0].set_ylim(0, 2.2)
    axes[0][0].legend(loc="lower right")
    figure.tight_layout()
    figure.savefig(path, dpi=120)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", metavar="MODEL", nargs="+", type=Path)
    parser.add_argument("--atoms", type=int, nargs="+", default=[1000, 10000, 100000], help="about as many")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=1.0, help="of each run on one rank, or two steps")
    parser.add_argument("--output", type=Path, default=Path("bench-results"))
    arguments = parser.parse_args()
    folder = (arguments.output / "ranks_and_threads").resolve()
    folder.mkdir(parents=True, exist_ok=True)
    results = {}
    for model in arguments.models:
        for atoms in arguments.atoms:
            times, count = measure(model, atoms, folder, arguments)
            results[model.stem, count] = times
            text = "; ".join("{} {:.3g} times as fast ({:.3g} .. {:.3g})".format(way, statistics.median(r), r[0], r[-1])
                             for way, r in ((way, speedups(times, way)) for way in list(WAYS)[1:]))
            print(f"{model.stem}, {count} atoms: {1e3 * statistics.median(times['one']):.3g} ms per step; {text}", flush=True)
    with open(arguments.output / "ranks_and_threads.csv", "w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["model", "atoms", "way", "round", "ms_per_step"])
        for (model, atoms), times in results.items():
            table.writerows([model, atoms, way, n + 1, f"{1e3 * t:.4f}"] for way, values in times.items() for n, t in enumerate(values))
    draw(results, arguments.output / "ranks_and_threads.png")


if __name__ == "__main__":
    main()
