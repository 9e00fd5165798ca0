"""Formation energy of a vacancy in a bcc metal, and the barrier of its jump: python vacancy.py --element W

Needs grapevine, ASE, matplotlib, and takes seconds. Without arguments it does tungsten with the model that comes
with Grapevine. In the folder --output: vacancy.png, and what it shows as path.csv, path-fit.csv and energies.csv;
path.traj has the images of the path (ase gui path.traj).

A cell of N atoms at the lattice constant without pressure loses an atom and is relaxed at fixed volume; the formation
energy is E(N - 1) - (N - 1) / N E(N). A neighbour then jumps into the hole along [111]/2: the minimum energy path is a
nudged elastic band with a climbing image (Henkelman, Uberuaga, Jonsson, J. Chem. Phys. 113, 9901 (2000)).

No structure that the model of the alloy was trained on has a vacancy: what it says of one is extrapolated, and the
comparison shows by how much that misses. A model for such work has to learn from cells with vacancies.

Beside tungsten, experiment: Rasch, Siegel, Schultz, Philos. Mag. A 41, 91 (1980). DFT (PBE): formation Byggmastar,
Hamedani, Nordlund, Djurabekova, Phys. Rev. B 100, 144105 (2019), with 120 atoms (with 53 it is 3.36 eV); migration Ma,
Dudarev, Phys. Rev. Mater. 3, 063601 (2019).
"""

import argparse
import sys
from pathlib import Path

import grapevine
import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from ase.build import bulk
from ase.filters import FrechetCellFilter
from ase.io import write
from ase.mep import NEB
from ase.mep.neb import NEBOptimizer
from ase.optimize import BFGS
from ase.utils.forcecurve import fit_images
from grapevine.ase import Grapevine

