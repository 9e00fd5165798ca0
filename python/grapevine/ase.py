"""ASE calculator."""

from __future__ import annotations

import math
import operator
import os
import threading
from collections.abc import Mapping, Sequence
from typing import Any

import ase
import numpy as np
from ase.calculators.calculator import Calculator, PropertyNotImplementedError, all_changes
from ase.outputs import Properties, all_outputs
from ase.stress import full_3x3_to_voigt_6_stress

from grapevine import _core
from grapevine._evaluation import arrays_of
from grapevine._models import Model, PathLike, as_model, chosen_precision

__all__ = ["Grapevine"]


class Grapevine(Calculator):
    """Potential energy, forces and stress of a Grapevine model, or of a committee of models.

    Structures may have any cell, smaller than the cutoff included, and any mix of periodic directions. Neighbour lists
    reach a skin further than the cutoff and are made anew only when atoms have moved so far that they have to be:
    results do not depend on it. The interpreter's lock is not held during a calculation; several threads may share a
    calculator, and then wait for each other.

    Properties are ``energy`` and ``free_energy`` (the same, eV), ``energies`` (atoms,), ``forces`` (atoms, 3),
    ``stress`` (6,) and ``stresses`` (atoms, 6), in Voigt order, eV/Angstrom^3. ``stresses`` are shares of the atoms that
    add up to ``stress``. A slab or a wire has components of stress between its periodic directions only, the others are
    zero, and the volume is that of the whole cell, empty space included, as ASE has it; structures without a periodic
    direction, and those whose cell has no volume, have no stress.

    With several models these are the means over the models, and in addition there are ``forces_deviation`` (atoms,),
    the standard deviation of each atom's force over the models (Zhang et al., Phys. Rev. Mater. 3, 023804 (2019)),
    and ``energy_deviation``, that of the energy.

    Results keep their origin: names and SHA-256 of the model files, precision, and version of Grapevine are in
    ``todict()``, and so in ASE's trajectories and databases, and in ``atoms.info`` of every structure with this
    calculator whose results have been asked for, under ``grapevine_model``, ``grapevine_model_sha256``,
    ``grapevine_precision`` and ``grapevine_version``, which ASE writes into extended XYZ. So do the deviations of a
    committee, ``forces_deviation`` as an array of the atoms.

    Parameters
    ----------
    model : Model, path, or sequence of these
        The potential, its file, or the name of a model that comes with the package; several are a committee.
    precision : {"double", "mixed"}, optional
        ``double`` if not given. ``mixed`` runs in single precision and adds up in double: twice as fast for REANN
        models, six to fifteen times for SevenNet, with an error that docs/precision.md tells.
    threads : int, optional
        Number of threads; all cores, or ``OMP_NUM_THREADS``, if not given.
    skin : float
        Angstrom that neighbour lists reach beyond the cutoff; 0 makes them anew for every structure.
    **kwargs
        Of ``ase.calculators.calculator.Calculator``, such as ``atoms`` and ``label``.

    Raises
    ------
    Error
        On construction, if a model file cannot be read or the models know different elements; in a calculation, if an
        element is not in the model, two atoms are on top of each other, or a position is not finite.
    """

    implemented_properties = ["energy", "free_energy", "energies", "forces", "stress", "stresses"]
    committee_properties = ["energy_deviation", "forces_deviation"]
    default_parameters = {"precision": "double", "threads": None, "skin": 0.5}
    discard_results_on_any_change = True

    def __init__(
        self,
        model: Model | PathLike | Sequence[Model | PathLike],
        *,
        precision: str | None = None,
        threads: int | None = None,
        skin: float = 0.5,
        **kwargs: Any,
    ) -> None:
        given = [model] if isinstance(model, (Model, str, os.PathLike)) else list(model)
        if not given:
            raise _core.Error("no model is given; give a model file, or several for a committee")
        self.models = [as_model(m) for m in given]
        if len(self.models) > 1:
            self.implemented_properties = self.implemented_properties + self.committee_properties
        _check_species(self.models)
        precision = chosen_precision(precision, self.models)
        self._evaluators: list[_core.Evaluator] = []
        self._lock, self._process = threading.RLock(), os.getpid()
        super().__init__(precision=precision, threads=threads, skin=skin, **kwargs)

    def set(self, **kwargs: Any) -> dict[str, Any]:
        """Change `precision`, `threads` or `skin`; results are then calculated anew.

        Returns
        -------
        dict
            What has changed.

        Raises
        ------
        Error
            For a value that cannot be; nothing is changed then.
        """
        unknown = set(kwargs) - set(self.default_parameters)
        if unknown:
            names = ", ".join(sorted(unknown))
            raise TypeError(f"Grapevine has no parameter {names}; it has {', '.join(self.default_parameters)}")
        wanted = {**self.parameters, **kwargs}
        if wanted != self.parameters or not self._evaluators:
            self._evaluators = self._make_evaluators(wanted)
        return super().set(**kwargs)

    def _make_evaluators(self, parameters: Mapping[str, Any]) -> list[_core.Evaluator]:
        precision, threads, skin = (parameters[name] for name in ("precision", "threads", "skin"))
        if not (math.isfinite(skin) and skin >= 0):
            raise _core.Error(f"the skin is {skin}; it must be a length in Angstrom, or 0")
        count = operator.index(threads or 0)
        return [_core.Evaluator(model.potential, precision, count, float(skin)) for model in self.models]

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name not in ("_evaluators", "_lock")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._lock, self._process = threading.RLock(), os.getpid()
        self._evaluators = self._make_evaluators(self.parameters)

    @property
    def origin(self) -> dict[str, Any]:
        """Where results come from: ``model`` (name of its file), ``model_sha256``, ``precision`` and ``version``.

        The first two are lists for a committee.
        """
        names, digests = [model.path.name for model in self.models], [model.sha256 for model in self.models]
        one = len(self.models) == 1
        return {
            "model": names[0] if one else names,
            "model_sha256": digests[0] if one else digests,
            "precision": self.parameters["precision"],
            "version": _core.version,
        }

    def todict(self, skip_default: bool = True) -> dict[str, Any]:
        """Parameters as ASE has them, and the results' origin."""
        return {**super().todict(skip_default), **self.origin}

    @property
    def neighbour_searches(self) -> int:
        """How often neighbour lists were made so far."""
        return self._evaluators[0].neighbour_searches

    def get_property(self, name: str, atoms: ase.Atoms | None = None, allow_calculation: bool = True) -> Any:
        """As ASE has it; threads that share the calculator do not get each other's results."""
        if self._process != os.getpid():  # a lock that another thread held during a fork stays closed
            self._lock, self._process = threading.RLock(), os.getpid()
        with self._lock:
            value = super().get_property(name, atoms, allow_calculation)
            if value is not None and atoms is not None and atoms.calc is self:
                self._mark(atoms)
            return value

    def _mark(self, atoms: ase.Atoms) -> None:
        """Leave in a structure what ASE's writers do not take from a calculator: the results' origin and deviations."""
        for key, value in self.origin.items():
            atoms.info[f"grapevine_{key}"] = value if isinstance(value, str) else " ".join(value)
        if len(self.models) > 1:
            atoms.info["energy_deviation"] = self.results["energy_deviation"]
            atoms.arrays["forces_deviation"] = self.results["forces_deviation"].copy()

    def export_properties(self) -> Properties:
        """As ASE has it: without deviations, for which it has no place."""
        return Properties({name: value for name, value in self.results.items() if name in all_outputs})

    def check_state(self, atoms: ase.Atoms, tol: float = 0.0) -> list[str]:
        """What has changed since the last calculation, exactly, of all that a potential depends on.

        ASE's own comparison with a tolerance takes as long as a tenth of a step of a fast model.
        """
        old = self.atoms
        if old is None:
            return list(all_changes)
        pairs = {
            "positions": (old.positions, atoms.positions),
            "numbers": (old.numbers, atoms.numbers),
            "cell": (old.cell.array, atoms.cell.array),
            "pbc": (old.pbc, atoms.pbc),
        }
        return [name for name, (before, now) in pairs.items() if not np.array_equal(before, now)]

    def calculate(
        self,
        atoms: ase.Atoms | None = None,
        properties: Sequence[str] = ("energy",),
        system_changes: Sequence[str] = tuple(all_changes),
    ) -> None:
        """Calculate all properties; ``stresses`` only if they are among `properties`."""
        super().calculate(atoms, properties, system_changes)
        strained = bool(self.atoms.pbc.any() and self.atoms.cell.rank == 3)
        if not strained and ("stress" in properties or "stresses" in properties):
            raise PropertyNotImplementedError(
                "stress has a meaning only for structures that are periodic in one direction at least, with a cell of "
                "three vectors"
            )
        by_atom = "stresses" in properties
        arrays = arrays_of(self.atoms)
        found = [evaluator.evaluate(*arrays, virial=strained, virials=by_atom) for evaluator in self._evaluators]
        self.results = self._results(found)

    def _results(self, found: list[dict[str, Any]]) -> dict[str, Any]:
        values = found[0] if len(found) == 1 else {key: np.mean([f[key] for f in found], axis=0) for key in found[0]}
        energy = float(values["energy"])
        results = {
            "energy": energy,
            "free_energy": energy,
            "energies": values["energies"],
            "forces": values["forces"],
        }
        for name in ("stress", "stresses"):
            if name in values:
                results[name] = full_3x3_to_voigt_6_stress(values[name])
        if len(found) > 1:
            results["energy_deviation"] = _core.standard_deviation([f["energy"] for f in found])
            results["forces_deviation"] = _core.force_deviation([f["forces"] for f in found])
        return results


def _check_species(models: Sequence[Model]) -> None:
    first = models[0]
    for model in models[1:]:
        differing = sorted(set(first.species) ^ set(model.species))
        if differing:
            raise _core.Error(
                f"models of a committee must know the same elements, but only one of {first.path} and {model.path} "
                f"knows {' '.join(differing)}"
            )
