"""Error of mixed precision against double, and of double against the reference program.

    .venv/bin/python bench/precision.py [--same-model] MODEL.safetensors STRUCTURES.extxyz [MODEL STRUCTURES ...]

Prints one row per pair: largest and root mean square differences over all frames. With --same-model the structures carry
results of the same model by another program (tests/data/golden), and a last column says how far double is from them.
"""

import argparse
import json
import subprocess
from pathlib import Path

import ase.io
import numpy as np

CHECKOUT = Path(__file__).resolve().parent.parent


def evaluate(model, structures, precision):
    command = [CHECKOUT / "build/bin/grapevine", "evaluate", model, structures, "--precision", precision, "--json"]
    answer = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(answer.stdout)["frames"]


def differences(frames, others, key, per_atom=False):
    gaps = [np.ravel(np.subtract(a[key], b[key])) / (len(a["forces"]) if per_atom else 1)
            for a, b in zip(frames, others)]
    return np.concatenate(gaps)


def reference_force_error(frames, structures):
    atoms = ase.io.read(structures, ":")
    return max(np.abs(np.array(f["forces"]) - a.get_forces()).max() for f, a in zip(frames, atoms))


def row(model, structures, same_model):
    double, mixed = (evaluate(model, structures, precision) for precision in ("double", "mixed"))
    energy = 1e3 * differences(mixed, double, "energy", per_atom=True)
    forces = 1e3 * differences(mixed, double, "forces")
    virial = 1e3 * differences(mixed, double, "virial", per_atom=True)
    size = np.sqrt(np.mean(np.concatenate([np.ravel(f["forces"]) for f in double]) ** 2))
    figures = [np.abs(energy).max(), np.abs(forces).max(), np.sqrt(np.mean(forces**2)), np.abs(virial).max()]
    if same_model:
        figures.append(1e3 * reference_force_error(double, structures))
    cells = [Path(model).stem, str(len(double)), f"{size:.2f}"] + [f"{figure:.1e}" for figure in figures]
    return f"| {' | '.join(cells)} |"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--same-model", action="store_true", help="the structures carry results of the same model")
    parser.add_argument("pairs", nargs="+", metavar="MODEL STRUCTURES")
    options = parser.parse_args()
    if len(options.pairs) % 2:
        parser.error("models and structures come in pairs")
    head = ["model", "frames", "RMS force (eV/Å)", "energy, max (meV/atom)", "force, max (meV/Å)", "force, RMS (meV/Å)",
            "virial, max (meV/atom)"]
    if options.same_model:
        head.append("force, double against reference, max (meV/Å)")
    print(f"| {' | '.join(head)} |")
    print("| " + " | ".join("---" for _ in head) + " |")
    for model, structures in zip(options.pairs[::2], options.pairs[1::2]):
        print(row(model, structures, options.same_model))


if __name__ == "__main__":
    main()
