"""Gases that burn: the options of their studies, their start, and runs of in.burn.

A committee goes with each run, whose first model gives the forces.
"""

import sys
from pathlib import Path

import numpy as np
from ase.io import write
from command_line import Failure, check_lammps_paths
from grapevine.learn.start import pack
from runs import Run, prepare_runs, run_all

HERE = Path(__file__).resolve().parent
STEP = 0.00025  # ps, of in.burn
HEAT = 2000  # steps of its thermostat
FRAME_STEPS = 200


def add_options(parser, knows, time):
    """Options of every study: `knows` names the elements of the models, `time` is the default of --time in ps."""
    add = parser.add_argument
    add("models", type=Path, nargs="+", metavar="MODEL", help=f"two or more model files that know {knows} (.safetensors)")
    add("folder", type=Path, metavar="FOLDER", help="where runs, table and pictures go")
    add("--time", type=float, default=time, metavar="PS", help=f"ps of a run (default: {time:g})")
    add("--ranks", type=int, default=2, metavar="N", help="MPI ranks of a run (default: 2)")
    add("--at-once", type=int, default=1, metavar="N", help="runs side by side (default: 1)")
    add("--precision", choices=["double", "mixed"], default="mixed", help="default: mixed")
    add("--seed", type=int, default=51966, metavar="N", help="of places and velocities (default: 51966)")
    add("--evaluate", action="store_true", help="run nothing: evaluate the runs in FOLDER again")
    add("--grapevine", type=Path, metavar="PROGRAM", help="default: build/bin of the checkout, then PATH")


def check(options, limits, name, unit):
    """Failure for options out of their limits, and where LAMMPS could not run; `name` is the option of several values."""
    limits = {"time": (0.5, 1e6), "ranks": (1, 10000), "at_once": (1, 1000),
              "seed": (1, 900000000), **limits}  # LAMMPS takes no larger seed
    for option, (low, high) in limits.items():
        for value in np.atleast_1d(getattr(options, option)):
            if not low <= value <= high:
                raise Failure(f"--{option.replace('_', '-')} {value:g}: it has to be from {low:g} to {high:g}")
    if not options.evaluate and len(options.models) < 2:
        raise Failure("a committee takes two models or more: MODEL1 MODEL2 FOLDER")
    options.models, options.folder = [path.resolve() for path in options.models], options.folder.resolve()
    options.model = options.models[0]
    prepare_runs(options, HERE, name, unit)
    for path in options.models if not options.evaluate else []:
        check_lammps_paths(path)


def write_start(path, mixture, elements, seed):
    """Packs the molecules at random; gives the number of atoms."""
    gas = pack(mixture, np.random.default_rng(seed))
    path.parent.mkdir(parents=True, exist_ok=True)
    write(path, gas, format="lammps-data", specorder=elements, masses=True, units="metal", atom_style="atomic")
    return len(gas)


def make_run(options, name, folder, data, elements, temperature, hold, measure, every=FRAME_STEPS):
    """The Run of in.burn that holds its temperature for `hold` ps and its energy for `measure` ps."""
    settings = {"models": " ".join(map(str, options.models)), "elements": " ".join(elements),
                "precision": options.precision, "data": data, "temperature": temperature, "timestep": STEP, "heat": HEAT,
                "hold": round(hold / STEP), "measure": round(measure / STEP), "every": every, "seed": options.seed}
    command = [options.grapevine, "lammps", "-np", options.ranks, "-in", HERE / "in.burn"]
    command += [word for key, value in settings.items() for word in ("-var", key, value)]
    return Run(name, folder, [str(word) for word in command], settings["hold"] + settings["measure"])


def carry_out(runs, atoms, options):
    """Says what will be run, and runs it."""
    count = f"{len(runs)} run{'s' * (len(runs) > 1)}"
    print(f"{count} of {runs[0].steps} steps, {atoms} atoms, files in {options.folder}", file=sys.stderr)
    run_all(runs, options.at_once)
