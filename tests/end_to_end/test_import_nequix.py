"""`grapevine import` of Nequix's models, and the published ones, where they can be had, in the command line and LAMMPS.

Published files lie beside the checkout, with references in double precision: ../shared/golden/nequix/<name>.nqx and
.extxyz.
"""

import json
import subprocess

import ase.io
import numpy as np
import pytest
from ase.build import bulk
from lammps_run import MEASURE, ROOT, dump, relative_difference, setup, thermal_velocities, write_data

PUBLISHED = ["nequix-mp-1", "nequix-oam-1-pft"]
FOLDER = ROOT.parent / "shared" / "golden" / "nequix"


def call(*words):
    return subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=300)


def source_of(name):
    path = FOLDER / f"{name}.nqx"
    if not path.exists():
        pytest.skip(f"{path.name} is not on this machine")
    return path


@pytest.fixture(scope="module")
def published(grapevine, tmp_path_factory):
    """published(name): a published model, imported once."""
    folder = tmp_path_factory.mktemp("nequix")

    def import_published(name):
        model = folder / f"{name}.safetensors"
        if not model.exists():
            subprocess.run([grapevine, "import", source_of(name), "-o", model], check=True, timeout=60)
        return model

    return import_published


@pytest.mark.parametrize("name", PUBLISHED)
def test_what_is_said_of_a_published_model(name, grapevine, published):
    facts = json.loads(call(grapevine, "info", published(name), "--json").stdout)
    assert facts["architecture"] == "nequip" and len(facts["species"]) == 89 and facts["cutoff"] == 6.0
    assert len(facts["hyperparameters"]["interactions"]) == 4 and facts["hyperparameters"]["edge_order"] == 3
    assert facts["provenance"]["source_kind"] == "Nequix model"
    assert facts["provenance"]["source"] == f"{name}.nqx"


@pytest.mark.parametrize(["precision", "energy", "force", "virial"],
                         [("double", 1e-8, 1e-7, 1e-6), ("mixed", 3e-6, 5e-5, 1e-3)], ids=["double", "mixed"])
@pytest.mark.parametrize("name", PUBLISHED)
def test_published_models_agree_with_the_package(name, precision, energy, force, virial, grapevine, published):
    model, reference = published(name), FOLDER / f"{name}.extxyz"
    done = call(grapevine, "evaluate", model, reference, "--json", "--precision", precision)
    assert done.returncode == 0, done.stderr
    frames = json.loads(done.stdout)["frames"]
    for found, atoms in zip(frames, ase.io.read(reference, ":"), strict=True):
        assert abs(found["energy"] - atoms.get_potential_energy()) < energy * len(atoms)
        np.testing.assert_allclose(found["forces"], atoms.get_forces(), rtol=0, atol=force)
        np.testing.assert_allclose(found["virial"], np.ravel(atoms.info["virial"]), rtol=0, atol=virial * len(atoms))


def rock_salt():
    """A disturbed crystal of 64 atoms whose edge, 11.3 Angstrom, is less than twice the cutoff."""
    atoms = bulk("NaCl", "rocksalt", a=5.65, cubic=True) * (2, 2, 2)
    atoms.rattle(0.08, seed=3)
    return atoms


@pytest.mark.parametrize(["precision", "tolerance"], [("double", 1e-10), ("mixed", 2e-5)], ids=["double", "mixed"])
def test_published_model_on_1_2_and_4_ranks(lammps, tmp_path, published, precision, tolerance):
    atoms = rock_salt()
    write_data(tmp_path / "data.test", atoms, ["Na", "Cl"], thermal_velocities(atoms, 600))
    run_two_steps = MEASURE + dump(every=2) + "timestep 0.001\nfix move all nve\nthermo 2\nrun 2\n"
    text = setup(published("nequix-mp-1"), ["Na", "Cl"], precision=precision) + "neighbor 0.4 bin\n" + run_two_steps
    runs = {ranks: lammps(text, ranks, timeout=600) for ranks in (1, 2, 4)}
    for ranks in (2, 4):
        assert runs[ranks].work["computed"] == [len(atoms)] * 4
        assert runs[ranks].work["layers"] == 3 and runs[ranks].work["cutoff"] == 6
        for frame in (0, -1):
            for quantity in ("x", "f", "energy", "stress"):
                found, expected = (runs[n].atoms(frame)[quantity] for n in (ranks, 1))
                assert relative_difference(found, expected) < tolerance


def test_importing_twice_gives_the_same_bytes(grapevine, golden, tmp_path):
    for name in ("a", "b"):
        done = call(grapevine, "import", golden("nequix-norm") / "model.nqx", "-o", tmp_path / f"{name}.safetensors")
        assert done.returncode == 0, done.stderr
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()


def test_flags_of_other_files_are_refused_by_name(grapevine, golden, tmp_path):
    for words in (["--para", "para"], ["--activation", "Relu_like"], ["--gaussian-sign", "plus"],
                  ["--modality", "PBE"], ["--species", "A=Cu"]):
        done = call(grapevine, "import", golden("nequix-norm") / "model.nqx", "-o", tmp_path / "m.safetensors", *words)
        assert done.returncode == 1 and words[0] in done.stderr and done.stderr.count("\n") == 1, done.stderr
    assert not (tmp_path / "m.safetensors").exists()


def test_damaged_files_are_refused_in_one_line(grapevine, golden, tmp_path):
    whole = (golden("nequix-norm") / "model.nqx").read_bytes()
    line = whole.index(b"\n") + 1
    for content in (whole[: line // 2], whole[:line], whole[: line + 50], whole[:-1], whole + b"x",
                    whole[:line] + b"PK\x03\x04", whole.replace(b'"lmax": 2', b'"lmax": 9')):
        (tmp_path / "broken.nqx").write_bytes(content)
        done = call(grapevine, "import", tmp_path / "broken.nqx", "-o", tmp_path / "m.safetensors")
        assert done.returncode == 1 and done.stderr.count("\n") == 1 and "broken.nqx: " in done.stderr, done.stderr
    assert not (tmp_path / "m.safetensors").exists()
