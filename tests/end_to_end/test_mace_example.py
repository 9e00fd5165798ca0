"""examples/mace: liquid water by a published model, far too short to measure anything."""

import re
import subprocess
import sys

import pytest
from lammps_run import ROOT, environment

EXAMPLE = ROOT / "examples" / "mace" / "water.py"
PUBLISHED = ROOT.parent / "shared" / "golden" / "mace" / "mace-published-spice" / "MACE_SPICE.model"
SHORT = ["--time", "0.05", "--equilibrate", "0.01"]


def run_example(grapevine, *words):
    command = [sys.executable, EXAMPLE, "--grapevine", grapevine, *words]
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=600,
                          env=environment())


@pytest.fixture
def published():
    if not PUBLISHED.exists():
        pytest.skip(f"{PUBLISHED.name} is not on this machine")
    return PUBLISHED


def test_without_the_model_nothing_is_done(grapevine, tmp_path):
    done = run_example(grapevine, tmp_path / "none.model", tmp_path / "run")
    assert done.returncode == 0 and done.stdout == "" and not (tmp_path / "run").exists()
    assert done.stderr == f"water.py: {tmp_path / 'none.model'} is not there; nothing is done\n"


@pytest.mark.parametrize(["model", "words", "message"], [
    ("mace-two-heads/mace.model", [], "choose one with --head: dft, cc"),
    ("mace-two-heads/mace.model", ["--head", "mp"], "no head mp"),
    ("mace-nu-one/mace.model", ["--cells", "5"], "--cells 5"),
    ("mace-nu-one/mace.model", ["--temperature", "3000"], "--temperature 3000"),
    ("mace-nu-one/mace.model", ["--evaluate"], "run is not there"),
    ("mace-nu-one/mace.model", [], "Element O of atom type 1 is not in model"),
], ids=["heads", "no head", "cells", "temperature", "evaluate", "elements"])
def test_what_is_wrong_is_said_in_one_line(grapevine, tmp_path, model, words, message):
    done = run_example(grapevine, ROOT / "tests" / "data" / "golden" / model, tmp_path / "run", *words)
    assert done.returncode == 1 and message in done.stderr.splitlines()[-1], done.stderr
    assert "Traceback" not in done.stderr and not (tmp_path / "run" / "water.txt").exists()


def test_a_short_run_of_a_published_model(grapevine, tmp_path, published):
    done = run_example(grapevine, published, tmp_path / "out", *SHORT)
    assert done.returncode == 0, done.stderr
    table = (tmp_path / "out" / "water.txt").read_text()
    assert done.stdout.startswith(table)
    assert re.search(r"^whole molecules, worst frame +64 of 64$", table, re.MULTILINE)
    assert (tmp_path / "out" / "water.png").read_bytes().startswith(b"\x89PNG")
    again = run_example(grapevine, published, tmp_path / "out", *SHORT, "--evaluate")
    assert again.returncode == 0 and again.stdout == done.stdout


def test_the_first_steps_are_those_of_mace_torch(grapevine, tmp_path, published, mace_python):
    words = [*SHORT, "--check", mace_python, "--check-steps", "5", "--precision", "double"]
    done = run_example(grapevine, published, tmp_path / "out", *words)
    assert done.returncode == 0, done.stderr
    found = re.search(r"the same 5 steps: energies within (\S+) eV/atom, forces within (\S+) eV/Å "
                      r"\(in the first step (\S+)\), positions after the last within (\S+) Å", done.stdout)
    # Beyond the first step the units of ASE and LAMMPS differ in the eighth digit.
    assert all(float(value) < limit for value, limit in zip(found.groups(), (1e-8, 1e-6, 1e-10, 1e-7), strict=True))
