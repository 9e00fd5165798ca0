"""Runs the lines of docs/mace.md on an export of Grapevine; needs mace-torch.

    mace_from_export.py EXPORT.pt FRAMES.extxyz [ORIGINAL.model HEAD]

Prints as JSON the energies (eV) and forces of the module that the lines make and, where it is given, those of the
original; further the numbers of the module that differ from the original's by more than rounding.
"""

import json
import pathlib
import re
import sys

import ase.io
import torch

torch.serialization.add_safe_globals([slice])

from mace import data, tools
from mace.tools import torch_geometric

DOCUMENT = pathlib.Path(__file__).resolve().parents[2] / "docs" / "mace.md"


def documented_module(file):
    lines = re.search(r"```python\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)[1]
    names = {}
    exec(lines.replace('"mine-mace.pt"', repr(file)).replace('torch.save(model, "mine.model")', ""), names)
    return names["model"]


def results(model, frames, head="Default"):
    table = tools.AtomicNumberTable([int(z) for z in model.atomic_numbers])
    for atoms in frames:
        configuration = data.config_from_atoms(atoms, head_name=head)
        graph = data.AtomicData.from_config(configuration, z_table=table, cutoff=float(model.r_max), heads=model.heads)
        batch = next(iter(torch_geometric.dataloader.DataLoader([graph], batch_size=1)))
        result = model(batch.to_dict())
        yield {"energy": result["energy"].item(), "forces": result["forces"].tolist()}


def different(model, original):
    """Weights and constants of mace-torch, as far as they have the same names and shapes."""
    theirs = original.state_dict()
    for name, ours in model.state_dict().items():
        if name in theirs and theirs[name].shape == ours.shape and ours.numel() > 0:
            error = (ours.double() - theirs[name].double()).abs().max().item()
            if error > 1e-13 * max(1, ours.double().abs().max().item()):
                yield name


def main():
    frames = [atoms for atoms in ase.io.read(sys.argv[2], ":") if atoms.info.get("head", "Default") in sys.argv[4:]
              or len(sys.argv) < 5 or "head" not in atoms.info]
    model = documented_module(sys.argv[1])
    answer = {"export": list(results(model, frames))}
    if len(sys.argv) > 3:
        original = torch.load(sys.argv[3], weights_only=False, map_location="cpu").double()
        head = sys.argv[4] if len(sys.argv) > 4 else "Default"
        answer.update(original=list(results(original, frames, head)), different=list(different(model, original)))
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
