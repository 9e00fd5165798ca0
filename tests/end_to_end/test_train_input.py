"""What `grapevine train` does before it trains: configuration, dry run, and refusal of bad input in one line."""

import os
import subprocess
import tomllib

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import write
from lammps_run import ROOT

SHARED = ROOT.parent / "shared" / "data"


@pytest.fixture
def train(grapevine, tmp_path):
    """train(*arguments): the finished process, run in a folder of its own."""

    def run(*arguments):
        command = [grapevine, "train", *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=tmp_path)

    return run


@pytest.fixture
def dry_run(train):
    """dry_run(*arguments): the same, without training."""
    return lambda *arguments: train("--dry-run", "-o", "model.safetensors", *arguments)


@pytest.fixture
def refusal(dry_run):
    """refusal(*arguments): the one line with which a dry run ends."""

    def run(*arguments):
        done = dry_run(*arguments)
        assert done.returncode == 1
        lines = done.stderr.splitlines()
        assert len(lines) == 1, done.stderr
        return lines[0]

    return run


def tungsten(seed, stress=True):
    """A disturbed crystal with the results of a calculator, as ASE keeps them."""
    atoms = bulk("W", cubic=True)
    atoms.rattle(0.1, seed=seed)
    results = {"energy": -24.0 + seed, "forces": np.random.default_rng(seed).normal(size=(2, 3))}
    if stress:
        results["stress"] = np.arange(6) * 1e-3
    atoms.calc = SinglePointCalculator(atoms, **results)
    return atoms


@pytest.fixture
def data(tmp_path):
    """A file of ten structures, as ASE writes it."""
    write(tmp_path / "train.extxyz", [tungsten(seed) for seed in range(10)])
    return tmp_path / "train.extxyz"


def lines_with(text, *words):
    return [line for line in text.splitlines() if all(word in line for word in words)]


def test_init_lists_every_option_and_is_read_back(train, data, tmp_path):
    printed = train("--init")
    assert printed.returncode == 0
    assert tomllib.loads(printed.stdout)["optimiser"]["epochs"] == 200
    assert train("--init", "new.toml").returncode == 0
    assert (tmp_path / "new.toml").read_text() == printed.stdout
    done = train("new.toml", "--train", data, "-o", "model.safetensors", "--dry-run")
    assert done.returncode == 0, done.stderr


def test_init_takes_flags_and_makes_paths_relative_to_the_file(train, data, tmp_path):
    (tmp_path / "sub").mkdir()
    done = train("--init", "sub/c.toml", "--train", "train.extxyz", "-o", "m.safetensors", "--cutoff", 4, "--double")
    assert done.returncode == 0, done.stderr
    config = tomllib.loads((tmp_path / "sub" / "c.toml").read_text())
    assert config["data"]["train"] == ["../train.extxyz"]
    assert config["output"] == "../m.safetensors"
    assert config["model"]["cutoff"] == 4
    assert config["double"] is True
    assert train("sub/c.toml", "--dry-run").returncode == 0


def test_init_overwrites_nothing(train, tmp_path):
    (tmp_path / "c.toml").write_text("seed = 1\n")
    done = train("--init", "c.toml")
    assert done.returncode == 1
    assert "exists already" in done.stderr
    assert (tmp_path / "c.toml").read_text() == "seed = 1\n"


def test_dry_run_tells_what_the_data_hold(dry_run, data, tmp_path):
    done = dry_run("--train", data, "--virial-weight", 0.1)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert lines_with(done.stdout, "train")[0].split()[1:6] == ["10", "20", "10", "10", "10"]
    assert "1 frames of train are set aside" in done.stdout
    assert lines_with(done.stdout, "W")[0].split() == ["W", "10", "frames", "20", "atoms"]
    assert "neighbours per atom" in done.stdout
    assert sorted(p.name for p in tmp_path.iterdir()) == ["train.extxyz"]


def test_flags_go_before_the_file(train, data, tmp_path):
    (tmp_path / "c.toml").write_text("output='m.safetensors'\n[data]\ntrain='train.extxyz'\nsplit=0.5\n[model]\ncutoff=4\n")
    assert "within 4 A" in train("c.toml", "--dry-run").stdout
    done = train("c.toml", "--dry-run", "--cutoff", "6", "--split", "0.8")
    assert "within 6 A" in done.stdout
    assert "2 frames of train are set aside" in done.stdout


