"""Training of MACE by mace-torch on one core: steps on energies and forces, timed.

    python bench/mace_training_torch.py DATA.extxyz --irreps 32x0e --batch 10 [--steps 5] [--cutoff 5]

Two interactions, harmonics up to l = 3, products of three factors, radial network 64-64-64, as `grapevine train
--architecture mace` has them with the same options. Random weights, the package's own loss and optimiser (Adam with
AMSGrad), float32. Neighbour lists are made beforehand. Prints one line of JSON with the CPU time. Needs mace-torch
(0.3) and ASE.
"""

import argparse
import json
import time
import warnings

warnings.filterwarnings("ignore")

import numpy as np
import torch

torch.serialization.add_safe_globals([slice])

from ase.io import iread
from e3nn import o3
from mace import data, modules
from mace.modules import blocks
from mace.tools import AtomicNumberTable, torch_geometric


def graphs_of(path, count, cutoff, table):
    graphs = []
    for atoms in iread(path, index=f":{count}"):
        forces = atoms.arrays["forces"] if "forces" in atoms.arrays else atoms.get_forces()
        energy = atoms.info["energy"] if "energy" in atoms.info else atoms.get_potential_energy()
        atoms.calc = None
        atoms.info["REF_energy"], atoms.arrays["REF_forces"] = energy, forces
        keys = data.KeySpecification(info_keys={"energy": "REF_energy"}, arrays_keys={"forces": "REF_forces"})
        configuration = data.config_from_atoms(atoms, key_specification=keys)
        graphs.append(data.AtomicData.from_config(configuration, z_table=table, cutoff=cutoff))
    return graphs


def make_model(irreps, elements, cutoff, neighbours):
    return modules.ScaleShiftMACE(
        r_max=cutoff, num_bessel=8, num_polynomial_cutoff=5, max_ell=3, num_interactions=2, correlation=3,
        interaction_cls=blocks.RealAgnosticResidualInteractionBlock,
        interaction_cls_first=blocks.RealAgnosticInteractionBlock, num_elements=len(elements),
        hidden_irreps=o3.Irreps(irreps), MLP_irreps=o3.Irreps("16x0e"), atomic_energies=np.zeros(len(elements)),
        avg_num_neighbors=neighbours, atomic_numbers=elements, gate=torch.nn.functional.silu,
        radial_MLP=[64, 64, 64], atomic_inter_scale=1.0, atomic_inter_shift=0.0)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data")
    parser.add_argument("--irreps", default="32x0e")
    parser.add_argument("--batch", type=int, default=10)
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--cutoff", type=float, default=5.0)
    arguments = parser.parse_args()

    torch.set_num_threads(1)
    torch.manual_seed(1)
    table = AtomicNumberTable(sorted({int(z) for atoms in iread(arguments.data, index=":4") for z in atoms.numbers}))
    graphs = graphs_of(arguments.data, arguments.batch * (arguments.steps + 1), arguments.cutoff, table)
    batches = list(torch_geometric.dataloader.DataLoader(graphs, batch_size=arguments.batch, drop_last=True))
    atoms = sum(len(batch.positions) for batch in batches[1:])
    edges = sum(batch.edge_index.shape[1] for batch in batches[1:])
    model = make_model(arguments.irreps, table.zs, arguments.cutoff, edges / atoms)
    optimiser = torch.optim.Adam(model.parameters(), lr=0.01, amsgrad=True)
    loss_function = modules.WeightedEnergyForcesLoss(energy_weight=1.0, forces_weight=100.0)

    def step(batch):
        optimiser.zero_grad(set_to_none=True)
        loss_function(pred=model(batch.to_dict(), training=True, compute_force=True), ref=batch).backward()
        optimiser.step()

    step(batches[0])
    start = time.process_time()
    for batch in batches[1:]:
        step(batch)
    seconds = time.process_time() - start
    print(json.dumps({"torch": torch.__version__, "atoms": atoms, "neighbours": edges / atoms,
                      "steps": len(batches) - 1, "parameters": sum(p.numel() for p in model.parameters()),
                      "us_per_atom_epoch": 1e6 * seconds / atoms}))


if __name__ == "__main__":
    main()
