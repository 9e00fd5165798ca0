"""A descriptor of atoms' surroundings, by which structures are told apart.

For each element of the neighbours, smooth radial histograms; for each pair of elements and each radial function, the
power spectrum of spherical harmonics, l = 1 to 3: SOAP (Bartok, Kondor, Csanyi, Phys. Rev. B 87, 184115 (2013)) without
products of different radial functions. It is invariant to translation, rotation and permutation, and has nothing to do
with the models.
"""

from __future__ import annotations

import itertools
import math

import numpy as np
from ase import Atoms
from ase.neighborlist import neighbor_list
from scipy.sparse import csr_matrix

CUTOFF = 4.5  # Angstrom
CENTRES = np.linspace(0.8, 4.2, 8)
WIDTH = 0.45
ANGULAR_CENTRES = CENTRES[:5]


def describe(atoms: Atoms, elements: list[int]) -> np.ndarray:
    """Descriptors of all atoms.

    Parameters
    ----------
    atoms : Atoms
        A structure of `elements`, which are atomic numbers.

    Returns
    -------
    ndarray, shape (atoms, features)
        The first len(elements) columns say which element the atom is itself.
    """
    first, second, vectors, distances = neighbor_list("ijDd", atoms, CUTOFF)
    taper = 0.5 * (1 + np.cos(np.pi * distances / CUTOFF))
    radial = taper[:, None] * np.exp(-0.5 * ((distances[:, None] - CENTRES) / WIDTH) ** 2)
    harmonics = spherical_harmonics(vectors / np.maximum(distances, 1e-9)[:, None])
    density, waves = [], []
    for element in elements:
        of_element = atoms.numbers[second] == element
        density.append(summed(first[of_element], radial[of_element], len(atoms)))
        angular = radial[of_element][:, : len(ANGULAR_CENTRES), None] * harmonics[of_element][:, None, :]
        waves.append(summed(first[of_element], angular, len(atoms)))
    return np.hstack([10 * (atoms.numbers[:, None] == elements), *density, *power_spectrum(waves)])


def summed(index: np.ndarray, values: np.ndarray, size: int) -> np.ndarray:
    """Sums of values with the same index, shape (size, ...)."""
    ones = csr_matrix((np.ones(len(index)), (index, np.arange(len(index)))), shape=(size, len(index)))
    return (ones @ values.reshape(len(index), math.prod(values.shape[1:]))).reshape(size, *values.shape[1:])


def power_spectrum(waves: list[np.ndarray]) -> list[np.ndarray]:
    """Square roots (with sign) of sums over m, for each pair of elements, radial function and l."""
    spectrum = []
    for a, b in itertools.combinations_with_replacement(waves, 2):
        for order in range(1, 4):
            m = slice(order**2 - 1, (order + 1) ** 2 - 1)
            power = (a[:, :, m] * b[:, :, m]).sum(axis=2)
            spectrum.append(np.sign(power) * np.sqrt(np.abs(power)))
    return spectrum


def spherical_harmonics(unit: np.ndarray) -> np.ndarray:
    """Real harmonics of orders 1 to 3 of unit vectors, shape (vectors, 15), each order of norm 1."""
    x, y, z = unit.T
    second = [np.sqrt(3) * x * y, np.sqrt(3) * y * z, 0.5 * (3 * z * z - 1), np.sqrt(3) * x * z,
              0.5 * np.sqrt(3) * (x * x - y * y)]
    third = [np.sqrt(5 / 8) * y * (3 * x * x - y * y), np.sqrt(15) * x * y * z, np.sqrt(3 / 8) * y * (5 * z * z - 1),
             0.5 * z * (5 * z * z - 3), np.sqrt(3 / 8) * x * (5 * z * z - 1), 0.5 * np.sqrt(15) * z * (x * x - y * y),
             np.sqrt(5 / 8) * x * (x * x - 3 * y * y)]
    return np.stack([x, y, z, *second, *third], axis=1)
