"""What sevenn computes with a checkpoint, in double precision: sevennet_from_export.py CHECKPOINT.pth FRAMES.extxyz

Prints a JSON list of energies (eV) and forces.
"""

import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "data" / "golden"))

import ase.io
from make_sevennet import SevenNetCheckpoint, evaluate, load_double


def main():
    checkpoint = SevenNetCheckpoint(sys.argv[1])
    checkpoint.build_model()  # refuses what does not fit
    model, config = load_double(sys.argv[1])
    # Some of SevenNet's tensors are made in single precision, and were rounded when they were first loaded.
    weights = {name: tensor for name, tensor in checkpoint.model_state_dict.items() if "_w3j_" not in name}
    model.load_state_dict(weights, strict=False)
    results = []
    for atoms in ase.io.read(sys.argv[2], ":"):
        energies, forces, _ = evaluate(model, config["cutoff"], atoms)
        results.append({"energy": float(energies.sum()), "forces": forces.tolist()})
    print(json.dumps(results))


if __name__ == "__main__":
    main()
