"""Heat flux of a structure whose atoms move."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

import ase
import numpy as np
from numpy.typing import NDArray

from grapevine import _core
from grapevine._evaluation import arrays_of
from grapevine._models import Model, PathLike, as_model, chosen_precision


@dataclass(frozen=True, eq=False)
class HeatFlux:
    """Heat flux of a structure, not divided by its volume: eV Angstrom per ASE's unit of time.

    ASE's unit of time is Angstrom sqrt(amu/eV), 10.18 fs: times ``1000 * ase.units.fs`` a flux is in eV Angstrom/ps, as
    in LAMMPS's units metal.

    Attributes
    ----------
    potential : ndarray, shape (3,)
        What neighbours do to each other's energies.
    convective : ndarray, shape (3,)
        Kinetic and potential energy that atoms carry along.
    power : float
        Change of the potential energy with time, minus the sum of forces times velocities; eV per ASE's unit of time.
    """

    potential: NDArray[np.float64]
    convective: NDArray[np.float64]
    power: float

    @property
    def total(self) -> NDArray[np.float64]:
        """Sum of both parts."""
        return self.potential + self.convective


def heat_flux(
    model: Model | PathLike | Sequence[Model | PathLike],
    atoms: ase.Atoms,
    *,
    reference: bool = True,
    precision: str | None = None,
    threads: int | None = None,
) -> HeatFlux:
    """Heat flux of message passing potentials, exactly.

    With U_i the energy of atom i, which depends on the positions of all atoms j that messages reach it from, the
    potential part is sum_ij (r_i - r_j) (dU_i/dr_j . v_j) and the convective part sum_i v_i (m_i v_i^2 / 2 + U_i). For
    long runs, and the thermal conductivity, take ``compute heat/flux/grapevine`` in LAMMPS.

    Parameters
    ----------
    model : Model, path, or sequence of these
        The potential, its file, or the name of a model that comes with the package; several are a committee, whose
        mean's flux it is.
    atoms : Atoms
        With velocities (those of ``atoms.get_velocities()``) and masses. Any cell, any mix of periodic directions;
        images move as their atoms do.
    reference : bool
        Whether the model's reference energies, which an atom has whatever its neighbours, count in U_i. They change the
        convective part only.
    precision : {"double", "mixed"}, optional
        ``double`` if not given.
    threads : int, optional
        Number of threads; all cores, or ``OMP_NUM_THREADS``, if not given.

    Returns
    -------
    HeatFlux
        Potential and convective part.

    Raises
    ------
    Error
        If a file cannot be read, an element is not in the model, two atoms are on top of each other, or a position,
        velocity or mass is not finite.
    """
    given = [model] if isinstance(model, (Model, str, os.PathLike)) else list(model)
    if not given:
        raise _core.Error("no model is given; give a model file, or several for a committee")
    models = [as_model(m) for m in given]
    if not isinstance(atoms, ase.Atoms):
        raise TypeError(f"the structure is of type {type(atoms).__name__}, not ase.Atoms")
    precision = chosen_precision(precision, models)
    velocities = np.ascontiguousarray(atoms.get_velocities(), dtype=np.float64)
    masses = np.ascontiguousarray(atoms.get_masses(), dtype=np.float64)
    potentials = [m.potential for m in models]
    return HeatFlux(
        *_core.heat_flux(potentials, *arrays_of(atoms), velocities, masses, reference, precision, threads or 0)
    )
