"""Model files carry a digest of their content: damage is found wherever they are read."""

import hashlib
import json
import re

import grapevine
import numpy as np
import pytest
from lammps_run import ROOT
from python_helpers import PROGRAM, run

MODELS = sorted((ROOT / "models").glob("*.safetensors"))
PAGE = (ROOT / "docs" / "model-file.md").read_text()
GOLDEN = ROOT / "tests" / "data" / "golden"


@pytest.fixture(scope="module")
def digest():
    """digest(path), as the specification has it."""
    names = {"hashlib": hashlib, "json": json}
    exec(re.search(r"^```python\n(def digest.*?)^```", PAGE, re.MULTILINE | re.DOTALL)[1], names)
    return names["digest"]


def kept_digest(path):
    content = path.read_bytes()
    return json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])["__metadata__"]["sha256"]


@pytest.fixture(params=MODELS, ids=lambda path: path.stem)
def damaged(request, tmp_path):
    """Copies of a shipped model with one bit turned over in its weights, in turn."""
    content = bytearray(request.param.read_bytes())
    start = 8 + int.from_bytes(content[:8], "little")
    path = tmp_path / "damaged.safetensors"

    def copies(count):
        random = np.random.default_rng(1)
        for place, bit in zip(random.integers(start, len(content), count), random.integers(0, 8, count)):
            content[place] ^= 1 << bit
            path.write_bytes(content)
            yield path
            content[place] ^= 1 << bit

    return copies


def test_digests_are_those_of_the_specification(digest, tmp_path):
    assert len(MODELS) == 3
    for path in MODELS:
        assert kept_digest(path) == digest(path)
    source = GOLDEN / "local-s-only"
    made = tmp_path / "made.safetensors"
    done = run([PROGRAM, "import", source / "REANN.pth", "--para", source / "para", "-o", made])
    assert done.returncode == 0, done.stderr
    assert kept_digest(made) == digest(made)


def test_python_refuses_every_flipped_bit(damaged):
    for path in damaged(100):
        with pytest.raises(grapevine.Error, match="damaged.safetensors: damaged"):
            grapevine.Model(path)


def test_the_program_refuses_in_one_line(damaged, tmp_path):
    (tmp_path / "x.extxyz").write_text("1\n\nW 0 0 0\n")
    (path,) = damaged(1)
    for words in (["info", path], ["evaluate", path, tmp_path / "x.extxyz"],
                  ["export", "--to", "reann", path, tmp_path / "reann"]):
        done = run([PROGRAM, *words])
        assert done.returncode == 1 and "damaged.safetensors: damaged" in done.stderr
        assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "reann").exists()
