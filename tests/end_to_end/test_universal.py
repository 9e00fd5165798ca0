"""examples/universal: rock salt by universal potentials side by side."""

import subprocess
import sys

import numpy as np
import pytest
from lammps_run import ROOT, environment

EXAMPLE = ROOT / "examples" / "universal"
PUBLISHED = ROOT.parent / "shared" / "golden" / "nequix" / "nequix-mp-1.nqx"
sys.path[:0] = [str(EXAMPLE), str(EXAMPLE.parent)]

from equation_of_state import CONSTANTS, GPA, fit  # noqa: E402


def run_example(grapevine, *words):
    command = [sys.executable, EXAMPLE / "rock_salt.py", "--grapevine", grapevine, *words]
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=900,
                          env=environment())


def test_fit_finds_the_numbers_of_a_birch_murnaghan_equation():
    volume, start, modulus, slope = CONSTANTS**3 / 8, 5.69**3 / 8, 24.5 / GPA, 4.7
    x = (start / volume) ** (2 / 3) - 1
    energies = -3.4 + 9 / 16 * start * modulus * (x**3 * slope + x**2 * (6 - 4 * (x + 1)))
    found = fit(CONSTANTS, energies)
    assert found.lattice_constant == pytest.approx(5.69, abs=1e-6)
    assert found.bulk_modulus == pytest.approx(24.5, abs=1e-4)
    assert found.energy == pytest.approx(-3.4, abs=1e-8)
    np.testing.assert_allclose(found.curve(CONSTANTS), energies, atol=1e-9)


@pytest.mark.parametrize(["words", "message"], [
    (["none.safetensors"], "none of the models is there"),
    (["none.safetensors", "--cells", "1"], "--cells 1"),
    (["none.safetensors", "--hot", "20"], "--hot 20"),
], ids=["no model", "cells", "hot"])
def test_what_is_wrong_is_said_in_one_line(grapevine, tmp_path, words, message):
    done = run_example(grapevine, tmp_path / "run", *words)
    assert done.returncode == 1 and message in done.stderr.splitlines()[-1], done.stderr
    assert not (tmp_path / "run").exists()


def test_a_short_run_of_a_published_model(grapevine, tmp_path):
    if not PUBLISHED.exists():
        pytest.skip(f"{PUBLISHED.name} is not on this machine")
    model = tmp_path / "nequix-mp-1.safetensors"
    subprocess.run([grapevine, "import", PUBLISHED, "-o", model], check=True, timeout=60)
    done = run_example(grapevine, tmp_path / "run", model, tmp_path / "absent.safetensors", "--cells", "2",
                       "--measure", "0.1", "--settle", "0.02", "--heat", "0.02")
    assert done.returncode == 0, done.stderr
    assert "absent.safetensors is not there and is left out" in done.stderr
    table = (tmp_path / "run" / "rock-salt.txt").read_text()
    row = next(line for line in table.splitlines() if line.startswith("at rest: lattice constant"))
    assert 5.6 < float(row.split()[-1]) < 5.8
    assert (tmp_path / "run" / "rock-salt.png").read_bytes().startswith(b"\x89PNG")
