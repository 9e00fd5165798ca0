"""Burning of hydrogen and oxygen: python hydrogen.py MODEL1 MODEL2 ... FOLDER

Runs in.burn at several temperatures with a committee whose first model gives the forces, and measures what it wrote:
species against time, the delay until the gas burns, and where the committee is at odds.
hydrogen.txt, a table, hydrogen.png and deviations.png, pictures, in FOLDER; species.csv in the folder of each run. Where
Cantera is installed (PyPI), a reactor with its mechanism of hydrogen stands beside. What is computed and how:
docs/combustion.md.
"""

import sys
from pathlib import Path

from grapevine.learn.options import Mixture

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]
from burning import evaluate  # noqa: E402
from command_line import Parser, run_program  # noqa: E402
from gas import STEP, add_options, carry_out, check, make_run, write_start  # noqa: E402
from hydrogen_pictures import draw, draw_deviations, make_table  # noqa: E402
from kinetics import react  # noqa: E402
from runs import run_folder  # noqa: E402

LONGER = 4  # times as long as the run the reactor is followed
APART = 2.8  # Angstrom, of molecules at the start
LIMITS = {"temperatures": (1000, 6000), "oxygen": (8, 10000000), "density": (0.001, 0.3)}


def parse_arguments(arguments):
    parser = Parser(prog="hydrogen.py", description="Burning of hydrogen and oxygen with a committee of models.")
    add = parser.add_argument
    add_options(parser, "H and O", 100.0)
    add("--temperatures", type=float, nargs="+", default=[4000.0], metavar="K", help="at the start (default: 4000)")
    add("--oxygen", type=int, default=200, metavar="N", help="molecules of O2, with twice as many of H2 (default: 200)")
    add("--density", type=float, default=0.1, metavar="G/CM3", help="default: 0.1")
    options = parser.parse_args(arguments)
    check(options, LIMITS, "temperatures", "K")
    return options


def run_lammps(options):
    mixture = Mixture(molecules={"H2": 2 * options.oxygen, "O2": options.oxygen}, density=options.density, distance=APART)
    atoms = write_start(options.folder / "start.data", mixture, ["H", "O"], options.seed)
    runs = [make_run(options, f"{it:g} K", run_folder(options, it), "../start.data", ["H", "O"], it, 0, options.time)
            for it in options.temperatures]
    carry_out(runs, atoms, options)


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
