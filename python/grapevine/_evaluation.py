"""Energies, forces and virials of many structures."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import ase
import numpy as np
from numpy.typing import NDArray

from grapevine import _core
from grapevine._models import Model, PathLike, as_model, chosen_precision


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
        Minus virial over the cell's volume, ASE's sign, eV/Angstrom^3; between periodic directions only, the other
        components being zero; None without a periodic direction, or if the cell has no volume.
    """

    energy: float
    energies: NDArray[np.float64]
    forces: NDArray[np.float64]
    virial: NDArray[np.float64]
    stress: NDArray[np.float64] | None

    def __repr__(self) -> str:
        return f"<Result of {len(self.energies)} atoms, {self.energy:.6f} eV>"


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
    structures: ase.Atoms | Iterable[ase.Atoms] | PathLike,
    *,
    precision: str | None = None,
    threads: int | None = None,
) -> list[Result]:
    """Energies, forces and virials of structures, as ``grapevine evaluate`` gives them.

    Threads work on different structures where there are enough of them, on the atoms of one after another otherwise.
    The interpreter's lock is not held meanwhile.

    Parameters
    ----------
    model : Model or path
        The potential, its file, or the name of a model that comes with the package.
    structures : Atoms, iterable of Atoms, or path
        Any cells, any mix of periodic directions. Of a file, all structures that ``ase.io.read`` finds in it.
    precision : {"double", "mixed"}, optional
        ``double`` if not given. ``mixed`` runs in single precision and adds up in double: twice as fast for REANN
        models, six to fifteen times for SevenNet.
    threads : int, optional
        Number of threads; all cores, or ``OMP_NUM_THREADS``, if not given.

    Returns
    -------
    list of Result
        One for each structure, in order.

    Raises
    ------
    Error
        If a file cannot be read, an element is not in the model, two atoms are on top of each other, or a position is
        not finite; structure and atom are counted from 1.
    """
    potential = as_model(model)
    precision = chosen_precision(precision, [potential])
    if isinstance(structures, (str, os.PathLike)):
        try:
            return _evaluate(potential, _read(structures), precision, threads)
        except _core.Error as problem:
            raise _core.Error(f"{os.fspath(structures)}: {problem}") from None
    frames = [structures] if isinstance(structures, ase.Atoms) else list(structures)
    return _evaluate(potential, frames, precision, threads)


def _evaluate(model: Model, frames: list[ase.Atoms], precision: str, threads: int | None) -> list[Result]:
    for index, atoms in enumerate(frames):
        if not isinstance(atoms, ase.Atoms):
            raise TypeError(f"structure {index + 1} (index {index}) is of type {type(atoms).__name__}, not ase.Atoms")
    found = _core.evaluate_batch(model.potential, [arrays_of(atoms) for atoms in frames], precision, threads or 0)
    return [_result(values) for values in found]


def _read(path: PathLike) -> list[ase.Atoms]:
    from ase.io import read  # takes longer than all else to import

    try:
        return read(path, ":")
    except Exception as problem:  # whatever a file that is not what it seems leads ASE's readers to
        reason = getattr(problem, "strerror", None) or f"{type(problem).__name__}: {problem}"
        raise _core.Error(f"ASE cannot read it: {' '.join(reason.split())}") from problem


def _result(values: dict[str, Any]) -> Result:
    return Result(values["energy"], values["energies"], values["forces"], values["virial"], values.get("stress"))