def test_several_files_and_sets(dry_run, data, tmp_path):
    write(tmp_path / "more.extxyz", [tungsten(20), tungsten(21)])
    done = dry_run("--train", data, "--train", "more.extxyz", "--valid", "more.extxyz", "--test", "more.extxyz")
    assert lines_with(done.stdout, "train ")[0].split()[1] == "12"
    assert lines_with(done.stdout, "valid ")[0].split()[1] == "2"
    assert lines_with(done.stdout, "test ")[0].split()[1] == "2"
    assert len(lines_with(done.stderr, "warning: ", "is among the files of both")) == 3


def test_mace_names_are_understood(dry_run, tmp_path):
    images = []
    for seed in range(4):
        atoms = tungsten(seed)
        calc, atoms.calc = atoms.calc, None
        atoms.info.update({"REF_energy": calc.results["energy"], "REF_stress": calc.get_stress(atoms)})
        atoms.arrays["REF_forces"] = calc.results["forces"]
        images.append(atoms)
    write(tmp_path / "mace.extxyz", images)
    done = dry_run("--train", "mace.extxyz", "--virial-weight", 1)
    assert lines_with(done.stdout, "train ")[0].split()[1:6] == ["4", "8", "4", "4", "4"]


def test_missing_references_are_counted(dry_run, tmp_path):
    images = [tungsten(seed, stress=seed < 3) for seed in range(5)]
    images.append(Atoms("W", positions=[[0, 0, 0]]))
    write(tmp_path / "some.extxyz", images)
    done = dry_run("--train", "some.extxyz", "--virial-weight", 1)
    assert done.returncode == 0, done.stderr
    assert lines_with(done.stderr, "warning: ", "1 of 6 frames have no reference values and are left out")
    assert lines_with(done.stderr, "warning: ", "2 of 5 frames of train have no virial")


def test_reanns_format(dry_run, refusal):
    folder = ROOT / "tests" / "data" / "training"
    assert "may be fractional" in refusal("--train", folder)
    done = dry_run("--train", folder, "--reann-coordinates", "fractional")
    assert done.returncode == 0, done.stderr
    assert lines_with(done.stdout, "train ")[0].split()[1:6] == ["2", "4", "2", "1", "0"]
    assert "shortest distance 1.000 A" in done.stdout


def test_nothing_to_train_on(train):
    done = train()
    assert done.returncode == 1
    assert "no structures to train on" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_missing_files(refusal, data):
    assert "cannot open absent.extxyz: No such file" in refusal("--train", "absent.extxyz")
    assert "cannot open absent.toml: No such file" in refusal("absent.toml")
    assert "cannot read absent.safetensors: No such file" in refusal("--train", data, "--start", "absent.safetensors")
    assert "check that the folder exists" in refusal("--train", data, "-o", "absent/model.safetensors")


def test_numbers_that_are_not(refusal, data):
    good = data.read_text()
    data.write_text(good.replace("energy=-20.0", "energy=nan"))
    assert "train.extxyz:17: frame 5: energy=" in refusal("--train", data)
    lines = good.splitlines()
    lines[6] = " ".join([*lines[6].split()[:-1], "inf"])
    data.write_text("\n".join(lines))
    assert "train.extxyz:5: frame 2: line 7: 'inf' of forces of atom 1 is not a finite number" in refusal("--train", data)


def test_wrong_number_of_columns(refusal, data):
    lines = data.read_text().splitlines()
    lines[7] = lines[7].rsplit(maxsplit=1)[0]
    data.write_text("\n".join(lines))
    assert "train.extxyz:8: 6 columns where 7 are expected by Properties (frame 2)" in refusal("--train", data)


def test_file_that_ends_too_soon(refusal, data):
    data.write_text("\n".join(data.read_text().splitlines()[:-1]))
    assert "(frame 10)" in refusal("--train", data)


def test_named_key_that_is_not_there(refusal, data):
    line = refusal("--train", data, "--forces-key", "dft_forces")
    assert "no frame has forces under the name 'dft_forces'; its first frame has energy, stress, forces" in line


def test_isolated_atoms_are_a_list_with_commas(dry_run, refusal, data, tmp_path):
    write(tmp_path / "two.extxyz", [bulk("Ta", cubic=True) for _ in range(3)])
    text = (tmp_path / "two.extxyz").read_text().replace('pbc="T T T"', 'energy=-20 pbc="T T T"')
    (tmp_path / "two.extxyz").write_text(text)
    done = dry_run("--train", data, "--train", "two.extxyz", "--isolated-atom", "W=-4.5,Ta=-3.25")
    assert done.returncode == 0, done.stderr
    assert "an isolated atom of W has -4.5 eV" in done.stdout
    assert "an isolated atom of Ta has -3.25 eV" in done.stdout
    assert "--isolated-atom Cu=-4: no structure of train has this element" in refusal(
        "--train", data, "--isolated-atom", "W=-4.5,Cu=-4"
    )