LITERATURE = {"W": {"DFT": {"formation": (3.22, 0), "migration": (1.73, 0)},  # eV and its error
                    "experiment": {"formation": (3.67, 0.2), "migration": (1.78, 0.1)}}}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
                                     usage=argparse.SUPPRESS)
    parser.add_argument("--element", choices=["Nb", "Mo", "Ta", "W"], default="W", help="default: W")
    parser.add_argument("--model", default=grapevine.shipped_model("nbmotaw"), help="default: the alloy NbMoTaW")
    parser.add_argument("--cells", type=int, default=4, help="cubic cells along each edge (default: 4, 128 atoms)")
    parser.add_argument("--images", type=int, default=13, help="of the path, with its ends (default: 13)")
    parser.add_argument("--fmax", type=float, default=0.005, help="largest force that is left, eV/A (default: 0.005)")
    parser.add_argument("--output", type=Path, default="vacancy", help="folder for the results (default: vacancy)")
    args = parser.parse_args()
    if args.cells < 2 or args.images < 5 or not args.fmax > 0:
        parser.error("--cells has to be at least 2, --images at least 5, and --fmax above 0")
    model = grapevine.Model(args.model)
    args.output.mkdir(parents=True, exist_ok=True)

    def relax(atoms, optimiser=BFGS):
        if not optimiser(atoms, logfile=None).run(fmax=args.fmax, steps=1000):
            sys.exit(f"{Path(sys.argv[0]).name}: error: not relaxed to {args.fmax} eV/A after 1000 steps")

    unit = bulk(args.element, "bcc", cubic=True)
    unit.calc = Grapevine(model)
    BFGS(FrechetCellFilter(unit, hydrostatic_strain=True), logfile=None).run(fmax=1e-6)
    perfect = unit.repeat(args.cells)
    perfect.calc = Grapevine(model)
    hole, jumper = perfect.positions[:2]  # corner and centre of the first cubic cell

    # The vacancy before and after the jump, which by symmetry have the same energy.
    ends = [perfect[1:], perfect[1:]]
    ends[1].positions[0] = hole
    for atoms in ends:
        atoms.calc = Grapevine(model)
    share = (len(perfect) - 1) / len(perfect) * perfect.get_potential_energy()
    unrelaxed = ends[0].get_potential_energy() - share
    for atoms in ends:
        relax(atoms)
    formation = ends[0].get_potential_energy() - share
    inward = np.linalg.norm(jumper - hole) - np.linalg.norm(ends[0].positions[0] - hole)

    # The path: first as a whole, then with its highest image climbing to the saddle point.
    images = [ends[0], *(ends[0].copy() for _ in range(args.images - 2)), ends[1]]
    for image in images[1:-1]:
        image.calc = Grapevine(model)
    band = NEB(images, method="improvedtangent")
    band.interpolate(mic=True)
    NEBOptimizer(band, logfile=None).run(fmax=0.2, steps=100)
    band.climb = True
    relax(band, NEBOptimizer)
    curve = fit_images(images)
    migration = max(curve.energies)
    write(args.output / "path.traj", images)

    found = {"model": {"formation": (formation, 0), "migration": (migration, 0)}, **LITERATURE.get(args.element, {})}
    print(f"{f'vacancy in bcc {args.element}, eV':28}" + "".join(f"{source:16}" for source in found))
    for name in ("formation", "migration"):
        cells = [f"{value:.2f}" + f" +- {error}" * (error > 0) for value, error in (v[name] for v in found.values())]
        print(f"{name:28}" + "".join(f"{cell:16}" for cell in cells))
    sums = [values["formation"][0] + values["migration"][0] for values in found.values()]
    print(f"{'sum: self-diffusion':28}" + "".join(f"{value:<16.2f}" for value in sums))
    print(f"{'formation, not relaxed':28}{unrelaxed:.2f}")
    print(f"\n{len(perfect) - 1} atoms, a = {unit.cell[0, 0]:.4f} A; nearest neighbours move in by {inward:.3f} A")

    for name, columns in (("path", (curve.path, curve.energies)), ("path-fit", (curve.fit_path, curve.fit_energies))):
        np.savetxt(args.output / f"{name}.csv", np.transpose(columns), "%.6f", ",", header="path (A),energy (eV)",
                   comments="")
    with (args.output / "energies.csv").open("w") as file:
        print("source,energy,value (eV),error (eV)", file=file)
        for source, values in found.items():
            for name, (value, error) in values.items():
                print(f"{source},{name},{value:.4f},{error}", file=file)

    figure, (path, bars) = plt.subplots(1, 2, figsize=(9, 3.8), width_ratios=(3, 2), constrained_layout=True)
    path.plot(curve.fit_path, curve.fit_energies, color="tab:orange", linewidth=1.4, label="fit to energies and forces")
    path.plot(curve.path, curve.energies, "o", color="black", markersize=5, label="images of the band")
    path.axhline(migration, color="0.6", linestyle=":", linewidth=1.2)
    path.text(0, migration, f"{migration:.2f} eV", color="0.35", verticalalignment="bottom")
    path.set(xlabel="path (Å)", ylabel="energy (eV)", ylim=(-0.05 * migration, 1.4 * migration))
    path.legend(frameon=False, fontsize="small", loc="upper right")
    width, colours = 0.8 / len(found), ("tab:orange", "tab:blue", "0.6")
    for n, (source, values) in enumerate(found.items()):
        heights, errors = np.transpose([values["formation"], values["migration"]])
        bars.bar(np.arange(2) + (n - (len(found) - 1) / 2) * width, heights, width, color=colours[n], label=source,
                 yerr=errors if errors.any() else None, capsize=3)
    bars.set(xticks=(0, 1), xticklabels=("formation", "migration"), ylabel="energy (eV)")
    bars.legend(frameon=False, fontsize="small")
    path.set_title(f"(a) vacancy jump in bcc {args.element}, {len(perfect) - 1} atoms", loc="left", fontsize="medium")
    bars.set_title("(b)", loc="left", fontsize="medium")
    figure.savefig(args.output / "vacancy.png", dpi=150)
    print(f"picture: {args.output / 'vacancy.png'}")


if __name__ == "__main__":
    try:
        main()
    except (grapevine.Error, OSError) as error:
        sys.exit(f"{Path(sys.argv[0]).name}: error: {error}")
