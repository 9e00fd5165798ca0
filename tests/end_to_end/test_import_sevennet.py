"""`grapevine import` of SevenNet's checkpoints as a user runs it."""

import json
import subprocess

import pytest

PUBLISHED = {"SevenNet_0__11Jul2024": ("0.9.1", "xplor", 2), "SevenNet_0__22May2024": ("0.9.1", "xplor", 2),
             "SevenNet_l3i5": ("0.9.2", "polynomial", 3)}


def call(*words):
    return subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=300)


def import_model(grapevine, source, output, *options):
    done = call(grapevine, "import", source, "-o", output, *options)
    assert done.returncode == 0, done.stderr
    return output


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_checkpoints(name, grapevine, sevennet_checkpoints, tmp_path):
    version, cutoff_function, order = PUBLISHED[name]
    model = import_model(grapevine, sevennet_checkpoints / f"{name}.pth", tmp_path / "model.safetensors", "--note", "a note")
    done = call(grapevine, "info", model, "--json")
    assert done.returncode == 0, done.stderr
    facts = json.loads(done.stdout)
    assert facts["architecture"] == "nequip" and len(facts["species"]) == 89 and facts["cutoff"] == 5.0
    assert facts["hyperparameters"]["cutoff_function"]["kind"] == cutoff_function
    assert facts["hyperparameters"]["edge_order"] == order
    assert len(facts["hyperparameters"]["interactions"]) == 5
    assert facts["provenance"]["source_kind"] == "SevenNet checkpoint"
    assert facts["provenance"]["note"] == f"SevenNet {version}; a note"
    text = call(grapevine, "info", model).stdout
    assert "interactions 4" in text and max(len(line) for line in text.splitlines()) < 400


def test_published_model_of_two_modalities(grapevine, sevennet_checkpoints, tmp_path):
    source, model = sevennet_checkpoints / "SevenNet_MF_0.pth", tmp_path / "model.safetensors"
    done = call(grapevine, "import", source, "-o", model)
    assert done.returncode == 1 and "--modality: R2SCAN, PBE" in done.stderr and done.stderr.count("\n") == 1
    import_model(grapevine, source, model, "--modality", "PBE")


def test_importing_twice_gives_the_same_bytes(grapevine, golden, tmp_path):
    source = golden("sevennet-parity") / "checkpoint.pth"
    first = import_model(grapevine, source, tmp_path / "a.safetensors")
    second = import_model(grapevine, source, tmp_path / "b.safetensors")
    assert first.read_bytes() == second.read_bytes()


def test_flags_of_other_files_are_refused_by_name(grapevine, golden, tmp_path):
    sevennet, reann = golden("sevennet-parity") / "checkpoint.pth", golden("local-s-only") / "REANN.pth"
    for source, words in [(sevennet, ["--para", "para"]), (sevennet, ["--activation", "Relu_like"]),
                          (sevennet, ["--message-activation", "Relu_like"]), (sevennet, ["--gaussian-sign", "plus"]),
                          (reann, ["--modality", "PBE"]), (sevennet, ["--modality", "PBE"])]:
        done = call(grapevine, "import", source, "-o", tmp_path / "m.safetensors", *words)
        assert done.returncode == 1 and words[0] in done.stderr and done.stderr.count("\n") == 1, done.stderr
    assert not (tmp_path / "m.safetensors").exists()


def test_what_only_reann_can_do_is_refused_in_one_line(grapevine, golden_model, tmp_path):
    model = golden_model("sevennet-so3")
    done = call(grapevine, "export", "--to", "reann", model, tmp_path / "out")
    assert done.returncode == 1 and done.stderr.count("\n") == 1 and not (tmp_path / "out").exists()
