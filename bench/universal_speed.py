#!/usr/bin/env python3
"""Universal models on one core: CPU time per atom and step of liquid water, beside their own packages, in turn.

    .venv/bin/python bench/universal_speed.py MODEL... [--torch-python PYTHON] [--jax-python PYTHON] [--rounds 3] [--output bench-results]

MODEL is anything that `grapevine import` reads: nequip's checkpoints and packages (bench/make_nequip_models.py makes some
of the published sizes), Nequix's .nqx, SevenNet's .pth. 192 atoms of water at 1 g/cm3 have 89 neighbours within 6
Angstrom. --torch-python names a Python with nequip and torch for nequip's files, --jax-python one with nequix for .nqx.
Each evaluates its files twice: as it comes, and with the C library told to keep memory that is freed, which spares PyTorch
half of its time. Leaves universal_speed.csv and universal_speed.png.
"""

import argparse
import csv
import json
import os
import re
import statistics
import sys
from pathlib import Path

import ase.io
import numpy as np
from ase import Atoms
from ase.build import molecule
from programs import ENVIRONMENTS, GRAPEVINE, ROOT, last_loop, run

INPUT = """units metal
boundary p p p
read_data water.data
mass 1 1.008
mass 2 15.999
pair_style grapevine
pair_coeff * * {model} H O
velocity all create 300 1
fix move all nve
timestep 0.0002
run 1
run {steps}
"""


def water(molecules=4, spacing=3.104):
    """Molecules on a cubic grid, each turned at random."""
    random = np.random.default_rng(1)
    atoms = Atoms(cell=[molecules * spacing] * 3, pbc=True)
    for place in np.ndindex(molecules, molecules, molecules):
        one = molecule("H2O")
        one.rotate(random.uniform(0, 360), random.normal(size=3), center="COM")
        one.translate(spacing * (np.array(place) + 0.5) - one.get_center_of_mass())
        atoms += one
    return atoms


def prepare(output, molecules=4):
    """Folder of the runs in `output`, with the water that they read."""
    folder = (output / "universal").resolve()
    folder.mkdir(parents=True, exist_ok=True)
    atoms = water(molecules)
    ase.io.write(folder / "water.extxyz", atoms, format="extxyz")
    ase.io.write(folder / "water.data", atoms, format="lammps-data", specorder=["H", "O"])
    return folder


def in_lammps(model, folder, steps):
    """CPU time per atom and step in microseconds, by LAMMPS's own clocks."""
    (folder / "in.water").write_text(INPUT.format(model=model, steps=steps))
    output = run([GRAPEVINE, "lammps", "-np", 1, "-in", "in.water"], cwd=folder, env={**os.environ, "OMP_NUM_THREADS": "1"})
    time, steps, atoms = last_loop(output)
    share = float(re.findall(r"(\S+)% CPU use", output)[-1]) / 100
    return 1e6 * time * share / steps / atoms


def package_of(source, arguments):
    """Of the model's own package: its name, and the command that measures it; None where no Python for it is given."""
    packages = {".ckpt": ("nequip", arguments.torch_python, "universal_torch.py"),
                ".zip": ("nequip", arguments.torch_python, "universal_torch.py"),
                ".nqx": ("Nequix", arguments.jax_python, "universal_jax.py")}
    name, python, script = packages.get(source.suffix, (None, None, None))
    return (name, [python, ROOT / "bench" / script, source.resolve()]) if python else None


def by_package(command, folder, environment):
    output = run([*command, folder / "water.extxyz"], env={**os.environ, "OMP_NUM_THREADS": "1", **environment})
    return json.loads(output.splitlines()[-1])


def largest_difference(model, folder, forces):
    run([GRAPEVINE, "evaluate", model, folder / "water.extxyz", "-o", folder / "evaluated.extxyz", "--precision", "mixed"])
    return np.abs(ase.io.read(folder / "evaluated.extxyz").get_forces() - np.array(forces)).max()


def measure(arguments, folder):
    times, last = {}, {}
    for turn in range(arguments.rounds):
        for source in arguments.models:
            name, model = source.name.split(".")[0], folder / f"{source.name.split('.')[0]}.safetensors"
            print(f"round {turn + 1} of {arguments.rounds}: {name}", file=sys.stderr)
            if not model.exists():
                run([GRAPEVINE, "import", source.resolve(), "-o", model])
            times.setdefault(name, []).append(in_lammps(model, folder, arguments.steps))
            package = package_of(source, arguments)
            if package is None:
                continue
            for label, environment in ENVIRONMENTS.items():
                result = by_package(package[1], folder, environment)
                times.setdefault(f"{name}, by {package[0]} {label}", []).append(result["us_per_atom_step"])
                last[name] = {**result, "package": package[0]}
    return times, last


def draw(times, path):
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7, 1 + 0.4 * len(times)), layout="constrained")
    medians = [statistics.median(values) for values in times.values()]
    bars = axes.barh(list(times), medians, color=["#777777" if ", by " in name else "#0072B2" for name in times])
    axes.bar_label(bars, labels=[f"{value:,.0f}" for value in medians], padding=3)
    axes.set(xscale="log", xlim=(min(medians) / 3, 12 * max(medians)), xlabel="water, one core: CPU time per atom and step (µs)")
    axes.invert_yaxis()
    figure.savefig(path, dpi=150)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", metavar="MODEL", nargs="+", type=Path)
    parser.add_argument("--torch-python", type=Path, help="Python that has nequip and torch")
    parser.add_argument("--jax-python", type=Path, help="Python that has nequix and JAX")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--output", type=Path, default=Path("bench-results"))
    arguments = parser.parse_args()
    folder = prepare(arguments.output)
    times, last = measure(arguments, folder)
    for name, values in times.items():
        print(f"{name:<44} {statistics.median(values):10.1f} us per atom and step ({min(values):.1f} .. {max(values):.1f})")
    for name, result in last.items():
        ratios = sorted(a / b for a, b in zip(times[f"{name}, by {result['package']} at its best"], times[name]))
        difference = largest_difference(folder / f"{name}.safetensors", folder, result["forces"])
        print(f"{name}: {result['package']} by {result['version']} at its best takes {statistics.median(ratios):.3g} times as long "
              f"({ratios[0]:.3g} .. {ratios[-1]:.3g}); largest difference of a force {difference:.1e} eV/Angstrom")
    with open(arguments.output / "universal_speed.csv", "w", newline="") as file:
        rounds = range(1, arguments.rounds + 1)
        csv.writer(file).writerows([("us per atom and step", *rounds), *((name, *values) for name, values in times.items())])
    draw(times, arguments.output / "universal_speed.png")


if __name__ == "__main__":
    main()
