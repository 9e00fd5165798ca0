"""Error of mixed precision against double, and of double against the reference program.

    .venv/bin/python bench/precision.py MODEL.safetensors STRUCTURES.extxyz [MODEL STRUCTURES ...]

Prints one row per pair: largest and root mean square differences over all frames. Where the structures carry reference
results of the same model (tests/data/golden) the last column shows how far double is from them.
"""

import json
import subprocess
import sys
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
    if any(a.calc is None or "forces" not in a.calc.results for a in atoms):
        return None
    return max(np.abs(np.array(f["forces"]) - a.get_forces()).max() for f, a in zip(frames, atoms))


def row(model, structures):
    double, mixed = (evaluate(model, structures, precision) for precision in ("double", "mixed"))
    energy = 1e3 * differences(mixed, double, "energy", per_atom=True)
    forces = 1e3 * differences(mixed, double, "forces")
    virial = 1e3 * differences(mixed, double, "virial", per_atom=True)
    size = np.sqrt(np.mean(np.concatenate([np.ravel(f["forces"]) for f in double]) ** 2))
    reference = reference_force_error(double, structures)
    name = Path(model).stem
    return (f"| {name} | {len(double)} | {size:.2f} | {np.abs(energy).max():.1e} | {np.abs(forces).max():.1e} | "
            f"{np.sqrt(np.mean(forces**2)):.1e} | {np.abs(virial).max():.1e} | "
            + ("" if reference is None else f"{1e3 * reference:.1e}") + " |")


def main(arguments):
    if not arguments or len(arguments) % 2:
        sys.exit(__doc__)
    print("| model | frames | RMS force (eV/Å) | energy, max (meV/atom) | force, max (meV/Å) | force, RMS (meV/Å) | "
          "virial, max (meV/atom) | force, double − file, max (meV/Å) |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for model, structures in zip(arguments[::2], arguments[1::2]):
        print(row(model, structures))


if __name__ == "__main__":
    main(sys.argv[1:])
