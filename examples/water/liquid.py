"""Structure and diffusion of liquid water with a Grapevine model: python liquid.py MODEL FOLDER

Runs in.liquid at 300 K and 330 K, one MPI rank each, and puts what it finds beside experiment: liquid.txt, a table,
and liquid.png, a figure, in FOLDER. What is computed and how: docs/water.md.
"""

import sys
from pathlib import Path

import numpy as np
from ase.io import read, write

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]
from command_line import Failure, Parser, run_program  # noqa: E402
from evaluation import evaluate  # noqa: E402
from experiment import LIQUID  # noqa: E402
from presentation import draw, make_table  # noqa: E402
from runs import Run, prepare_runs, run_all, run_folder  # noqa: E402

STEP = 0.0005  # ps, of in.liquid
SETTLE = 1000  # steps, of in.liquid
MELT = 0.2  # of the equilibration
HOT = 330.0  # K, where the lattice melts at least: 300 K takes long, and most training data end not far above
SHORTEST_EDGE = 8.0  # Angstrom; g(r) ends at half of it


def write_start(path, source, index):
    """Writes a frame of an extended XYZ file as a LAMMPS data file of types 1 (O) and 2 (H)."""
    try:
        atoms = read(source, index=index, format="extxyz")
    except Exception as error:  # whatever ASE's reader trips over
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise Failure(f"{source}: frame {index} cannot be read: {reason}") from None
    symbols = atoms.get_chemical_symbols()
    if set(symbols) != {"O", "H"} or symbols.count("H") != 2 * symbols.count("O"):
        formula = atoms.get_chemical_formula()
        raise Failure(f"{source}: frame {index} is {formula}, not water: it takes two H for each O")
    if not atoms.pbc.all() or atoms.cell.rank < 3 or np.abs(atoms.cell.angles() - 90.0).max() > 1e-6:
        raise Failure(f"{source}: frame {index} has to be periodic in a rectangular box")
    if atoms.cell.lengths().min() < SHORTEST_EDGE:
        raise Failure(f"{source}: frame {index} is in a box with an edge of less than {SHORTEST_EDGE} Å")
    atoms.set_cell(np.diag(atoms.cell.lengths()), scale_atoms=True)
    write(path, atoms, format="lammps-data", specorder=["O", "H"], atom_style="atomic", units="metal")


def make_runs(options):
    settings = {
        "model": options.model,
        "precision": options.precision,
        "molecule": HERE / "water.mol",
        "cells": options.cells,
        "melt": round(MELT * options.equilibrate / STEP),
        "hold": round((1 - MELT) * options.equilibrate / STEP),
        "measure": round(options.time / STEP),
        "seed": options.seed,
    }
    settings["every"] = max(1, min(100, settings["measure"] // 100))
    steps = SETTLE + settings["melt"] + settings["hold"] + settings["measure"]
    settings["report"] = max(1, min(1000, steps // 100))
    if options.start:
        settings |= {"start": "file", "data": "../start.data"}
        write_start(options.folder / "start.data", options.start, options.frame)
    runs = []
    for temperature in options.temperatures:
        command = [options.grapevine, "lammps", "-np", "1", "-in", HERE / "in.liquid"]
        for name, value in {**settings, "temperature": temperature, "hot": max(HOT, temperature)}.items():
            command += ["-var", name, value]
        runs.append(Run(f"{temperature:g} K", run_folder(options, temperature), [str(word) for word in command], steps))
    return runs


def parse_arguments(arguments):
    parser = Parser(prog="liquid.py", description="Structure and diffusion of liquid water with a Grapevine model.")
    add = parser.add_argument
    add("model", type=Path, help="model file of O and H (.safetensors)")
    add("folder", type=Path, help="where runs, table and figure go")
    add("--temperatures", type=float, nargs="+", default=[300.0, 330.0], metavar="K", help="default: 300 330")
    add("--time", type=float, default=100.0, metavar="PS", help="ps to evaluate (default: 100)")
    add("--equilibrate", type=float, default=25.0, metavar="PS", help="ps before that (default: 25)")
    add("--at-once", type=int, default=2, metavar="N", help="runs at the same time, one core each (default: 2)")
    add("--start", type=Path, metavar="FILE", help="start from a frame of this extended XYZ file, not a lattice")
    add("--frame", type=int, default=0, metavar="N", help="which frame of it, from 0 (default: 0)")
    add("--cells", type=int, default=4, metavar="N", help="molecules along an edge of the lattice, even (default: 4)")
    add("--precision", choices=["double", "mixed"], default="double", help="default: double")
    add("--seed", type=int, default=51966, metavar="N", help="of velocities and thermostats (default: 51966)")
    add("--blocks", type=int, default=5, metavar="N", help="parts whose spread is the error (default: 5)")
    add("--evaluate", action="store_true", help="run nothing: evaluate the runs in FOLDER again")
    add("--grapevine", type=Path, metavar="PROGRAM", help="default: build/bin of the checkout, then PATH")
    options = parser.parse_args(arguments)
    options.model, options.folder = options.model.resolve(), options.folder.resolve()
    check(options)
    return options


def check(options):
    low, high = LIQUID
    for temperature in options.temperatures:
        if not low <= temperature <= high:
            raise Failure(f"--temperatures {temperature:g}: water is liquid from {low} to {high} K")
    if not 2 <= options.blocks <= 10:
        raise Failure(f"--blocks {options.blocks}: it has to be from 2 to 10")
    if not 100 * STEP <= options.time <= 1e6:
        raise Failure(f"--time {options.time:g}: it has to be from {100 * STEP} to 1000000 ps")
    if not 0 <= options.equilibrate <= 1e6:
        raise Failure(f"--equilibrate {options.equilibrate:g}: it has to be from 0 to 1000000 ps")
    if options.at_once < 1:
        raise Failure(f"--at-once {options.at_once}: it has to be at least 1")
    if not (4 <= options.cells <= 100 and options.cells % 2 == 0):
        raise Failure(f"--cells {options.cells}: it has to be even, from 4 to 100")
    if not 1 <= options.seed <= 900000000:
        raise Failure(f"--seed {options.seed}: LAMMPS takes 1 to 900000000")
    prepare_runs(options, HERE)


def main(arguments):
    options = parse_arguments(arguments)
    if not options.evaluate:
        options.folder.mkdir(parents=True, exist_ok=True)
        runs = make_runs(options)
        print(f"{len(runs)} runs of {runs[0].steps} steps, files in {options.folder}", file=sys.stderr)
        run_all(runs, options.at_once)
    liquids = [evaluate(run_folder(options, it), it, options.blocks) for it in options.temperatures]
    first = liquids[0]
    box = " × ".join(f"{edge:.2f}" for edge in first.edges)
    title = f"Liquid water, {options.model.name}: {first.molecules} molecules, {box} Å, {first.density:.3f} g/cm³"
    table = make_table(title, liquids)
    draw(options.folder / "liquid.png", title, liquids)
    (options.folder / "liquid.txt").write_text(table + "\n", encoding="utf-8")
    print(table)
    print(f"\npicture: {options.folder / 'liquid.png'}")


if __name__ == "__main__":
    run_program(main)
