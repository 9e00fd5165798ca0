"""`grapevine import` of checkpoints and packages of NequIP's own program, and what their models give."""

import json
import shutil
import subprocess
import zipfile

import ase.io
import numpy as np
import pytest

CHECKPOINTS = [f"nequip-{name}" for name in ("ema-all-trained", "l1-parity", "l2-zbl-readout", "older-even", "older-l3",
                                             "parity-four-layers", "preset-ckpt")]
# Packages hold sources of other projects, so they lie beside the checkout.
PACKAGES = [f"nequip-framework/{name}" for name in ("l1-parity", "l2-parity-edge-cutoffs", "l3", "l4-float32",
                                                    "older-even", "older-l3", "preset-S")]
FLOAT32 = {"nequip-framework/l4-float32", "nequip-framework/preset-S"}


def call(*words):
    return subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=300)


def refusal(grapevine, source, output, *options):
    done = call(grapevine, "import", source, "-o", output, *options)
    assert done.returncode == 1 and done.stderr.count("\n") == 1 and not output.exists(), done.stderr
    return done.stderr


@pytest.fixture(scope="module")
def imported(grapevine, golden, tmp_path_factory):
    """imported(case): path of the model, from the case's package where the case is one of PACKAGES."""
    folder = tmp_path_factory.mktemp("nequip")

    def import_case(case):
        source = golden(case) / ("model.nequip.zip" if case in PACKAGES else "model.ckpt")
        model = folder / f"{case.replace('/', '-')}.safetensors"
        if not model.exists():
            done = call(grapevine, "import", source, "-o", model)
            assert done.returncode == 0, done.stderr
        return model

    return import_case


def evaluate(grapevine, model, frames, precision):
    done = call(grapevine, "evaluate", model, frames, "--json", "--precision", precision)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["frames"]


@pytest.mark.parametrize("case", CHECKPOINTS + PACKAGES)
def test_double_precision_gives_the_results_of_nequip(case, grapevine, golden, imported):
    reference = golden(case) / "reference.extxyz"
    energy, force, virial, node = (1e-7, 1e-6, 1e-5, 1e-6) if case in FLOAT32 else (1e-8, 1e-7, 1e-6, 1e-7)
    frames = evaluate(grapevine, imported(case), reference, "double")
    for found, atoms in zip(frames, ase.io.read(reference, ":"), strict=True):
        assert abs(found["energy"] - atoms.get_potential_energy()) < energy * len(atoms)
        np.testing.assert_allclose(found["energies"], atoms.arrays["node_energies"], rtol=0, atol=node)
        np.testing.assert_allclose(found["forces"], atoms.get_forces(), rtol=0, atol=force)
        if any(atoms.pbc):
            np.testing.assert_allclose(np.ravel(found["virial"]), np.ravel(atoms.info["virial"]), rtol=0, atol=virial)


@pytest.mark.parametrize("case", CHECKPOINTS + PACKAGES)
def test_mixed_precision_is_near_nequip(case, grapevine, golden, imported):
    reference = golden(case) / "reference.extxyz"
    frames = evaluate(grapevine, imported(case), reference, "mixed")
    for found, atoms in zip(frames, ase.io.read(reference, ":"), strict=True):
        assert abs(found["energy"] - atoms.get_potential_energy()) < 3e-6 * len(atoms)
        np.testing.assert_allclose(found["forces"], atoms.get_forces(), rtol=0, atol=5e-5)


@pytest.mark.parametrize("case", ["nequip-older-even", "nequip-older-l3", "nequip-l1-parity"])
def test_checkpoint_and_package_give_the_same_weights(case, grapevine, golden, imported, tmp_path):
    """To rounding: a package holds factors that a checkpoint does not."""
    package = imported(case.replace("nequip-", "nequip-framework/"))
    reference = golden(case) / "reference.extxyz"
    pairs = zip(*(evaluate(grapevine, model, reference, "double") for model in (imported(case), package)), strict=True)
    for first, second in pairs:
        np.testing.assert_allclose(first["energies"], second["energies"], rtol=0, atol=1e-12)


def test_provenance_names_kind_and_version(grapevine, imported):
    facts = json.loads(call(grapevine, "info", imported("nequip-older-l3"), "--json").stdout)
    assert facts["architecture"] == "nequip" and facts["species"] == ["Cu", "Zr"]
    assert facts["provenance"]["source_kind"] == "NequIP checkpoint"
    assert facts["provenance"]["note"] == "nequip 0.13.0"


