"""Fixtures of the end-to-end tests: they run the programs of a build folder as a user would.

GRAPEVINE_BUILD names the build folder; without it, `build` in the checkout.
"""

import os
import subprocess
import sys
from functools import partial

import pytest
from lammps_run import BUILD, ROOT, run_lammps


# The part of a model that the case has reference results of (a MACE case has those of every head).
CHOICES = {"sevennet-modalities": ["--modality", "PBE"], "mace-two-heads": ["--head", "dft"],
           "mace-mixed-density": ["--head", "a"]}


def find_golden(case):
    for folder in (ROOT / "tests" / "data" / "golden", ROOT.parent / "shared" / "golden"):
        if (folder / case / "reference.extxyz").exists():
            return folder / case
    pytest.skip(f"reference case {case} is not on this machine")


@pytest.fixture(scope="session")
def grapevine():
    """Path of the command line program."""
    program = BUILD / "bin" / "grapevine"
    assert program.exists(), f"{program} is missing; build it first, or set GRAPEVINE_BUILD"
    return program


@pytest.fixture(scope="session")
def golden():
    """golden(case): folder of a reference case."""
    return find_golden


@pytest.fixture(scope="session")
def golden_model(grapevine, tmp_path_factory):
    """golden_model(case): that case's weights, imported once."""
    folder = tmp_path_factory.mktemp("models")

    def import_case(case):
        model = folder / f"{case.replace('/', '-')}.safetensors"
        if not model.exists():
            files = sorted(find_golden(case).iterdir())
            source = next(p for p in files if p.suffix in (".pth", ".pt", ".ckpt", ".zip", ".nqx", ".model"))
            para = source.parent / "para"
            options = [*(["--para", para] if para.exists() else []), *CHOICES.get(case, [])]
            subprocess.run([grapevine, "import", source, *options, "-o", model], check=True, timeout=60)
        return model

    return import_case


@pytest.fixture(scope="session")
def three_layer(golden_model):
    """Model of the elements O C Ni with T = 3 and a cutoff of 5 Angstrom, random weights."""
    return golden_model("three-layer")


@pytest.fixture(scope="session")
def torch_python():
    """A Python with PyTorch: the one GRAPEVINE_TORCH_PYTHON names, or this one."""
    python = os.environ.get("GRAPEVINE_TORCH_PYTHON", sys.executable)
    if subprocess.run([python, "-c", "import numpy, torch"], capture_output=True).returncode != 0:
        pytest.skip(f"{python} has no PyTorch; name one that has in GRAPEVINE_TORCH_PYTHON")
    return python


@pytest.fixture(scope="session")
def mace_python():
    """The Python with mace-torch that GRAPEVINE_MACE_PYTHON names."""
    python = os.environ.get("GRAPEVINE_MACE_PYTHON")
    if not python:
        pytest.skip("GRAPEVINE_MACE_PYTHON names no Python with mace-torch")
    return python


@pytest.fixture(scope="session")
def sportran_python():
    """The Python with sportran that scripts/setup.sh --tests makes."""
    python = ROOT / ".venv-sportran" / "bin" / "python"
    if not python.exists():
        pytest.skip(f"{python.parents[1]} is not there: scripts/setup.sh --tests makes it")
    return python


@pytest.fixture
def lammps(tmp_path):
    """lammps(script, ranks=1, ...): see run_lammps(); every run of a test shares one folder."""
    return partial(run_lammps, tmp_path)


@pytest.fixture(scope="session")
def sevennet_checkpoints():
    """Folder of SevenNet's published checkpoints, fetched once for a build folder."""
    folder = BUILD / "sevennet"
    names = ["SevenNet_0__11Jul2024", "SevenNet_0__22May2024", "SevenNet_l3i5", "SevenNet_MF_0"]
    if not all((folder / f"{name}.pth").exists() for name in names):
        fetch = [sys.executable, ROOT / "examples" / "sevennet" / "fetch.py", folder]
        done = subprocess.run(fetch, capture_output=True, text=True, timeout=300)
        if done.returncode != 0:
            pytest.skip(done.stderr.strip())
    return folder


@pytest.fixture(scope="session")
def sevennet_model(grapevine, sevennet_checkpoints, tmp_path_factory):
    """sevennet_model(name): a published model, imported once; SevenNet-0 is SevenNet_0__11Jul2024."""
    folder = tmp_path_factory.mktemp("sevennet")

    def import_published(name):
        model = folder / f"{name}.safetensors"
        if not model.exists():
            command = [grapevine, "import", sevennet_checkpoints / f"{name}.pth", "-o", model]
            subprocess.run(command, check=True, timeout=60)
        return model

    return import_published


@pytest.fixture(scope="session")
def sevennet_0(sevennet_model):
    return sevennet_model("SevenNet_0__11Jul2024")
