"""What a run begins from: structures of files, and molecules packed at random."""

from __future__ import annotations

from pathlib import Path

import ase.build
import numpy as np
from ase import Atoms, units
from ase.data import chemical_symbols
from grapevine import Error
from grapevine.learn.folder import read_structures
from grapevine.learn.options import Mixture, Start

TRIES = 1000  # places tried for a molecule
ATTEMPTS = 5  # packings begun anew
GRAM_PER_CM3 = 1e-3 * units.kg / 1e24  # in amu/Angstrom^3


def beginnings(start: Start, seed: int) -> dict[str, list[Atoms]]:
    """Structures to explore from, by the name of their file (without ending) or mixture."""
    found: dict[str, list[Atoms]] = {}
    for path in start.structures:
        found.setdefault(Path(path).stem, []).extend(bare(atoms) for atoms in read_structures(path))
    for number, mixture in enumerate(start.mixture):
        random = np.random.default_rng([seed, number])
        packed = [pack(mixture, random) for _ in range(mixture.number)]
        found.setdefault(mixture.name, []).extend(packed)
    return found


def first_structures(begin: dict[str, list[Atoms]], start: Start, seed: int) -> list[Atoms]:
    """Structures to label before there is a model: the beginnings, and copies of them."""
    random = np.random.default_rng([seed, 1000])
    frames = []
    for name, structures in begin.items():
        for atoms in structures:
            group = [atoms.copy(), *(moved(atoms, start, random) for _ in range(start.copies))]
            for one in group:
                one.info["from"] = name
            frames += group
    return frames


def bare(atoms: Atoms) -> Atoms:
    """A copy without results and whatever else its file had."""
    return Atoms(atoms.numbers, atoms.positions, cell=atoms.cell, pbc=atoms.pbc)


def moved(atoms: Atoms, start: Start, random: np.random.Generator) -> Atoms:
    """A copy with atoms displaced and, if it is periodic, its cell strained."""
    copy = atoms.copy()
    if copy.pbc.any():
        tensor = start.strain * random.normal(size=(3, 3))
        copy.set_cell(copy.cell @ (np.eye(3) + (tensor + tensor.T) / 2), scale_atoms=True)
    copy.positions += start.displacement * random.normal(size=copy.positions.shape)
    return copy


def pack(mixture: Mixture, random: np.random.Generator) -> Atoms:
    """Molecules placed and turned at random in a periodic cube, none closer to another than the mixture's distance.

    Error if they do not fit.
    """
    molecules = [molecule(name) for name, number in mixture.molecules.items() for _ in range(number)]
    mass = sum(one.get_masses().sum() for one in molecules)
    edge = (mass / (mixture.density * GRAM_PER_CM3)) ** (1 / 3)
    molecules.sort(key=len, reverse=True)
    for _ in range(ATTEMPTS):
        packed = try_to_pack(molecules, edge, mixture.distance, random)
        if packed is not None:
            return packed[np.argsort(packed.numbers, kind="stable")]
    raise Error(f"start.mixture {mixture.name}: no room for {len(molecules)} molecules in a cube of {edge:.1f} A at "
                f"{mixture.distance:g} A from each other; lower its distance or density, or give structures")


def try_to_pack(molecules: list[Atoms], edge: float, distance: float, random: np.random.Generator) -> Atoms | None:
    packed = Atoms(cell=[edge] * 3, pbc=True)
    for one in molecules:
        for _ in range(TRIES):
            new = one.copy()
            new.positions = one.positions @ rotation(random).T + edge * random.random(3)
            if is_free(new, packed, distance):
                packed += new
                break
        else:
            return None
    packed.wrap()
    return packed


def is_free(new: Atoms, packed: Atoms, distance: float) -> bool:
    """Whether no atom of `new` is closer to one of the others, or to an image of one of its own molecule."""
    edge = packed.cell[0, 0]
    own = new.positions[:, None] - new.positions
    is_image = np.abs(own) > edge / 2
    if is_image.any() and np.linalg.norm(own - edge * np.round(own / edge), axis=2)[is_image.any(axis=2)].min() < distance:
        return False
    apart = new.positions[:, None] - packed.positions
    apart -= edge * np.round(apart / edge)
    return bool((np.square(apart).sum(axis=2) >= distance**2).all())


def rotation(random: np.random.Generator) -> np.ndarray:
    """A rotation matrix, uniform over all."""
    w, x, y, z = (q := random.normal(size=4)) / np.linalg.norm(q)
    return np.array([[1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
                     [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
                     [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)]])


def molecule(name: str) -> Atoms:
    """A molecule around the origin, by its name in ASE, its element, or its file."""
    if Path(name).is_file():
        atoms = bare(read_structures(name)[0])
    elif name in chemical_symbols[1:]:
        return Atoms(name, positions=[[0, 0, 0]])
    else:
        try:
            atoms = bare(ase.build.molecule(name))
        except KeyError:
            raise Error(f"start.mixture.molecules: {name} is no element, no molecule of ase.build.molecule and no file"
                        ) from None
    atoms.positions -= atoms.positions.mean(axis=0)
    atoms.set_cell([0, 0, 0])
    atoms.pbc = False
    return atoms
