"""Does the disagreement of a committee tell how wrong it is? python committee.py

Needs grapevine, ASE, matplotlib, and takes ten seconds on one core. In the folder --output: committee.png, and what
it shows as trajectory.csv and atoms.csv; the models are model-1.safetensors and so on, with their training reports.

Trains a committee of small models, heats a bcc metal far beyond what it was trained on, driven by the mean of the
committee, and compares the deviation of each atom's force among the models with the true error of the mean force.

The truth is another model (--reference, by default that of the alloy NbMoTaW), for it costs nothing to ask. Without
--train the committee learns from that same model: molecular dynamics with it at 300 to 1000 K, labelled by it. Models
learn a model, then, not a metal. With --train FILE (extended XYZ with energies and forces) it learns from --structures
of the file, taken at random, and the error against --reference is one against an approximation to what made the data.
"""

import argparse
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
from ase.filters import FrechetCellFilter
from ase.io import read, write
from ase.md.langevin import Langevin
from ase.optimize import BFGS
from grapevine.ase import Grapevine

TIMESTEP = 2 * units.fs
FRICTION = 0.01 / units.fs
LEARNT = (300, 600, 1000)  # K


def snapshots(atoms, temperature, count, random):
    """Structures of molecular dynamics, 50 fs apart, after 0.5 ps in which the thermostat warms them."""
    dynamics = Langevin(atoms, TIMESTEP, temperature_K=temperature, friction=FRICTION, rng=random, fixcm=False)
    dynamics.run(250)
    found = []
    for _ in range(count):
        dynamics.run(25)
        found.append(atoms.copy())
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
                                     usage=argparse.SUPPRESS)
    parser.add_argument("--element", choices=["Nb", "Mo", "Ta", "W"], default="W", help="default: W")
    parser.add_argument("--reference", default=grapevine.shipped_model("nbmotaw"), help="default: the alloy NbMoTaW")
    parser.add_argument("--train", help="extended XYZ with energies and forces (default: made with the reference)")
    parser.add_argument("--structures", type=int, default=60, help="to train on (default: 60)")
    parser.add_argument("--committee", type=int, default=3, help="number of models (default: 3)")
    parser.add_argument("--epochs", type=int, default=150, help="of training (default: 150)")
    parser.add_argument("--hottest", type=float, default=4000, help="K at the end of the heating (default: 4000)")
    parser.add_argument("--time", type=float, default=4, help="ps of heating (default: 4)")
    parser.add_argument("--output", type=Path, default="committee", help="folder for the results (default: committee)")
    args = parser.parse_args()
    if args.structures < 10 or args.committee < 2 or args.epochs < 2:
        parser.error("--structures has to be at least 10, --committee at least 2, --epochs at least 2")
    if not (300 < args.hottest < 1e5 and 0.1 <= args.time < 1e6):
        parser.error("--hottest has to be above 300 K, and --time at least 0.1 ps")
    reference = grapevine.Model(args.reference)
    random = np.random.default_rng(1)
    args.output.mkdir(parents=True, exist_ok=True)

    unit = bulk(args.element, "bcc", cubic=True)
    unit.calc = Grapevine(reference)
    BFGS(FrechetCellFilter(unit, hydrostatic_strain=True), logfile=None).run(fmax=1e-4)
    crystal = unit.repeat(3)

    # Structures to learn from.
    if args.train:
        try:
            frames = read(args.train, ":", format="extxyz")
        except Exception as error:  # whatever ASE's reader trips over
            parser.error(f"--train {args.train}: cannot be read: {error or type(error).__name__}")
        frames = [frames[n] for n in random.permutation(len(frames))[: args.structures]]
    else:
        atoms = crystal.copy()
        atoms.calc = Grapevine(reference)
        frames = [s for t in LEARNT for s in snapshots(atoms, t, args.structures // len(LEARNT), random)]
        for frame, result in zip(frames, grapevine.evaluate(reference, frames)):
            frame.calc = SinglePointCalculator(frame, energy=result.energy, forces=result.forces)
    write(args.output / "train.extxyz", frames)

    # The committee: the same structures, other random weights and other structures set aside for validation.
    print(f"training {args.committee} models on {len(frames)} structures", flush=True)
    trained = grapevine.train(train=[args.output / "train.extxyz"], output=args.output / "model.safetensors",
                              overwrite=True, committee=args.committee, epochs=args.epochs, batch=4, cutoff=5.0,
                              layers=1, waves=6, message_widths=[16], readout_widths=[16, 16])
    for member in trained:
        errors = member["errors"]["valid"]
        print(f"{Path(member['model']).name}: forces within {1e3 * errors['forces']['rmse']:.0f} meV/A (RMSE, "
              f"{errors['frames']} structures set aside)")

    # Heating, driven by the mean of the committee.
    atoms = crystal.copy()
    atoms.calc = Grapevine([member["model"] for member in trained])
    dynamics = Langevin(atoms, TIMESTEP, temperature_K=300, friction=FRICTION, rng=random, fixcm=False)
    dynamics.run(250)
    temperatures = np.linspace(300, args.hottest, round(args.time / 0.02) + 1)  # 20 fs apart
    trajectory, deviations, forces = [], [], []
    for temperature in temperatures:
        dynamics.set_temperature(temperature_K=temperature)
        dynamics.run(10)
        trajectory.append(atoms.copy())
        forces.append(atoms.get_forces())
        deviations.append(atoms.calc.results["forces_deviation"])
    truth = [result.forces for result in grapevine.evaluate(reference, trajectory)]
    deviations, errors = np.array(deviations), np.linalg.norm(np.subtract(forces, truth), axis=2)

    names = ("deviation, mean", "deviation, largest", "error, mean", "error, largest")
    series = [pick(x, axis=1) for x in (deviations, errors) for pick in (np.mean, np.max)]
    print(f"\n{'heated through, K':20}" + "".join(f"{name:20}" for name in names) + "(eV/A)")
    edges = np.linspace(300, args.hottest, 6)
    for low, high in zip(edges, edges[1:]):
        part = (temperatures >= low) & (temperatures <= high)
        values = [pick(x[part]) for x in (deviations, errors) for pick in (np.mean, np.max)]
        print(f"{f'{low:.0f} to {high:.0f}':20}" + "".join(f"{value:<20.3f}" for value in values))
    heat, deviation, error = np.repeat(temperatures, len(atoms)), deviations.ravel(), errors.ravel()
    correlation = np.corrcoef(np.log(deviation), np.log(error))[0, 1]
    print(f"correlation of the logarithms of deviation and error, {error.size} atoms: {correlation:.2f}")

    def save(name, header, *columns):
        np.savetxt(args.output / f"{name}.csv", np.transpose(columns), "%.6g", ",", header=header, comments="")

    save("trajectory", "temperature (K)," + ",".join(name.replace(",", "") + " (eV/A)" for name in names),
         temperatures, *series)
    save("atoms", "temperature (K),deviation (eV/A),error (eV/A)", heat, deviation, error)

    figure, (path, scatter) = plt.subplots(1, 2, figsize=(9.5, 4.4), constrained_layout=True)
    styles = [("tab:blue", "--"), ("tab:blue", "-"), ("tab:red", "--"), ("tab:red", "-")]
    for values, name, (colour, line) in zip(series, names, styles):
        path.plot(temperatures, values, line, color=colour, linewidth=1.2, label=name)
    if not args.train:
        path.axvspan(LEARNT[0], LEARNT[-1], color="0.92", zorder=0, label="trained on")
    path.set(yscale="log", xlim=temperatures[[0, -1]], xlabel="temperature of the thermostat (K)",
             ylabel="force of an atom (eV/Å)")
    path.legend(frameon=False, fontsize="small", loc="lower right")
    points = scatter.scatter(deviation, error, s=4, c=heat, cmap="viridis", linewidths=0, rasterized=True)
    limits = np.quantile([deviation, error], [0.001, 1]) * [1, 1.3]
    scatter.plot(limits, limits, color="black", linewidth=1)
    scatter.set(xscale="log", yscale="log", xlim=limits, ylim=limits, xlabel="deviation of an atom's force (eV/Å)",
                ylabel="error of its mean (eV/Å)")
    figure.colorbar(points, label="temperature of the thermostat (K)")
    path.set_title("(a)", loc="left", fontsize="medium")
    scatter.set_title("(b)", loc="left", fontsize="medium")
    figure.savefig(args.output / "committee.png", dpi=150)
    print(f"picture: {args.output / 'committee.png'}")


if __name__ == "__main__":
    try:
        main()
    except (grapevine.Error, OSError) as error:
        sys.exit(f"{Path(sys.argv[0]).name}: error: {error}")
