"""Lattice constant, equation of state and elastic constants of bcc metals at 0 K.

Energies (eV) and stresses come from `grapevine evaluate` in double precision, for cells of two atoms: every atom of a
strained bcc lattice is a centre of inversion, so that no atom feels a force and nothing has to be relaxed.
"""

from dataclasses import dataclass

import numpy as np
from ase import Atoms
from ase.io import read
from command_line import Failure, run_evaluate

GPA_PER_EV_A3 = 160.21766208
VOLUMES = np.linspace(0.92, 1.08, 33)  # of the equation of state, relative to the guess
STRAINS = np.array([0.0025, 0.005, 0.0075, 0.01])
HAIR = 1e-4
NEWTON_STEPS = 10
ZERO_PRESSURE = 1e-5  # GPa


@dataclass
class EquationOfState:
    """Birch-Murnaghan: E is a cubic polynomial of V^(-2/3). Volumes and energies are per atom (A^3, eV)."""

    volumes: np.ndarray
    energies: np.ndarray
    coefficients: np.ndarray  # of powers 0 to 3
    volume: float  # of the minimum
    bulk_modulus: float  # GPa
    derivative: float  # of the bulk modulus by pressure

    def energy(self, volume):
        """Of the fit, per atom."""
        return np.polynomial.polynomial.polyval(volume ** (-2 / 3), self.coefficients)

    @property
    def lowest(self):
        return self.energy(self.volume)

    @property
    def residual(self):
        """Root mean square of what the fit leaves, eV/atom."""
        return np.sqrt(np.mean((self.energies - self.energy(self.volumes)) ** 2))


@dataclass
class Crystal:
    """A bcc element: lattice constant in Angstrom, elastic constants in GPa."""

    element: str
    lattice_constant: float
    c11: float
    c12: float
    c44: float
    equation_of_state: EquationOfState

    @property
    def stable(self):
        """Born's conditions of mechanical stability for a cubic crystal."""
        return self.c11 > abs(self.c12) and self.c11 + 2 * self.c12 > 0 and self.c44 > 0


class Evaluator:
    """Runs `grapevine evaluate` on lists of structures; its files stay in `folder`."""

    def __init__(self, grapevine, model, folder):
        self.grapevine, self.model, self.folder = grapevine, model, folder

    def __call__(self, structures):
        """The structures with energy and stress, in their order. Positions keep all their digits."""
        source, results = self.folder / "cells.extxyz", self.folder / "cells-evaluated.extxyz"
        source.write_text("".join(extxyz(atoms) for atoms in structures))
        run_evaluate(self.grapevine, self.model, source, "-o", results, "--precision", "double")
        return read(results, ":")


def extxyz(atoms):
    """One frame of extended XYZ with as many digits as the numbers have."""
    cell = " ".join(repr(float(x)) for x in atoms.cell.array.ravel())
    lines = [f"{len(atoms)}", f'Lattice="{cell}" Properties=species:S:1:pos:R:3 pbc="T T T"']
    lines += [" ".join([symbol, *(repr(float(x)) for x in xyz)]) for symbol, xyz in zip(atoms.symbols, atoms.positions)]
    return "\n".join(lines) + "\n"


def bcc(element, lattice_constant, deformation=np.eye(3)):
    """The cubic cell of two atoms, whose vectors are then multiplied by `deformation`."""
    cell = lattice_constant * np.asarray(deformation).T
    return Atoms([element, element], cell=cell, scaled_positions=[[0, 0, 0], [0.5, 0.5, 0.5]], pbc=True)


def fit_equation_of_state(volumes, energies):
    """Least squares, per atom; None if the fit has no minimum between the smallest and the largest volume."""
    x = volumes ** (-2 / 3)
    c = np.polynomial.polynomial.polyfit(x, energies, 3)
    for root in np.roots([3 * c[3], 2 * c[2], c[1]]):
        second = 2 * c[2] + 6 * c[3] * root.real
        if np.isreal(root) and second > 0 and x.min() < root.real < x.max():
            minimum = root.real
            return EquationOfState(volumes, energies, c, minimum**-1.5,
                                   4 / 9 * second * minimum**3.5 * GPA_PER_EV_A3, 4 + 4 * c[3] * minimum / second)
    return None


