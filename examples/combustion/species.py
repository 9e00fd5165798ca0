"""Which molecules there are: python species.py DUMP [-o species.csv]

Atoms closer than a bond's length form a graph, whose connected parts are molecules. DUMP is a LAMMPS dump with the
columns id, element, x, y, z (dump_modify sort id) of a rectangular box.
"""

import csv
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]
from command_line import Failure, Parser, run_program  # noqa: E402

ORDER = "CHNO"  # of elements in a formula
# Angstrom: bonds of hot molecules stretch nearly so far, and atoms that are not bound hardly come so close.
BONDS = {"CC": 1.95, "CH": 1.55, "CO": 1.85, "HH": 1.35, "HO": 1.55, "OO": 1.85}


@dataclass
class Frame:
    """Elements, coordinates [atom][xyz] and edges of the box in Angstrom, and the other columns by name."""

    step: int
    elements: np.ndarray
    positions: np.ndarray
    lengths: np.ndarray
    columns: dict


def read_frames(path):
    """The frames of a dump, one after the other. Failure for what is not such a dump; a frame cut short at the end is left out."""
    with path.open() as file:
        while True:
            frame = read_frame(file, path)
            if frame is None:
                return
            yield frame


def read_frame(file, path):
    head = [file.readline() for _ in range(9)]
    if not head[8]:
        return None
    try:
        step, count = int(head[1]), int(head[3])
        bounds = np.array([line.split() for line in head[5:8]], dtype=float)
        names = head[8].split()[2:]
        rows = [file.readline().split() for _ in range(count)]
        if not rows[-1] or len(rows[-1]) < len(names):
            return None
        table = dict(zip(names, zip(*rows, strict=True), strict=True))
        positions = np.array([table.pop(axis) for axis in "xyz"], dtype=float).T
        elements = np.array(table.pop("element"))
        columns = {name: np.array(values, dtype=float) for name, values in table.items()}
    except (ValueError, KeyError, IndexError) as error:
        raise Failure(f"{path}: no dump with id, element, x, y, z: {error}") from None
    return Frame(step, elements, positions - bounds[:, 0], bounds[:, 1] - bounds[:, 0], columns)


def find_bonds(frame, bonds=BONDS):
    """Pairs of atoms that are bound: two arrays of indices."""
    tree = cKDTree(frame.positions % frame.lengths, boxsize=frame.lengths)
    pairs = tree.query_pairs(max(bonds.values()), output_type="ndarray")
    apart = frame.positions[pairs[:, 0]] - frame.positions[pairs[:, 1]]
    apart -= frame.lengths * np.round(apart / frame.lengths)
    distance = np.linalg.norm(apart, axis=1)
    ends = np.sort(frame.elements[pairs], axis=1)
    longest = np.zeros(len(pairs))
    for name, length in bonds.items():
        longest[(ends[:, 0] == name[0]) & (ends[:, 1] == name[1])] = length
    return pairs[distance < longest].T


def molecules(frame, bonds=BONDS):
    """The molecule of each atom, as a number, and the formula of each molecule."""
    first, second = find_bonds(frame, bonds)
    count = len(frame.elements)
    graph = coo_matrix((np.ones(len(first)), (first, second)), shape=(count, count))
    number, labels = connected_components(graph, directed=False)
    counts = {element: np.bincount(labels[frame.elements == element], minlength=number) for element in ORDER}
    formulas = ["".join(f"{element}{counts[element][n] if counts[element][n] > 1 else ''}"
                        for element in ORDER if counts[element][n]) for n in range(number)]
    return labels, formulas


def count_species(path, bonds=BONDS):
    """Steps, and for each species its number in each frame."""
    steps, found = [], []
    for frame in read_frames(path):
        steps.append(frame.step)
        found.append(Counter(molecules(frame, bonds)[1]))
    if not steps:
        raise Failure(f"{path}: there is no whole frame in it")
    names = sorted(set().union(*found), key=lambda name: -sum(one[name] for one in found))
    return np.array(steps), {name: np.array([one[name] for one in found]) for name in names}


def write_species(path, steps, species):
    with path.open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["step", *species])
        table.writerows(zip(steps, *species.values()))


def main(arguments):
    parser = Parser(prog="species.py", description="Counts the molecules in the frames of a LAMMPS dump.")
    parser.add_argument("dump", type=Path, help="with the columns id, element, x, y, z")
    parser.add_argument("-o", "--output", type=Path, default=Path("species.csv"), help="default: species.csv")
    options = parser.parse_args(arguments)
    steps, species = count_species(options.dump)
    write_species(options.output, steps, species)
    last = ", ".join(f"{counts[-1]} {name}" for name, counts in species.items() if counts[-1])
    print(f"{len(steps)} frames; in the last: {last}\ntable: {options.output}")


if __name__ == "__main__":
    run_program(main)
