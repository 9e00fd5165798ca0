"""Burning of hydrogen and oxygen: python hydrogen.py MODEL1 MODEL2 ... FOLDER

Runs in.burn at several temperatures with a committee whose first model gives the forces, and measures what it wrote:
species against time, the delay until the gas burns, and where the committee is at odds.
hydrogen.txt, a table, hydrogen.png and deviations.png, pictures, in FOLDER; species.csv in the folder of each run. Where
Cantera is installed (PyPI), a reactor with its mechanism of hydrogen stands beside. What is computed and how:
docs/combustion.md.
"""

import sys
from pathlib import Path

import numpy as np
from ase.io import write
from grapevine.learn.options import Mixture
from grapevine.learn.start import pack

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]
from burning import evaluate  # noqa: E402
from command_line import Failure, Parser, check_lammps_paths, run_program  # noqa: E402
from hydrogen_pictures import draw, draw_deviations, make_table  # noqa: E402
from kinetics import react  # noqa: E402
from runs import Run, prepare_runs, run_all, run_folder  # noqa: E402

STEP = 0.00025  # ps, of in.burn
HEAT = 2000  # steps of its thermostat
FRAME_STEPS = 200
LONGER = 4  # times as long as the run the reactor is followed
APART = 2.8  # Angstrom, of molecules at the start


def parse_arguments(arguments):
    parser = Parser(prog="hydrogen.py", description="Burning of hydrogen and oxygen with a committee of models.")
    add = parser.add_argument
    add("models", type=Path, nargs="+", metavar="MODEL", help="two or more model files that know H and O (.safetensors)")
    add("folder", type=Path, metavar="FOLDER", help="where runs, table and pictures go")
    add("--temperatures", type=float, nargs="+", default=[4000.0], metavar="K", help="at the start (default: 4000)")
    add("--time", type=float, default=100.0, metavar="PS", help="ps at constant energy (default: 100)")
    add("--oxygen", type=int, default=200, metavar="N", help="molecules of O2, with twice as many of H2 (default: 200)")
    add("--density", type=float, default=0.1, metavar="G/CM3", help="default: 0.1")
    add("--ranks", type=int, default=2, metavar="N", help="MPI ranks of a run (default: 2)")
    add("--at-once", type=int, default=1, metavar="N", help="runs side by side (default: 1)")
    add("--precision", choices=["double", "mixed"], default="mixed", help="default: mixed")
    add("--seed", type=int, default=51966, metavar="N", help="of places and velocities (default: 51966)")
    add("--evaluate", action="store_true", help="run nothing: evaluate the runs in FOLDER again")
    add("--grapevine", type=Path, metavar="PROGRAM", help="default: build/bin of the checkout, then PATH")
    options = parser.parse_args(arguments)
    options.models, options.folder = [path.resolve() for path in options.models], options.folder.resolve()
    check(options)
    return options


def check(options):
    limits = {"time": (10 * FRAME_STEPS * STEP, 1e6), "oxygen": (8, 10000000), "density": (0.001, 0.3),
              "ranks": (1, 10000), "at_once": (1, 1000), "seed": (1, 900000000)}  # LAMMPS takes no larger seed
    for name, (low, high) in limits.items():
        if not low <= getattr(options, name) <= high:
            raise Failure(f"--{name.replace('_', '-')} {getattr(options, name):g}: it has to be from {low:g} to {high:g}")
    for temperature in options.temperatures:
        if not 1000 <= temperature <= 6000:
            raise Failure(f"--temperatures {temperature:g}: it has to be from 1000 to 6000")
    if not options.evaluate and len(options.models) < 2:
        raise Failure("a committee takes two models or more: MODEL1 MODEL2 FOLDER")
    options.model = options.models[0]
    prepare_runs(options, HERE)
    for path in options.models if not options.evaluate else []:
        check_lammps_paths(path)


def make_runs(options):
    runs = []
    for temperature in options.temperatures:
        settings = {"models": " ".join(map(str, options.models)), "precision": options.precision,
                    "data": "../start.data", "temperature": temperature, "timestep": STEP, "heat": HEAT,
                    "measure": round(options.time / STEP), "every": FRAME_STEPS, "seed": options.seed}
        command = [options.grapevine, "lammps", "-np", options.ranks, "-in", HERE / "in.burn"]
        command += [word for name, value in settings.items() for word in ("-var", name, value)]
        runs.append(Run(f"{temperature:g} K", run_folder(options, temperature), [str(word) for word in command],
                        settings["measure"]))
    return runs


def run_lammps(options):
    options.folder.mkdir(parents=True, exist_ok=True)
    mixture = Mixture(molecules={"H2": 2 * options.oxygen, "O2": options.oxygen}, density=options.density, distance=APART)
    gas = pack(mixture, np.random.default_rng(options.seed))
    write(options.folder / "start.data", gas, format="lammps-data", specorder=["H", "O"], masses=True, units="metal",
          atom_style="atomic")
    runs = make_runs(options)
    count = f"{len(runs)} run{'s' * (len(runs) > 1)}"
    print(f"{count} of {runs[0].steps} steps, {len(gas)} atoms, files in {options.folder}", file=sys.stderr)
    run_all(runs, options.at_once)


def main(arguments):
    options = parse_arguments(arguments)
    if not options.evaluate:
        run_lammps(options)
    found = [evaluate(run_folder(options, it), it, STEP) for it in sorted(options.temperatures)]
    reactors = [react(it.target, it.density, LONGER * it.time[-1]) for it in found]
    title = f"H₂ and O₂ (2 : 1), {found[0].energy.atoms} atoms, {found[0].density:.3g} g/cm³"
    table = make_table(title, found, reactors)
    draw(options.folder / "hydrogen.png", title, found, reactors)
    draw_deviations(options.folder / "deviations.png", found)
    (options.folder / "hydrogen.txt").write_text(table + "\n", encoding="utf-8")
    print(table)
    print(f"\npictures: {options.folder / 'hydrogen.png'}, {options.folder / 'deviations.png'}")


if __name__ == "__main__":
    run_program(main)
