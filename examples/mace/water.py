"""Liquid water by a published MACE model: python water.py MACE_SPICE.model FOLDER [--check PYTHON_WITH_MACE_TORCH]

Imports the model, runs examples/water/in.liquid at 300 K, and leaves water.txt, a table, and water.png, with the pair
distribution of oxygens beside x-ray diffraction, in FOLDER. With --check the next steps are done by mace-torch as well,
and energies, forces and positions are compared. Any MACE model that knows H and O will do; one that is imported already
is taken as it is. Where the file is not there, a line says so, and nothing is done. More: docs/mace.md.
"""

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
WATER = HERE.parent / "water"
sys.path[:0] = [str(HERE), str(HERE.parent), str(WATER)]
import matplotlib  # noqa: E402

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402
from matplotlib.ticker import MaxNLocator  # noqa: E402
from command_line import Failure, Parser, check_lammps_paths, find_grapevine, run_program  # noqa: E402
from comparison import compare  # noqa: E402
from evaluation import evaluate  # noqa: E402
from presentation import draw_energy, draw_g, make_table  # noqa: E402
from report import LOOP  # noqa: E402
from runs import Run, run_all  # noqa: E402

STEP, SETTLE = 0.0005, 1000  # ps and steps, of in.liquid
MELT = 0.5  # of the equilibration
HOT = 350.0  # K at which the lattice melts
BLOCKS = 5


def parse_arguments(arguments):
    parser = Parser(prog="water.py", description="Liquid water at 300 K by a MACE model.")
    add = parser.add_argument
    add("source", type=Path, metavar="MODEL", help="of mace-torch (.model), or imported (.safetensors); with O and H")
    add("folder", type=Path, help="where model, run, table and picture go")
    add("--head", help="of a model of several")
    add("--time", type=float, default=20.0, metavar="PS", help="ps to evaluate (default: 20)")
    add("--equilibrate", type=float, default=5.0, metavar="PS", help="ps before that (default: 5)")
    add("--temperature", type=float, default=300.0, metavar="K", help="default: 300")
    add("--cells", type=int, default=4, metavar="N", help="molecules along an edge, even (default: 4)")
    add("--precision", choices=["double", "mixed"], default="mixed", help="default: mixed")
    add("--ranks", type=int, default=2, metavar="N", help="MPI ranks (default: 2)")
    add("--seed", type=int, default=51966, metavar="N", help="of velocities and thermostats (default: 51966)")
    add("--check", metavar="PYTHON", help="a Python with mace-torch, which does the next steps as well")
    add("--check-steps", type=int, default=20, metavar="N", help="how many (default: 20)")
    add("--evaluate", action="store_true", help="run no LAMMPS: evaluate the run in FOLDER again")
    add("--grapevine", type=Path, metavar="PROGRAM", help="default: build/bin of the checkout, then PATH")
    return parser.parse_args(arguments)


def check(options):
    limits = {"time": (100 * STEP, 1e6), "equilibrate": (STEP, 1e6), "temperature": (273.15, 373.15), "cells": (4, 100),
              "ranks": (1, 10000), "seed": (1, 900000000), "check_steps": (1, 10000)}
    for name, (low, high) in limits.items():
        value = getattr(options, name)
        if not low <= value <= high:
            raise Failure(f"--{name.replace('_', '-')} {value:g}: it has to be from {low:g} to {high:g}")
    if options.cells % 2:
        raise Failure(f"--cells {options.cells}: it has to be even")
    if options.check and options.source.suffix == ".safetensors":
        raise Failure("--check: mace-torch reads no .safetensors; name the .model that it was imported from")
    options.folder = options.folder.resolve()
    options.grapevine = find_grapevine(options.grapevine)
    check_lammps_paths(options.source, HERE, WATER, options.folder)
    run = options.folder / "run"
    if run.exists() != options.evaluate:
        raise Failure(f"{run} is not there" if options.evaluate else
                      f"{run} is there already: remove it, name another FOLDER, or use --evaluate")


