"""Diffusion of lithium in the solid electrolyte Li6PS5Cl with a Grapevine model: python diffusion.py MODEL FOLDER

Runs in.electrolyte at one temperature or several, one after the other, and measures what it wrote: electrolyte.txt, a
table, electrolyte.png and density.png, pictures, in FOLDER. What is computed and how: docs/electrolyte.md.
"""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]
from argyrodite import build, write_data  # noqa: E402
from command_line import Failure, Parser, run_program  # noqa: E402
from conduction import evaluate, fit_arrhenius  # noqa: E402
from pictures import draw, draw_density, make_table  # noqa: E402
from runs import Run, prepare_runs, run_all, run_folder  # noqa: E402

STEP = 0.002  # ps, of in.electrolyte
FRAME_STEPS = 20
FEWEST = 13  # frames, for a line through the displacements in each half of a run
SHARES = {"anneal": 0.25, "relax": 0.6, "hold": 0.15}  # of the equilibration
HOT = 1000.0  # K, of the anneal at least


def make_runs(options):
    steps = {name: max(2, round(share * options.equilibrate / STEP)) for name, share in SHARES.items()}
    steps["measure"] = round(options.time / STEP)
    runs = []
    for temperature in options.temperatures:
        settings = {"model": options.model, "precision": options.precision, "data": "../start.data",
                    "temperature": temperature, "hot": max(HOT, temperature), "timestep": STEP, "seed": options.seed,
                    "every": FRAME_STEPS, "report": max(1, min(100, sum(steps.values()) // 100)), **steps}
        command = [options.grapevine, "lammps", "-np", options.ranks, "-in", HERE / "in.electrolyte"]
        command += [word for name, value in settings.items() for word in ("-var", name, value)]
        runs.append(Run(f"{temperature:g} K", run_folder(options, temperature), [str(word) for word in command],
                        sum(steps.values())))
    return runs


def parse_arguments(arguments):
    parser = Parser(prog="diffusion.py", description="Diffusion of lithium in Li6PS5Cl with a Grapevine model.")
    add = parser.add_argument
    add("model", type=Path, help="model file that knows Li, P, S and Cl (.safetensors)")
    add("folder", type=Path, help="where runs, table and pictures go")
    add("--temperatures", type=float, nargs="+", default=[800.0], metavar="K", help="default: 800")
    add("--time", type=float, default=8.0, metavar="PS", help="ps to evaluate (default: 8)")
    add("--equilibrate", type=float, default=2.4, metavar="PS", help="ps before that (default: 2.4)")
    add("--cells", type=int, default=2, metavar="N", help="cubic cells of 52 atoms along an edge (default: 2)")
    add("--disorder", type=float, default=0.5, metavar="X",
        help="share of Cl that changes places with free S, 0 to 1 (default: 0.5)")
    add("--ranks", type=int, default=2, metavar="N", help="MPI ranks (default: 2)")
    add("--precision", choices=["double", "mixed"], default="mixed", help="default: mixed")
    add("--seed", type=int, default=51966, metavar="N", help="of velocities and thermostats (default: 51966)")
    add("--evaluate", action="store_true", help="run nothing: evaluate the runs in FOLDER again")
    add("--grapevine", type=Path, metavar="PROGRAM", help="default: build/bin of the checkout, then PATH")
    options = parser.parse_args(arguments)
    options.model, options.folder = options.model.resolve(), options.folder.resolve()
    check(options)
    return options


def check(options):
    limits = {"time": ((FEWEST - 1) * FRAME_STEPS * STEP, 1e6), "equilibrate": (0, 1e6), "cells": (2, 50), "disorder": (0, 1),
              "ranks": (1, 10000), "seed": (1, 900000000)}  # LAMMPS takes no larger seed
    for name, (low, high) in limits.items():
        if not low <= getattr(options, name) <= high:
            raise Failure(f"--{name} {getattr(options, name):g}: it has to be from {low:g} to {high:g}")
    for temperature in options.temperatures:
        if not 100 <= temperature <= 1500:
            raise Failure(f"--temperatures {temperature:g}: it has to be from 100 to 1500")
    prepare_runs(options, HERE)


def run_lammps(options):
    options.folder.mkdir(parents=True, exist_ok=True)
    write_data(options.folder / "start.data", build(options.cells, options.disorder))
    runs = make_runs(options)
    count = f"{len(runs)} run{'s' * (len(runs) > 1)}"
    print(f"{count} of {runs[0].steps} steps, {52 * options.cells**3} atoms, files in {options.folder}",
          file=sys.stderr)
    run_all(runs, 1)


def main(arguments):
    options = parse_arguments(arguments)
    if not options.evaluate:
        run_lammps(options)
    found = [evaluate(run_folder(options, it), it, options.cells) for it in sorted(options.temperatures)]
    line = fit_arrhenius([it.temperature.value for it in found], [it.lithium for it in found])
    title = (f"Li₆PS₅Cl, {options.model.name}: {found[0].energy.atoms} atoms, "
             f"{options.disorder:.0%} of Cl and free S exchanged")
    table = make_table(title, found, line)
    draw(options.folder / "electrolyte.png", title, found, line)
    draw_density(options.folder / "density.png", found)
    (options.folder / "electrolyte.txt").write_text(table + "\n", encoding="utf-8")
    print(table)
    print(f"\npictures: {options.folder / 'electrolyte.png'}, {options.folder / 'density.png'}")


if __name__ == "__main__":
    run_program(main)
