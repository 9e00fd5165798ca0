"""Validation of a model of Nb, Mo, Ta, W: python examples/alloy/validate.py MODEL FOLDER

Computes lattice constant, equation of state, bulk modulus and elastic constants of the four bcc metals at 0 K, and runs
the equimolar alloy at constant energy at 300 K and 2000 K. FOLDER/validation.md has the tables, beside DFT and
experiment, and the pictures. Takes three to five minutes on one core. What is computed: docs/alloy.md.
"""

import argparse
import hashlib
import json
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]
import crystal  # noqa: E402
import dynamics  # noqa: E402
import figures  # noqa: E402
import page  # noqa: E402
from command_line import Failure, Parser, find_grapevine, run_program  # noqa: E402


def parse(arguments, known):
    parser = Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", metavar="MODEL", type=Path, help="model file (.safetensors)")
    parser.add_argument("folder", metavar="FOLDER", type=Path, help="where everything is written")
    parser.add_argument("--elements", default=",".join(known), help="metals to compute at 0 K (default: %(default)s)")
    parser.add_argument("--picoseconds", type=float, default=100.0,
                        help="length of each run at constant energy; 0 leaves molecular dynamics out (default: 100)")
    parser.add_argument("--temperatures", default="300,2000", help="of the runs, in K (default: %(default)s)")
    parser.add_argument("--equilibration", type=float, default=5.0,
                        help="ps without pressure, and again at fixed volume, before each run (default: 5)")
    parser.add_argument("--timestep", type=float, default=2.0, help="fs (default: 2)")
    parser.add_argument("--cells", type=int, default=6, help="cubic cells along an edge; even (default: 6, 432 atoms)")
    parser.add_argument("--grapevine", type=Path, help="the program (default: build/bin of the checkout, then PATH)")
    options = parser.parse_args(arguments)
    options.elements = words(options.elements, "--elements")
    options.temperatures = [temperature(word) for word in words(options.temperatures, "--temperatures")]
    return options


def words(text, flag):
    found = [word.strip() for word in text.split(",")]
    if not all(found) or len(set(found)) < len(found):
        raise Failure(f"{flag}: '{text}' should be different words with commas between them")
    return found


def temperature(word):
    try:
        value = float(word)
    except ValueError:
        value = 0.0
    if not 0 < value < 1e5:
        raise Failure(f"--temperatures: '{word}' is no temperature in K above 0")
    return value


def check(options, known):
    """Everything that can be known to be wrong before anything is computed."""
    for element in options.elements:
        if element not in known:
            raise Failure(f"--elements: there are no reference values for '{element}', only for {', '.join(known)}")
    if not 0 <= options.picoseconds < 1e6:
        raise Failure(f"--picoseconds: {options.picoseconds:g} is no length of time in ps")
    if not 0 < options.equilibration < 1e6:
        raise Failure(f"--equilibration: {options.equilibration:g} is no length of time in ps above 0")
    if not 0 < options.timestep <= 10:
        raise Failure(f"--timestep: {options.timestep:g} is no time in fs above 0 and up to 10")
    if not (2 <= options.cells <= 100 and options.cells % 2 == 0):
        raise Failure(f"--cells: {options.cells} is no even number from 2 to 100")
    if not options.model.is_file():
        raise Failure(f"{options.model}: there is no such file")
    if options.folder.exists() and not options.folder.is_dir():
        raise Failure(f"{options.folder}: exists and is no folder")


def compute_crystals(options, grapevine, model, references):
    """Section of the page; draws its pictures."""
    print(f"bcc {', '.join(options.elements)} at 0 K: equation of state, lattice and elastic constants", flush=True)
    guesses = {element: references["elements"][element]["dft"]["a"] for element in options.elements}
    crystals = crystal.measure(crystal.Evaluator(grapevine, model, options.folder), guesses)
    tables, names = page.tabulate(crystals, references), page.columns(references)
    figures.draw_equations_of_state(options.folder / "equation-of-state.png", crystals, tables, names)
    figures.draw_elastic_constants(options.folder / "elastic-constants.png", crystals, tables, names)
    return page.crystals_section(crystals, tables, references)


def compute_runs(options, grapevine, model, references):
    """Section of the page; draws its picture."""
    plan = dynamics.Plan(options.picoseconds, options.equilibration, 1e-3 * options.timestep, options.cells)
    runs = []
    for target in options.temperatures:
        print(f"molecular dynamics at {target:g} K: {plan.atoms} atoms, {plan.whole:g} ps", flush=True)
        folder = options.folder / f"md-{target:g}K"
        dynamics.run(grapevine, model, folder, target, plan,
                     lambda ps: print(f"  {ps:.4g} of {plan.whole:g} ps", flush=True))
        runs.append(dynamics.measure(folder, target, plan))
    figures.draw_runs(options.folder / "energy-temperature.png", runs)
    return page.runs_section(runs, plan, references["training_data"])


def validate(arguments):
    references = json.loads((HERE / "references.json").read_text())
    options = parse(arguments, list(references["elements"]))
    check(options, references["elements"])
    grapevine, model = find_grapevine(options.grapevine), options.model.resolve()
    options.folder.mkdir(parents=True, exist_ok=True)

    text = page.head(model.name, hashlib.sha256(model.read_bytes()).hexdigest())
    text += compute_crystals(options, grapevine, model, references)
    if options.picoseconds > 0:
        text += compute_runs(options, grapevine, model, references)
    (options.folder / "validation.md").write_text(text)
    print(f"written: {options.folder / 'validation.md'}")


if __name__ == "__main__":
    run_program(validate)
