"""Fixtures of the end-to-end tests: they run the programs of a build folder as a user would.

GRAPEVINE_BUILD names the build folder; without it, `build` in the checkout.
"""

import os
import subprocess
import sys
from functools import partial

import pytest
from lammps_run import BUILD, ROOT, run_lammps


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
        model = folder / f"{case}.safetensors"
        if not model.exists():
            source = next(p for p in sorted(find_golden(case).iterdir()) if p.suffix in (".pth", ".pt"))
            para = source.parent / "para"
            options = ["--para", para] if para.exists() else []
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


@pytest.fixture
def lammps(tmp_path):
    """lammps(script, ranks=1, ...): see run_lammps(); every run of a test shares one folder."""
    return partial(run_lammps, tmp_path)


@pytest.fixture(scope="session")
def sevennet_0(grapevine, tmp_path_factory):
    """SevenNet-0 (11 July 2024) with its published weights, which are fetched once into .cache."""
    folder = ROOT / ".cache" / "sevennet"
    checkpoint = folder / "SevenNet_0__11Jul2024" / "checkpoint_sevennet_0.pth"
    if not checkpoint.exists():
        fetched = subprocess.run([sys.executable, ROOT / "scripts" / "fetch_sevennet.py", folder], capture_output=True)
        if fetched.returncode != 0:
            pytest.skip("the weights of SevenNet-0 cannot be fetched here")
    model = tmp_path_factory.mktemp("sevennet") / "sevennet-0.safetensors"
    subprocess.run([grapevine, "import", checkpoint, "-o", model], check=True, timeout=60)
    return model
