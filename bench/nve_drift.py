"""Energy drift at constant energy: the NbMoTaW alloy at 1000 K in both precisions, or rock salt or water by a model.

    .venv/bin/python bench/nve_drift.py [--steps 25000] [--ranks 2]
    .venv/bin/python bench/nve_drift.py --rock-salt MODEL.safetensors [--precisions mixed] [--steps 10000]
    .venv/bin/python bench/nve_drift.py --water MODEL.safetensors [--precisions mixed] [--steps 40000]

Runs examples/alloy with 2,048 atoms, in.rock_salt_nve with 64 at 600 K and a potential that knows Na and Cl, or
in.water_nve with 192 at 300 K and one that knows H and O, fits a straight line to the total energy and leaves a table and
a picture in build/bench/nve_drift, or build/bench/nve_drift-MODEL. Steps are 2 fs, of water 0.5 fs. The alloy takes a few
minutes on two cores; the others as long as their model is dear.
"""

import argparse
import subprocess
import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

CHECKOUT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(CHECKOUT / "examples"))
import ase.io  # noqa: E402
from report import draw_drift, measure_constant_energy  # noqa: E402
from universal_speed import water  # noqa: E402

PRECISIONS = ("double", "mixed")
ALLOY = ("NbMoTaW", "examples/alloy/in.alloy",
         {"cells": 8, "heat": 1500, "hold": 1500, "model": CHECKOUT / "models" / "nbmotaw.safetensors"})


def system_of(options, output):
    """Name, input and settings of what is run."""
    model = options.rock_salt or options.water
    if not model:
        return ALLOY
    if not model.is_file():
        sys.exit(f"nve_drift.py: {model} is not there")
    settings = {"model": model.resolve()}
    if options.rock_salt:
        return f"NaCl by {model.stem}", "bench/in.rock_salt_nve", settings
    output.mkdir(parents=True, exist_ok=True)
    ase.io.write(output / "water.data", water(), format="lammps-data", specorder=["H", "O"])
    return f"water by {model.stem}", "bench/in.water_nve", {**settings, "data": output / "water.data"}


def run(folder, system, precision, steps, ranks):
    folder.mkdir(parents=True, exist_ok=True)
    _, script, settings = system
    variables = {**settings, "precision": precision, "measure": steps}
    words = [word for name, value in variables.items() for word in ("-var", name, str(value))]
    command = [CHECKOUT / "build/bin/grapevine", "lammps", "-np", str(ranks), "-in", CHECKOUT / script, *words]
    with (folder / "screen.txt").open("w") as screen:
        subprocess.run(command, cwd=folder, stdout=screen, check=True)


def table(results):
    lines = ["| precision | atoms | ps | mean temperature (K) | drift (meV/atom/ns) | fluctuation (meV/atom) |",
             "| --- | --- | --- | --- | --- | --- |"]
    for precision, r in results.items():
        lines.append(f"| {precision} | {r.atoms} | {r.time[-1] - r.time[0]:.0f} | {r.temperature.mean():.0f} | "
                     f"{r.drift:.3f} ± {r.error:.3f} | {r.energy.std():.4f} |")
    return "\n".join(lines) + "\n"


def draw(path, name, results):
    figure, axes = plt.subplots(len(results), 1, figsize=(7, 0.5 + 2.5 * len(results)), sharex=True, sharey=True,
                                squeeze=False, constrained_layout=True)
    axes = axes[:, 0]
    for axis, (precision, r) in zip(axes, results.items()):
        draw_drift(axis, r, r.time[0])
        axis.set_title(f"{name}, {r.atoms} atoms, {r.temperature.mean():.0f} K, {precision} precision")
    axes[-1].set_xlabel("time (ps)")
    figure.savefig(path, dpi=150)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    other = parser.add_mutually_exclusive_group()
    other.add_argument("--rock-salt", type=Path, metavar="MODEL", help="rock salt by this model, not the alloy")
    other.add_argument("--water", type=Path, metavar="MODEL", help="water by this model")
    parser.add_argument("--precisions", nargs="+", choices=PRECISIONS, default=PRECISIONS)
    parser.add_argument("--steps", type=int, help="at constant energy (default: 25000, of water 40000)")
    parser.add_argument("--ranks", type=int, default=2)
    options = parser.parse_args()
    model = options.rock_salt or options.water
    output = CHECKOUT / "build/bench" / (f"nve_drift-{model.stem}" if model else "nve_drift")
    system = system_of(options, output)
    steps = options.steps or (40000 if options.water else 25000)
    results = {}
    for precision in options.precisions:
        run(output / precision, system, precision, steps, options.ranks)
        results[precision] = measure_constant_energy(output / precision)
    (output / "nve_drift.md").write_text(table(results))
    draw(output / "nve_drift.png", system[0], results)
    print(table(results), end="")


if __name__ == "__main__":
    main()
