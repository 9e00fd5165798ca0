"""Models of the sizes of NequIP's foundation potentials, with random weights: python make_nequip_models.py FOLDER

Writes NequIP-OAM-S-sized.ckpt and so on into FOLDER: checkpoints as nequip-train leaves them, of nequip's own presets S,
M, L and XL for the 89 elements of the Materials Project, with a cutoff of 6 Angstrom and ZBL repulsion. The published
weights are not in them: such a model says what one of that size costs, and nothing about any material. With --package the
package NequIP-OAM-S-sized.nequip.zip is made of each by nequip-package.

Needs a Python with nequip (0.19) and lightning.
"""

import argparse
import os
import subprocess
import sys
import warnings
from pathlib import Path

warnings.filterwarnings("ignore")

import numpy as np
import torch
from ase.build import bulk
from ase.calculators.singlepoint import SinglePointCalculator
from ase.data import chemical_symbols
from ase.io import write
from hydra.utils import instantiate
from lightning import Trainer

from nequip.scripts._workflow_utils import set_workflow_state
from nequip.utils import get_current_code_versions
from nequip.utils.global_state import get_latest_global_state, set_global_state

SIZES = ["S", "M", "L", "XL"]
ELEMENTS = [chemical_symbols[number] for number in [*range(1, 84), *range(89, 95)]]  # H to Bi, Ac to Pu
NEIGHBOURS = 60.0


def training_module(size, seed, dtype):
    """What a configuration of nequip-train has under that name."""
    model = {"_target_": "nequip.model.PresetNequIPGNNModel", "seed": seed, "model_dtype": dtype, "preset": size,
             "type_names": ELEMENTS, "r_max": 6.0, "avg_num_neighbors": NEIGHBOURS,
             "per_type_energy_scales": 1.0, "per_type_energy_shifts": dict.fromkeys(ELEMENTS, -3.0),
             "pair_potential": {"_target_": "nequip.nn.pair_potential.ZBL", "units": "metal",
                                "chemical_species": ELEMENTS}}
    metrics = {"per_atom_energy_mae": 1.0, "forces_mae": 1.0}
    return {"_target_": "nequip.train.NequIPLightningModule", "model": model,
            "loss": {"_target_": "nequip.train.EnergyForceLoss", "per_atom_energy": True,
                     "coeffs": {"total_energy": 1.0, "forces": 1.0}},
            "val_metrics": {"_target_": "nequip.train.EnergyForceMetrics", "coeffs": metrics},
            "optimizer": {"_target_": "torch.optim.Adam", "lr": 0.001}}


def data_module(folder):
    """One frame, on which nequip-package tries the model."""
    path = (folder / "frame.extxyz").resolve()
    atoms = bulk("NaCl", "rocksalt", a=5.6, cubic=True)
    atoms.calc = SinglePointCalculator(atoms, energy=0.0, forces=np.zeros((len(atoms), 3)))
    write(path, atoms)
    loader = {"_target_": "torch.utils.data.DataLoader", "batch_size": 1}
    mapper = {"_target_": "nequip.data.transforms.ChemicalSpeciesToAtomTypeMapper", "model_type_names": ELEMENTS}
    neighbours = {"_target_": "nequip.data.transforms.NeighborListTransform", "r_max": 6.0}
    return {"_target_": "nequip.data.datamodule.ASEDataModule", "seed": 1, "train_file_path": str(path),
            "val_file_path": str(path), "transforms": [mapper, neighbours], "train_dataloader": loader,
            "val_dataloader": dict(loader)}


def write_checkpoint(path, size, seed, dtype):
    """As nequip-train does before its first step."""
    settings = training_module(size, seed, dtype)
    information = {"versions": get_current_code_versions(), "data": data_module(path.parent), "trainer": {},
                   "runs": ["train"], "global_options": get_latest_global_state(), "training_module": settings}
    module = instantiate(settings, _recursive_=False, _convert_="all",
                         num_datasets={"train": 1, "val": 1, "test": 0, "predict": 0}, info_dict=information)
    trainer = Trainer(accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False,
                      enable_model_summary=False)
    trainer.strategy.connect(module)
    part = path.with_name(f"{path.name}.part-{os.getpid()}")
    trainer.save_checkpoint(part)
    part.replace(path)
    return sum(parameter.numel() for parameter in module.parameters())


def package(checkpoint):
    """Beside the checkpoint, by the program that comes with nequip."""
    target = checkpoint.with_suffix(".nequip.zip")
    program = Path(sys.executable).with_name("nequip-package")
    subprocess.run([program, "build", checkpoint, target], check=True, stdout=subprocess.DEVNULL)
    return target


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sizes", nargs="+", choices=SIZES, default=SIZES)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--dtype", choices=["float32", "float64"], default="float32", help="default: float32")
    parser.add_argument("--package", action="store_true", help="make the packages as well")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    set_workflow_state("train")
    set_global_state()
    for size in options.sizes:
        path = options.folder / f"NequIP-OAM-{size}-sized.ckpt"
        numbers = write_checkpoint(path, size, options.seed, options.dtype)
        print(f"{path}: {numbers} parameters")
        if options.package:
            print(package(path))
