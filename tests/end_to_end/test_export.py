"""`grapevine export` as a user runs it, and what PyTorch makes of the files where it is installed."""

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
from ase.io import read, write
from ase.neighborlist import neighbor_list
from lammps_run import ROOT

RANDOM_WEIGHTS = ["local-s-only", "one-layer-tanh", "three-layer", "f-orbitals-wide", "molecule-and-slab"]


def call(*words):
    return subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=300)


def export(grapevine, model, folder, *options):
    done = call(grapevine, "export", "--to", "reann", model, folder, *options)
    assert done.returncode == 0, done.stderr
    return done


def evaluate(grapevine, model, structures):
    done = call(grapevine, "evaluate", model, structures, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["frames"]


def info(grapevine, model):
    return json.loads(call(grapevine, "info", model, "--json").stdout)


def structures_of(frames, species, cutoff):
    """The frames as reann_checkpoint.py wants them."""
    result = []
    for atoms in frames:
        i, j, cells = neighbor_list("ijS", atoms, cutoff)
        shifts = cells @ atoms.cell.array
        result.append({"positions": atoms.positions.tolist(), "species": [species.index(x) for x in atoms.symbols],
                       "i": i.tolist(), "j": j.tolist(), "shifts": shifts.tolist()})
    return result


def expect_torch_agrees(python, folder, frames, facts, expected, tmp_path):
    structures = tmp_path / "structures.json"
    structures.write_text(json.dumps(structures_of(frames, facts["species"], facts["cutoff"])))
    done = call(python, Path(__file__).parent / "reann_checkpoint.py", folder, structures)
    assert done.returncode == 0, done.stderr
    for theirs, ours, atoms in zip(json.loads(done.stdout), expected, frames, strict=True):
        assert abs(theirs["energy"] - ours["energy"]) < 1e-9 * len(atoms)
        np.testing.assert_allclose(theirs["forces"], ours["forces"], atol=1e-8)


@pytest.mark.parametrize("case", RANDOM_WEIGHTS)
def test_torch_evaluates_the_checkpoint_as_we_do(case, grapevine, golden, golden_model, torch_python, tmp_path):
    model, reference = golden_model(case), golden(case) / "reference.extxyz"
    export(grapevine, model, tmp_path / "reann")
    expected = evaluate(grapevine, model, reference)
    expect_torch_agrees(torch_python, tmp_path / "reann", read(reference, ":"), info(grapevine, model), expected,
                        tmp_path)


@pytest.mark.parametrize("options", [[], ["--initpot", "-156.25"]])
def test_torch_agrees_on_total_energies_whatever_initpot(options, grapevine, golden, torch_python, tmp_path):
    """The shipped model of water, on frames of H and O alone taken from a reference case."""
    model = ROOT / "models" / "water.safetensors"
    reference = read(golden("molecule-and-slab") / "reference.extxyz", ":")
    frames = [atoms[[symbol in "HO" for symbol in atoms.symbols]] for atoms in reference]
    frames = [atoms for atoms in frames if len(atoms) > 1]
    assert frames
    for atoms in frames:
        atoms.calc = None
        atoms.positions = np.round(atoms.positions, 8)
    structures = tmp_path / "frames.extxyz"
    write(structures, frames, format="extxyz")
    export(grapevine, model, tmp_path / "reann", *options)
    expected = evaluate(grapevine, model, structures)
    expect_torch_agrees(torch_python, tmp_path / "reann", read(structures, ":"), info(grapevine, model), expected,
                        tmp_path)


def test_import_of_an_export_is_the_same_model(grapevine, golden, golden_model, tmp_path):
    model, reference = golden_model("three-layer"), golden("three-layer") / "reference.extxyz"
    done = export(grapevine, model, tmp_path / "reann")
    assert "initpot" in done.stderr and "para/input_nn" in done.stdout
    back = tmp_path / "back.safetensors"
    done = call(grapevine, "import", tmp_path / "reann/REANN.pth", "--para", tmp_path / "reann/para", "-o", back)
    assert done.returncode == 0, done.stderr
    assert evaluate(grapevine, back, reference) == evaluate(grapevine, model, reference)


def test_files_that_are_there_are_kept(grapevine, golden_model, tmp_path):
    model = golden_model("local-s-only")
    export(grapevine, model, tmp_path)
    done = call(grapevine, "export", "--to", "reann", model, tmp_path)
    assert done.returncode == 1 and "--overwrite" in done.stderr and done.stderr.count("\n") == 1
    export(grapevine, model, tmp_path, "--overwrite")


def test_bad_requests_give_one_line(grapevine, golden_model, tmp_path):
    model = golden_model("local-s-only")
    for words, part in [(["--to", "chgnet", model, tmp_path], "reann"),
                        (["--to", "reann", tmp_path / "none.safetensors", tmp_path], "none.safetensors"),
                        (["--to", "reann", model, tmp_path, "--numbers", "int8"], "int8"),
                        (["--to", "reann", model, tmp_path, "--initpot", "nan"], "initpot"),
                        (["--to", "reann", model, "/dev/null/x"], "/dev/null/x")]:
        done = call(grapevine, "export", *words)
        assert done.returncode == 1 and part in done.stderr and done.stderr.count("\n") == 1, done.stderr
    assert not (tmp_path / "REANN.pth").exists()
