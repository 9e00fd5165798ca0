"""Thermal conductivity from runs between a hot and a cold slab, and what it is for an infinite distance of these.

Lengths in Angstrom, powers in eV/ps, conductivities in W/m/K. The hot slab begins at the lower end of the cell along z, the
cold one half a cell above it; energy flows from one to the other both ways.
"""

from dataclasses import dataclass

import numpy as np
from command_line import Failure
from green_kubo import SI, standard_error
from report import Estimate, read_last_loop


@dataclass
class Profile:
    """One run. `length` is from slab to slab, half of the cell."""

    length: float
    area: float
    atoms: int
    seconds_per_step: float
    ranks: int
    span: float  # ps
    slab: float
    positions: np.ndarray  # of the layers' centres
    temperatures: np.ndarray  # mean over the run
    errors: np.ndarray
    fitted: tuple  # which layers, on the way up and on the way down
    lines: tuple  # slope and intercept through them
    conductivity: Estimate


@dataclass
class Extrapolation:
    """1/conductivity = 1/limit + slope/length."""

    limit: Estimate
    inverse: float
    slope: float
    covariance: np.ndarray  # of these two

    def error(self, inverse_length):
        """Standard error of 1/conductivity."""
        gradient = np.array([np.ones_like(inverse_length), inverse_length])
        return np.sqrt(np.einsum("in,ij,jn->n", gradient, self.covariance, gradient))


def read_profiles(path):
    """Temperatures [block][layer] of a file of fix ave/chunk."""
    lines = [line.split() for line in path.read_text().splitlines() if not line.startswith("#")]
    starts = [n for n, words in enumerate(lines) if len(words) == 3]
    layers = int(lines[starts[0]][1])
    return np.array([[float(words[3]) for words in lines[n + 1 : n + 1 + layers]] for n in starts])


def fitted_layers(positions, length, slab):
    """Layers whose centres lie between the slabs, half a slab away from them, on the way up and on the way down."""
    way = positions % length
    between = (way > 1.5 * slab) & (way < length - 0.5 * slab)
    return between & (positions < length), between & (positions >= length)


def conductivity(power, area, gradient):
    """Of a power (eV/ps) that flows both ways through the area, by Fourier's law."""
    return SI * power / (2.0 * area * gradient)


def extrapolate(lengths, estimates):
    """Weighted straight line through 1/conductivity over 1/length. Errors grow if it leaves more than they say."""
    inverse = np.array([1.0 / it.value for it in estimates])
    error = np.array([it.error / it.value**2 for it in estimates])
    design = np.stack([np.ones_like(inverse), 1.0 / np.asarray(lengths)], axis=1) / error[:, None]
    covariance = np.linalg.inv(design.T @ design)
    found = covariance @ design.T @ (inverse / error)
    freedom = len(inverse) - 2
    residual = np.sum((design @ found - inverse / error) ** 2)
    covariance *= max(1.0, residual / freedom) if freedom else 1.0
    limit = Estimate(1.0 / found[0], np.sqrt(covariance[0, 0]) / found[0] ** 2)
    return Extrapolation(limit, *found, covariance)


def evaluate(folder, power, slab, edges, timestep):
    """A Profile from the files of one run of in.direct in a cell of these edges. Failure if they do not hold it."""
    try:
        blocks = read_profiles(folder / "profile.txt")
        seconds, ranks, steps, atoms = read_last_loop(folder / "log.lammps")
        if len(blocks) < 2:
            raise ValueError(f"{len(blocks)} profile")
    except (OSError, ValueError, IndexError) as error:
        raise Failure(f"{folder}: not the files of a finished run of in.direct: {error}") from None
    length, area = edges[2] / 2, edges[0] * edges[1]
    positions = (np.arange(blocks.shape[1]) + 0.5) * edges[2] / blocks.shape[1]
    fitted = fitted_layers(positions, length, slab)
    down, up = (np.polyfit(positions[part], blocks[:, part].T, 1)[0] for part in fitted)
    gradients = 0.5 * (up - down)
    mean = blocks.mean(axis=0)
    value = conductivity(power, area, gradients.mean())
    return Profile(
        length=length, area=area, atoms=atoms, seconds_per_step=seconds / steps, ranks=ranks, span=timestep * steps,
        slab=slab, positions=positions, temperatures=mean, errors=standard_error(blocks.T), fitted=fitted,
        lines=tuple(np.polyfit(positions[part], mean[part], 1) for part in fitted),
        conductivity=Estimate(value, value * standard_error(gradients) / gradients.mean()))
