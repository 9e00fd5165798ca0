"""What a model costs in LAMMPS, and a picture of errors against it."""

import re
import subprocess

from ase import Atoms
from ase.data import atomic_masses, atomic_numbers
from ase.io import read, write
from command_line import Failure

ATOMS = 1000  # about, of the system that is timed
APART = 15.0  # Angstrom, between the centres of molecules
WARM_UP, STEPS = 20, 100

INPUT = """units metal
atom_style atomic
read_data atoms.data
{masses}
pair_style grapevine mixed
pair_coeff * * model.safetensors {symbols}
neighbor 1.0 bin
velocity all create 100 1
fix move all nve
timestep 0.0005
thermo 1000
run {warm_up}
run {steps}
"""


def system_of(structures):
    """The first structure as often as makes some ATOMS atoms: a crystal repeated, a molecule on a grid."""
    atoms = read(structures, index=0)
    atoms = Atoms(atoms.symbols, atoms.positions, cell=atoms.cell, pbc=atoms.pbc)
    if not atoms.pbc.all():
        atoms.center()
        extent = atoms.positions.max(axis=0) - atoms.positions.min(axis=0)
        atoms.cell = extent + APART
        atoms.pbc = True
    side = max(1, round((ATOMS / len(atoms)) ** (1 / 3)))
    return atoms.repeat((side, side, side))


def cost_of(grapevine, model, structures, folder):
    """Microseconds per atom and step, whole LAMMPS steps on one core in mixed precision."""
    folder.mkdir(parents=True, exist_ok=True)
    atoms = system_of(structures)
    symbols = sorted(set(atoms.symbols))
    write(folder / "atoms.data", atoms, format="lammps-data", specorder=symbols, units="metal", atom_style="atomic")
    (folder / "model.safetensors").unlink(missing_ok=True)
    (folder / "model.safetensors").symlink_to(model.resolve())
    masses = "\n".join(f"mass {n + 1} {atomic_masses[atomic_numbers[symbol]]}" for n, symbol in enumerate(symbols))
    (folder / "in.cost").write_text(INPUT.format(masses=masses, symbols=" ".join(symbols), warm_up=WARM_UP, steps=STEPS))
    done = subprocess.run([grapevine, "lammps", "-in", "in.cost", "-log", "log.cost"], cwd=folder, capture_output=True,
                          text=True)
    found = re.findall(r"Loop time of (\S+) on 1 procs for (\d+) steps with (\d+) atoms", done.stdout)
    if done.returncode != 0 or not found:
        raise Failure(f"{folder / 'in.cost'}: LAMMPS failed: {(done.stderr or done.stdout).strip().splitlines()[-1:]}")
    seconds, steps, count = found[-1]
    return 1e6 * float(seconds) / int(steps) / int(count)


def draw(results, sets, path):
    """Error of forces against cost, models of the same test structures joined. `sets` maps names to test structures."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7, 5), layout="constrained")
    by_set = {}
    for name, errors in results.items():
        by_set.setdefault(sets[name] or name, []).append((errors["cost"], 1e3 * errors["forces"]["rmse"], name))
    for points in by_set.values():
        points.sort()
        (line,) = axes.plot([x for x, _, _ in points], [y for _, y, _ in points], marker="o", linewidth=1)
        for x, y, name in points:
            axes.annotate(name, (x, y), xytext=(5, 5), textcoords="offset points", fontsize=8, color=line.get_color())
    axes.set(xscale="log", yscale="log", xlabel="µs per atom and step, one core", ylabel="RMSE of forces (meV/Å)")
    axes.grid(alpha=0.3, which="both")
    figure.savefig(path, dpi=150)