def import_model(options):
    """Path of the model as LAMMPS takes it."""
    if options.source.suffix == ".safetensors":
        return options.source.resolve()
    model = options.folder / f"{options.source.stem}.safetensors"
    head = ["--head", options.head] if options.head else []
    command = [options.grapevine, "import", options.source, "-o", model, *head]
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    if done.returncode != 0:
        raise Failure(done.stderr.strip().splitlines()[-1].removeprefix("grapevine: error: "))
    print(done.stdout.strip(), file=sys.stderr)
    return model


def run_liquid(options):
    melt, hold = (round(share * options.equilibrate / STEP) for share in (MELT, 1 - MELT))
    measure = round(options.time / STEP)
    steps = SETTLE + melt + hold + measure
    settings = {"model": options.model, "precision": options.precision, "temperature": options.temperature,
                "hot": max(HOT, options.temperature), "molecule": WATER / "water.mol", "cells": options.cells,
                "melt": melt, "hold": hold, "measure": measure, "every": max(1, min(50, measure // 100)),
                "report": max(1, min(1000, steps // 100)), "seed": options.seed}
    command = [options.grapevine, "lammps", "-np", options.ranks, "-in", WATER / "in.liquid"]
    command += [word for name, value in settings.items() for word in ("-var", name, value)]
    print(f"{steps} steps of {3 * options.cells**3} atoms, files in {options.folder}", file=sys.stderr)
    run_all([Run("water", options.folder / "run", [str(word) for word in command], steps)], 1)


def cost(log):
    """Of the last run in a log: microseconds per atom, step and core, and the number of ranks."""
    seconds, ranks, steps, atoms = map(float, LOOP.findall(log.read_text())[-1])
    return 1e6 * seconds * ranks / (steps * atoms), int(ranks)


def draw(path, title, liquid, comparison):
    columns = 3 if comparison else 2
    figure, axes = plt.subplots(1, columns, figsize=(4.7 * columns, 4), constrained_layout=True)
    draw_g(axes[0], [liquid], ["tab:blue"])
    draw_energy(axes[1], [liquid], ["tab:blue"])
    axes[1].set_ylabel("conserved energy − mean (meV/atom)")
    if comparison:
        for values, label in ((comparison.force, "force (eV/Å)"), (comparison.position, "position (Å)"),
                              (comparison.energy, "energy (eV/atom)")):
            shown = values > 0
            axes[2].semilogy(comparison.steps[shown], values[shown], ".-", label=label)
        axes[2].xaxis.set_major_locator(MaxNLocator(integer=True))
        axes[2].set(xlabel="step", ylabel="largest difference from mace-torch")
    for axis in axes:
        axis.legend(frameon=False)
    figure.suptitle(title, fontsize="medium")
    figure.savefig(path, dpi=150)
    plt.close(figure)


def main(arguments):
    options = parse_arguments(arguments)
    if not options.source.is_file():
        print(f"water.py: {options.source} is not there; nothing is done", file=sys.stderr)
        return
    check(options)
    options.folder.mkdir(parents=True, exist_ok=True)
    options.model = import_model(options)
    if not options.evaluate:
        run_liquid(options)
    run = options.folder / "run"
    liquid = evaluate(run, options.temperature, BLOCKS)
    microseconds, ranks = cost(run / "log.lammps")
    title = f"Liquid water by {options.source.name}: {liquid.molecules} molecules, {liquid.density:.3f} g/cm³"
    lines = [make_table(title, [liquid]), f"µs per atom, step and core: {microseconds:.0f} ({ranks} ranks)"]
    comparison = None
    if options.check:
        folder = new_folder(options.folder / "check")
        comparison = compare(folder, options, options.source.resolve(), run / "final.data", STEP)
        lines.append(comparison.describe())
    draw(options.folder / "water.png", title, liquid, comparison)
    (options.folder / "water.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines))
    print(f"\npicture: {options.folder / 'water.png'}")


def new_folder(path):
    """The first of path, path-2, path-3, ... that is not there."""
    count = 1
    while (free := path if count == 1 else path.with_name(f"{path.name}-{count}")).exists():
        count += 1
    return free


if __name__ == "__main__":
    run_program(main)
