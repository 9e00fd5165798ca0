"""Thermal conductivity of silicon in two ways: python conductivity.py MODEL FOLDER [--check] [--sportran PYTHON]

Amorphous silicon at 300 K, which is melted and quenched first, and the crystal at 1000 K. Green and Kubo's integral of the heat
flux in equilibrium (in.flux), evaluated by cepstral analysis and by block averages, stands beside runs between a hot and a
cold slab (in.direct), extrapolated in the inverse of their length, and beside experiment. Leaves a table,
conductivity.txt, and pictures in FOLDER. --check makes small cells and short runs of everything, whose numbers mean little.
More: docs/thermal-conductivity.md.
"""

import sys
from dataclasses import dataclass, replace
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]
import direct  # noqa: E402
import green_kubo  # noqa: E402
import silicon_cell  # noqa: E402
from command_line import Failure, Parser, check_lammps_paths, find_grapevine, run_program  # noqa: E402
from conductivity_pictures import draw, make_table  # noqa: E402
from runs import Run, run_all  # noqa: E402

STEP = 0.002  # ps
BLOCKS = 10  # of an equilibrium run, and profiles of a direct one
MELT = 5000  # steps, of in.quench
EXPECTED_RISE = 0.25  # of the temperature, from slab to slab; the power is chosen for it


@dataclass
class Plan:
    """What is run of a phase of silicon. Steps, unless a unit is named."""

    phase: str
    temperature: float  # K
    cells: int  # along each edge, of eight atoms
    quench: int  # none for a crystal
    relax: int
    hold: int
    measure: int
    longest: float  # ps, of the lags
    frequency: float  # THz, up to which the spectrum is analysed
    copies: tuple  # of the cell along z, one direct run each
    settle: int
    direct: int
    expected: float  # W/m/K, for the power of the direct runs
    melt: int = MELT


PLANS = {
    "amorphous": Plan("amorphous", 300.0, cells=4, quench=200000, relax=20000, hold=5000, measure=500000, longest=5.0,
                      frequency=10.0, copies=(2, 3, 4, 6), settle=13000, direct=60000, expected=1.5),
    "crystal": Plan("crystal", 1000.0, cells=4, quench=0, relax=10000, hold=5000, measure=500000, longest=40.0,
                    frequency=1.0, copies=(), settle=0, direct=0, expected=10.0),
}


def shortened(plan):
    """A plan for a test: 216 atoms, and steps for two minutes in all."""
    return replace(plan, cells=3, melt=1000, quench=4000 if plan.quench else 0, relax=1000, hold=500, measure=10000,
                   longest=0.5, copies=plan.copies[:2], settle=2000, direct=5000)


def parse_arguments(arguments):
    parser = Parser(prog="conductivity.py", description="Thermal conductivity of silicon by Green-Kubo and directly.")
    add = parser.add_argument
    add("model", type=Path, help="model file that knows Si (.safetensors)")
    add("folder", type=Path, help="where runs, table and pictures go")
    add("--phases", nargs="+", choices=list(PLANS), default=list(PLANS), help="default: both")
    add("--longer", type=float, default=1.0, metavar="X", help="times as long a measurement (default: 1)")
    add("--check", action="store_true", help="small cells and short runs, to see that everything works")
    add("--sportran", metavar="PYTHON", help="a Python with sportran (default: this one, then .venv-sportran)")
    add("--ranks", type=int, default=2, metavar="N", help="MPI ranks (default: 2)")
    add("--precision", choices=["double", "mixed"], default="mixed", help="default: mixed")
    add("--seed", type=int, default=51966, metavar="N", help="of velocities and thermostats (default: 51966)")
    add("--evaluate", action="store_true", help="run no LAMMPS: evaluate the runs in FOLDER again")
    add("--grapevine", type=Path, metavar="PROGRAM", help="default: build/bin of the checkout, then PATH")
    options = parser.parse_args(arguments)
    options.model, options.folder = options.model.resolve(), options.folder.resolve()
    check(options)
    return options


def check(options):
    limits = {"longer": (0.1, 1e4), "ranks": (1, 10000), "seed": (1, 900000000)}  # LAMMPS takes no larger seed
    for name, (low, high) in limits.items():
        value = getattr(options, name)
        if not low <= value <= high:
            raise Failure(f"--{name} {value:g}: it has to be from {low:g} to {high:g}")
    options.python = green_kubo.find_sportran(options.sportran)
    if options.evaluate:
        return
    check_lammps_paths(options.model, HERE, options.folder)
    options.grapevine = find_grapevine(options.grapevine)
    for phase in options.phases:
        if (options.folder / phase).exists():
            raise Failure(f"{options.folder / phase} is there already: remove it, name another FOLDER, or use --evaluate")