def test_weights_of_structures_are_told_and_checked(dry_run, refusal, data):
    text = data.read_text().replace('pbc="T T T"', 'config_type=liquid pbc="T T T"', 4)
    data.write_text(text.replace("energy=-15.0", "energy=-15.0 config_energy_weight=0.25", 1))
    done = dry_run("--train", data, "--weight", "liquid=2", "--virial-weight", 1)
    assert done.returncode == 0, done.stderr
    assert "4 structures of config_type liquid count 2 times in the loss" in done.stdout
    assert "1 structures have weights of their own, from 0.25 to 1 in the loss" in done.stdout
    assert "--weight liquid: expected a config_type and a number" in refusal("--train", data, "--weight", "liquid")
    assert "config_type liquid must be from 0 to" in refusal("--train", data, "--weight", "liquid=-2")
    assert "--weight gas=2: no structure of train or valid has config_type=gas, only liquid" in refusal(
        "--train", data, "--weight", "liquid=2", "--weight", "gas=2"
    )
    data.write_text(text.replace("energy=-15.0", "energy=-15.0 weight=2 config_weight=2", 1))
    assert "are the same weight under two names" in refusal("--train", data)


def test_isolated_atoms_in_large_boxes_are_recognised(dry_run, data, tmp_path):
    atom = Atoms("W", cell=[20, 20, 20], pbc=True)
    atom.calc = SinglePointCalculator(atom, energy=-4.5)
    write(tmp_path / "atom.extxyz", atom)
    done = dry_run("--train", data, "--train", "atom.extxyz", "--virial-weight", 1)
    assert lines_with(done.stderr, "warning: ", "1 of 11 frames of train are one atom alone", "--isolated-atom-frames")
    done = dry_run("--train", data, "--train", "atom.extxyz", "--virial-weight", 1, "--isolated-atom-frames")
    assert done.stderr == ""
    assert "an isolated atom of W has -4.5 eV" in done.stdout


def test_options_that_contradict_the_model_to_start_from(refusal, data):
    start = ROOT / "models" / "nbmotaw.safetensors"
    assert "--cutoff 6 contradicts the model to start from" in refusal("--train", data, "--start", start, "--cutoff", 6)
    assert "was trained without energies of isolated atoms" in refusal(
        "--train", data, "--start", start, "--isolated-atom", "W=-4.5"
    )


def test_virial_in_the_loss_without_virials(refusal, tmp_path):
    write(tmp_path / "none.extxyz", [tungsten(seed, stress=False) for seed in range(3)])
    assert "no structure of train has a virial" in refusal("--train", "none.extxyz", "--virial-weight", 1)


def test_element_without_data(refusal, data):
    assert "no structure of train has the element Ta" in refusal("--train", data, "--species", "W,Ta")
    assert "frame 1: element W is not one of the model's, Ta" in refusal("--train", data, "--species", "Ta")


def test_silly_cutoffs(refusal, data):
    assert "--cutoff must be between 1.5 and 12, not 40" in refusal("--train", data, "--cutoff", 40)
    assert "--cutoff must be between 1.5 and 12, not -1" in refusal("--train", data, "--cutoff", -1)
    assert "no atom has a neighbour within the cutoff of 1.6" in refusal("--train", data, "--cutoff", 1.6)


def test_unknown_options_and_wrong_values(refusal, tmp_path):
    (tmp_path / "c.toml").write_text("[model]\ncutof = 5\n")
    assert "c.toml:2: unknown option 'cutof' in [model]" in refusal("c.toml")
    (tmp_path / "c.toml").write_text("[model]\n\ncutoff = 'five'\n")
    assert "c.toml:3: model.cutoff must be a number" in refusal("c.toml")
    assert "--layers 'two' is not a whole number" in refusal("--layers", "two")
    assert "--isolated-atom W:-4" in refusal("--isolated-atom", "W:-4")


def test_data_too_large_for_memory(refusal, tmp_path):
    with open(tmp_path / "huge.extxyz", "w") as file:
        os.truncate(file.fileno(), 1 << 43)  # a sparse file
    assert "of memory are free" in refusal("--train", "huge.extxyz")


@pytest.mark.parametrize("name", ["acetylacetone", "alloy-NbMoTaW", "lithium", "molybdenum", "silicon", "water"])
def test_published_data_are_read_without_warning(dry_run, name):
    if not SHARED.exists():
        pytest.skip("no shared material beside the checkout")
    tests = sorted((SHARED / name).glob("test*.extxyz"))
    done = dry_run("--train", SHARED / name / "train.extxyz", "--test", tests[0])
    assert done.returncode == 0
    assert done.stderr == ""
