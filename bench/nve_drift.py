"""Energy drift of the NbMoTaW alloy at 1000 K and constant energy, in both precisions.

    .venv/bin/python bench/nve_drift.py [--steps 25000] [--ranks 2]

Runs examples/alloy with 2,048 atoms (2 fs per step, so 50 ps unless --steps says otherwise) once in double and once in
mixed precision, fits a straight line to the total energy and leaves a table and a picture in build/bench/nve_drift.
Takes a few minutes on two cores.
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


def run(folder, precision, steps, ranks):
    folder.mkdir(parents=True, exist_ok=True)
    variables = {"cells": 8, "precision": precision, "heat": 1500, "hold": 1500, "measure": steps,
                 "model": CHECKOUT / "models" / "nbmotaw.safetensors"}
    words = [word for name, value in variables.items() for word in ("-var", name, str(value))]
    command = [CHECKOUT / "build/bin/grapevine", "lammps", "-np", str(ranks), "-in",
               CHECKOUT / "examples/alloy/in.alloy", *words]
    with (folder / "screen.txt").open("w") as screen:
        subprocess.run(command, cwd=folder, stdout=screen, check=True)


def table(results):
    lines = ["| precision | atoms | ps | mean temperature (K) | drift (meV/atom/ns) | fluctuation (meV/atom) |",
             "| --- | --- | --- | --- | --- | --- |"]
    for precision, r in results.items():
        lines.append(f"| {precision} | {r.atoms} | {r.time[-1] - r.time[0]:.0f} | {r.temperature.mean():.0f} | "
                     f"{r.drift:.3f} ± {r.error:.3f} | {r.energy.std():.4f} |")
    return "\n".join(lines) + "\n"


def draw(path, results):
    figure, axes = plt.subplots(len(results), 1, figsize=(7, 5.5), sharex=True, sharey=True, constrained_layout=True)
    for axis, (precision, r) in zip(axes, results.items()):
        draw_drift(axis, r, r.time[0])
        axis.set_title(f"NbMoTaW, {r.atoms} atoms, {r.temperature.mean():.0f} K, {precision} precision")
    axes[-1].set_xlabel("time (ps)")
    figure.savefig(path, dpi=150)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=25000, help="steps of 2 fs at constant energy")
    parser.add_argument("--ranks", type=int, default=2)
    options = parser.parse_args()
    output = CHECKOUT / "build/bench/nve_drift"
    results = {}
    for precision in PRECISIONS:
        run(output / precision, precision, options.steps, options.ranks)
        results[precision] = measure_constant_energy(output / precision)
    (output / "nve_drift.md").write_text(table(results))
    draw(output / "nve_drift.png", results)
    print(table(results), end="")


if __name__ == "__main__":
    main()
