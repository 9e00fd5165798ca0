"""bench/reann_training_torch.py, the peer of `grapevine train`: does it compute what we compute?"""

import json
import subprocess

import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import write
from lammps_run import ROOT


@pytest.mark.parametrize("options", [[], ["--as-published"], ["--start", ROOT / "models" / "nbmotaw.safetensors"]])
def test_trains_and_agrees_with_evaluate(options, grapevine, torch_python, tmp_path):
    frames = []
    for seed in range(5):
        atoms = bulk("W", cubic=True) * (1, 1, 1 + seed % 2)
        atoms.symbols[0] = "Ta"
        atoms.rattle(0.1, seed=seed)
        rows = np.random.default_rng(seed).normal(size=(len(atoms), 3))
        atoms.calc = SinglePointCalculator(atoms, energy=-10.0 * len(atoms) + seed, forces=rows)
        frames.append(atoms)
    data = tmp_path / "train.extxyz"
    write(data, frames, format="extxyz")
    command = [torch_python, ROOT / "bench" / "reann_training_torch.py", data, "--batch", "2", "--epochs", "2",
               "--precision", "double", "--grapevine", grapevine, *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    sentence, result = done.stdout.splitlines()
    assert "us per atom and epoch" in sentence
    result = json.loads(result)
    assert result["frames"] == 5 and result["atoms"] == 14 and len(result["us_per_atom_epoch_all"]) == 2
    assert result["losses"][-1] < result["losses"][0]
    assert result["largest_force"] > 1e-4
    assert result["force_difference"] < 1e-9 * max(1, result["largest_force"])
    assert result["energy_difference"] < 1e-10
