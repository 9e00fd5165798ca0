#!/usr/bin/env python3
"""What compute heat/flux/grapevine costs beside steps without it, in turn (A B A B).

    .venv/bin/python bench/heat_flux.py MODEL.safetensors... [--ranks 1] [--atoms 4000] [--rounds 3] [--steps 20]

The structure follows from the model's elements: liquid water where it has H and O, otherwise a bcc lattice with as many
of its elements as four, in turn. Prints for each model the time of a step, and the times of a step with the flux in each
and in every tenth, as multiples of it; leaves heat_flux.csv.
"""

import argparse
import csv
import os
import statistics
import sys
from pathlib import Path

from programs import GRAPEVINE, last_loop, run
from systems import start_of, write_structure

RUN = """{flux}
run 1
run {steps}
"""
FLUX = """compute flux all heat/flux/grapevine
fix sample all ave/time {every} 1 {every} c_flux[*] mode scalar"""
EVERY = {"without": 0, "in each step": 1, "in every tenth": 10}


def seconds_per_step(start, every, folder, arguments):
    flux = FLUX.format(every=every) if every else ""
    (folder / "in.flux").write_text(start + RUN.format(flux=flux, steps=arguments.steps))
    command = [GRAPEVINE, "lammps", "-np", arguments.ranks, "-in", "in.flux"]
    seconds, steps, atoms = last_loop(run(command, cwd=folder, env={**os.environ, "OMP_NUM_THREADS": "1"}))
    return seconds / steps, atoms


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", metavar="MODEL", nargs="+", type=Path)
    parser.add_argument("--ranks", type=int, default=1)
    parser.add_argument("--atoms", type=int, default=4000, help="about as many")
    parser.add_argument("--precision", choices=["mixed", "double"], default="mixed")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=20, help="a multiple of ten")
    parser.add_argument("--output", type=Path, default=Path("bench-results"))
    arguments = parser.parse_args()
    if arguments.steps < 10 or arguments.steps % 10 != 0:
        parser.error(f"--steps {arguments.steps}: every tenth step is to have a flux; name a multiple of ten")
    folder = (arguments.output / "heat_flux").resolve()
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for model in arguments.models:
        if not model.is_file():
            sys.exit(f"{model}: no such file")
        elements = write_structure(model, arguments.atoms, folder / "atoms.data")
        start = start_of(model, elements, "atoms.data", arguments.precision)
        times = {name: [] for name in EVERY}
        for _ in range(arguments.rounds):
            for name, every in EVERY.items():
                seconds, count = seconds_per_step(start, every, folder, arguments)
                times[name].append(1e6 * seconds / count)
        rows += report(model.stem, count, times)
    with open(arguments.output / "heat_flux.csv", "w", newline="") as file:
        csv.writer(file).writerows([("model", "flux", *(f"us per atom and step, round {n + 1}" for n in range(arguments.rounds))), *rows])


def report(name, atoms, times):
    plain = times["without"]
    print(f"{name}, {atoms} atoms: {statistics.median(plain):.3g} us per atom and step", end="")
    for way in list(times)[1:]:
        ratios = sorted(a / b for a, b in zip(times[way], plain))
        print(f"; flux {way} {statistics.median(ratios):.3g} times that ({ratios[0]:.3g} .. {ratios[-1]:.3g})", end="")
    print()
    return [(name, way, *values) for way, values in times.items()]


if __name__ == "__main__":
    main()
