"""Structure and self-diffusion of liquid water, by LAMMPS on two ranks: python liquid.py

Needs grapevine, ASE, matplotlib, and half a minute of two cores. In the folder --output: liquid.png, and what it shows
as pair-distribution.csv and displacement.csv; LAMMPS's log and trajectory; forces.lammpstrj.

Starts `grapevine lammps` with ../water/in.liquid: 64 molecules at 0.993 g/cm3 from a lattice, brought to the
temperature, then --time picoseconds under a thermostat that hardly touches the motion. Reads the trajectory with ASE
and analyses it with the functions of ../water and ../self_diffusion.py. Then LAMMPS calculates the forces of the last
state once more, and the ASE calculator the same: they have to be equal.

Ten picoseconds tell the structure, and D to some tenths; with two, D is twice too large, as molecules still rattle
where they are. docs/water.md has the formulas, the sources of the experimental values, and what 100 ps give;
../water/liquid.py measures that at several temperatures.
"""

import argparse
import subprocess
import sys
import sysconfig
from pathlib import Path

import grapevine
import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from ase.io import read
from grapevine.ase import Grapevine

EXAMPLES = Path(__file__).resolve().parents[1]
sys.path += [str(EXAMPLES), str(EXAMPLES / "water")]
from evaluation import FEATURES, find_extremum  # noqa: E402
from experiment import PAIR_DISTRIBUTION, diffusion_coefficient, viscosity  # noqa: E402
from pairs import distances, pair_distribution  # noqa: E402
from report import read_thermo  # noqa: E402
from self_diffusion import finite_size_correction, measure_group_diffusion, remove_drift  # noqa: E402
from structure import HYDROGEN, OXYGEN, count_pairs, read_frames  # noqa: E402

STEP, SETTLED, FRAME = 0.0005, 0.25, 0.02  # ps: of in.liquid, its short steps at the start, and between two frames
GROUPS = 8  # of molecules, whose spread is the statistical error
FORCES = """
units       metal
read_data   final.data
pair_style  grapevine double
pair_coeff  * * {model} O H
dump        forces all custom 1 forces.lammpstrj id type x y z fx fy fz
dump_modify forces sort id format float %.16g
run         0
"""


