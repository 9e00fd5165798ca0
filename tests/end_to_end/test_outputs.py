"""No output takes the place of an input or, unasked, of a finished training; links are written through."""

import os
import subprocess

import pytest
from ase.build import bulk
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import write
from lammps_run import ROOT

MODEL = ROOT / "models" / "nbmotaw.safetensors"
GOLDEN = ROOT / "tests" / "data" / "golden" / "local-s-only"
TINY = ("--cutoff", 4, "--waves", 2, "--max-order", 0, "--layers", 0, "--readout-widths", 4, "--epochs", 2, "--threads",
        1)


@pytest.fixture
def call(grapevine, tmp_path):
    """call(*words): the finished process, run in a folder of its own."""

    def run(*words):
        command = [grapevine, *map(str, words)]
        return subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=tmp_path)

    return run


@pytest.fixture
def refused(call, tmp_path):
    """refused(*words): the one line of the refusal, after which every file is as it was."""

    def files():
        return {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}

    def run(*words):
        before = files()
        done = call(*words)
        assert done.returncode == 1, done.stdout
        assert files() == before
        assert len(done.stderr.splitlines()) == 1, done.stderr
        return done.stderr

    return run


@pytest.fixture
def files(tmp_path):
    """A model, structures with references, and other names for them."""
    (tmp_path / "model.safetensors").write_bytes(MODEL.read_bytes())
    images = []
    for seed in range(10):
        atoms = bulk("W", cubic=True)
        atoms.rattle(0.1, seed=seed)
        atoms.calc = SinglePointCalculator(atoms, energy=-24.0 + seed, forces=0.1 * atoms.positions)
        images.append(atoms)
    write(tmp_path / "data.extxyz", images)
    os.link(tmp_path / "data.extxyz", tmp_path / "hard.extxyz")
    os.link(tmp_path / "data.extxyz", tmp_path / "hard")
    os.link(tmp_path / "data.extxyz", tmp_path / "hard.png")
    os.link(tmp_path / "model.safetensors", tmp_path / "hard-model")
    (tmp_path / "soft").symlink_to("data.extxyz")
    (tmp_path / "soft-model").symlink_to("model.safetensors")
    return tmp_path


@pytest.mark.parametrize("output", ["data.extxyz", "./data.extxyz", "hard.extxyz", "soft", "hard-model", "soft-model"])
def test_evaluate_replaces_no_input(output, refused, files):
    assert output in refused("evaluate", "model.safetensors", "data.extxyz", "-o", output)


def test_evaluate_draws_over_no_input_and_writes_two_files(refused, files):
    assert "same file" in refused("evaluate", "model.safetensors", "data.extxyz", "--plot", "hard.png")
    (files / "soft-new").symlink_to("new.png")
    both = ("-o", "soft-new", "--plot", "new.png")
    assert "two outputs" in refused("evaluate", "model.safetensors", "data.extxyz", *both)
    assert "a picture" in refused("evaluate", "model.safetensors", "data.extxyz", "-o", "new.png")
    assert "a model" in refused("evaluate", "model.safetensors", "data.extxyz", "-o", "model.safetensors")


@pytest.mark.parametrize("output", ["hard", "soft", "hard-model"])
def test_train_replaces_no_input(output, refused, files):
    words = ("train", "--train", "data.extxyz", "--start", "model.safetensors", *TINY, "--overwrite")
    assert "same file" in refused(*words, "-o", output)


def test_train_refuses_names_of_other_things(refused, files):
    for name in ("data.extxyz", "new.toml", "new.checkpoint.safetensors"):
        assert "let the name end in .safetensors" in refused("train", "--train", "data.extxyz", *TINY, "-o", name)


def test_train_does_not_write_over_its_configuration(refused, files):
    (files / "config").write_text("output = 'config'\n[data]\ntrain = 'data.extxyz'\n")
    assert "also an input" in refused("train", "config", "--overwrite")


def test_import_replaces_no_input(refused, tmp_path):
    for name in ("REANN.pth", "para/input_nn", "para/input_density"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes((GOLDEN / name).read_bytes())
    os.link(tmp_path / "REANN.pth", tmp_path / "checkpoint")
    (tmp_path / "settings").symlink_to("para/input_nn")
    for name in ("checkpoint", "settings", "para/input_density"):
        assert name in refused("import", "REANN.pth", "--para", "para", "-o", name)
    assert "PyTorch" in refused("import", "REANN.pth", "--para", "para", "-o", "other.pth")


def test_export_replaces_no_input(refused, files):
    (files / "reann").mkdir()
    os.link(files / "model.safetensors", files / "reann" / "REANN.pth")
    assert "same file" in refused("export", "--to", "reann", "model.safetensors", "reann", "--overwrite")


def test_bench_replaces_no_input(refused, files):
    (files / "out" / "runs").mkdir(parents=True)
    os.link(files / "model.safetensors", files / "out" / "results.json")
    assert "results.json" in refused("bench", "--alloy-model", "model.safetensors", "-o", "out")
    os.rename(files / "out" / "results.json", files / "out" / "runs" / "in.lmp")
    assert "in.lmp" in refused("bench", "scaling", "--silver-model", "model.safetensors", "-o", "out")


def test_the_same_command_again_needs_a_word(call, refused, files):
    words = ("train", "--train", "data.extxyz", *TINY, "-o", "run.1")
    assert call(*words).returncode == 0
    first = (files / "run.1").read_bytes()
    assert "run.1 exists already" in refused(*words)
    assert "run.1 exists already" in refused(*words, "--seed", 2)
    done = call(*words, "--seed", 2, "--overwrite")
    assert done.returncode == 0, done.stderr
    assert (files / "run.1").read_bytes() != first


def test_trainings_of_dotted_names_share_nothing(call, refused, files):
    for number in (1, 2):
        done = call("train", "--train", "data.extxyz", *TINY, "--seed", number, "-o", f"run.{number}")
        assert done.returncode == 0, done.stderr
    made = {path.name for path in files.iterdir() if path.name.startswith("run")}
    assert made == {f"run.{number}{ending}" for number in (1, 2)
                    for ending in ("", ".checkpoint.safetensors", ".log.csv", ".report.html", ".plots")}
    line = refused("train", "--train", "data.extxyz", *TINY, "--seed", 2, "-o", "run.3", "--resume")
    assert "run.3.checkpoint.safetensors" in line


def test_models_are_written_through_links(call, tmp_path):
    (tmp_path / "link.safetensors").symlink_to("target.safetensors")
    for _ in range(2):
        done = call("import", GOLDEN / "REANN.pth", "--para", GOLDEN / "para", "-o", "link.safetensors")
        assert done.returncode == 0, done.stderr
        assert (tmp_path / "link.safetensors").is_symlink()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link.safetensors", "target.safetensors"]
    assert call("info", "target.safetensors").returncode == 0


def test_errors_of_the_command_line_name_the_command(refused):
    assert refused("frobnicate").rstrip().endswith("there is no command frobnicate; grapevine --help lists all")
    assert refused("lamps", "-in", "x").rstrip().endswith("there is no command lamps; grapevine --help lists all")
    assert refused("bench", "water").rstrip().endswith("see grapevine bench water --help")
