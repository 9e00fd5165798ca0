"""How well deviations tell errors, and what selection saves, on a surface that is known.

python known_surface.py FOLDER [--seeds 1 2] [--processes 2]

A model that comes with Grapevine plays the part of quantum mechanics. Silicon is learnt from a crystal, by farthest-point
selection between the bounds and by random selection among all structures met, with as many labels in each round. All
committees are judged on the same structures of runs with the true forces, cold to molten. FOLDER gets curves.png,
deviation.png and tables.md; runs that are there go on.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

import grapevine
import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from ase import units
from ase.build import bulk
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import read, write
from ase.md.langevin import Langevin
from grapevine.ase import Grapevine
from grapevine.learn.learning import LOWER, UPPER
from scipy.stats import spearmanr

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from command_line import Failure, Parser, find_grapevine, run_program  # noqa: E402

MODEL = "silicon"
TEMPERATURES = [300, 900, 1800, 3000]
METHODS = {"farthest": ("farthest point between the bounds", "tab:blue"), "random": ("random among all met", "tab:red")}
BINS = np.array([0, 0.025, 0.05, 0.1, 0.2, 0.4, 0.8, np.inf])  # of the median force

CONFIG = """
seed = {seed}
processes = {processes}
[start]
structures = ["../silicon.extxyz"]
test = ["../test.extxyz"]
copies = 5
[label]
calculator = "grapevine.ase.Grapevine"
keywords = {{ model = "{model}", threads = 1 }}
[[explore]]
temperatures = {temperatures}
time = 1.0
timestep = 2.0
every = 5
[select]
method = "{method}"
number = 8
{bounds}
[train]
cutoff = 5.0
layers = 0
waves = 6
epochs = 120
batch = 4
final = false
[stop]
rounds = 6
fraction = 0
"""


def true_runs(model, seed=1):
    """Structures from runs with the true forces, labelled, from cold to molten."""
    frames = []
    for n, temperature in enumerate(TEMPERATURES):
        atoms = bulk("Si", cubic=True, a=5.45) * (2, 2, 2)
        atoms.rattle(0.05, seed=seed)
        atoms.calc = Grapevine(model, threads=1)
        random = np.random.RandomState(seed + n)
        dynamics = Langevin(atoms, 2 * units.fs, temperature_K=temperature, friction=0.02 / units.fs, rng=random,
                            fixcm=False)
        dynamics.run(500)
        for _ in range(12):
            dynamics.run(50)
            one = atoms.copy()
            one.calc = SinglePointCalculator(one, energy=atoms.get_potential_energy(), forces=atoms.get_forces())
            one.set_momenta(None)
            frames.append(one)
    return frames


def prepare(options):
    options.folder.mkdir(parents=True, exist_ok=True)
    if not (options.folder / "test.extxyz").exists():
        write(options.folder / "silicon.extxyz", bulk("Si", cubic=True, a=5.45) * (2, 2, 2))
        write(options.folder / "test.extxyz", true_runs(MODEL))


def learn(options, method, seed):
    """Summaries of the rounds of a run."""
    folder = options.folder / f"{method}-{seed}"
    folder.mkdir(exist_ok=True)
    bounds = "" if method == "farthest" else "lower = 1e-6"
    (folder / "run.toml").write_text(CONFIG.format(seed=seed, processes=options.processes, model=MODEL, method=method,
                                                   temperatures=TEMPERATURES, bounds=bounds))
    if subprocess.run([options.grapevine, "learn", folder / "run.toml"]).returncode != 0:
        raise Failure(f"{folder}: the learning failed")
    return [json.loads(path.read_text()) for path in sorted(folder.glob("run/round-*/summary.json"))]


def median_force(frames):
    """Of all atoms, eV/Angstrom: what the default bounds are parts of."""
    return np.median(np.concatenate([np.linalg.norm(atoms.get_forces(), axis=1) for atoms in frames]))


def labels_needed(curve, error):
    """Labels at which a curve first reaches an error, by linear interpolation in its logarithm; NaN if it does not."""
    labels, errors, _ = np.transpose(curve)
    for n in range(1, len(labels)):
        if errors[n] <= error < errors[n - 1]:
            share = np.log(errors[n - 1] / error) / np.log(errors[n - 1] / errors[n])
            return labels[n - 1] + share * (labels[n] - labels[n - 1])
    return np.nan


def draw_curves(path, curves):
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.8), layout="constrained")
    for axis, column, unit in ((axes[0], 1, "forces, RMSE (eV/Å)"), (axes[1], 2, "energies, RMSE (meV/atom)")):
        for method, of_seeds in curves.items():
            name, colour = METHODS[method]
            for n, curve in enumerate(of_seeds):
                axis.semilogy([row[0] for row in curve], [row[column] for row in curve], "o-", color=colour,
                              markersize=4, alpha=0.8, label=name if n == 0 else None)
        axis.set_xlabel("labels")
        axis.set_ylabel(unit)
        axis.grid(alpha=0.3, which="both")
    axes[0].legend(frameon=False, loc="lower left")
    figure.savefig(path, dpi=150)


def deviations_and_errors(run, test, force):
    """For every committee of a run and structure of the test: deviation and error, largest of all atoms, over force."""
    pairs = []
    for folder in sorted(run.glob("round-*/models")):
        answers = [grapevine.evaluate(model, test, precision="mixed", threads=1)
                   for model in sorted(folder.glob("model-?.safetensors"))]
        for n, atoms in enumerate(test):
            forces = np.array([of_model[n].forces for of_model in answers])
            sigma = np.sqrt(((forces - forces.mean(axis=0)) ** 2).sum(axis=2).mean(axis=0)).max()
            pairs.append((sigma / force, np.linalg.norm(forces.mean(axis=0) - atoms.get_forces(), axis=1).max() / force))
    return np.array(pairs)


def draw_deviations(path, pairs):
    figure, axis = plt.subplots(figsize=(4.8, 4.2), layout="constrained")
    axis.loglog(*pairs.T, "o", color="tab:blue", markersize=3, alpha=0.4)
    ends = [pairs.min(), pairs.max()]
    axis.loglog(ends, ends, color="0.5", linewidth=1)
    for bound in (LOWER, UPPER):
        axis.axvline(bound, color="tab:red", linestyle="--", linewidth=1)
    axis.set_xlabel("largest deviation of a force / median force")
    axis.set_ylabel("largest true error / median force")
    figure.savefig(path, dpi=150)


def tables(curves, pairs, force):
    lines = [f"median force on an atom of the structures labelled first: {force:.2f} eV/Å", "",
             "| deviation / median force | structures | median error / median force | 10 % .. 90 % |", "| --- | --- | --- | --- |"]
    for low, high in zip(BINS, BINS[1:]):
        errors = pairs[(pairs[:, 0] >= low) & (pairs[:, 0] < high), 1]
        if len(errors):
            few, middle, most = np.percentile(errors, [10, 50, 90])
            lines.append(f"| {low:g} .. {high:g} | {len(errors)} | {middle:.2f} | {few:.2f} .. {most:.2f} |")
    lines += ["", f"rank correlation of deviation and error: {spearmanr(*pairs.T)[0]:.2f}", "",
              "| seed | labels | random: eV/Å, meV/atom | farthest: eV/Å, meV/atom | labels of farthest for random's force error |",
              "| --- | --- | --- | --- | --- |"]
    for n, (random, farthest) in enumerate(zip(curves["random"], curves["farthest"])):
        needed = labels_needed(farthest, random[-1][1])
        lines.append(f"| {n + 1} | {random[-1][0]}, {farthest[-1][0]} | {random[-1][1]:.4f}, {random[-1][2]:.2f} | "
                     f"{farthest[-1][1]:.4f}, {farthest[-1][2]:.2f} | {needed:.0f} |")
    return "\n".join(lines) + "\n"


def main(words):
    parser = Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--processes", type=int, default=0)
    parser.add_argument("--grapevine")
    options = parser.parse_args(words)
    options.grapevine = find_grapevine(options.grapevine)
    prepare(options)
    runs = {method: [learn(options, method, seed) for seed in options.seeds] for method in METHODS}
    curves = {method: [[(one["data"], one["test"]["forces"], 1000 * one["test"]["energy"]) for one in run]
                       for run in of_seeds] for method, of_seeds in runs.items()}
    test = read(options.folder / "test.extxyz", ":")
    force = median_force(read(options.folder / f"farthest-{options.seeds[0]}" / "run" / "round-000" / "labelled.extxyz", ":"))
    pairs = np.concatenate([deviations_and_errors(options.folder / f"{method}-{seed}" / "run", test, force)
                            for method in METHODS for seed in options.seeds])
    draw_curves(options.folder / "curves.png", curves)
    draw_deviations(options.folder / "deviation.png", pairs)
    text = tables(curves, pairs, force)
    (options.folder / "tables.md").write_text(text)
    print(text)


if __name__ == "__main__":
    run_program(main, "; the same command goes on")
