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

sys.path.append(str(Path(__file__).resolve().parents[1]))
from pairs import distances, pair_distribution  # noqa: E402

BOND = 1.3  # Angstrom, between the O-H bond (1.0) and the hydrogen bond (1.8)
BINS = 240
OXYGEN, HYDROGEN = 1, 2  # atom types


def read_frames(path):
    """Frames of a LAMMPS dump as ASE Atoms, with the LAMMPS types in their array "type"."""
    return read(path, index=":", format="lammps-dump-text")


def count_whole_molecules(oh_distances):
    """Oxygens with two hydrogens that no other oxygen shares, from the distances [oxygen][hydrogen]."""
    bonds = oh_distances < BOND
    lone = bonds[:, bonds.sum(axis=0) != 1].any(axis=1)
    return np.count_nonzero((bonds.sum(axis=1) == 2) & ~lone)


def count_pairs(frames, edges):
    """Per frame: O-O pairs (each twice) and O-H pairs by distance, [frame][bin], and the number of whole molecules."""
    oo, oh, whole = [], [], []
    for frame in frames:
        types, lengths = frame.get_array("type"), frame.cell.lengths()
        oxygen, hydrogen = frame.positions[types == OXYGEN], frame.positions[types == HYDROGEN]
        between = distances(oxygen, hydrogen, lengths)
        others = ~np.eye(len(oxygen), dtype=bool)
        oo.append(np.histogram(distances(oxygen, oxygen, lengths)[others], edges)[0])
        oh.append(np.histogram(between, edges)[0])
        whole.append(count_whole_molecules(between))
    return np.array(oo), np.array(oh), np.array(whole)


def main(folder):
    folder = Path(folder)
    frames = read_frames(folder / "frames.lammpstrj")
    types, volume = frames[0].get_array("type"), frames[0].get_volume()
    oxygens, hydrogens = np.count_nonzero(types == OXYGEN), np.count_nonzero(types == HYDROGEN)
    edges = np.linspace(0.8, frames[0].cell.lengths().min() / 2, BINS + 1)
    centres = 0.5 * (edges[1:] + edges[:-1])
    oo, oh, whole = count_pairs(frames, edges)
    g_oo = pair_distribution(oo, oxygens * (oxygens - 1), volume, edges)
    g_oh = pair_distribution(oh, oxygens * hydrogens, volume, edges)

    figure, axis = plt.subplots(figsize=(7, 4), constrained_layout=True)
    axis.plot(centres, g_oo, color="tab:red", label="O–O")
    axis.plot(centres, g_oh, color="tab:blue", label="O–H")
    axis.axhline(1, color="0.7", linewidth=0.8, zorder=0)
    axis.set_xlim(edges[0], edges[-1])
    axis.set_ylim(0, 4)
    axis.set_xlabel("distance (Å)")
    axis.set_ylabel("g(r)")
    axis.set_title(f"Liquid water, {len(frames)} frames")
    axis.legend(frameon=False)
    figure.savefig(folder / "structure.png", dpi=150)
    print(f"whole molecules: {whole.min()} of {oxygens} in the worst of {len(frames)} frames")
    print(f"picture: {folder / 'structure.png'}")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__.splitlines()[0])
    main(sys.argv[1])
