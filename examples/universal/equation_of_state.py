"""Energy against volume of rock salt, and what the third-order Birch-Murnaghan equation makes of it."""

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from ase.build import bulk
from ase.io import write
from command_line import run_evaluate

GPA = 160.21766  # per eV/Angstrom^3
CONSTANTS = np.linspace(5.45, 5.95, 11)  # Angstrom
FORMULA_UNITS = 4  # of a cubic cell


@dataclass
class EquationOfState:
    """Of the cubic cell at rest: Angstrom, GPa, eV per atom."""

    constants: np.ndarray
    energies: np.ndarray
    lattice_constant: float
    bulk_modulus: float
    energy: float
    coefficients: np.ndarray

    def curve(self, constants):
        return np.polyval(self.coefficients, constants**-2.0)


def fit_equation_of_state(grapevine, model):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "cells.extxyz"
        write(path, [bulk("NaCl", "rocksalt", a=a, cubic=True) for a in CONSTANTS], format="extxyz")
        frames = json.loads(run_evaluate(grapevine, model, path, "--json"))["frames"]
    energies = np.array([frame["energy"] for frame in frames]) / (2 * FORMULA_UNITS)
    return fit(CONSTANTS, energies)


def fit(constants, energies):
    """Birch-Murnaghan of third order is a polynomial of third order in a^-2, that is V^(-2/3)."""
    coefficients = np.polyfit(constants**-2.0, energies, 3)
    slope = np.polyder(coefficients)
    roots = np.roots(slope)
    curvature = np.polyder(slope)
    x = next(root.real for root in roots if abs(root.imag) < 1e-12 and np.polyval(curvature, root.real) > 0)
    a = x**-0.5
    # V d2E/dV2 at the minimum, with x = a^-2 and v = a^3/8 the volume of an atom: dx/dv = -2/3 x / v.
    modulus = np.polyval(curvature, x) * (2 / 3 * x) ** 2 / (a**3 / (2 * FORMULA_UNITS))
    return EquationOfState(constants, energies, a, GPA * modulus, np.polyval(coefficients, x), coefficients)
