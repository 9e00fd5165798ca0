#!/usr/bin/env python3
"""SevenNet-0 under LAMMPS on one rank and on two, beside its own ASE calculator with PyTorch, in turn (A B A B).

    .venv/bin/python bench/sevennet_speed.py CHECKPOINT.pth [--torch-python PYTHON] [--rounds 3] [--output bench-results]

fcc silver at 300 K: 256 atoms, the case of the comparison with PyTorch, and 2,048 and 10,976, where two ranks are worth
it. Prints milliseconds per atom and step, ratios within each round, and the largest difference of forces between the
two programs on the first structure. Leaves sevennet_speed.csv and sevennet_speed.png. `examples/sevennet/fetch.py` fetches the
checkpoint; PYTHON needs the packages sevenn and torch.
"""

import argparse
import csv
import json
import statistics
import sys
from functools import partial
from pathlib import Path

import ase.io
import numpy as np
from ase.build import bulk
from programs import ENVIRONMENTS, GRAPEVINE, ROOT, last_loop, run

INPUT = """units metal
boundary p p p
read_data {data}
mass 1 107.8682
pair_style grapevine {precision}
pair_coeff * * {model} Ag
velocity all create 600 1
fix move all nve
run 2
run {steps}
"""


def silver(cells):
    atoms = bulk("Ag", "fcc", a=4.09, cubic=True) * (cells, cells, cells)
    atoms.rattle(0.08, seed=1)
    return atoms


class Lammps:
    """Milliseconds per atom and step by LAMMPS's own clock, which leaves out setting up."""

    def __init__(self, model, atoms, folder, steps, precision="mixed"):
        self.folder, self.atoms = folder, atoms
        data = f"silver-{len(atoms)}.data"
        ase.io.write(folder / data, atoms, format="lammps-data", specorder=["Ag"])
        self.input = f"in.silver-{len(atoms)}-{precision}"
        (folder / self.input).write_text(INPUT.format(data=data, model=model, steps=steps, precision=precision))

    def __call__(self, ranks):
        output = run([GRAPEVINE, "lammps", "-np", ranks, "-in", self.input], cwd=self.folder)
        time, steps, atoms = last_loop(output)
        return 1e3 * time / steps / atoms


def largest_difference(model, structure, forces):
    results = structure.with_name("evaluated.extxyz")
    run([GRAPEVINE, "evaluate", model, structure, "-o", results, "--precision", "mixed"])
    return np.abs(ase.io.read(results).get_forces() - np.array(forces)).max()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--torch-python", type=Path, help="Python that has sevenn and torch")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--output", type=Path, default=Path("bench-results"))
    arguments = parser.parse_args()
    folder = (arguments.output / "sevennet").resolve()
    folder.mkdir(parents=True, exist_ok=True)
    model = folder / "model.safetensors"
    run([GRAPEVINE, "import", arguments.checkpoint, "-o", model])
    small = silver(4)
    structure = folder / "silver-256.extxyz"
    ase.io.write(structure, small, format="extxyz")

    in_lammps = {len(atoms): Lammps(model, atoms, folder, steps) for atoms, steps in ((small, 100), (silver(8), 20), (silver(14), 5))}
    torch = {}

    def pytorch(environment):
        output = run([arguments.torch_python, ROOT / "bench" / "sevennet_torch.py", arguments.checkpoint, structure],
                     env={"OMP_NUM_THREADS": "1", "PATH": "/usr/bin:/bin", **environment})
        torch.update(json.loads(output.splitlines()[-1]))
        return torch["ms_per_atom_step"]

    cases = {"grapevine, 256 atoms, 1 rank": lambda: in_lammps[256](1)}
    if arguments.torch_python:
        for label, environment in ENVIRONMENTS.items():
            cases[f"PyTorch {label}, 256 atoms"] = partial(pytorch, environment)
    for size in (2048, 10976):
        cases[f"grapevine, {size} atoms, 1 rank"] = partial(in_lammps[size], 1)
        cases[f"grapevine, {size} atoms, 2 ranks"] = partial(in_lammps[size], 2)

    times = {name: [] for name in cases}
    for turn in range(arguments.rounds):
        for name, measure in cases.items():
            print(f"round {turn + 1} of {arguments.rounds}: {name}", file=sys.stderr)
            times[name].append(measure())
    report(times, torch, model, structure)
    with open(arguments.output / "sevennet_speed.csv", "w", newline="") as file:
        rounds = range(1, arguments.rounds + 1)
        csv.writer(file).writerows([("ms per atom and step", *rounds), *((name, *v) for name, v in times.items())])
    draw(times, arguments.output / "sevennet_speed.png")


def report(times, torch, model, structure):
    for name, values in times.items():
        print(f"{name:<32} {statistics.median(values):8.4f} ms per atom and step "
              f"({min(values):.4f} .. {max(values):.4f})")

    def ratio(slow, fast, what):
        ratios = sorted(a / b for a, b in zip(times[slow], times[fast]))
        print(f"{what:<32} {statistics.median(ratios):8.3g} ({ratios[0]:.3g} .. {ratios[-1]:.3g})")

    for size in (2048, 10976):
        ratio(f"grapevine, {size} atoms, 1 rank", f"grapevine, {size} atoms, 2 ranks", f"two ranks over one, {size}")
    if torch:
        for label in ENVIRONMENTS:
            ratio(f"PyTorch {label}, 256 atoms", "grapevine, 256 atoms, 1 rank", f"PyTorch {torch['torch']} {label}, over")
        print(f"largest difference of a force    {largest_difference(model, structure, torch['forces']):.1e} eV/Angstrom")


def draw(times, path):
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(6.5, 1 + 0.5 * len(times)), layout="constrained")
    medians = [statistics.median(values) for values in times.values()]
    bars = axes.barh(list(times), medians, color=["#0072B2" if "grapevine" in name else "#777777" for name in times])
    axes.bar_label(bars, fmt="%.3g", padding=3)
    axes.set_xlabel("SevenNet-0, silver: ms per atom and step")
    if max(medians) > 10 * min(medians):
        axes.set(xscale="log", xlim=(min(medians) / 3, 3 * max(medians)))
        axes.xaxis.set_major_formatter("{x:g}")
        axes.xaxis.set_minor_formatter("")
    else:
        axes.set_xlim(0, 1.2 * max(medians))
    axes.invert_yaxis()
    figure.savefig(path, dpi=150)


if __name__ == "__main__":
    main()
