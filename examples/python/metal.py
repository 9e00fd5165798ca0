"""Equation of state, elastic constants and phonons of a bcc metal: python metal.py --element W

Needs grapevine, ASE, matplotlib, and takes seconds. Without arguments it does tungsten with the model that comes with
Grapevine. In the folder --output: metal.png, and what it shows as equation-of-state.csv, elastic-constants.csv,
phonons.csv and density-of-states.csv.

Energies at 33 volumes are fitted by Birch-Murnaghan. Elastic constants are the slopes of the stress over strains of up
to 1 %, at zero pressure. Phonons come from six displacements of one atom in a supercell (ase.phonons): a message layer
lets atoms 20 A apart feel each other, so it has to be wide, and with less than 9 cells branches split that should not.
Sound velocities of the elastic constants are drawn beside them: the slopes at Gamma have to be the same.

Experiment: lattice constants and elastic constants at room temperature, CRC Handbook of Chemistry and Physics, 98th ed.
(Crystal Structure Parameters of the Elements; Elastic Constants for Single Crystals). The model was trained on DFT
(PBE), whose lattice constants are 0.6 to 0.8 % longer.
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
from ase.eos import EquationOfState
from ase.filters import FrechetCellFilter
from ase.optimize import BFGS
from ase.phonons import Phonons
from grapevine.ase import Grapevine

EXPERIMENT = {  # Angstrom, GPa
    "Nb": {"a": 3.3004, "C11": 246.5, "C12": 134.5, "C44": 28.7},
    "Mo": {"a": 3.1470, "C11": 463.7, "C12": 157.8, "C44": 109.2},
    "Ta": {"a": 3.3030, "C11": 260.2, "C12": 154.4, "C44": 82.6},
    "W": {"a": 3.1652, "C11": 522.4, "C12": 204.4, "C44": 160.6},
}
THZ = 1e12 * 2 * np.pi * units._hbar / units._e  # eV


def strained(crystal, strain, calculator):
    """The crystal under a strain tensor (3, 3)."""
    atoms = crystal.copy()
    atoms.set_cell(atoms.cell @ (np.eye(3) + strain), scale_atoms=True)
    atoms.calc = calculator
    return atoms


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
                                     usage=argparse.SUPPRESS)
    parser.add_argument("--element", choices=EXPERIMENT, default="W", help="default: W")
    parser.add_argument("--model", default=grapevine.shipped_model("nbmotaw"), help="default: the alloy NbMoTaW")
    parser.add_argument("--supercell", type=int, default=13, help="primitive cells along each edge (default: 13)")
    parser.add_argument("--output", type=Path, default="metal", help="folder for the results (default: metal)")
    args = parser.parse_args()
    if args.supercell < 4:
        parser.error(f"--supercell {args.supercell}: it has to be at least 4")
    experiment, calculator = EXPERIMENT[args.element], Grapevine(args.model)
    args.output.mkdir(parents=True, exist_ok=True)

    # Lattice constant without pressure.
    crystal = bulk(args.element, "bcc", a=experiment["a"])
    crystal.calc = calculator
    BFGS(FrechetCellFilter(crystal, hydrostatic_strain=True), logfile=None).run(fmax=1e-6)
    a = (2 * crystal.get_volume()) ** (1 / 3)

    # Equation of state.
    cells = [strained(crystal, (s - 1) * np.eye(3), calculator) for s in np.linspace(0.92, 1.08, 33) ** (1 / 3)]
    volumes, energies = np.transpose([(c.get_volume(), c.get_potential_energy()) for c in cells])
    fit = EquationOfState(volumes, energies, eos="birchmurnaghan")
    _, lowest, bulk_modulus = fit.fit()
    fitted = fit.func(volumes, *fit.eos_parameters)

    # Elastic constants: the linear term of the stress over the strain.
    strains = np.linspace(-0.01, 0.01, 9)
    stretched = [strained(crystal, np.diag([e, 0, 0]), calculator).get_stress() / units.GPa for e in strains]
    shear = np.array([[0, 0.5, 0], [0.5, 0, 0], [0, 0, 0]])
    sheared = [strained(crystal, e * shear, calculator).get_stress() / units.GPa for e in strains]
    slopes = np.polyfit(strains, stretched, 3)[-2]
    elastic = {"C11": slopes[0], "C12": (slopes[1] + slopes[2]) / 2, "C44": np.polyfit(strains, sheared, 3)[-2][5]}

    # Phonons along lines of high symmetry, and their density of states.
    phonons = Phonons(crystal, calculator, supercell=3 * [args.supercell], delta=0.02, name=args.output / "forces")
    phonons.clean()
    phonons.run()
    phonons.read(acoustic=True)
    phonons.clean()
    path = crystal.cell.bandpath("GHPGN", npoints=200)
    bands = phonons.band_structure(path.kpts, verbose=False) / THZ
    x, ticks, labels = path.get_linear_kpoint_axis()
    spectrum = phonons.get_dos(kpts=3 * [32], verbose=False).sample_grid(npts=300, width=0.08 * THZ)
    frequencies, states = spectrum.get_energies() / THZ, spectrum.get_weights() * THZ

    rows = [("lattice constant (A)", f"{a:.4f}", f"{experiment['a']:.4f}")]
    rows += [(f"{name} (GPa)", f"{value:.1f}", f"{experiment[name]:.1f}") for name, value in elastic.items()]
    rows += [("bulk modulus of these (GPa)", *(f"{(c['C11'] + 2 * c['C12']) / 3:.1f}" for c in (elastic, experiment)))]
    rows += [("bulk modulus of the equation of state (GPa)", f"{bulk_modulus / units.GPa:.1f}", "")]
    for name in "HPN":
        at = phonons.band_structure([path.special_points[name]], verbose=False)[0] / THZ
        rows += [(f"phonons at {name} (THz)", " ".join(f"{f:.2f}" for f in at), "")]
    print(f"{'bcc ' + args.element:45}{'model, 0 K':18}experiment, 300 K")
    print("\n".join(f"{name:45}{value:18}{measured}" for name, value, measured in rows))

    def save(name, header, *columns):
        np.savetxt(args.output / f"{name}.csv", np.transpose(columns), "%.8g", ",", header=header, comments="")

    save("equation-of-state", "volume (A^3/atom),energy (eV/atom),fit (eV/atom)", volumes, energies, fitted)
    lines = [f"{name},{value:.2f},{experiment[name]:.2f}\n" for name, value in elastic.items()]
    (args.output / "elastic-constants.csv").write_text("constant,model (GPa),experiment (GPa)\n" + "".join(lines))
    save("phonons", "path (1/A),branch 1 (THz),branch 2 (THz),branch 3 (THz)", x, *bands.T)
    save("density-of-states", "frequency (THz),states (1/THz)", frequencies, states)

    figure, axes = plt.subplot_mosaic([["a"] * 3 + ["b"] * 3, ["c"] * 4 + ["d"] * 2], figsize=(9, 7),
                                      constrained_layout=True)
    eos, bars, dispersion, dos = axes.values()
    eos.plot(volumes, 1e3 * (energies - lowest), ".", color="black", markersize=5, label="model")
    eos.plot(volumes, 1e3 * (fitted - lowest), color="tab:orange", linewidth=1.2, label="Birch–Murnaghan")
    eos.axvline(experiment["a"] ** 3 / 2, color="0.45", linestyle=":", linewidth=1.2, label="experiment, 300 K")
    eos.set(xlabel="volume (Å$^3$/atom)", ylabel="energy $-$ minimum (meV/atom)")
    bars.bar(np.arange(3) - 0.18, [*elastic.values()], 0.36, color="tab:orange", label="model, 0 K")
    bars.bar(np.arange(3) + 0.18, [experiment[n] for n in elastic], 0.36, color="0.6", label="experiment, 300 K")
    bars.set(xticks=range(3), xticklabels=["C$_{11}$", "C$_{12}$", "C$_{44}$"], ylabel="elastic constant (GPa)")
    dispersion.plot(x, bands, color="tab:blue", linewidth=1.4, label=["phonons", "_", "_"])
    c11, c12, c44 = elastic.values()
    density = crystal.get_masses()[0] * units._amu * 1e30 / crystal.get_volume()  # kg/m3
    for start, end, moduli in ((0, 1, [c11, c44]), (3, 4, [(c11 + c12) / 2 + c44, c44, (c11 - c12) / 2])):
        q = np.array([0, ticks[end] - ticks[start]]) / 3  # 1/A, from Gamma along [100] and [110]
        velocities = np.sqrt(np.maximum(moduli, 0) * 1e9 / density)  # m/s
        lines = dispersion.plot(ticks[start] + q, 1e-2 * np.outer(q, velocities) / (2 * np.pi), "k--", linewidth=1)
    lines[0].set_label("sound, from the elastic constants")
    dispersion.set_xticks(ticks, [label.replace("G", "Γ") for label in labels])
    dispersion.grid(axis="x", color="0.8", linewidth=0.8)
    dispersion.set(xlim=(x[0], x[-1]), ylabel="frequency (THz)")
    dos.fill_betweenx(frequencies, states, color="tab:blue", alpha=0.5, linewidth=0)
    dos.set(xlabel="density of states (1/THz)", xlim=(0, 1.1 * states.max()), ylabel="frequency (THz)")
    for axis in (dispersion, dos):
        axis.set_ylim(min(0, 1.05 * bands.min()), 1.25 * bands.max())
    for letter, axis in axes.items():
        axis.set_title(f"({letter})", loc="left", fontsize="medium")
    for axis in (eos, bars, dispersion):
        axis.legend(framealpha=1, edgecolor="none", fontsize="small", loc="upper right")
    figure.suptitle(f"bcc {args.element}")
    figure.savefig(args.output / "metal.png", dpi=150)
    print(f"\npicture: {args.output / 'metal.png'}")


if __name__ == "__main__":
    try:
        main()
    except (grapevine.Error, OSError) as error:
        sys.exit(f"{Path(sys.argv[0]).name}: error: {error}")