def test_types_keep_their_names_or_get_others(grapevine, golden, tmp_path):
    source, model = golden("nequip-preset-ckpt") / "model.ckpt", tmp_path / "m.safetensors"
    assert call(grapevine, "import", source, "-o", model, "--species", "Cu=Cu1,Zr=Cu2").returncode == 0
    assert json.loads(call(grapevine, "info", model, "--json").stdout)["species"] == ["Cu1", "Cu2"]
    frames = tmp_path / "frames.extxyz"
    text = (golden("nequip-preset-ckpt") / "reference.extxyz").read_text()
    frames.write_text(text.replace("\nCu ", "\nCu1 ").replace("\nZr ", "\nCu2 "))
    found = evaluate(grapevine, model, frames, "double")
    expected = ase.io.read(golden("nequip-preset-ckpt") / "reference.extxyz", ":")
    for frame, atoms in zip(found, expected, strict=True):
        assert abs(frame["energy"] - atoms.get_potential_energy()) < 1e-8 * len(atoms)
    other = tmp_path / "other.safetensors"
    assert "two types would have the name Zr" in refusal(grapevine, source, other, "--species", "Cu=Zr")
    assert "the model has no Ni" in refusal(grapevine, source, other, "--species", "Ni=Zr")
    assert "cannot name a species" in refusal(grapevine, source, other, "--species", "Cu=NULL")


def test_flags_of_other_files_are_refused_by_name(grapevine, golden, tmp_path):
    source, output = golden("nequip-preset-ckpt") / "model.ckpt", tmp_path / "m.safetensors"
    for words in (["--para", "para"], ["--activation", "Relu_like"], ["--modality", "PBE"], ["--gaussian-sign", "plus"]):
        assert words[0] in refusal(grapevine, source, output, *words)
    for case, file in (("local-s-only", "REANN.pth"), ("sevennet-parity", "checkpoint.pth")):
        assert "--species" in refusal(grapevine, golden(case) / file, output, "--species", "C=N")


def test_compiled_models_are_refused_by_name(grapevine, tmp_path):
    for ending in ("nequip.pth", "nequip.pt2"):
        source = tmp_path / f"model.{ending}"
        source.write_bytes(b"PK")
        assert "compiled NequIP model" in refusal(grapevine, source, tmp_path / "m.safetensors")


def test_packages_of_older_format_are_refused_by_name(grapevine, tmp_path):
    source = tmp_path / "model.nequip.zip"
    with zipfile.ZipFile(source, "w") as archive:
        archive.writestr("m/.data/extern_modules", "torch")
        archive.writestr("m/model/package_metadata.txt", "package_version_id: 1\nversions:\n  nequip: 0.9.1\n")
    assert "package it again" in refusal(grapevine, source, tmp_path / "m.safetensors")


def test_sources_in_a_package_are_not_read(grapevine, golden, imported, tmp_path):
    """A package without its Python files gives the same bytes, but for where they come from."""
    whole, bare = golden("nequip-framework/preset-S") / "model.nequip.zip", tmp_path / "model.nequip.zip"
    with zipfile.ZipFile(whole) as source, zipfile.ZipFile(bare, "w") as target:
        for name in source.namelist():
            if not name.endswith(".py"):
                target.writestr(name, source.read(name))
    model = tmp_path / "m.safetensors"
    assert call(grapevine, "import", bare, "-o", model).returncode == 0
    facts = [json.loads(call(grapevine, "info", path, "--json").stdout)
             for path in (imported("nequip-framework/preset-S"), model)]
    for fact in facts:
        fact.pop("provenance"), fact.pop("sha256", None), fact.pop("file", None)
    assert facts[0]["hyperparameters"] == facts[1]["hyperparameters"]


def test_importing_twice_gives_the_same_bytes(grapevine, golden, tmp_path):
    source = tmp_path / "model.ckpt"
    shutil.copy(golden("nequip-ema-all-trained") / "model.ckpt", source)
    models = [tmp_path / "a.safetensors", tmp_path / "b.safetensors"]
    for model in models:
        assert call(grapevine, "import", source, "-o", model).returncode == 0
    assert models[0].read_bytes() == models[1].read_bytes()
