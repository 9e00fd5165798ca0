"""`grapevine import` of MACE models that mace-torch saved."""

import json
import shutil
import struct
import subprocess
import zipfile

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
