"""Data to train a model of burning hydrogen on: python combine.py DATA OUTPUT [--composed 6000]

DATA is the folder of the data set hydrogen-combustion; OUTPUT gets the frames of train.extxyz and of the reaction paths, and
composed ones. What is left out of the paths: O2 in another state than in all other frames (reaction_06a), bonds stretched
into a state above free atoms, and frames whose energy jumps from that of the frame before by more than the forces between
them do. A composed frame is two or three frames side by side, APART and more from one another, with the sum of their
energies and the forces of each: what is between them at such distances, some 0.1 eV at the most, is left out. Without these
no frame has more than six atoms, and no model knows what a third molecule nearby does not do.
"""

import sys
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import read, write
from grapevine.learn.start import rotation

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]
from command_line import Failure, Parser, run_program  # noqa: E402

OTHER_STATE = "reaction_06a_irc"
JUMP = 0.3  # eV
STEP = 0.3  # Angstrom that an atom moves from frame to frame along a path, at the most
EQUILIBRIUM = 1.3  # Angstrom: bonds of two atoms are not longer
APART = 2.8  # Angstrom, of the nearest atoms of two frames that are composed, and up to
SPREAD = 1.7  # more
LARGEST_FORCE = 12.0  # eV/Angstrom in a frame that is composed
THREE = 1 / 3  # of composed frames are of three


def is_above_free_atoms(atoms):
    return len(atoms) == 2 and atoms.get_distance(0, 1) > EQUILIBRIUM and atoms.get_potential_energy() > 0


def jumps(before, atoms):
    """Whether the energy does not follow from that of the frame before and the forces on the way."""
    moved = atoms.positions - before.positions
    if np.abs(moved).max() > STEP:
        return False  # another path begins
    work = -0.5 * np.sum((before.get_forces() + atoms.get_forces()) * moved)
    return abs(atoms.get_potential_energy() - before.get_potential_energy() - work) > JUMP


def fitting(paths):
    """The frames of reaction paths that belong to one surface."""
    kept = []
    for atoms in paths:
        name = atoms.info["config_type"]
        if name == OTHER_STATE or is_above_free_atoms(atoms):
            continue
        if kept and kept[-1].info["config_type"] == name and jumps(kept[-1], atoms):
            continue
        kept.append(atoms)
    return kept


def towards(placed, positions, apart, direction):
    """`positions` moved from afar along a direction until `apart` from the nearest of those placed."""
    for distance in np.arange(20.0, 0.0, -0.05):
        moved = positions - distance * direction
        if np.linalg.norm(moved[:, None] - placed, axis=2).min() < apart + 0.05:
            return moved
    return positions - 20.0 * direction


def compose(parts, random):
    """One frame of several, turned at random, which do not know of one another."""
    positions, forces = parts[0].positions, parts[0].get_forces()
    for part in parts[1:]:
        turn = rotation(random)
        aim = positions[random.integers(len(positions))]
        turned = (part.positions - part.positions.mean(axis=0)) @ turn.T + aim
        moved = towards(positions, turned, APART + SPREAD * random.random(), rotation(random)[0])
        positions, forces = np.concatenate([positions, moved]), np.concatenate([forces, part.get_forces() @ turn.T])
    whole = Atoms(np.concatenate([part.numbers for part in parts]), positions, info={"config_type": "composed"})
    whole.calc = SinglePointCalculator(whole, energy=sum(part.get_potential_energy() for part in parts), forces=forces)
    return whole


def composed(frames, number, seed):
    """So many frames, each of two or three of those with moderate forces; a third of the parts are small molecules."""
    random = np.random.default_rng(seed)
    calm = [atoms for atoms in frames if np.abs(atoms.get_forces()).max() < LARGEST_FORCE]
    small = [atoms for atoms in calm if len(atoms) == 2]
    pools = [small or calm, calm, calm]
    return [compose([pool[random.integers(len(pool))] for pool in (pools[random.integers(3)] for _ in range(count))], random)
            for count in random.choice([2, 3], number, p=[1 - THREE, THREE])]


def main(arguments):
    parser = Parser(prog="combine.py", description="Data to train a model of burning hydrogen on.")
    parser.add_argument("data", type=Path, help="folder of the data set hydrogen-combustion")
    parser.add_argument("output", type=Path, help="extended XYZ file to write")
    parser.add_argument("--composed", type=int, default=6000, metavar="N", help="composed frames (default: 6000)")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="default: 1")
    options = parser.parse_args(arguments)
    try:
        train, paths = (read(options.data / f"{name}.extxyz", ":") for name in ("train", "reaction-paths"))
        kept = fitting(paths)
    except FileNotFoundError:
        raise
    except Exception as error:  # whatever ASE's reader trips over
        raise Failure(f"{options.data}: not the files of hydrogen-combustion: {error}") from None
    if options.composed < 0:
        raise Failure(f"--composed {options.composed}: it cannot be negative")
    together = composed(train + kept, options.composed, options.seed)
    write(options.output, train + kept + together, format="extxyz")
    print(f"{options.output}: {len(train)} frames, {len(kept)} of {len(paths)} of the paths, {len(together)} composed")


if __name__ == "__main__":
    run_program(main)