def equations_of_state(evaluate, guesses):
    """guesses: element to lattice constant."""
    edges = VOLUMES ** (1 / 3)
    structures = evaluate([bcc(element, a * edge) for element, a in guesses.items() for edge in edges])
    found = {}
    for n, (element, a) in enumerate(guesses.items()):
        cells = structures[n * len(edges) : (n + 1) * len(edges)]
        volumes = np.array([atoms.get_volume() / len(atoms) for atoms in cells])
        energies = np.array([atoms.get_potential_energy() / len(atoms) for atoms in cells])
        found[element] = fit_equation_of_state(volumes, energies)
        if found[element] is None:
            raise Failure(f"bcc {element} has no lowest energy between lattice constants "
                          f"{a * edges[0]:.2f} and {a * edges[-1]:.2f} Angstrom: the model does not know this metal")
    return found


def pressure(atoms):
    """In GPa, from the stress that `grapevine evaluate` wrote."""
    return -np.trace(atoms.get_stress(voigt=False)) / 3 * GPA_PER_EV_A3


def lattice_constants(evaluate, guesses):
    """Where the pressure is zero, by Newton's method with dP/da from a hair's breadth either side."""
    constants = dict(guesses)
    for _ in range(NEWTON_STEPS):
        factors = (1, 1 - HAIR, 1 + HAIR)
        cells = evaluate([bcc(element, a * factor) for element, a in constants.items() for factor in factors])
        pressures = dict(zip(constants, np.array([pressure(atoms) for atoms in cells]).reshape(-1, len(factors))))
        if all(abs(at[0]) < ZERO_PRESSURE for at in pressures.values()):
            return constants
        for element, (here, below, above) in pressures.items():
            constants[element] *= 1 - here * 2 * HAIR / (above - below)
    raise Failure(f"no lattice constant without pressure found near {guesses} Angstrom")


def initial_slope(strains, stresses):
    """d(stress)/d(strain) at zero from stresses at +strain [0] and -strain [1]: s = C e + D e^3 by least squares."""
    odd = (stresses[0] - stresses[1]) / 2
    return np.linalg.lstsq(np.stack([strains, strains**3], axis=1), odd, rcond=None)[0][0]


def elastic_constants(evaluate, constants):
    """element to (C11, C12, C44) in GPa at zero pressure, from the stresses of strained cells."""
    stretch, shear = np.diag([1.0, 0.0, 0.0]), np.array([[0.0, 0.5, 0.0], [0.5, 0.0, 0.0], [0.0, 0.0, 0.0]])
    signed = np.concatenate([STRAINS, -STRAINS])
    deformations = [np.eye(3) + strain * kind for kind in (stretch, shear) for strain in signed]
    cells = evaluate([bcc(element, a, F) for element, a in constants.items() for F in deformations])
    stresses = GPA_PER_EV_A3 * np.array([atoms.get_stress(voigt=False) for atoms in cells])
    stresses = stresses.reshape(len(constants), 2, 2, len(STRAINS), 3, 3)  # element, kind, sign, strain

    def slope(kind, tensors):
        return initial_slope(STRAINS, tensors[kind])

    found = {}
    for element, tensors in zip(constants, stresses):
        c11 = slope(0, tensors[..., 0, 0])
        c12 = slope(0, (tensors[..., 1, 1] + tensors[..., 2, 2]) / 2)
        found[element] = c11, c12, slope(1, tensors[..., 0, 1])
    return found


def measure(evaluate, guesses):
    """A Crystal for each element of `guesses` (element to roughly its lattice constant in Angstrom)."""
    equations = equations_of_state(evaluate, guesses)
    minima = {element: (2 * equation.volume) ** (1 / 3) for element, equation in equations.items()}
    constants = lattice_constants(evaluate, minima)
    elastic = elastic_constants(evaluate, constants)
    return [Crystal(element, constants[element], *elastic[element], equations[element]) for element in guesses]
