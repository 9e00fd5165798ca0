"""Energies, forces and virials of many structures."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import ase
import numpy as np
from numpy.typing import NDArray

from grapevine import _core
from grapevine._models import Model, PathLike, as_model


@dataclass(frozen=True, eq=False)
class Result:
    """What a model says of one structure.

    Attributes
    ----------
    energy : float
        Potential energy, eV.
    energies : ndarray, shape (atoms,)
        Energies of the atoms, eV; they add up to `energy`.
    forces : ndarray, shape (atoms, 3)
        Forces, eV/Angstrom.
    virial : ndarray, shape (3, 3)
        Minus the derivative of the energy by strain, eV.
    stress : ndarray, shape (3, 3), or None
        Minus virial over volume, ASE's sign, eV/Angstrom^3; None unless the structure is periodic in three directions.
    """

    energy: float
    energies: NDArray[np.float64]
    forces: NDArray[np.float64]
    virial: NDArray[np.float64]
    stress: NDArray[np.float64] | None


def arrays_of(
    atoms: ase.Atoms,
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
    """Numbers (atoms,), positions (atoms, 3), cell (3, 3), pbc (3,) as the core takes them; copies only if need be."""
    return (
        np.ascontiguousarray(atoms.numbers, dtype=np.int64),
        np.ascontiguousarray(atoms.positions, dtype=np.float64),
        np.ascontiguousarray(atoms.cell.array, dtype=np.float64),
        np.ascontiguousarray(atoms.pbc, dtype=np.bool_),
    )


def evaluate(
    model: Model | PathLike,
    structures: ase.Atoms | Iterable[ase.Atoms],
    *,
    precision: str = "double",
    threads: int | None = None,
) -> list[Result]:
    """Energies, forces and virials of structures, as ``grapevine evaluate`` gives them.

    Threads work on different structures where there are enough of them, on the atoms of one after another otherwise.
    The interpreter's lock is not held meanwhile.

    Parameters
    ----------
    model : Model or path
        The potential, or its file.
    structures : Atoms or iterable of Atoms
        Any cells, any mix of periodic directions.
    precision : {"double", "mixed"}
        ``mixed`` runs in single precision and adds up in double.
    threads : int, optional
        Number of threads; all cores, or ``OMP_NUM_THREADS``, if not given.

    Returns
    -------
    list of Result
        One for each structure, in order.

    Raises
    ------
    Error
        If an element is not in the model, two atoms are on top of each other, or a position is not finite; it names
        the structure, counted from 0, and the atom, counted from 1.
    """
    frames = [structures] if isinstance(structures, ase.Atoms) else list(structures)
    found = _core.evaluate_batch(
        as_model(model).potential, [arrays_of(atoms) for atoms in frames], precision, threads or 0
    )
    return [_result(values, atoms) for values, atoms in zip(found, frames, strict=True)]


def _result(values: dict[str, Any], atoms: ase.Atoms) -> Result:
    stress = -values["virial"] / atoms.get_volume() if atoms.pbc.all() else None
    return Result(values["energy"], values["energies"], values["forces"], values["virial"], stress)
