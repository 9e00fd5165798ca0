"""Distances and pair distribution functions in rectangular periodic boxes. Angstrom."""

import numpy as np


def distances(first, second, lengths):
    """All distances [first][second] in a periodic box, nearest images."""
    separation = first[:, None, :] - second[None, :, :]
    separation -= lengths * np.round(separation / lengths)
    return np.linalg.norm(separation, axis=2)


def pair_distribution(counts, pairs, volume, edges):
    """g(r) from numbers of pairs [frame][bin] out of `pairs` in a box of `volume` (cubic Angstrom)."""
    shells = 4.0 / 3.0 * np.pi * np.diff(edges**3)
    return counts.mean(axis=0) / (pairs * shells / volume)
