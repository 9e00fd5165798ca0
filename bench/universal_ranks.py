#!/usr/bin/env python3
"""Universal models on one rank and on more: time per step of liquid water in turn (A B A B), then memory.

    .venv/bin/python bench/universal_ranks.py MODEL.safetensors... [--ranks 2] [--molecules 14] [--rounds 3] [--steps 5]

MOLECULES^3 molecules at 1 g/cm3, 8,232 atoms by default. Each rank computes with one thread. Leaves
universal_ranks.csv; prints how many times as fast the ranks are, round by round, and the resident memory of all ranks
together at its largest, without what a rank takes before it has any atoms.
"""

import argparse
import csv
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

from long_run import rank_memory
from programs import GRAPEVINE, last_loop, run
from universal_speed import INPUT, prepare

EMPTY = "units metal\nregion box block 0 1 0 1 0 1\ncreate_box 1 box\n"
ONE_THREAD = {**os.environ, "OMP_NUM_THREADS": "1"}


def command(ranks, script, folder):
    (folder / "in.ranks").write_text(script)
    return [str(GRAPEVINE), "lammps", "-np", str(ranks), "-in", "in.ranks"]


def measure_time(ranks, script, folder):
    """Seconds per step, and the number of atoms."""
    output = run(command(ranks, script, folder), cwd=folder, env=ONE_THREAD)
    seconds, steps, atoms = last_loop(output)
    return seconds / steps, atoms


def measure_memory(ranks, script, folder):
    """Resident MB of all ranks at their largest; looking takes time from them, so that it is a run of its own, which waits to be seen."""
    memory = 0.0
    with subprocess.Popen(command(ranks, script + "shell sleep 1\n", folder), cwd=folder, stdout=subprocess.DEVNULL, env=ONE_THREAD) as running:
        while running.poll() is None:
            memory = max(memory, sum(rank_memory(running.pid)))
            time.sleep(0.2)
    if running.returncode != 0:
        sys.exit(f"the run on {ranks} ranks failed; see {folder / 'log.lammps'}")
    return memory


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", metavar="MODEL", nargs="+", type=Path)
    parser.add_argument("--ranks", type=int, default=2)
    parser.add_argument("--molecules", type=int, default=14, help="along each edge")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--output", type=Path, default=Path("bench-results"))
    arguments = parser.parse_args()
    if arguments.ranks < 2:
        parser.error(f"--ranks {arguments.ranks}: it is compared with one rank; name 2 or more")
    folder = prepare(arguments.output, arguments.molecules)
    rows = []
    for model in arguments.models:
        times, memory = {1: [], arguments.ranks: []}, {}
        script = INPUT.format(model=model.resolve(), steps=arguments.steps)
        for _ in range(arguments.rounds):
            for ranks in times:
                seconds, atoms = measure_time(ranks, script, folder)
                times[ranks].append(seconds)
        for ranks in times:
            memory[ranks] = measure_memory(ranks, script, folder) - measure_memory(ranks, EMPTY, folder)
        report(model.stem, atoms, times, memory)
        rows += [(model.stem, ranks, memory[ranks], *times[ranks]) for ranks in times]
    with open(arguments.output / "universal_ranks.csv", "w", newline="") as file:
        csv.writer(file).writerows([("model", "ranks", "MB", *(f"s per step, round {n + 1}" for n in range(arguments.rounds))), *rows])


def report(name, atoms, times, memory):
    one, more = times.values()
    ratios = sorted(a / b for a, b in zip(one, more))
    taken = "; ".join(f"{1e3 * size / atoms:.1f} kB per atom on {ranks}" for ranks, size in memory.items())
    print(f"{name}, {atoms} atoms: {statistics.median(one):.3g} s per step on one rank, {max(times)} ranks "
          f"{statistics.median(ratios):.3g} times as fast ({ratios[0]:.3g} .. {ratios[-1]:.3g}); {taken}")


if __name__ == "__main__":
    main()
