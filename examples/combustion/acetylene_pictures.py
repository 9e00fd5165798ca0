"""The table and the pictures of acetylene.py."""

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import networkx as nx
import numpy as np
from ase import Atoms
from ase.data import covalent_radii
from ase.data.colors import jmol_colors
from carbon import LARGE, SIZES
from hydrogen_pictures import format_rows, mathematical, subscript
from species import Frame, find_bonds

SHOWN = {"C2H2": "tab:blue", "O2": "tab:red", "CO": "tab:orange", "CO2": "tab:brown", "H2": "tab:cyan", "H2O": "black",
         "H": "tab:pink", "HO": "tab:green"}
RINGS = {5: "tab:green", 6: "tab:red", 7: "tab:purple"}


def make_table(title, runs):
    rows = [["O₂ for each C₂H₂", *(f"{run.ratio:g}" for run in runs)]]

    def add(name, values):
        rows.append([name, *values])

    add("atoms", (f"{run.atoms}" for run in runs))
    add("time (ps)", (f"{run.time[-1]:.0f}" for run in runs))
    for size in SIZES:
        add(f"rings of {size} carbon atoms at the end", (f"{run.at_end(run.carbon.rings[size]):.1f}" for run in runs))
    add("  the most of 6", (f"{run.carbon.rings[6].max()}" for run in runs))
    add("carbon atoms of the largest cluster at the end", (f"{run.at_end(run.carbon.largest):.0f}" for run in runs))
    add(f"carbon in clusters of {LARGE} and more at the end",
        (f"{run.at_end(run.carbon.large) / (2 * run.acetylene):.0%}" for run in runs))
    for name in SHOWN:
        add(f"{subscript(name)} at the end, for each C₂H₂ at the start",
            (f"{run.at_end(run.species.get(name, np.zeros(20))):.3f}" for run in runs))
    add("energy drift (meV/atom/ns)", (f"{run.energy.drift:.1f} ± {run.energy.error:.1f}" for run in runs))
    add("highest temperature (K)", (f"{run.hottest:.0f}" for run in runs))
    for share in (50, 95, 99):
        add(f"deviation of forces (eV/Å), {share} % are below",
            (f"{np.percentile(run.deviations.values, share):.2f}" for run in runs))
    add("µs per atom, step and core", (f"{run.microseconds:.1f}" for run in runs))
    most = max(runs, key=lambda run: run.at_end(run.carbon.rings[6]))
    found = f"Most rings of six at the end: {most.ratio:g} O₂ for each C₂H₂." if most.at_end(most.carbon.rings[6]) else \
        "There is no ring of six at the end."
    return "\n".join([title, "-" * len(title), *format_rows(rows), "", found])


def draw(path, title, runs):
    """Species, rings and the largest cluster of each run."""
    figure, axes = plt.subplots(3, len(runs), figsize=(1.8 + 3.4 * len(runs), 9), sharex="col", sharey="row", squeeze=False,
                                constrained_layout=True)
    figure.suptitle(title)
    for column, run in enumerate(runs):
        gas, rings, cluster = axes[:, column]
        for name, colour in SHOWN.items():
            if name in run.species:
                gas.plot(run.time, run.species[name], color=colour, label=mathematical(name))
        for size, colour in RINGS.items():
            rings.plot(run.time, run.carbon.rings[size], color=colour, label=f"of {size}")
        cluster.plot(run.time, run.carbon.largest, color="0.25")
        gas.set_title(f"{run.ratio:g} O$_2$ for each C$_2$H$_2$", fontsize="medium")
        cluster.set_xlabel("time (ps)")
        cluster.set_xlim(0, run.time[-1])
        for axis in (gas, rings, cluster):
            axis.set_ylim(bottom=0)
    axes[0, 0].set_ylabel("molecules for each C$_2$H$_2$ at the start")
    axes[1, 0].set_ylabel("rings of carbon atoms")
    axes[2, 0].set_ylabel("carbon atoms of the largest cluster")
    for row in (0, 1):
        axes[row, -1].legend(frameon=False, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    figure.savefig(path, dpi=100)
    plt.close(figure)


def cluster_of(run):
    """The largest cluster of carbon in the last frame with the H and O bound to it, in one piece and lying flat."""
    frame, carbon = run.carbon.last, run.cluster
    bonds = nx.Graph(bond for bond in find_bonds(frame).T.tolist() if not carbon.isdisjoint(bond))
    first = min(carbon)
    places = {first: frame.positions[first]}
    bonds.add_node(first)
    for at, other in nx.bfs_edges(bonds, first):
        step = frame.positions[other] - frame.positions[at]
        places[other] = places[at] + step - frame.lengths * np.round(step / frame.lengths)
    atoms = Atoms([frame.elements[n] for n in places], list(places.values()))
    atoms.positions -= atoms.positions.mean(axis=0)
    atoms.positions = atoms.positions @ np.linalg.svd(atoms.positions, full_matrices=False)[2].T
    return atoms


def draw_atoms(axis, atoms):
    """Atoms and their bonds, the nearest last."""
    extent = np.full(3, 2 * np.ptp(atoms.positions, axis=0).max() + 10)
    bonds = find_bonds(Frame(0, np.array(atoms.get_chemical_symbols()), atoms.positions + extent / 2, extent, {}))
    for i, j in bonds.T:
        axis.plot(*atoms.positions[[i, j], :2].T, color="0.35", linewidth=1.5, zorder=0)
    for n in np.argsort(atoms.positions[:, 2]):
        number = atoms.numbers[n]
        axis.add_patch(plt.Circle(atoms.positions[n, :2], 0.5 * covalent_radii[number], facecolor=jmol_colors[number],
                                  edgecolor="0.2", linewidth=0.6))
    axis.set_aspect("equal")
    axis.margins(0.1)


def draw_structures(path, title, runs):
    """The largest cluster of carbon of each run at its end."""
    figure, axes = plt.subplots(1, len(runs), figsize=(1 + 3.6 * len(runs), 4.2), squeeze=False, constrained_layout=True)
    figure.suptitle(f"{title}: the largest cluster of carbon at the end")
    for axis, run in zip(axes[0], runs):
        atoms = cluster_of(run)
        draw_atoms(axis, atoms)
        axis.set_title(f"{run.ratio:g} O$_2$ for each C$_2$H$_2$: {atoms.get_chemical_formula()}", fontsize="medium")
        axis.set_axis_off()
    figure.savefig(path, dpi=100)
    plt.close(figure)
