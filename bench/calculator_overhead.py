#!/usr/bin/env python3
"""What the ASE calculator costs beyond the C++ evaluator it calls, in turn (A B C A B C).

    .venv/bin/python bench/calculator_overhead.py [--atoms 1024] [--steps 100] [--rounds 5] [--output bench-results]

bcc tungsten at 600 K with the shipped alloy model, one thread. The same trajectory is evaluated by the C++ core itself
(arrays in, arrays out), by the calculator (energy, forces and stress through atoms.get_...), and by the calculator
within ASE's velocity Verlet, which also moves the atoms. Prints milliseconds per step and ratios within each round;
leaves calculator_overhead.csv and calculator_overhead.png.
"""

import argparse
import csv
import statistics
import time
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from ase import units
from ase.build import bulk
from ase.md.velocitydistribution import Stationary, thermalize_momenta
from ase.md.verlet import VelocityVerlet

import grapevine
from grapevine import _core
from grapevine._evaluation import arrays_of
from grapevine.ase import Grapevine

SKIN = 0.5
CASES = ["C++ evaluator", "calculator", "calculator in MD"]


def tungsten(atoms):
    cells = max(1, round((atoms / 2) ** (1 / 3)))
    crystal = bulk("W", cubic=True) * (cells, cells, cells)
    thermalize_momenta(crystal, temperature_K=1200, rng=np.random.default_rng(1))
    Stationary(crystal)
    return crystal


def calculator(model, precision):
    return Grapevine(model, precision=precision, threads=1, skin=SKIN)


def trajectory(model, start, steps, precision):
    atoms = start.copy()
    atoms.calc = calculator(model, precision)
    frames = []
    dynamics = VelocityVerlet(atoms, 2 * units.fs)
    dynamics.attach(lambda: frames.append(atoms.positions.copy()))
    dynamics.run(steps)
    return frames[1:]


def time_core(model, start, frames, precision):
    numbers, _, cell, pbc = arrays_of(start)
    evaluator = _core.Evaluator(model.potential, precision, 1, SKIN)
    evaluator.evaluate(numbers, start.positions, cell, pbc)
    begin = time.perf_counter()
    for positions in frames:
        evaluator.evaluate(numbers, positions, cell, pbc)
    return time.perf_counter() - begin


def time_calculator(model, start, frames, precision):
    atoms = start.copy()
    atoms.calc = calculator(model, precision)
    atoms.get_potential_energy()
    begin = time.perf_counter()
    for positions in frames:
        atoms.positions = positions
        atoms.get_potential_energy()
        atoms.get_forces()
        atoms.get_stress()
    return time.perf_counter() - begin


def time_dynamics(model, start, frames, precision):
    atoms = start.copy()
    atoms.calc = calculator(model, precision)
    atoms.get_forces()
    dynamics = VelocityVerlet(atoms, 2 * units.fs)
    begin = time.perf_counter()
    dynamics.run(len(frames))
    return time.perf_counter() - begin


def draw(path, precisions, times):
    figure, axes = plt.subplots(figsize=(6.4, 3.6), layout="constrained")
    width = 0.26
    for n, case in enumerate(CASES):
        middle = [statistics.median(times[p, case]) for p in precisions]
        ends = [[m - min(times[p, case]) for m, p in zip(middle, precisions)],
                [max(times[p, case]) - m for m, p in zip(middle, precisions)]]
        axes.bar(np.arange(len(precisions)) + (n - 1) * width, middle, width, yerr=ends, capsize=3, label=case)
    axes.set_xticks(range(len(precisions)), precisions)
    axes.set_ylabel("ms per step")
    axes.legend(frameon=False)
    figure.savefig(path, dpi=150)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--atoms", type=int, default=1024)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--output", type=Path, default=Path("bench-results"))
    options = parser.parse_args()
    if min(options.atoms, options.steps, options.rounds) < 1:
        parser.error("--atoms, --steps and --rounds have to be positive")
    options.output.mkdir(parents=True, exist_ok=True)
    model = grapevine.Model(grapevine.shipped_model("nbmotaw"))
    start = tungsten(options.atoms)
    precisions = ["double", "mixed"]
    times = {(p, case): [] for p in precisions for case in CASES}
    for precision in precisions:
        frames = trajectory(model, start, options.steps, precision)
        for _ in range(options.rounds):
            for case, measure in zip(CASES, [time_core, time_calculator, time_dynamics]):
                times[precision, case].append(1e3 * measure(model, start, frames, precision) / options.steps)
    with open(options.output / "calculator_overhead.csv", "w", newline="") as stream:
        table = csv.writer(stream)
        table.writerow(["precision", "case", "round", "ms_per_step"])
        for (precision, case), values in times.items():
            table.writerows([precision, case, n + 1, f"{value:.4f}"] for n, value in enumerate(values))
    print(f"{len(start)} atoms, {options.steps} steps, {options.rounds} rounds, one thread")
    for precision in precisions:
        base = times[precision, CASES[0]]
        for case in CASES:
            values = times[precision, case]
            ratios = [value / b for value, b in zip(values, base)]
            print(f"{precision:<8} {case:<18} {statistics.median(values):8.3f} ms per step "
                  f"({min(values):.3f} .. {max(values):.3f}), {statistics.median(ratios):.3f} times "
                  f"({min(ratios):.3f} .. {max(ratios):.3f}) the C++ evaluator")
    draw(options.output / "calculator_overhead.png", precisions, times)


if __name__ == "__main__":
    main()
