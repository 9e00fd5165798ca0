#!/usr/bin/env python3
"""Universal models on one rank and on more: time per step of liquid water in turn (A B A B), and memory.

    .venv/bin/python bench/universal_ranks.py MODEL.safetensors... [--ranks 2] [--molecules 14] [--rounds 3] [--steps 5]

MOLECULES^3 molecules at 1 g/cm3, 8,232 atoms by default. Each rank computes with one thread. Leaves
universal_ranks.csv; prints how many times as fast the ranks are, round by round, and the resident memory of all ranks
together at its largest, without what a rank takes before it has any atoms.
"""

import argparse
import csv
import os
import re
import statistics
import subprocess
import sys
import time
from pathlib import Path

import ase.io
from long_run import rank_memory
from programs import GRAPEVINE
from universal_speed import INPUT, water

EMPTY = "units metal\nregion box block 0 1 0 1 0 1\ncreate_box 1 box\nshell sleep 1\n"


def run(ranks, script, folder):
    """What the run prints, and the resident MB of all ranks at their largest."""
    (folder / "in.ranks").write_text(script)
    command = [str(GRAPEVINE), "lammps", "-np", str(ranks), "-in", "in.ranks"]
    memory = 0.0
    with open(folder / "screen.txt", "w") as screen, subprocess.Popen(
            command, cwd=folder, stdout=screen, stderr=subprocess.STDOUT, env={**os.environ, "OMP_NUM_THREADS": "1"}) as running:
        while running.poll() is None:
            memory = max(memory, sum(rank_memory(running.pid)))
            time.sleep(0.2)
    output = (folder / "screen.txt").read_text()
    if running.returncode != 0:
        sys.exit(f"{' '.join(command)} failed:\n{output[-2000:]}")
    return output, memory


def measure(model, ranks, arguments, folder):
    output, memory = run(ranks, INPUT.format(model=model.resolve(), steps=arguments.steps), folder)
    seconds, steps, atoms = re.findall(r"Loop time of (\S+) on \d+ procs for (\d+) steps with (\d+) atoms", output)[-1]
    return float(seconds) / int(steps), memory, int(atoms)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", metavar="MODEL", nargs="+", type=Path)
    parser.add_argument("--ranks", type=int, default=2)
    parser.add_argument("--molecules", type=int, default=14, help="along each edge")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--output", type=Path, default=Path("bench-results"))
    arguments = parser.parse_args()
    folder = (arguments.output / "universal").resolve()
    folder.mkdir(parents=True, exist_ok=True)
    ase.io.write(folder / "water.data", water(arguments.molecules), format="lammps-data", specorder=["H", "O"])
    rows = []
    for model in arguments.models:
        for turn in range(arguments.rounds):
            for ranks in (1, arguments.ranks):
                seconds, memory, atoms = measure(model, ranks, arguments, folder)
                rows.append((model.stem, turn + 1, ranks, seconds, memory))
        report(model.stem, atoms, rows, arguments.ranks, {n: run(n, EMPTY, folder)[1] for n in (1, arguments.ranks)})
    with open(arguments.output / "universal_ranks.csv", "w", newline="") as file:
        csv.writer(file).writerows([("model", "round", "ranks", "seconds per step", "resident MB"), *rows])


def report(name, atoms, rows, ranks, empty):
    of = {n: [row for row in rows if row[0] == name and row[2] == n] for n in (1, ranks)}
    ratios = sorted(one[3] / more[3] for one, more in zip(of[1], of[ranks]))
    memory = "; ".join(f"{1e3 * (max(row[4] for row in of[n]) - empty[n]) / atoms:.1f} kB per atom on {n}" for n in of)
    print(f"{name}, {atoms} atoms: {statistics.median(row[3] for row in of[1]):.3g} s per step on one rank, {ranks} ranks "
          f"{statistics.median(ratios):.3g} times as fast ({ratios[0]:.3g} .. {ratios[-1]:.3g}); {memory}")


if __name__ == "__main__":
    main()
