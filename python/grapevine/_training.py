"""Training, by the same code as ``grapevine train``."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from grapevine import _core
from grapevine._models import PathLike


def train(
    config: PathLike | None = None,
    *,
    progress: Callable[[dict[str, Any]], bool | None] | None = None,
    isolated_atoms: Mapping[str, float] | None = None,
    weights: Mapping[str, float] | None = None,
    **options: Any,
) -> list[dict[str, Any]]:
    """Fit a potential to energies, forces and virials of structures, as ``grapevine train`` does.

    Model, checkpoint, log and report are left where the option `output` says. Ctrl-C stops it with a checkpoint and the
    best model so far; ``resume=True`` goes on. A training that is there already is overwritten with ``overwrite=True``
    only.

    Parameters
    ----------
    config : path, optional
        Configuration file (TOML); ``grapevine train --init`` writes one with every option and what it means.
    progress : callable, optional
        Called after every epoch with a dict of ``epoch``, ``epochs``, ``seconds``, ``seconds_left``,
        ``learning_rate`` and, each with the prefix ``train_`` and ``valid_``, ``loss``, ``energy`` (RMSE, eV/atom),
        ``forces`` (RMSE, eV/Angstrom) and ``virial`` (RMSE, eV/atom), which are NaN where there are no references.
        Returning False stops the training as Ctrl-C does, but without an exception.
    isolated_atoms : mapping of str to float, optional
        Energies, eV, that isolated atoms of the model have exactly.
    weights : mapping of str to float, optional
        How much structures count in the loss, by the ``config_type`` in their header.
    **options
        Options over those of the file, by the name of their flag with underscores: ``train=["train.extxyz"]``,
        ``architecture="mace"``, ``cutoff=5.0``, ``epochs=100``, ``output="model.safetensors"``.

    Returns
    -------
    list of dict
        For each model that was finished its ``model`` and ``report`` (paths), and ``errors``: for each of the sets
        train, valid, test and replay the number of ``frames``, and for ``energy_per_atom``, ``forces`` and
        ``virial_per_atom``, as far as there are references, ``mae``, ``rmse`` and ``maximum``; of replay the same
        under ``before``, of the model that the training started from.

    Raises
    ------
    Error
        For options that are not known or do not fit together, data that cannot be read, and files that cannot be
        written or are there already.
    KeyboardInterrupt
        After Ctrl-C, when the checkpoint is written.
    """
    words = {name.replace("_", "-"): _words(value) for name, value in options.items() if value is not None}
    path = "" if config is None else os.fspath(config)
    return json.loads(_core.train(path, words, dict(isolated_atoms or {}), dict(weights or {}), progress))


def _words(value: Any) -> list[str]:
    """An option's value as the command line would have it."""
    if isinstance(value, (str, os.PathLike)):
        return [os.fspath(value)]
    if isinstance(value, Iterable):
        return [word for item in value for word in _words(item)]
    if isinstance(value, (bool, np.bool_)):
        return ["true" if value else "false"]
    return [repr(float(value)) if isinstance(value, (float, np.floating)) else str(value)]
