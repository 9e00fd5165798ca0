"""Rock salt by universal potentials side by side: python rock_salt.py FOLDER MODEL [MODEL...]

Of each model the equation of state and the lattice constant, then under LAMMPS the crystal at 300 K, heated until it
melts, and the melt: volumes, pair distributions, energies, cost. Leaves rock-salt.txt, a table, and rock-salt.png in
FOLDER. Models that are not there are left out with a line. What it shows: docs/foundation-potentials.md.
"""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]
from ase.build import bulk  # noqa: E402
from ase.io import write  # noqa: E402
from command_line import Failure, Parser, check_lammps_paths, find_grapevine, run_program  # noqa: E402
from crystal_and_melt import measure  # noqa: E402
from equation_of_state import fit_equation_of_state  # noqa: E402
from pictures import draw, make_table  # noqa: E402
from runs import Run, run_all  # noqa: E402

STEP = 0.002  # ps, of in.rock_salt
FRAME_STEPS = 10
START = 5.7  # Angstrom


def parse_arguments(arguments):
    parser = Parser(prog="rock_salt.py", description="Rock salt by universal potentials side by side.")
    add = parser.add_argument
    add("folder", type=Path, help="where runs, table and picture go")
    add("models", type=Path, nargs="+", help="model files that know Na and Cl (.safetensors)")
    add("--cells", type=int, default=3, metavar="N", help="cubic cells of 8 atoms along an edge (default: 3)")
    add("--measure", type=float, default=2.0, metavar="PS", help="ps of crystal and of melt to evaluate (default: 2)")
    add("--settle", type=float, default=1.0, metavar="PS", help="ps before each of them (default: 1)")
    add("--heat", type=float, default=4.0, metavar="PS", help="ps from 300 K to --hot (default: 4)")
    add("--hot", type=float, default=2000.0, metavar="K", help="default: 2000")
    add("--liquid", type=float, default=1300.0, metavar="K", help="temperature of the melt (default: 1300)")
    add("--ranks", type=int, default=2, metavar="N", help="MPI ranks (default: 2)")
    add("--seed", type=int, default=51966, metavar="N", help="of velocities (default: 51966)")
    add("--evaluate", action="store_true", help="run no LAMMPS: evaluate the runs in FOLDER again")
    add("--grapevine", type=Path, metavar="PROGRAM", help="default: build/bin of the checkout, then PATH")
    options = parser.parse_args(arguments)
    check(options)
    return options


def check(options):
    limits = {"cells": (2, 50), "measure": (50 * STEP, 1e6), "settle": (STEP, 1e6), "heat": (STEP, 1e6),
              "hot": (1000, 5000), "liquid": (500, 5000), "ranks": (1, 10000), "seed": (1, 900000000)}
    for name, (low, high) in limits.items():
        if not low <= getattr(options, name) <= high:
            raise Failure(f"--{name} {getattr(options, name):g}: it has to be from {low:g} to {high:g}")
    options.folder = options.folder.resolve()
    options.models = present(options.models)
    options.grapevine = find_grapevine(options.grapevine)
    for model in options.models:
        check_lammps_paths(model, HERE)
        folder = options.folder / model.stem
        if folder.exists() != options.evaluate:
            raise Failure(f"{folder} is not there" if options.evaluate else
                          f"{folder} is there already: remove it, name another FOLDER, or use --evaluate")


def present(models):
    """Those that are there; a line for each of the others."""
    found = []
    for model in models:
        if model.is_file():
            found.append(model.resolve())
        else:
            print(f"rock_salt.py: {model} is not there and is left out", file=sys.stderr)
    if not found:
        raise Failure("none of the models is there")
    if len({model.stem for model in found}) < len(found):
        raise Failure("two of the models have the same name")
    return found


def make_run(options, model):
    steps = {"settle": options.settle, "measure": options.measure, "heat": options.heat}
    steps = {name: max(1, round(time / STEP)) for name, time in steps.items()}
    whole = 3 * steps["settle"] + 2 * steps["measure"] + steps["heat"]
    settings = {"model": model, "data": "../start.data", "hot": options.hot, "liquid": options.liquid,
                "timestep": STEP, "seed": options.seed, "every": FRAME_STEPS, "report": max(1, min(100, whole // 100)),
                **steps}
    command = [options.grapevine, "lammps", "-np", options.ranks, "-in", HERE / "in.rock_salt"]
    command += [word for name, value in settings.items() for word in ("-var", name, value)]
    return Run(model.stem, options.folder / model.stem, [str(word) for word in command], whole)


def run_lammps(options):
    options.folder.mkdir(parents=True, exist_ok=True)
    crystal = bulk("NaCl", "rocksalt", a=START, cubic=True).repeat(options.cells)
    write(options.folder / "start.data", crystal, format="lammps-data", specorder=["Na", "Cl"], atom_style="atomic",
          units="metal")
    runs = [make_run(options, model) for model in options.models]
    print(f"{len(runs)} run{'s' * (len(runs) > 1)} of {runs[0].steps} steps, {len(crystal)} atoms, files in "
          f"{options.folder}", file=sys.stderr)
    run_all(runs, 1)


def main(arguments):
    options = parse_arguments(arguments)
    if not options.evaluate:
        run_lammps(options)
    found = {}
    for model in options.models:
        state = fit_equation_of_state(options.grapevine, model)
        found[model.stem] = (state, measure(options.folder / model.stem, options.cells))
    table = make_table(found, options.liquid)
    draw(options.folder / "rock-salt.png", found, options.liquid)
    (options.folder / "rock-salt.txt").write_text(table + "\n", encoding="utf-8")
    print(table)
    print(f"\npicture: {options.folder / 'rock-salt.png'}")


if __name__ == "__main__":
    run_program(main)
