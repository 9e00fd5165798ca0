"""The tutorial on active learning at small size, with GFN2-xTB of tblite."""

import json
import re

import numpy as np
import pytest
from ase.io import read
from lammps_run import ROOT
from python_helpers import PROGRAM, run

SMALL = {"number = 3 ": "number = 1 ", "time = 0.5": "time = 0.05", "number = 20": "number = 3", "epochs = 200": "epochs = 15",
         "rounds = 5": "rounds = 1", "runs = 3": "runs = 1", "[label]": "[start]\ncopies = 2\n\n[label]"}
TUTORIAL = ROOT / "examples" / "learn" / "tutorial.toml"


def test_the_page_shows_the_file():
    page = (ROOT / "docs" / "tutorials" / "learn.md").read_text()
    (shown,) = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    assert TUTORIAL.read_text().split("\n", 1)[1] == shown


def test_the_tutorial_at_small_size(tmp_path):
    pytest.importorskip("tblite")
    from tblite.ase import TBLite

    text = TUTORIAL.read_text()
    for old, new in SMALL.items():
        assert old in text
        text = text.replace(old, new)
    (tmp_path / "tutorial.toml").write_text("processes = 1\n" + text)
    done = run([PROGRAM, "learn", "tutorial.toml"], tmp_path, timeout=900, OMP_NUM_THREADS="1")
    assert done.returncode == 0, done.stderr
    place = tmp_path / "tutorial"
    frames = read(place / "data.extxyz", ":")
    selected = read(place / "round-001" / "selected.extxyz", ":")
    # Runs that pass the upper bound at once have a candidate each, and there are two.
    assert 1 <= len(selected) <= 3 and len(frames) == 3 + len(selected)
    assert (place / "round-001" / "failed.jsonl").read_text() == ""
    assert (place / "report.html").stat().st_size > 50000
    atoms = frames[-1]
    forces = atoms.get_forces()
    atoms.calc = TBLite(method="GFN2-xTB", electronic_temperature=1000.0, multiplicity=1, verbosity=0)
    np.testing.assert_allclose(atoms.get_forces(), forces, atol=1e-3)
    assert json.loads((place / "label.json").read_text())["multiplicity"] == "lowest"
    assert len(list((place / "final").glob("model-?.safetensors"))) == 3
