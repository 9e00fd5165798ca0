#!/usr/bin/env python3
"""Milliseconds per step on one thread, two and the default number, idle and beside two busy loops, in turn (A B A B).

    .venv/bin/python bench/threads.py [--against OTHER_CHECKOUT] [--rounds 3] [--output bench-results]

bcc tungsten of several sizes through the ASE calculator's evaluator, and under LAMMPS on one rank; a small training
beside them. With --against, another checkout with a build and an environment of its own runs in turn with this one, and
the table has the ratio of the two within each round. Each figure is that of a process of its own. Prints the median,
and leaves all of it in threads.csv. What a machine does besides matters: the rows of an idle one need an idle machine.
"""

import argparse
import csv
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CELLS = [1, 2, 3, 4, 6, 10]  # of two atoms along each edge
THREADS = ["1", "2", "default"]

PYTHON = """
import sys, time
import numpy
from ase.build import bulk
import grapevine
from grapevine import _core

cells, threads, seconds, model = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), sys.argv[4]
atoms = bulk("W", cubic=True) * (cells, cells, cells)
atoms.rattle(0.05, seed=1)
numbers, cell, pbc = atoms.numbers.astype("int64"), numpy.array(atoms.cell), numpy.array(atoms.pbc)
evaluator = _core.Evaluator(grapevine.Model(model).potential, "mixed", threads, 0.5)
random = numpy.random.default_rng(1)
evaluator.evaluate(numbers, atoms.positions, cell, pbc)
steps, begin = 0, time.perf_counter()
while steps < 3 or time.perf_counter() - begin < seconds:
    atoms.positions += random.normal(scale=0.0005, size=atoms.positions.shape)
    evaluator.evaluate(numbers, atoms.positions, cell, pbc)
    steps += 1
print(1e3 * (time.perf_counter() - begin) / steps)
"""

LAMMPS = """
units metal
lattice bcc 3.17
region box block 0 {cells} 0 {cells} 0 {cells}
create_box 1 box
create_atoms 1 box
mass 1 183.84
velocity all create 300 1
pair_style grapevine
pair_coeff * * {model} W
neigh_modify every 1 delay 5 check yes
fix 1 all nve
thermo 1000000
run 5 post no
run {steps}
"""


def run(command, threads, folder=None):
    environment = {key: value for key, value in os.environ.items() if key != "OMP_NUM_THREADS"}
    if threads != "default":
        environment["OMP_NUM_THREADS"] = threads
    done = subprocess.run([str(word) for word in command], env=environment, cwd=folder, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.stdout


def model_of(checkout):
    return checkout / "models" / "nbmotaw.safetensors"


def time_python(checkout, cells, threads, options):
    count = 0 if threads == "default" else threads
    command = [checkout / ".venv/bin/python", "-c", PYTHON, cells, count, options.seconds, model_of(checkout)]
    return float(run(command, threads, options.output))


def time_lammps(checkout, cells, threads, options):
    steps = max(10, round(options.seconds / (3.5e-6 * 2 * cells**3 + 2e-5)))
    text = options.output / "in.threads"
    text.write_text(LAMMPS.format(cells=cells, steps=steps, model=model_of(checkout)))
    count = str(os.cpu_count()) if threads == "default" else threads  # LAMMPS's own default is one
    output = run([checkout / "build/bin/grapevine", "lammps", "-np", 1, "-in", text.name], count, options.output)
    return 1e3 * float(re.findall(r"Loop time of (\S+)", output)[-1]) / steps


def time_training(checkout, frames, threads, options):
    """Median of the epochs, by the training's own log: once a minute a checkpoint is written after one of them."""
    data = options.output / f"threads-{frames}.extxyz"
    if not data.exists():
        write_structures(data, frames)
    with tempfile.TemporaryDirectory(dir=options.output) as folder:
        given = [] if threads == "default" else ["--threads", threads]
        epochs = max(20, round(5000 * options.seconds / frames))  # busy neighbours take turns of many milliseconds
        run([checkout / "build/bin/grapevine", "train", "--train", data, "--epochs", epochs, "--batch", frames // 4,
             "--cutoff", 4, *given, "-o", "threads.safetensors"], threads, folder)
        with open(next(Path(folder).glob("*.log.csv"))) as file:
            seconds = [float(row["seconds"]) for row in csv.DictReader(file)]
    return 1e3 * statistics.median(b - a for a, b in zip(seconds, seconds[1:]))


def write_structures(path, frames):
    import ase.io
    import grapevine
    from ase.build import bulk

    structures = []
    for seed in range(frames):
        atoms = bulk("W", cubic=True) * (1 + seed % 2, 2, 2)
        atoms.rattle(0.1, seed=seed)
        result = grapevine.evaluate(str(model_of(ROOT)), atoms, threads=1)[0]
        atoms.info["ref_energy"] = float(result.energy)
        atoms.arrays["ref_forces"] = result.forces
        structures.append(atoms)
    ase.io.write(path, structures, format="extxyz")


MEASURES = {"Python": (time_python, CELLS), "LAMMPS": (time_lammps, CELLS[1:]), "training": (time_training, [16, 64])}


def size_of(what, size):
    return f"{size} structures" if what == "training" else f"{2 * size**3} atoms"


def start_load(loops):
    return [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(loops)]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--against", type=Path, help="another checkout, built and installed into its own .venv")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=0.5, help="of each figure")
    parser.add_argument("--only", choices=list(MEASURES), help="one kind of work")
    parser.add_argument("--loads", type=json.loads, default=[0, 2], help="busy loops beside, e.g. [0, 2]")
    parser.add_argument("--output", type=Path, default=Path("bench-results"))
    options = parser.parse_args()
    options.output = options.output.resolve()
    options.output.mkdir(parents=True, exist_ok=True)
    checkouts = {"this": ROOT} | ({"other": options.against.resolve()} if options.against else {})
    kinds = {options.only: MEASURES[options.only]} if options.only else MEASURES
    cases = [(what, size, threads) for what, (_, sizes) in kinds.items() for size in sizes for threads in THREADS]
    times = {}
    for turn in range(options.rounds):
        for load in options.loads:
            loops = start_load(load)
            try:
                for what, size, threads in cases:
                    for name, checkout in checkouts.items():
                        value = kinds[what][0](checkout, size, threads, options)
                        times.setdefault((load, what, size, threads, name), []).append(value)
            finally:
                for loop in loops:
                    loop.kill()
                    loop.wait()
            print(f"round {turn + 1} of {options.rounds}, {load} busy loops beside: done", file=sys.stderr)
    with open(options.output / "threads.csv", "w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["busy_loops", "what", "size", "threads", "checkout", "round", "ms"])
        for (load, what, size, threads, name), values in times.items():
            table.writerows([load, what, size_of(what, size), threads, name, n + 1, f"{v:.4f}"] for n, v in enumerate(values))
    print(f"{'loops':>5} {'what':<9} {'size':<14} {'threads':<8} {'ms':>9}" + ("  other, ms  this/other" if options.against else ""))
    for load in options.loads:
        for what, size, threads in cases:
            mine = times[load, what, size, threads, "this"]
            line = f"{load:>5} {what:<9} {size_of(what, size):<14} {threads:<8} {statistics.median(mine):9.3f}"
            if options.against:
                other = times[load, what, size, threads, "other"]
                ratios = sorted(a / b for a, b in zip(mine, other))
                line += f"  {statistics.median(other):9.3f}  {statistics.median(ratios):.3f} ({ratios[0]:.3f} .. {ratios[-1]:.3f})"
            print(line)


if __name__ == "__main__":
    main()
