"""Structure of the liquid in an example's run: python structure.py FOLDER

Reads FOLDER/frames.lammpstrj (rectangular box, type 1 oxygen, type 2 hydrogen), counts the molecules that are whole (two
hydrogens within 1.3 Angstrom of each oxygen, each hydrogen with one oxygen) and draws the oxygen-oxygen and
oxygen-hydrogen pair distribution functions into FOLDER/structure.png.
"""

import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from ase.io import read

BOND = 1.3  # Angstrom, between the O-H bond (1.0) and the hydrogen bond (1.8)
BINS = 240


def distances(first, second, lengths):
    """All distances [first][second] in a periodic box, nearest images."""
    separation = first[:, None, :] - second[None, :, :]
    separation -= lengths * np.round(separation / lengths)
    return np.linalg.norm(separation, axis=2)


def pair_distribution(all_distances, volume, edges):
    """g(r) between two sets of atoms, from their distance matrices over several frames."""
    histogram = sum(np.histogram(matrix, edges)[0] for matrix in all_distances)
    pairs = sum(np.count_nonzero(matrix) for matrix in all_distances)
    shells = 4.0 / 3.0 * np.pi * np.diff(edges**3)
    return histogram / (pairs * shells / volume)


def main(folder):
    folder = Path(folder)
    frames = read(folder / "frames.lammpstrj", index=":", format="lammps-dump-text")
    lengths, volume = frames[0].cell.lengths(), frames[0].get_volume()
    oo, oh, whole = [], [], []
    for frame in frames:
        types = frame.get_array("type")
        oxygen, hydrogen = frame.positions[types == 1], frame.positions[types == 2]
        oo.append(distances(oxygen, oxygen, lengths))
        oh.append(distances(oxygen, hydrogen, lengths))
        bonds = oh[-1] < BOND
        lone = bonds[:, bonds.sum(axis=0) != 1].any(axis=1)
        whole.append(np.count_nonzero((bonds.sum(axis=1) == 2) & ~lone))
    edges = np.linspace(0.8, lengths.min() / 2, BINS + 1)
    centres = 0.5 * (edges[1:] + edges[:-1])

    figure, axis = plt.subplots(figsize=(7, 4), constrained_layout=True)
    axis.plot(centres, pair_distribution(oo, volume, edges), color="tab:red", label="O–O")
    axis.plot(centres, pair_distribution(oh, volume, edges), color="tab:blue", label="O–H")
    axis.axhline(1, color="0.7", linewidth=0.8, zorder=0)
    axis.set_xlim(edges[0], edges[-1])
    axis.set_ylim(0, 4)
    axis.set_xlabel("distance (Å)")
    axis.set_ylabel("g(r)")
    axis.set_title(f"Liquid water, {len(frames)} frames")
    axis.legend(frameon=False)
    figure.savefig(folder / "structure.png", dpi=150)
    print(f"whole molecules: {min(whole)} of {len(oxygen)} in the worst of {len(frames)} frames")
    print(f"picture: {folder / 'structure.png'}")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__.splitlines()[0])
    main(sys.argv[1])
