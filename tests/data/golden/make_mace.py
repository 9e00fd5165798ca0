"""Makes cases like mace-*: MACE models with random weights and what the mace-torch package computes with them.

    make_mace.py FOLDER [CASE...]     writes mace-<case>/mace.model and reference.extxyz into FOLDER

Needs ase, torch and mace-torch (0.3.16). All is computed in double precision, with the weights as they are in the file.
Virials are minus the derivative of the energy by symmetric strain, eV; node_energies are without those of isolated
atoms.
"""

import argparse
import copy
import pathlib

import numpy as np
import torch

torch.serialization.add_safe_globals([slice])

from ase import Atoms
from ase.io import write
from e3nn import o3
from mace import data, modules, tools
from mace.tools import torch_geometric

BASE = {"r_max": 4.5, "num_bessel": 8, "num_polynomial_cutoff": 5, "max_ell": 2, "num_interactions": 2,
        "hidden_irreps": "4x0e+4x1o", "MLP_irreps": "4x0e", "correlation": 2, "radial_MLP": [8, 8],
        "avg_num_neighbors": 14.5, "atomic_numbers": [1, 8], "gate": torch.nn.functional.silu,
        "interaction_cls": "RealAgnosticResidual", "interaction_cls_first": "RealAgnosticResidual",
        "atomic_inter_scale": 1.3, "atomic_inter_shift": 0.2}

CASES = {
    "small": {"max_ell": 1, "num_bessel": 3, "hidden_irreps": "2x0e+2x1o", "MLP_irreps": "2x0e", "radial_MLP": [3]},
    "plain": {"class": "MACE", "pair_repulsion": True, "correlation": 3},
    "agnostic-product": {"use_agnostic_product": True, "correlation": 3},
    "edge-irreps": {"edge_irreps": "3x0e+3x1o", "num_interactions": 3, "use_edge_irreps_first": True},
    "kept-irreps": {"keep_last_layer_irreps": True, "hidden_irreps": "4x0e+4x1o+4x2e"},
    "last-readout": {"use_last_readout_only": True, "num_interactions": 3},
    "mixed-density": {"interaction_cls_first": "RealAgnosticDensity", "interaction_cls": "RealAgnosticDensityResidual",
                      "distance_transform": "Agnesi", "radial_type": "gaussian", "heads": ["a", "b", "c"]},
    "rising-degree": {"correlation": [1, 3], "interaction_cls": "RealAgnosticDensity", "gate": torch.tanh},
}


def make_model(case, random):
    options = {**BASE, **CASES[case]}
    kind = options.pop("class", "ScaleShiftMACE")
    heads = len(options.get("heads", ["Default"]))
    for name in ("interaction_cls", "interaction_cls_first"):
        options[name] = getattr(modules.blocks, options[name] + "InteractionBlock")
    for name in ("hidden_irreps", "MLP_irreps", "edge_irreps"):
        if name in options:
            options[name] = o3.Irreps(options[name])
    if kind == "MACE":
        del options["atomic_inter_scale"], options["atomic_inter_shift"]
    elif heads > 1:
        options["atomic_inter_scale"] = random.uniform(0.5, 2, heads)
        options["atomic_inter_shift"] = random.uniform(-1, 1, heads)
    elements = len(options["atomic_numbers"])
    isolated = random.normal(0, 3, (heads, elements))
    return getattr(modules, kind)(num_elements=elements, atomic_energies=isolated, **options)


def frames(numbers, random):
    for count, periodic in ((24, True), (12, False)):
        cell = np.round(np.eye(3) * 6.5 + random.uniform(-0.5, 0.5, (3, 3)), 4)
        atoms = Atoms(random.choice(numbers, count), cell=cell, pbc=periodic)
        places = np.stack(np.meshgrid(*3 * [np.arange(3)]), -1).reshape(-1, 3)[random.permutation(27)[:count]]
        atoms.positions = np.round((places / 3 + random.uniform(-0.05, 0.05, (count, 3))) @ cell, 4)
        yield atoms


def add_results(model, head, atoms, numbers):
    table = tools.AtomicNumberTable(numbers)
    configuration = data.config_from_atoms(atoms, head_name=head)
    graph = data.AtomicData.from_config(configuration, z_table=table, cutoff=float(model.r_max), heads=model.heads)
    batch = next(iter(torch_geometric.dataloader.DataLoader([graph], batch_size=1)))
    result = model(batch.to_dict(), compute_virials=True)
    atoms.info.update(head=head, energy=result["energy"].item(), virial=result["virials"][0].detach().numpy())
    atoms.arrays["forces"] = result["forces"].detach().numpy()
    isolated = model.atomic_energies_fn(batch["node_attrs"])[:, model.heads.index(head)]
    atoms.arrays["node_energies"] = (result["node_energy"] - isolated).detach().numpy()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("cases", nargs="*", default=CASES)
    arguments = parser.parse_args()
    torch.set_default_dtype(torch.float64)
    for case in arguments.cases:
        random = np.random.default_rng(sorted(CASES).index(case))
        torch.manual_seed(int(random.integers(1 << 30)))
        model = make_model(case, random)
        folder = arguments.folder / f"mace-{case}"
        folder.mkdir(parents=True, exist_ok=True)
        torch.save(copy.deepcopy(model), folder / "mace.model")
        numbers = [int(z) for z in model.atomic_numbers]
        structures = []
        for atoms in frames(numbers, random):
            for head in model.heads:
                structures.append(atoms.copy())
                add_results(model, head, structures[-1], numbers)
        write(folder / "reference.extxyz", structures, format="extxyz")


if __name__ == "__main__":
    main()