def lammps(folder, ranks, *arguments):
    """Runs LAMMPS in a folder; what goes wrong ends the script with LAMMPS's own words."""
    program = Path(sysconfig.get_path("scripts")) / "grapevine"
    done = subprocess.run([program, "lammps", "-np", str(ranks), *map(str, arguments)], cwd=folder, text=True,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode != 0:
        lines = [line for line in done.stdout.splitlines() if line.strip()] or ["no output"]
        sys.exit(f"liquid.py: error: {next((line for line in lines if 'ERROR' in line.upper()), lines[-1])}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
                                     usage=argparse.SUPPRESS)
    parser.add_argument("--model", type=Path, default=grapevine.shipped_model("water"), help="default: liquid water")
    parser.add_argument("--temperature", type=float, default=330, help="K, 274 to 373 (default: 330)")
    parser.add_argument("--equilibrate", type=float, default=2, help="ps before the measurement (default: 2)")
    parser.add_argument("--time", type=float, default=10, help="ps that are measured (default: 10)")
    parser.add_argument("--ranks", type=int, default=2, help="of MPI (default: 2)")
    parser.add_argument("--output", type=Path, default="liquid", help="folder for the results (default: liquid)")
    args = parser.parse_args()
    if not (274 <= args.temperature <= 373 and 0.2 <= args.time < 1e5 and 0 <= args.equilibrate < 1e5):
        parser.error("--temperature has to be from 274 to 373 K, --time at least 0.2 ps, --equilibrate at least 0")
    if args.ranks < 1:
        parser.error("--ranks has to be at least 1")
    calculator, model = Grapevine(args.model), args.model.resolve()
    args.output.mkdir(parents=True, exist_ok=True)

    settings = {"model": model, "molecule": EXAMPLES / "water" / "water.mol", "temperature": args.temperature,
                "hot": max(330, args.temperature), "melt": round(0.2 * args.equilibrate / STEP),
                "hold": round(0.8 * args.equilibrate / STEP), "measure": round(args.time / STEP),
                "every": round(FRAME / STEP)}
    print(f"LAMMPS on {args.ranks} ranks: {SETTLED + args.equilibrate + args.time:g} ps", flush=True)
    variables = [word for name, value in settings.items() for word in ("-var", name, value)]
    lammps(args.output, args.ranks, "-in", EXAMPLES / "water" / "in.liquid", *variables)

    # The same forces from LAMMPS and from ASE?
    (args.output / "in.forces").write_text(FORCES.format(model=model))
    lammps(args.output, args.ranks, "-in", "in.forces", "-log", "log.forces")
    last = read(args.output / "forces.lammpstrj", format="lammps-dump-text", specorder=["O", "H"])
    of_lammps, of_ase = last.get_forces(), calculator.get_forces(last)
    difference = np.abs(of_lammps - of_ase).max()

    # Pair distribution functions.
    frames = read_frames(args.output / "frames.lammpstrj")
    lengths, volume, types = frames[0].cell.lengths(), frames[0].get_volume(), frames[0].get_array("type")
    oxygens, hydrogens = np.count_nonzero(types == OXYGEN), np.count_nonzero(types == HYDROGEN)
    edges = np.linspace(0, lengths.min() / 2, 200)
    centres = (edges[1:] + edges[:-1]) / 2
    oo, oh, whole = count_pairs(frames, edges)
    others = ~np.eye(hydrogens, dtype=bool)
    apart = (distances(*2 * [frame.positions[types == HYDROGEN]], lengths)[others] for frame in frames)
    hh = np.array([np.histogram(values, edges)[0] for values in apart])
    g = {"O–O": pair_distribution(oo, oxygens * (oxygens - 1), volume, edges),
         "O–H": pair_distribution(oh, oxygens * hydrogens, volume, edges),
         "H–H": pair_distribution(hh, hydrogens * (hydrogens - 1), volume, edges)}

    # Self-diffusion of the oxygens.
    masses = np.where(types == OXYGEN, 15.9994, 1.00794)
    positions = remove_drift(np.array([frame.positions for frame in frames]), masses)[:, types == OXYGEN]
    diffusion = measure_group_diffusion(positions, FRAME, np.arange(oxygens) % GROUPS)
    correction = finite_size_correction(args.temperature, viscosity(args.temperature), lengths.mean())
    thermo, is_measured = read_thermo(args.output / "thermo.csv", "measurement")

    rows = [("mean temperature (K)", f"{thermo['temperature'][is_measured].mean():.0f}", f"{args.temperature:g}")]
    rows += [("whole molecules, worst frame", f"{whole.min()} of {oxygens}", "")]
    for name, limits in FEATURES.items():
        position, height = find_extremum(centres, g["O–O"], *limits)
        (at, at_error), (measured, error) = PAIR_DISTRIBUTION[name]
        rows += [(f"g_OO, {name} at (A)", f"{position:.2f}", f"{at} +- {at_error}, 295 K")]
        rows += [(f"g_OO, {name}", f"{height:.2f}", f"{measured} +- {error}, 295 K")]
    rows += [("D in this box (1e-9 m2/s)", f"{diffusion.coefficient:.1f} +- {diffusion.error:.1f}", "")]
    rows += [("D in an infinite box (1e-9 m2/s)", f"{diffusion.coefficient + correction:.1f} +- {diffusion.error:.1f}",
              f"{diffusion_coefficient(args.temperature):.1f}")]
    print(f"\n{'liquid water':36}{'model':16}experiment")
    print("\n".join(f"{name:36}{value:16}{experiment}" for name, value, experiment in rows))
    print(f"\nforces of LAMMPS and ASE on {len(last)} atoms differ by {difference:.0e} eV/A at most")

    def save(name, header, *columns):
        np.savetxt(args.output / f"{name}.csv", np.transpose(columns), "%.6g", ",", header=header, comments="")

    save("pair-distribution", "distance (A),g_OO,g_OH,g_HH", centres, *g.values())
    save("displacement", "lag (ps),mean square displacement (A2)", diffusion.lags, diffusion.displacement)

    figure, (pairs, displacement) = plt.subplots(1, 2, figsize=(9.5, 4), constrained_layout=True)
    for (name, values), colour in zip(g.items(), ("tab:red", "tab:blue", "0.6")):
        pairs.plot(centres, values, color=colour, label=name)
    at, height = np.transpose([*PAIR_DISTRIBUTION.values()], (1, 2, 0))
    pairs.errorbar(at[0], height[0], height[1], at[1], "o", color="black", markersize=4, capsize=2, zorder=3,
                   label="O–O, x-ray, 295 K")
    pairs.axhline(1, color="0.8", linewidth=0.8, zorder=0)
    pairs.set(xlim=(0.7, edges[-1]), ylim=(0, 4), xlabel="distance (Å)", ylabel="g(r)")
    window = np.array(diffusion.window)
    displacement.plot(diffusion.lags, diffusion.displacement, color="tab:red", linewidth=2.2, alpha=0.5, label="O")
    displacement.plot(window, diffusion.slope * window + diffusion.intercept, "k--", linewidth=1,
                      label=f"D = ({diffusion.coefficient:.1f} ± {diffusion.error:.1f}) 10$^{{-9}}$ m²/s in this box")
    displacement.set(xlim=(0, diffusion.lags[-1]), ylim=(0, None), xlabel="lag (ps)",
                     ylabel="mean square displacement (Å²)")
    for axis, title in ((pairs, f"(a) water, {args.temperature:g} K"), (displacement, "(b)")):
        axis.set_title(title, loc="left", fontsize="medium")
        axis.legend(frameon=False, fontsize="small")
    figure.savefig(args.output / "liquid.png", dpi=150)
    print(f"picture: {args.output / 'liquid.png'}")


if __name__ == "__main__":
    try:
        main()
    except (grapevine.Error, OSError) as error:
        sys.exit(f"{Path(sys.argv[0]).name}: error: {error}")
