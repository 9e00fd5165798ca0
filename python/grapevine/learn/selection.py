"""Which of the candidates are labelled, and clusters cut out of large ones."""

from __future__ import annotations

import numpy as np
from ase import Atoms
from ase.neighborlist import natural_cutoffs, neighbor_list
from grapevine.learn.options import Select
from grapevine.learn.surroundings import describe
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

UNCERTAIN = 8  # atoms of a candidate, those with the largest deviations, whose surroundings count
KNOWN = 20000  # atoms of the data that are looked at, in whole structures
FAR = 1e9  # where there are no data
WHOLE = 40  # atoms of the largest molecules that fragments do not cut


def select(candidates: list[Atoms], data: list[Atoms], options: Select, seed: list[int]) -> list[Atoms]:
    """At most options.number of the candidates, in the order in which they were chosen.

    Candidates have deviations of their atoms' forces in ``arrays["deviation"]``, eV/Angstrom, and the largest in
    ``info["deviation"]``.
    """
    random = np.random.default_rng(seed)
    if not candidates:
        return []
    if options.method == "random":
        order = random.permutation(len(candidates))[: options.number]
    elif options.method == "deviation":
        order = np.argsort([-atoms.info["deviation"] for atoms in candidates], kind="stable")[: options.number]
    else:
        order = farthest(candidates, data, options.number, random)
    return [candidates[n] for n in order]


def farthest(candidates: list[Atoms], data: list[Atoms], number: int, random: np.random.Generator) -> list[int]:
    """Farthest-point sampling among surroundings of atoms.

    A candidate's distance is that of the one of its uncertain atoms whose surroundings are farthest from all in the
    data and in candidates chosen before.
    """
    elements = sorted({int(number) for atoms in [*candidates, *data] for number in atoms.numbers})
    described = [describe(atoms, elements) for atoms in candidates]
    uncertain = [rows[worst_atoms(atoms)] for rows, atoms in zip(described, candidates)]
    owner = np.repeat(np.arange(len(candidates)), [len(rows) for rows in uncertain])
    points = np.concatenate(uncertain)
    distance = np.full(len(points), np.inf)
    if data:
        distance = nearest(points, np.concatenate([describe(atoms, elements) for atoms in some_of(data, random)]))
    chosen: list[int] = []
    for _ in range(min(number, len(candidates))):
        score = np.zeros(len(candidates))
        np.maximum.at(score, owner, np.minimum(distance, FAR))
        score[chosen] = -1
        chosen.append(int(np.argmax(score)))
        distance = np.minimum(distance, nearest(points, described[chosen[-1]]))
    return chosen


def some_of(data: list[Atoms], random: np.random.Generator) -> list[Atoms]:
    """Structures of the data, all if they have no more than KNOWN atoms, else at random that many."""
    order = random.permutation(len(data))
    atoms_before = np.cumsum([0, *(len(data[n]) for n in order[:-1])])
    return [data[n] for n in order[atoms_before < KNOWN]]


def worst_atoms(atoms: Atoms) -> np.ndarray:
    return np.argsort(-atoms.arrays["deviation"], kind="stable")[:UNCERTAIN]


def nearest(points: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Distance of each point to the nearest of the others, shape (points,)."""
    squares = (points**2).sum(axis=1)
    best = np.full(len(points), np.inf)
    for part in np.array_split(others, max(1, len(others) // 2000)):
        best = np.minimum(best, ((part**2).sum(axis=1) - 2 * points @ part.T).min(axis=1))
    return np.sqrt(np.maximum(squares + best, 0))


def fragment(atoms: Atoms, radius: float) -> Atoms:
    """The cluster around the atom with the largest deviation, not periodic.

    It has all atoms within the radius, and the rest of small molecules that are partly inside (bonds are at most 1.2
    times the sum of covalent radii).
    """
    repeats = [3 if periodic else 1 for periodic in atoms.pbc]
    large = atoms.repeat(repeats)
    large.set_pbc(False)
    middle = np.ravel_multi_index([count // 2 for count in repeats], repeats)
    centre = middle * len(atoms) + int(np.argmax(atoms.arrays["deviation"]))
    inside = np.linalg.norm(large.positions - large.positions[centre], axis=1) <= radius
    first, second = neighbor_list("ij", large, natural_cutoffs(large, mult=1.2))
    graph = coo_matrix((np.ones(len(first)), (first, second)), shape=(len(large),) * 2)
    molecule = connected_components(graph, directed=False)[1]
    is_small = np.bincount(molecule)[molecule] <= WHOLE
    cluster = large[inside | (is_small & np.isin(molecule, molecule[inside]))]
    cluster.set_cell([0, 0, 0])
    cluster.info = dict(atoms.info, fragment=radius)
    return cluster
