"""What becomes of carbon: rings and clusters of the frames of a dump."""

from dataclasses import dataclass

import networkx as nx
import numpy as np
from species import Frame, find_bonds

SIZES = (5, 6, 7)  # of rings
LARGE = 10  # carbon atoms of a large cluster


@dataclass
class Carbon:
    """Of each frame: its step, rings by their size, carbon atoms of the largest cluster and in clusters of LARGE and more; and
    the last frame."""

    steps: np.ndarray
    rings: dict
    largest: np.ndarray
    large: np.ndarray
    last: Frame


def carbon_graph(frame):
    """Atoms of carbon, joined where they are bound; nodes are their numbers in the frame."""
    carbon = frame.elements == "C"
    first, second = find_bonds(frame)
    both = carbon[first] & carbon[second]
    graph = nx.Graph()
    graph.add_nodes_from(np.flatnonzero(carbon).tolist())
    graph.add_edges_from(zip(first[both].tolist(), second[both].tolist()))
    return graph


def count_rings(graph):
    """Rings by size: closed paths of bonds that no bond cuts short."""
    sizes = [len(ring) for ring in nx.chordless_cycles(nx.k_core(graph, 2), length_bound=max(SIZES))]
    return {size: sizes.count(size) for size in SIZES}


def clusters(graph):
    """Connected atoms of carbon, the largest cluster first."""
    return sorted(nx.connected_components(graph), key=len, reverse=True)


def follow(frames):
    """A Carbon from frames."""
    rows = []
    for frame in frames:
        graph = carbon_graph(frame)
        sizes = [len(one) for one in clusters(graph)]
        rows.append((frame.step, count_rings(graph), max(sizes, default=0), sum(size for size in sizes if size >= LARGE)))
    steps, rings, largest, large = zip(*rows)
    return Carbon(np.array(steps), {size: np.array([one[size] for one in rings]) for size in SIZES}, np.array(largest),
                  np.array(large), frame)
