"""A model of mace-torch on one core: energy and forces of one structure, timed.

    python bench/mace_torch.py FILE.model ATOMS.dump --species H,O [--repeats 3] [--precision single|double]

Reads a LAMMPS dump with the columns id type x y z, and fx fy fz if forces are to be compared; type n is the n-th of
--species. The neighbour list is mace-torch's own, made beforehand and not timed. Prints one line of JSON with the CPU
time. Needs mace-torch (0.3) and ASE.
"""

import argparse
import json
import time
import warnings

warnings.filterwarnings("ignore")

import numpy as np
import torch

torch.serialization.add_safe_globals([slice])

from ase import Atoms
from mace import data
from mace.tools import torch_geometric, utils
from reann_torch import read_dump


def batch_of(model, atoms):
    numbers = utils.AtomicNumberTable([int(z) for z in model.atomic_numbers])
    heads = getattr(model, "heads", ["Default"])
    configuration = data.config_from_atoms(atoms)
    graph = data.AtomicData.from_config(configuration, z_table=numbers, cutoff=float(model.r_max), heads=heads)
    return next(iter(torch_geometric.dataloader.DataLoader([graph], batch_size=1))).to_dict()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("dump")
    parser.add_argument("--species", required=True)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--precision", choices=["single", "double"], default="single")
    arguments = parser.parse_args()

    torch.set_num_threads(1)
    dtype = torch.float32 if arguments.precision == "single" else torch.float64
    torch.set_default_dtype(dtype)
    model = torch.load(arguments.model, map_location="cpu", weights_only=False).to(dtype).eval()
    for parameter in model.parameters():
        parameter.requires_grad = False
    columns, corner, edges = read_dump(arguments.dump)
    symbols = np.array(arguments.species.split(","))[columns["type"].astype(int) - 1]
    positions = np.stack([columns[x] for x in "xyz"], axis=1) - corner
    batch = batch_of(model, Atoms(symbols, positions, cell=edges, pbc=True))

    def compute():
        return model(dict(batch), compute_force=True)

    result = compute()
    start = time.process_time()
    for _ in range(arguments.repeats):
        compute()
    seconds = time.process_time() - start
    facts = {"torch": torch.__version__, "atoms": len(positions), "edges": batch["edge_index"].shape[1],
             "repeats": arguments.repeats, "seconds": seconds,
             "us_per_atom_step": 1e6 * seconds / arguments.repeats / len(positions), "energy": float(result["energy"])}
    if "fx" in columns:
        theirs = np.stack([columns[f"f{x}"] for x in "xyz"], axis=1)
        facts["largest_force"] = float(np.abs(theirs).max())
        facts["force_difference"] = float(np.abs(result["forces"].detach().double().numpy() - theirs).max())
    print(json.dumps(facts))


if __name__ == "__main__":
    main()
