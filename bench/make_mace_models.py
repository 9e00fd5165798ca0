#!/usr/bin/env python3
"""Makes MACE models of published sizes with random weights, to time and to test with.

    python bench/make_mace_models.py FOLDER [--models 32x0e 128x0e 128x0e+128x1o mp-0 mpa-0] [--seed 1] [--dtype float32]

writes MACE-<name>.model into FOLDER, saved whole as mace-torch does at the end of a training:

    32x0e, 128x0e, 128x0e+128x1o   H and O, 5 Angstrom, as MACE-OFF has it: two interactions, harmonics up to l = 3,
                                   products of three factors
    mp-0                           of the shape of MACE-MP-0a (medium): 89 elements, 6 Angstrom, 128x0e+128x1o
    mpa-0                          of the shape of MACE-MPA-0 and OMAT-0: the same with densities, the Agnesi transform
                                   and ZBL repulsion

Nothing in them says anything about any material. Cost does not depend on the values of weights. Needs a Python with
mace-torch (0.3.16).
"""

import argparse
import copy
import os
import warnings
from pathlib import Path

warnings.filterwarnings("ignore")

import numpy as np
import torch

torch.serialization.add_safe_globals([slice])

from e3nn import o3
from mace import modules
from mace.modules import blocks

ELEMENTS = [*range(1, 84), *range(89, 95)]  # H to Bi, Ac to Pu
SCALE = 30.0  # eV, with which random weights give forces of some 0.1 eV/Angstrom
COMMON = {"num_bessel": 8, "num_polynomial_cutoff": 5, "max_ell": 3, "num_interactions": 2, "correlation": 3,
          "radial_MLP": [64, 64, 64], "MLP_irreps": "16x0e", "interaction_cls_first": "RealAgnostic",
          "interaction_cls": "RealAgnosticResidual"}
WATER = {**COMMON, "r_max": 5.0, "atomic_numbers": [1, 8], "avg_num_neighbors": 52.0}
MATERIALS = {**COMMON, "r_max": 6.0, "atomic_numbers": ELEMENTS, "avg_num_neighbors": 60.0, "num_bessel": 10,
             "hidden_irreps": "128x0e+128x1o", "interaction_cls_first": "RealAgnosticResidual"}
MODELS = {
    **{irreps: {**WATER, "hidden_irreps": irreps} for irreps in ("32x0e", "128x0e", "128x0e+128x1o")},
    "mp-0": MATERIALS,
    "mpa-0": {**MATERIALS, "interaction_cls_first": "RealAgnosticDensity", "interaction_cls": "RealAgnosticDensityResidual",
              "distance_transform": "Agnesi", "pair_repulsion": True},
}


def make_model(name, random):
    options = dict(MODELS[name])
    for key in ("interaction_cls", "interaction_cls_first"):
        options[key] = getattr(blocks, options[key] + "InteractionBlock")
    for key in ("hidden_irreps", "MLP_irreps"):
        options[key] = o3.Irreps(options[key])
    elements = len(options["atomic_numbers"])
    return modules.ScaleShiftMACE(num_elements=elements, gate=torch.nn.functional.silu, atomic_inter_scale=SCALE,
                                  atomic_inter_shift=0.1, atomic_energies=random.normal(-5, 2, elements), **options)


def write_model(path, name, seed, dtype):
    """The number of its parameters."""
    torch.set_default_dtype(getattr(torch, dtype))
    torch.manual_seed(seed)
    model = make_model(name, np.random.default_rng(seed))
    part = path.with_name(f"{path.name}.part-{os.getpid()}")
    torch.save(copy.deepcopy(model), part)
    part.replace(path)
    return sum(parameter.numel() for parameter in model.parameters())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS), metavar="NAME")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--dtype", choices=["float32", "float64"], default="float32", help="default: float32")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    for name in options.models:
        path = options.folder / f"MACE-{name}.model"
        print(f"{path}: {write_model(path, name, options.seed, options.dtype)} parameters")
