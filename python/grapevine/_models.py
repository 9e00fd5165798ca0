"""Model files: reading, describing and importing them."""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from grapevine import _core

PathLike = str | os.PathLike[str]

MODELS = Path(__file__).resolve().parent / "share" / "grapevine" / "models"
# Architectures for which double precision takes many times as long as mixed, and how many.
COSTLY_IN_DOUBLE = {"nequip": "six or more times"}


class Model:
    """A potential read from a model file.

    Parameters
    ----------
    path : path
        Model file (``.safetensors``), or the name of a model that comes with the package (:func:`shipped_model`).

    Raises
    ------
    Error
        If the file cannot be read, is no Grapevine model, or is damaged.
    """

    def __init__(self, path: PathLike) -> None:
        self.path = Path(find_model(path))
        self.potential, self._architecture, self._sha256 = _core.load(os.fspath(self.path))

    @property
    def architecture(self) -> str:
        """E.g. ``"reann"``."""
        return self._architecture

    @property
    def sha256(self) -> str:
        """SHA-256 of the file as it was read, 64 hexadecimal digits."""
        return self._sha256

    @property
    def species(self) -> list[str]:
        """Chemical symbols that the model knows, in its order."""
        return self.potential.species

    @property
    def cutoff(self) -> float:
        """Cutoff in Angstrom."""
        return self.potential.cutoff

    @property
    def layers(self) -> int:
        """Number of message layers."""
        return self.potential.layers

    @property
    def parameters(self) -> int:
        """Number of parameters."""
        return self.potential.parameters

    def __repr__(self) -> str:
        return f"Model({str(self.path)!r})"

    def __reduce__(self) -> tuple[type[Model], tuple[Path]]:
        return Model, (self.path.absolute(),)

    def __copy__(self) -> Model:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Model:
        return self


def as_model(model: Model | PathLike) -> Model:
    """The model itself, or the one in a file."""
    return model if isinstance(model, Model) else Model(model)


def find_model(path: PathLike) -> PathLike:
    """The path, or that of the shipped model of this name if there is no such file."""
    is_name = isinstance(path, str) and Path(path).name == path and not Path(path).suffix
    if not is_name or Path(path).exists():
        return path
    if path not in shipped_names():
        names = ", ".join(shipped_names())
        raise _core.Error(f"there is no file {path}, and no model of this name comes with the package; it has {names}")
    return shipped_model(path)


def chosen_precision(precision: str | None, models: Sequence[Model]) -> str:
    """``double`` if none is given; warns if that costs much."""
    costs = {COSTLY_IN_DOUBLE[model.architecture] for model in models if model.architecture in COSTLY_IN_DOUBLE}
    if precision is None and costs:
        warnings.warn(
            f"this model runs in double precision, the default; precision='mixed' is {max(costs)} as fast, with "
            "forces within 5e-6 eV/Angstrom; precision='double' keeps it without this word",
            stacklevel=3,
        )
    return precision or "double"


def info(path: PathLike) -> dict[str, Any]:
    """What a model file holds, as ``grapevine info --json`` prints it.

    Parameters
    ----------
    path : path
        Model file (``.safetensors``), or the name of a model that comes with the package.

    Returns
    -------
    dict
        ``file``, ``file_bytes``, ``file_sha256``, ``format_version``, ``architecture``, ``species``, ``cutoff``
        (Angstrom), ``layers``, ``message_width``, ``parameters``, ``number_types``, ``units``, ``hyperparameters`` and
        ``provenance``.

    Raises
    ------
    Error
        If the file cannot be read, is no Grapevine model, or is damaged.
    """
    return json.loads(_core.information(os.fspath(find_model(path))))


def import_model(
    source: PathLike,
    output: PathLike,
    *,
    para: PathLike = "",
    activation: str = "",
    message_activation: str = "",
    gaussian_sign: str = "",
    modality: str = "",
    species: str = "",
    head: str = "",
    note: str = "",
) -> dict[str, Any]:
    """Make a model file from one of REANN, REANN-MPI, LibTorch, SevenNet, NequIP, Nequix or mace-torch.

    As ``grapevine import`` does it: nothing in the file is executed, and PyTorch is not needed.

    Parameters
    ----------
    source : path
        File of the other program.
    output : path
        Model file to write.
    para : path, optional
        REANN's folder of inputs, with ``input_nn`` and ``input_density``.
    activation, message_activation : {"Relu_like", "Tanh_like"}, optional
        Activations of the readout and of the message networks, where neither file nor `para` says them.
    gaussian_sign : {"plus", "minus"}, optional
        Sign in the exponent of REANN's Gaussians.
    modality : str, optional
        Which modality to take of a SevenNet model of several, e.g. ``"PBE"``.
    species : str, optional
        New names for types of a NequIP model, e.g. ``"C1=C,O2=O"``.
    head : str, optional
        Which head to take of a MACE model of several.
    note : str, optional
        Text kept in the provenance.

    Returns
    -------
    dict
        ``kind`` of the source, ``notes`` for the user, and a ``summary`` in one line.

    Raises
    ------
    Error
        If the source is none of these, is damaged, or does not say enough.
    """
    return _core.import_model(
        os.fspath(source),
        os.fspath(output),
        para=os.fspath(para),
        activation=activation,
        message_activation=message_activation,
        gaussian_sign=gaussian_sign,
        modality=modality,
        species=species,
        head=head,
        note=note,
    )


def shipped_model(name: str) -> Path:
    """Path of a model that comes with the package.

    Parameters
    ----------
    name : {"nbmotaw", "silicon", "water"}
        The alloy NbMoTaW, silicon, or liquid water.

    Raises
    ------
    ValueError
        If there is no such model.
    """
    known = shipped_names()
    if name not in known:
        raise ValueError(f"no model {name!r} comes with this package; there are {', '.join(known) or 'none'}")
    return MODELS / f"{name}.safetensors"


def shipped_names() -> list[str]:
    """Names of the models that come with the package."""
    return sorted(path.stem for path in MODELS.glob("*.safetensors"))
