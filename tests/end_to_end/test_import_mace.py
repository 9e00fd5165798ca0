"""`grapevine import` of MACE models that mace-torch saved."""

import json
import shutil
import struct
import subprocess
import zipfile

import ase.io
import numpy as np
import pytest

OWN = [f"mace-{name}" for name in ("float32-soft", "nu-one", "one-interaction", "two-body-order")]
HEADS = {"mace-two-heads": ["dft", "cc"], "mace-mixed-density": ["a", "b", "c"]}
# Beside the checkout: larger ones, and trained models of others.
BESIDE = [f"mace/{name}" for name in ("four-interactions", "l2", "mace-published-gst", "mace-published-spice",
                                      "mp0a-like", "mp0b3-like", "no-residual", "off-like", "three-interactions")]


def call(*words):
    return subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=300)


def refusal(grapevine, source, output, *options):
    done = call(grapevine, "import", source, "-o", output, *options)
    assert done.returncode == 1 and done.stderr.count("\n") == 1 and not output.exists(), done.stderr
    return done.stderr


def model_of(folder):
    return next(folder.glob("*.model"))


def contents(path):
    """Metadata and bytes of the tensors of a model file."""
    content = path.read_bytes()
    start = 8 + struct.unpack("<Q", content[:8])[0]
    return json.loads(content[8:start])["__metadata__"], content[start:]


@pytest.mark.parametrize("case", OWN + BESIDE)
def test_models_are_read(case, grapevine, golden, tmp_path):
    output = tmp_path / "m.safetensors"
    done = call(grapevine, "import", model_of(golden(case)), "-o", output)
    assert done.returncode == 0 and done.stderr == "" and "MACE model" in done.stdout, done.stderr
    metadata, _ = contents(output)
    provenance = json.loads(metadata["provenance"])
    assert metadata["architecture"] == "mace"
    assert provenance["source"] == model_of(golden(case)).name and provenance["source_kind"] == "MACE model"


@pytest.mark.parametrize("case", HEADS)
def test_one_head_of_several_is_taken(case, grapevine, golden, tmp_path):
    source, output, weights = model_of(golden(case)), tmp_path / "m.safetensors", set()
    told = refusal(grapevine, source, output)
    assert "--head" in told and ", ".join(HEADS[case]) in told
    assert "no head mp2" in refusal(grapevine, source, output, "--head", "mp2")
    for head in HEADS[case]:
        assert call(grapevine, "import", source, "-o", output, "--head", head).returncode == 0
        metadata, data = contents(output)
        assert json.loads(metadata["provenance"])["note"] == f"head {head}"
        weights.add(data)
    assert len(weights) == len(HEADS[case])


def check_results(grapevine, source, frames, folder, tolerances, *options):
    """Energies, forces, virials and, but for a constant of each element, atomic energies are those of mace-torch."""
    energy, force, virial, node = tolerances
    model, structures = folder / "m.safetensors", folder / "structures.extxyz"
    assert call(grapevine, "import", source, "-o", model, *options).returncode == 0
    ase.io.write(structures, frames)
    done = call(grapevine, "evaluate", model, structures, "--json", "--precision", "double")
    assert done.returncode == 0, done.stderr
    shifts = {}
    for found, atoms in zip(json.loads(done.stdout)["frames"], frames, strict=True):
        assert abs(found["energy"] - atoms.get_potential_energy()) < energy * len(atoms)
        np.testing.assert_allclose(found["forces"], atoms.get_forces(), rtol=0, atol=force)
        if "virial" in atoms.info:
            np.testing.assert_allclose(np.ravel(found["virial"]), np.ravel(atoms.info["virial"]), rtol=0, atol=virial)
        for element, shift in zip(atoms.symbols, found["energies"] - atoms.arrays["node_energies"], strict=True):
            shifts.setdefault(element, []).append(shift)
    assert all(np.ptp(values) < 2 * node for values in shifts.values())


@pytest.mark.parametrize("case", OWN + BESIDE)
def test_results_are_those_of_mace_torch(case, grapevine, golden, tmp_path):
    rounded = case in ("mace-float32-soft", "mace/mp0a-like", "mace/mp0b3-like")
    tolerances = (1e-7, 1e-6, 1e-5, 1e-6) if rounded else (1e-8, 1e-7, 1e-6, 1e-7)
    frames = ase.io.read(golden(case) / "reference.extxyz", ":")
    check_results(grapevine, model_of(golden(case)), frames, tmp_path, tolerances)


@pytest.mark.parametrize(("case", "head"), [(case, head) for case, heads in HEADS.items() for head in heads])
def test_results_of_a_head_are_those_of_mace_torch(case, head, grapevine, golden, tmp_path):
    frames = [atoms for atoms in ase.io.read(golden(case) / "reference.extxyz", ":") if atoms.info["head"] == head]
    check_results(grapevine, model_of(golden(case)), frames, tmp_path, (1e-8, 1e-7, 1e-6, 1e-7), "--head", head)


def test_flags_of_other_files_are_refused_by_name(grapevine, golden, tmp_path):
    source, output = model_of(golden("mace-nu-one")), tmp_path / "m.safetensors"
    for words in (["--para", "para"], ["--modality", "PBE"], ["--species", "Fe=Mo"], ["--gaussian-sign", "plus"]):
        assert words[0] in refusal(grapevine, source, output, *words)
    for case, file in (("local-s-only", "REANN.pth"), ("sevennet-parity", "checkpoint.pth"),
                       ("nequix-norm", "model.nqx"), ("nequip-l1-parity", "model.ckpt")):
        assert "--head" in refusal(grapevine, golden(case) / file, output, "--head", "dft")


def changed(source, target, change):
    """A copy of a PyTorch file with another pickle."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            new.writestr(name, change(content) if name.endswith("/data.pkl") else content)
    return target


def test_code_in_a_model_is_not_read(grapevine, golden, tmp_path):
    source, models = model_of(golden("mace-nu-one")), [tmp_path / "a.safetensors", tmp_path / "b.safetensors"]
    other = changed(source, tmp_path / "mace.model", lambda pickle: pickle.replace(b"torch.einsum", b"os.systemize"))
    assert other.read_bytes() != source.read_bytes()
    for path, model in zip((source, other), models, strict=True):
        assert call(grapevine, "import", path, "-o", model).returncode == 0
    (a, first), (b, second) = map(contents, models)
    assert first == second and a["hyperparameters"] == b["hyperparameters"]


def test_names_that_no_model_needs_are_refused(grapevine, golden, tmp_path):
    source = model_of(golden("mace-nu-one"))
    silu, system = b"ctorch.nn.functional\nsilu\n", b"cos\nsystem\n"
    other = changed(source, tmp_path / "mace.model", lambda pickle: pickle.replace(silu, system))
    assert "os.system" in refusal(grapevine, other, tmp_path / "m.safetensors")


def test_importing_twice_gives_the_same_bytes(grapevine, golden, tmp_path):
    source = tmp_path / "mace.model"
    shutil.copy(model_of(golden("mace-float32-soft")), source)
    models = [tmp_path / "a.safetensors", tmp_path / "b.safetensors"]
    for model in models:
        assert call(grapevine, "import", source, "-o", model).returncode == 0
    assert models[0].read_bytes() == models[1].read_bytes()
