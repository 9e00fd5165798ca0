"""Burning of acetylene and oxygen: python acetylene.py MODEL1 MODEL2 ... FOLDER

Runs in.burn for several ratios of oxygen to acetylene with a committee whose first model gives the forces: at constant
temperature, then for some picoseconds at constant energy. Measures species, rings and clusters of carbon against time, and
where the committee is at odds.
acetylene.txt, a table, acetylene.png and structures.png, pictures, in FOLDER; species.csv and carbon.csv in the folder of
each run. What is computed and how: docs/combustion.md.
"""

import sys
from pathlib import Path

from grapevine.learn.options import Mixture

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]
from acetylene_pictures import draw, draw_structures, make_table  # noqa: E402
from command_line import Parser, run_program  # noqa: E402
from gas import STEP, add_options, carry_out, check, make_run, write_start  # noqa: E402
from runs import run_folder  # noqa: E402
from sooting import evaluate  # noqa: E402

ELEMENTS = ["H", "C", "O"]
APART = 2.5  # Angstrom, of molecules at the start
FRAME_STEPS = 1000
UNIT = "-oxygen"  # of the folder of a ratio
LIMITS = {"ratios": (0.01, 10), "temperature": (1000, 5000), "atoms": (40, 10000000), "density": (0.01, 0.6),
          "energy_time": (0.25, 1e6)}


def parse_arguments(arguments):
    parser = Parser(prog="acetylene.py", description="Burning of acetylene and oxygen with a committee of models.")
    add = parser.add_argument
    add_options(parser, "H, C and O", 200.0)
    add("--ratios", type=float, nargs="+", default=[0.2, 0.5, 1.0, 1.5], metavar="R",
        help="molecules of O2 for each C2H2 (default: 0.2 0.5 1 1.5)")
    add("--temperature", type=float, default=3000.0, metavar="K", help="default: 3000")
    add("--atoms", type=int, default=2000, metavar="N", help="about so many (default: 2000)")
    add("--density", type=float, default=0.3, metavar="G/CM3", help="default: 0.3")
    add("--energy-time", type=float, default=10.0, metavar="PS", help="ps at constant energy after it (default: 10)")
    options = parser.parse_args(arguments)
    check(options, LIMITS, "ratios", UNIT)
    return options


def mixture_of(options, ratio):
    """As near to the number of atoms as whole molecules come."""
    acetylene = max(1, round(options.atoms / (4 + 2 * ratio)))
    molecules = {"C2H2": acetylene, "O2": max(1, round(ratio * acetylene))}
    return Mixture(molecules=molecules, density=options.density, distance=APART)


def run_lammps(options):
    runs = []
    for ratio in options.ratios:
        data = options.folder / f"start-{ratio:g}.data"
        atoms = write_start(data, mixture_of(options, ratio), ELEMENTS, options.seed)
        runs.append(make_run(options, f"O2/C2H2 {ratio:g}", run_folder(options, ratio, UNIT), f"../{data.name}", ELEMENTS,
                             options.temperature, options.time, options.energy_time, FRAME_STEPS))
    carry_out(runs, atoms, options)


def main(arguments):
    options = parse_arguments(arguments)
    if not options.evaluate:
        run_lammps(options)
    found = [evaluate(run_folder(options, ratio, UNIT), ratio, options.temperature, STEP) for ratio in sorted(options.ratios)]
    title = f"C₂H₂ and O₂, about {options.atoms} atoms, {options.temperature:g} K, {options.density:g} g/cm³"
    table = make_table(title, found)
    draw(options.folder / "acetylene.png", title, found)
    draw_structures(options.folder / "structures.png", title, found)
    (options.folder / "acetylene.txt").write_text(table + "\n", encoding="utf-8")
    print(table)
    print(f"\npictures: {options.folder / 'acetylene.png'}, {options.folder / 'structures.png'}")


if __name__ == "__main__":
    run_program(main)
