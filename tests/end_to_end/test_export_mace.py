"""`grapevine export --to mace` and `--to sevennet`: the files, and what the packages compute with them where installed.

GRAPEVINE_MACE_PYTHON names a Python with mace-torch, GRAPEVINE_SEVENNET_PYTHON one with sevenn.
"""

import json
import os
import subprocess
from pathlib import Path

import ase.io
import numpy as np
import pytest
from lammps_run import fcc_mixture

MACE_CASES = {"mace-one-interaction": "Default", "mace-two-body-order": "Default", "mace-nu-one": "Default",
              "mace-two-heads": "dft", "mace-mixed-density": "a"}
SEVENNET_CASES = ["sevennet-parity", "sevennet-bias-fcn", "sevennet-lmax3", "nequip-l1-parity"]
TRAINING = ["--core", "none", "--channels", "6", "--max-order", "1", "--edge-order", "2", "--interactions", "2",
            "--epochs", "1"]


def call(*words, timeout=300):
    return subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=timeout)


def export(grapevine, program, model, output, *options):
    done = call(grapevine, "export", "--to", program, model, output, *options)
    assert done.returncode == 0 and done.stderr == "", done.stderr
    return output


def evaluate(grapevine, model, structures):
    return json.loads(call(grapevine, "evaluate", model, structures, "--json", "--precision", "double").stdout)["frames"]


def expect_same(found, expected, tolerance=1e-9):
    assert len(found) == len(expected) > 0
    for ours, theirs in zip(found, expected):
        assert abs(ours["energy"] - theirs["energy"]) <= tolerance * abs(theirs["energy"])
        largest = np.abs(theirs["forces"]).max()
        np.testing.assert_allclose(ours["forces"], theirs["forces"], rtol=0, atol=tolerance * largest)


def from_mace_torch(python, *words):
    done = call(python, Path(__file__).parent / "mace_from_export.py", *words, timeout=900)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def trained(grapevine, tmp_path_factory):
    """A MACE model that was trained here for a moment, and structures."""
    folder = tmp_path_factory.mktemp("trained")
    frames = [fcc_mixture(1, 1, 1, ["Ni", "O"], a=4.1 + 0.1 * seed, seed=seed) for seed in range(6)]
    for atoms in frames:
        atoms.info["energy"] = -3.0 * len(atoms)
        atoms.arrays["forces"] = np.zeros((len(atoms), 3))
    ase.io.write(folder / "frames.extxyz", frames, format="extxyz")
    model = folder / "m.safetensors"
    done = call(grapevine, "train", "--architecture", "mace", "--train", folder / "frames.extxyz", "--cutoff", "4",
                *TRAINING, "-o", model)
    assert done.returncode == 0, done.stderr
    return model, folder / "frames.extxyz"


@pytest.mark.parametrize("case", MACE_CASES)
def test_mace_torch_gives_the_results_of_its_own_model(case, grapevine, golden, golden_model, mace_python, tmp_path):
    exported = export(grapevine, "mace", golden_model(case), tmp_path / "mine.pt")
    answer = from_mace_torch(mace_python, exported, golden(case) / "reference.extxyz", golden(case) / "mace.model",
                             MACE_CASES[case])
    expect_same(answer["export"], answer["original"])


def test_models_of_single_precision_differ_by_its_constants(grapevine, golden, golden_model, mace_python, tmp_path):
    case = "mace-float32-soft"
    exported = export(grapevine, "mace", golden_model(case), tmp_path / "mine.pt")
    answer = from_mace_torch(mace_python, exported, golden(case) / "reference.extxyz", golden(case) / "mace.model",
                             "Default")
    expect_same(answer["export"], answer["original"], 1e-6)


def test_mace_torch_agrees_on_a_model_trained_here(trained, grapevine, mace_python, tmp_path):
    model, frames = trained
    exported = export(grapevine, "mace", model, tmp_path / "mine.pt")
    expect_same(from_mace_torch(mace_python, exported, frames)["export"], evaluate(grapevine, model, frames))


@pytest.mark.parametrize("case", SEVENNET_CASES)
def test_import_of_a_sevennet_export_is_the_same_potential(case, grapevine, golden, golden_model, tmp_path):
    model, back = golden_model(case), tmp_path / "back.safetensors"
    exported = export(grapevine, "sevennet", model, tmp_path / "mine.pth", "--numbers", "float64")
    assert call(grapevine, "import", exported, "-o", back).returncode == 0
    structures = golden(case) / "reference.extxyz"
    expect_same(evaluate(grapevine, back, structures), evaluate(grapevine, model, structures), 1e-12)


@pytest.mark.parametrize("case", SEVENNET_CASES)
def test_sevennet_agrees(case, grapevine, golden, golden_model, tmp_path):
    python = os.environ.get("GRAPEVINE_SEVENNET_PYTHON")
    if not python:
        pytest.skip("GRAPEVINE_SEVENNET_PYTHON names no Python with sevenn")
    structures = golden(case) / "reference.extxyz"
    exported = export(grapevine, "sevennet", golden_model(case), tmp_path / "mine.pth", "--numbers", "float64")
    done = call(python, Path(__file__).parent / "sevennet_from_export.py", exported, structures, timeout=900)
    assert done.returncode == 0, done.stderr
    expect_same(json.loads(done.stdout.splitlines()[-1]), evaluate(grapevine, golden_model(case), structures))


def test_bad_requests_give_one_line(grapevine, golden_model, tmp_path):
    output = tmp_path / "mine.pt"
    for words, part in [(["mace", golden_model("sevennet-parity")], "is not MACE"),
                        (["sevennet", golden_model("mace-nu-one")], "is not NequIP"),
                        (["sevennet", golden_model("nequip-l2-zbl-readout")], "repulsion of nuclei"),
                        (["sevennet", golden_model("nequix-norm")], "a norm before the gate"),
                        (["chgnet", golden_model("mace-nu-one")], "reann, mace and sevennet"),
                        (["mace", golden_model("mace-nu-one"), "--initpot", "1"], "--initpot")]:
        done = call(grapevine, "export", "--to", words[0], words[1], output, *words[2:])
        assert done.returncode == 1 and part in done.stderr and done.stderr.count("\n") == 1, done.stderr
        assert not output.exists()


def test_files_that_are_there_are_kept(grapevine, golden_model, tmp_path):
    output = export(grapevine, "mace", golden_model("mace-nu-one"), tmp_path / "mine.pt")
    content = output.read_bytes()
    done = call(grapevine, "export", "--to", "mace", golden_model("mace-nu-one"), output)
    assert done.returncode == 1 and "--overwrite" in done.stderr and done.stderr.count("\n") == 1
    export(grapevine, "mace", golden_model("mace-nu-one"), output, "--overwrite")
    assert output.read_bytes() == content, "the same model gives the same bytes"