def plan_of(phase, options):
    plan = shortened(PLANS[phase]) if options.check else PLANS[phase]
    return replace(plan, measure=round(options.longer * plan.measure), direct=round(options.longer * plan.direct))


def make_run(options, name, script, folder, steps, settings):
    common = {"model": options.model, "precision": options.precision, "timestep": STEP, "seed": options.seed,
              "report": max(1, min(1000, steps // 100))}
    command = [options.grapevine, "lammps", "-np", options.ranks, "-in", HERE / script]
    command += [word for pair in (common | settings).items() for word in ("-var", *pair)]
    return Run(name, folder, [str(word) for word in command], steps)


def prepare(plan, options):
    """Makes relaxed.data of a phase."""
    folder = options.folder / plan.phase
    settings = {"cells": plan.cells, "temperature": plan.temperature}
    start = {}
    if plan.quench:
        steps = 2 * plan.melt + plan.quench + plan.quench // 10
        run_all([make_run(options, "quench", "in.quench", folder / "quench", steps,
                          settings | {"melt": plan.melt, "quench": plan.quench})], 1)
        start = {"start": "file", "data": "../quench/quenched.data"}
    run_all([make_run(options, f"{plan.phase}, relax", "in.relax", folder / "relax", plan.relax + plan.hold,
                      settings | start | {"relax": plan.relax, "hold": plan.hold})], 1)


def direct_settings(plan, edges, copies):
    """Of in.direct: slabs of one cell of the crystal, layers of a half."""
    slab = edges[2] / plan.cells
    length = copies * edges[2] / 2
    gradient = EXPECTED_RISE * plan.temperature / length
    power = 2 * edges[0] * edges[1] * plan.expected / green_kubo.SI * gradient
    return {"copies": copies, "slab": slab, "power": float(f"{power:.3g}"), "bins": 2 * plan.cells * copies}


def measure(plan, options, edges):
    """Runs in equilibrium and between slabs."""
    folder = options.folder / plan.phase
    settings = {"data": "../relax/relaxed.data", "temperature": plan.temperature, "hold": plan.hold}
    runs = [make_run(options, f"{plan.phase}, flux", "in.flux", folder / "flux", plan.hold + plan.measure,
                     settings | {"measure": plan.measure})]
    for copies in plan.copies:
        more = {"settle": plan.settle, "measure": plan.direct, "block": plan.direct // BLOCKS}
        runs.append(make_run(options, f"{plan.phase}, direct, {copies} cells", "in.direct", folder / f"direct-{copies}",
                             plan.hold + plan.settle + plan.direct,
                             settings | more | direct_settings(plan, edges, copies)))
    run_all(runs, 1)


@dataclass
class Conductivity:
    """What was found of a phase."""

    plan: Plan
    structure: silicon_cell.Structure
    equilibrium: green_kubo.GreenKubo
    profiles: list
    limit: direct.Extrapolation


def evaluate(plan, options):
    folder = options.folder / plan.phase
    relaxed = silicon_cell.evaluate(folder / "relax" / "relaxed.data")
    found = green_kubo.evaluate(folder / "flux", relaxed.atoms.get_volume(), STEP, plan.longest, BLOCKS, plan.frequency,
                                options.python)
    profiles = []
    for copies in plan.copies:
        settings = direct_settings(plan, relaxed.edges, copies)
        edges = relaxed.edges * [1, 1, copies]
        profiles.append(direct.evaluate(folder / f"direct-{copies}", settings["power"], settings["slab"], edges, STEP))
    limit = None
    if len(profiles) > 1:
        limit = direct.extrapolate([it.length for it in profiles], [it.conductivity for it in profiles])
    return Conductivity(plan, relaxed, found, profiles, limit)


def main(arguments):
    options = parse_arguments(arguments)
    plans = [plan_of(phase, options) for phase in options.phases]
    options.folder.mkdir(parents=True, exist_ok=True)
    if not options.evaluate:
        for plan in plans:
            prepare(plan, options)
            measure(plan, options, silicon_cell.evaluate(options.folder / plan.phase / "relax" / "relaxed.data").edges)
    found = [evaluate(plan, options) for plan in plans]
    table = make_table(f"Thermal conductivity of silicon, {options.model.name}", found)
    if options.check:
        table += "\n--check: cells too small and runs too short for numbers that mean something"
    (options.folder / "conductivity.txt").write_text(table + "\n", encoding="utf-8")
    print(table)
    for it in found:
        picture = options.folder / f"{it.plan.phase}.png"
        draw(picture, it)
        print(f"picture: {picture}")


if __name__ == "__main__":
    run_program(main)
