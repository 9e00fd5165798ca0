"""CPU time per atom and step of a model of nequip by its own package on one core, as JSON on the last line.

    python bench/universal_torch.py MODEL STRUCTURE.extxyz [--steps 3]

MODEL is a checkpoint (.ckpt) or package (.nequip.zip) of nequip, evaluated as it is loaded ("eager"), in float32.
Needs the packages nequip, torch and ase.
"""

import warnings

warnings.filterwarnings("ignore")

import ase.io
import torch
from nequip.data import AtomicDataDict, from_ase
from nequip.data.transforms import ChemicalSpeciesToAtomTypeMapper, NeighborListTransform
from nequip.model.saved_models import ModelFromCheckpoint, ModelFromPackage
from nequip.utils.global_state import set_global_state
from one_core import parse, print_result


def main():
    arguments = parse(__doc__)
    torch.set_num_threads(1)
    set_global_state()
    load = ModelFromPackage if arguments.model.endswith(".zip") else ModelFromCheckpoint
    model = load(arguments.model)["sole_model"].eval()
    atoms = ase.io.read(arguments.structure)
    data = from_ase(atoms)
    for transform in (ChemicalSpeciesToAtomTypeMapper(model_type_names=model.type_names),
                      NeighborListTransform(r_max=float(model.metadata["r_max"]))):
        data = transform(data)

    def step():
        return model(AtomicDataDict.to_(dict(data), device="cpu"))

    result = step()
    print_result(step, arguments.steps, len(atoms), version=f"PyTorch {torch.__version__}",
                 energy=float(result["total_energy"]), forces=result["forces"].tolist())


if __name__ == "__main__":
    main()
