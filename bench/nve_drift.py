"""Energy drift at constant energy: the NbMoTaW alloy at 1000 K in both precisions, or rock salt at 600 K by a model.

    .venv/bin/python bench/nve_drift.py [--steps 25000] [--ranks 2]
    .venv/bin/python bench/nve_drift.py --rock-salt MODEL.safetensors [--precisions mixed] [--steps 10000]

Runs examples/alloy with 2,048 atoms, or in.rock_salt_nve with 64 and a universal potential that knows Na and Cl (2 fs per
step), fits a straight line to the total energy and leaves a table and a picture in build/bench/nve_drift, or
build/bench/nve_drift-MODEL. The alloy takes a few minutes on two cores; rock salt as long as its model is dear.
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
from report import draw_drift, measure_constant_energy  # noqa: E402

PRECISIONS = ("double", "mixed")
ALLOY = ("NbMoTaW", "examples/alloy/in.alloy",
         {"cells": 8, "heat": 1500, "hold": 1500, "model": CHECKOUT / "models" / "nbmotaw.safetensors"})


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
    parser.add_argument("--rock-salt", type=Path, metavar="MODEL", help="a universal potential: rock salt, not the alloy")
    parser.add_argument("--precisions", nargs="+", choices=PRECISIONS, default=PRECISIONS)
    parser.add_argument("--steps", type=int, default=25000, help="steps of 2 fs at constant energy")
    parser.add_argument("--ranks", type=int, default=2)
    options = parser.parse_args()
    system, output = ALLOY, CHECKOUT / "build/bench/nve_drift"
    if options.rock_salt:
        name = options.rock_salt.stem
        system = (f"NaCl by {name}", "bench/in.rock_salt_nve", {"model": options.rock_salt.resolve()})
        output = output.with_name(f"nve_drift-{name}")
    results = {}
    for precision in options.precisions:
        run(output / precision, system, precision, options.steps, options.ranks)
        results[precision] = measure_constant_energy(output / precision)
    (output / "nve_drift.md").write_text(table(results))
    draw(output / "nve_drift.png", system[0], results)
    print(table(results), end="")


if __name__ == "__main__":
    main()
