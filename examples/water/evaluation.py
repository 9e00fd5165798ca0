"""What the files of one run of in.liquid say about the liquid."""

import re
from dataclasses import dataclass

import experiment
import numpy as np
from command_line import Failure
from pairs import pair_distribution
from report import Estimate, average, fit_drift, read_thermo
from self_diffusion import Diffusion, finite_size_correction, measure_diffusion, remove_drift
from structure import OXYGEN, count_pairs, read_frames

BIN = 0.025  # Angstrom
MASSES = {"O": 15.9994, "H": 1.00794}

# Where to look for a feature of g(r), how far from the extreme bin the parabola reaches (Angstrom), which way it bends.
FEATURES = {
    "first maximum": (2.4, 3.2, 0.08, -1),
    "first minimum": (3.0, 4.0, 0.25, 1),
    "second maximum": (3.9, 5.3, 0.35, -1),
}


@dataclass
class Liquid:
    """What one run says about the liquid."""

    temperature: float  # asked for, K
    edges: np.ndarray  # of the box, Angstrom
    molecules: int
    whole: np.ndarray  # molecules in each frame
    span: float  # ps
    measured: Estimate  # temperature, K
    pressure: Estimate  # MPa
    time: np.ndarray
    conserved: np.ndarray  # meV/atom over time
    drift: Estimate  # of it, meV/atom/ns
    distance: np.ndarray
    g: np.ndarray
    features: dict  # name: (position, height)
    neighbours: Estimate
    diffusion: Diffusion
    correction: float  # 1e-9 m2/s; NaN if the box is no cube

    @property
    def is_broken(self):
        """Frames in which a molecule is."""
        return self.whole < self.molecules

    @property
    def lasted(self):
        """ps until the first molecule was broken; None if none was."""
        return self.span * np.argmax(self.is_broken) / (len(self.whole) - 1) if self.is_broken.any() else None

    @property
    def in_box(self):
        return Estimate(self.diffusion.coefficient, self.diffusion.error)

    @property
    def corrected(self):
        return Estimate(self.diffusion.coefficient + self.correction, self.diffusion.error)

    @property
    def density(self):
        """g/cm3"""
        mass = self.molecules * (MASSES["O"] + 2 * MASSES["H"])
        return 1.66053907 * mass / np.prod(self.edges)


def find_extremum(distance, g, low, high, reach, bend):
    """Position and height of the parabola through g within `reach` of its most extreme bin in low .. high."""
    inside = (distance >= low) & (distance <= high)
    if not inside.any() or distance[-1] < high:
        return np.nan, np.nan
    top = distance[inside][np.argmin(bend * g[inside])]
    near = np.abs(distance - top) <= reach
    a, b, c = np.polyfit(distance[near] - top, g[near], 2)
    offset = -b / (2 * a) if a * bend > 0 else 0.0
    offset = np.clip(offset, -reach, reach)
    return top + offset, (a * offset + b) * offset + c


def describe_g(counts, oxygens, volume, edges):
    """g(r), its features in the order of FEATURES as a flat array, and the neighbours of an oxygen."""
    distance = 0.5 * (edges[1:] + edges[:-1])
    g = pair_distribution(counts, oxygens * (oxygens - 1), volume, edges)
    features = np.array([find_extremum(distance, g, *where) for where in FEATURES.values()]).ravel()
    neighbours = counts[:, edges[1:] <= experiment.NEIGHBOUR_DISTANCE + 1e-9].sum(axis=1).mean() / oxygens
    return g, np.append(features, neighbours)


def evaluate(folder, temperature, blocks):
    """Everything the table and the figure show, from the files of one run. Failure if they do not hold it."""
    try:
        frames = read_frames(folder / "frames.lammpstrj")
        times = [float(text) for text in re.findall(r"ITEM: TIME\n(\S+)", (folder / "frames.lammpstrj").read_text())]
        thermo, is_measured = read_thermo(folder / "thermo.csv", "measurement")
    except (OSError, ValueError, IndexError, KeyError, TypeError) as error:
        raise Failure(f"{folder}: not the files of a run of in.liquid: {error}") from None
    if len(frames) < 10 * blocks or np.count_nonzero(is_measured) < 4:
        raise Failure(f"{folder}: {len(frames)} frames are too few for {blocks} blocks, it takes ten for each")
    frames = frames[: len(times)]

    types, lengths = frames[0].get_array("type"), frames[0].cell.lengths()
    oxygens, volume = np.count_nonzero(types == OXYGEN), frames[0].get_volume()
    edges = np.arange(round(lengths.min() / 2 / BIN) + 1) * BIN
    edges = edges[edges <= lengths.min() / 2]
    counts, _, whole = count_pairs(frames, edges)
    g, values = describe_g(counts, oxygens, volume, edges)
    parts = np.array([describe_g(part, oxygens, volume, edges)[1] for part in np.array_split(counts, blocks)])
    described = [Estimate(*pair) for pair in zip(values, parts.std(axis=0, ddof=1) / np.sqrt(blocks))]

    masses = np.where(types == OXYGEN, MASSES["O"], MASSES["H"])
    positions = remove_drift(np.array([frame.positions for frame in frames]), masses)[:, types == OXYGEN]
    diffusion = measure_diffusion(positions, (times[-1] - times[0]) / (len(times) - 1), blocks)
    is_cube = np.ptp(lengths) < 1e-3 * lengths.min()
    viscosity = experiment.viscosity(temperature)
    correction = finite_size_correction(temperature, viscosity, lengths.mean()) if is_cube else np.nan

    time, conserved = thermo["time"][is_measured], 1e3 * thermo["conserved"][is_measured] / len(types)
    slope, error, _ = fit_drift(time, conserved)
    return Liquid(
        temperature=temperature, edges=lengths, molecules=oxygens, whole=whole, span=times[-1] - times[0],
        measured=average(thermo["temperature"][is_measured]), pressure=average(0.1 * thermo["pressure"][is_measured]),
        time=time - time[0], conserved=conserved - conserved.mean(), drift=Estimate(1e3 * slope, 1e3 * error),
        distance=0.5 * (edges[1:] + edges[:-1]), g=g,
        features={name: described[2 * n : 2 * n + 2] for n, name in enumerate(FEATURES)}, neighbours=described[-1],
        diffusion=diffusion, correction=correction,
    )
