"""Energies along paths of reactions by a model beside those of the data: python reaction_paths.py PATHS MODEL... [-o FOLDER]

PATHS is an extended XYZ file whose frames follow one another along each path, named by config_type; energies are relative
to isolated atoms, or the model's are of the same zero. Leaves paths.md, a table of errors and barriers, and paths.png, the
profiles, in FOLDER.
"""

import sys
from dataclasses import dataclass
from pathlib import Path

import grapevine
import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from ase.io import read

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]
from command_line import Failure, Parser, run_program  # noqa: E402
from hydrogen_pictures import mathematical, subscript  # noqa: E402
from species import Frame, molecules  # noqa: E402

LEAST = 0.005  # eV, of a barrier
FREE = 1000.0  # Angstrom, of a box in which molecules are alone


@dataclass
class Profile:
    """One path: eV and eV/Angstrom by the data and, of each model, [model][frame]."""

    name: str
    ends: tuple  # formulas of the molecules of its first and of its last frame
    atoms: int
    energy: np.ndarray
    energies: np.ndarray
    force_errors: np.ndarray  # of each model, RMS over the components of all frames

    @property
    def is_barrier(self):
        """Whether the highest place is above both ends, and the path not a bond's breaking."""
        return self.energy.max() - max(self.energy[0], self.energy[-1]) > LEAST

    def height(self, energies):
        """Of the barrier as seen from the first end and from the last, or of the higher end above the lowest place."""
        top = self.energy.argmax()
        if self.is_barrier:
            return energies[top] - energies[0], energies[top] - energies[-1]
        return energies[top] - energies[self.energy.argmin()], np.nan


def ends_of(frames):
    names = []
    for atoms in (frames[0], frames[-1]):
        frame = Frame(0, np.array(atoms.get_chemical_symbols()), atoms.positions + FREE / 2, np.full(3, FREE), {})
        names.append(sorted(molecules(frame)[1]))
    return tuple(names)


def measure(name, frames, models):
    results = [grapevine.evaluate(model, frames) for model in models]
    forces = np.concatenate([atoms.get_forces() for atoms in frames])
    errors = [np.sqrt(np.mean((np.concatenate([it.forces for it in one]) - forces) ** 2)) for one in results]
    return Profile(name, ends_of(frames), len(frames[0]), np.array([atoms.get_potential_energy() for atoms in frames]),
                 np.array([[it.energy for it in one] for one in results]), np.array(errors))


def read_paths(source, models):
    try:
        frames = read(source, ":")
        by_name = {}
        for atoms in frames:
            by_name.setdefault(atoms.info["config_type"], []).append(atoms)
            atoms.get_potential_energy(), atoms.get_forces()
    except Exception as error:  # whatever ASE's reader trips over
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise Failure(f"{source}: no paths with config_type, energy and forces: {reason}") from None
    try:
        return [measure(name, group, models) for name, group in by_name.items()]
    except grapevine.Error as error:
        raise Failure(str(error)) from None


def equation(path, write=subscript):
    """Reactants and products; a bond's breaking is named by its molecule."""
    first, last = ([f"{names.count(name) if names.count(name) > 1 else ''}{write(name)}" for name in dict.fromkeys(names)]
                   for names in path.ends)
    if path.ends[0] == path.ends[1]:
        return " + ".join(first)
    return f"{' + '.join(first)} → {' + '.join(last)}"


def make_table(paths, names):
    lines = ["| path | reaction | height (eV) | " + " | ".join(names) + " | "
             + " | ".join(f"{name}: RMSE, meV/atom, meV/Å" for name in names) + " |",
             "| --- | --- | --- |" + " --- |" * 2 * len(names)]

    def pair(values):
        return " / ".join(f"{value:.3f}" for value in values if np.isfinite(value))

    for path in paths:
        errors = 1000 * np.sqrt(np.mean((path.energies - path.energy) ** 2, axis=1)) / path.atoms
        lines.append(f"| {path.name} | {equation(path)} | {pair(path.height(path.energy))} | "
                     + " | ".join(pair(path.height(one)) for one in path.energies) + " | "
                     + " | ".join(f"{energy:.1f}, {1000 * force:.0f}" for energy, force in zip(errors, path.force_errors))
                     + " |")
    for n, name in enumerate(names):
        off = np.array([np.subtract(path.height(path.energies[n]), path.height(path.energy)) for path in paths
                        if path.is_barrier])
        if not off.size:
            continue
        lines.append(f"\n{name}: barriers off by {1000 * np.abs(off).mean():.0f} meV in the mean of {off.size}, "
                     f"{1000 * np.abs(off).max():.0f} at the most")
    return "\n".join(lines)


def draw(target, paths, names):
    columns = 5
    rows = -(-len(paths) // columns)
    figure, axes = plt.subplots(rows, columns, figsize=(14, 2.5 * rows), squeeze=False, constrained_layout=True)
    for axis, path in zip(axes.flat, paths):
        axis.plot(path.energy - path.energy[0], color="black", linewidth=2.5, alpha=0.5, label="data")
        for name, energies, colour in zip(names, path.energies, ("tab:red", "tab:blue", "tab:green", "tab:orange")):
            axis.plot(energies - path.energy[0], color=colour, linewidth=1.2, label=name)
        axis.set_title(equation(path, mathematical), fontsize="small")
        axis.tick_params(labelsize="small")
    for axis in axes.flat[len(paths):]:
        axis.set_axis_off()
    for axis in axes[:, 0]:
        axis.set_ylabel("energy (eV)")
    for axis in axes[-1]:
        axis.set_xlabel("frame")
    axes.flat[0].legend(frameon=False, fontsize="small")
    figure.savefig(target, dpi=90)
    plt.close(figure)


def main(arguments):
    parser = Parser(prog="reaction_paths.py", description="Energies along paths of reactions beside those of the data.")
    parser.add_argument("paths", type=Path, help="extended XYZ file with config_type, energy and forces")
    parser.add_argument("models", nargs="+", metavar="MODEL", help="model files (.safetensors)")
    parser.add_argument("-o", "--output", type=Path, default=Path("."), metavar="FOLDER", help="default: here")
    options = parser.parse_args(arguments)
    paths = read_paths(options.paths, options.models)
    names = [Path(model).stem for model in options.models]
    options.output.mkdir(parents=True, exist_ok=True)
    table = make_table(paths, names)
    (options.output / "paths.md").write_text(table + "\n", encoding="utf-8")
    draw(options.output / "paths.png", paths, names)
    print(f"{table}\n\npicture: {options.output / 'paths.png'}")


if __name__ == "__main__":
    run_program(main)
