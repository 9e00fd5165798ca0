"""Model files: reading, describing and importing them."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from grapevine import _core

PathLike = str | os.PathLike[str]


class Model:
    """A potential read from a model file.

    Parameters
    ----------
    path : path
        Model file (``.safetensors``).

    Raises
    ------
    Error
        If the file cannot be read, is no Grapevine model, or is damaged.
    """

    def __init__(self, path: PathLike) -> None:
        self.path = Path(path)
        self.potential = _core.load(os.fspath(path))

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


def info(path: PathLike) -> dict[str, Any]:
    """What a model file holds, as ``grapevine info --json`` prints it.

    Parameters
    ----------
    path : path
        Model file (``.safetensors``).

    Returns
    -------
    dict
        ``file``, ``file_bytes``, ``format_version``, ``architecture``, ``species``, ``cutoff`` (Angstrom), ``layers``,
        ``message_width``, ``parameters``, ``number_types``, ``units``, ``hyperparameters`` and ``provenance``.

    Raises
    ------
    Error
        If the file cannot be read, is no Grapevine model, or is damaged.
    """
    return json.loads(_core.information(os.fspath(path)))


def import_model(
    source: PathLike,
    output: PathLike,
    *,
    para: PathLike = "",
    activation: str = "",
    message_activation: str = "",
    gaussian_sign: str = "",
    modality: str = "",
    note: str = "",
) -> dict[str, Any]:
    """Make a model file from a file of REANN, REANN-MPI, LibTorch or SevenNet, as ``grapevine import`` does.

    Nothing in the file is executed, and PyTorch is not needed.

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
        note=note,
    )


def shipped_model(name: str) -> Path:
    """Path of a model that comes with the package.

    Parameters
    ----------
    name : {"nbmotaw", "water"}
        The alloy NbMoTaW, or liquid water.

    Raises
    ------
    ValueError
        If there is no such model.
    """
    folder = Path(__file__).resolve().parent / "share" / "grapevine" / "models"
    known = sorted(path.stem for path in folder.glob("*.safetensors"))
    if name not in known:
        raise ValueError(f"no model {name!r} comes with this package; there are {', '.join(known) or 'none'}")
    return folder / f"{name}.safetensors"
