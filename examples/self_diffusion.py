"""Self diffusion from a trajectory by Einstein's relation, and what the finite periodic box took away from it.

Lengths in Angstrom, times in ps; diffusion coefficients in 1e-9 m2/s, of which 1 Angstrom2/ps is ten.
"""

from dataclasses import dataclass

import numpy as np

LONGEST_LAG = 10.0  # ps; the fit begins at a fifth of it, behind the rattling of a molecule among its neighbours
BOLTZMANN = 1.380649e-23  # J/K
CUBIC_LATTICE = 2.837297  # Yeh and Hummer, J. Phys. Chem. B 108, 15873 (2004)


@dataclass
class Diffusion:
    """Mean square displacement over lag times, its straight line, and the self diffusion coefficient from that."""

    lags: np.ndarray
    displacement: np.ndarray
    window: tuple  # first and last lag of the fit
    slope: float
    intercept: float
    coefficient: float
    error: float  # standard error, from parts


def remove_drift(positions, masses):
    """Positions [frame][atom][xyz] relative to the centre of mass of all atoms."""
    centre = np.tensordot(positions, masses / masses.sum(), axes=(1, 0))
    return positions - centre[:, None, :]


def mean_square_displacement(positions, lags):
    """Mean over atoms and time origins of the squared displacement after each of `lags` (in frames)."""
    return np.array([np.mean(np.sum((positions[lag:] - positions[: len(positions) - lag]) ** 2, axis=2))
                     for lag in lags])


def measure_diffusion(positions, interval, blocks):
    """Diffusion of the atoms in unwrapped positions [frame][atom][xyz], frames `interval` apart.

    The line is fitted to the whole trajectory; the error is the spread of the same fit to `blocks` equal parts. Lags
    reach half a part, at most LONGEST_LAG. Throws ValueError if a part is too short for a line.
    """
    length = len(positions) // blocks
    last = min(length // 2, round(LONGEST_LAG / interval))
    if last < 3:
        raise ValueError(f"{len(positions)} frames are too few for {blocks} blocks")
    parts = [positions[n * length : (n + 1) * length] for n in range(blocks)]
    return fit_diffusion(positions, parts, interval, last)


def measure_group_diffusion(positions, interval, groups):
    """As measure_diffusion(), but the error is the spread over groups of atoms, over the whole trajectory.

    For solids, where a jump takes a good part of a short run: lags reach half of the trajectory, at most LONGEST_LAG.
    `groups` [atom] numbers the groups; atoms that push each other on should be in the same one. Throws ValueError if
    there are too few frames for a line, or fewer than two groups.
    """
    last = min(len(positions) // 2, round(LONGEST_LAG / interval))
    labels = np.unique(groups)
    if last < 3 or len(labels) < 2:
        raise ValueError(f"{len(positions)} frames of {len(labels)} groups are too few")
    return fit_diffusion(positions, [positions[:, groups == label] for label in labels], interval, last)


def fit_diffusion(positions, parts, interval, last):
    """Line through the mean square displacement up to a lag of `last` frames; the error from that of the parts."""
    lags = np.arange(last + 1)
    fitted = slice(max(1, round(last / 5)), None)

    def fit(part):
        displacement = mean_square_displacement(part, lags)
        return displacement, np.polyfit(lags[fitted] * interval, displacement[fitted], 1)

    displacement, (slope, intercept) = fit(positions)
    slopes = [fit(part)[1][0] for part in parts]
    return Diffusion(lags=lags * interval, displacement=displacement, slope=slope, intercept=intercept,
                     window=(lags[fitted][0] * interval, last * interval), coefficient=10.0 * slope / 6.0,
                     error=10.0 / 6.0 * np.std(slopes, ddof=1) / np.sqrt(len(parts)))


def finite_size_correction(temperature, viscosity, edge):
    """What a cubic box with this edge takes from the diffusion coefficient, given the viscosity in Pa s."""
    return 1e19 * CUBIC_LATTICE * BOLTZMANN * temperature / (6.0 * np.pi * viscosity * edge)
