"""`grapevine train --architecture mace | nequip`: from data to a model, on again, and on from models that were imported."""

import csv
import subprocess

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import read, write
from lammps_run import ROOT
from model_files import read_model

MODEL = ROOT / "models" / "nbmotaw.safetensors"
SIZES = {
    "mace": ("--channels", 4, "--edge-order", 2, "--correlation", 2, "--interactions", 2),
    "nequip": ("--channels", 4, "--edge-order", 1, "--max-order", 1, "--interactions", 2),
}
SMALL = ("--cutoff", 4, "--radial-functions", 4, "--radial-widths", 8, "--readout-widths", 4, "--batch", 5,
         "--lr", 0.01, "--threads", 1)


@pytest.fixture(scope="session")
def data(grapevine, tmp_path_factory):
    """Disturbed crystals of tungsten and molybdenum, labelled by the shipped model."""
    folder = tmp_path_factory.mktemp("data")
    random = np.random.default_rng(1)
    frames = []
    for n in range(30):
        atoms = bulk("W", cubic=True, a=3.17 * random.uniform(0.97, 1.03)).repeat((2, 1, 1))
        atoms.symbols[random.random(len(atoms)) < 0.4] = "Mo"
        atoms.rattle(0.12, seed=n)
        frames.append(atoms)
    write(folder / "bare.extxyz", frames)
    subprocess.run([grapevine, "evaluate", MODEL, folder / "bare.extxyz", "-o", folder / "results.extxyz"], check=True,
                   capture_output=True, timeout=60)
    labelled = []
    for atoms in read(folder / "results.extxyz", ":"):
        clean = Atoms(atoms.symbols, positions=atoms.positions, cell=atoms.cell, pbc=True)
        clean.calc = SinglePointCalculator(clean, energy=atoms.get_potential_energy(), forces=atoms.get_forces())
        labelled.append(clean)
    write(folder / "train.extxyz", labelled)
    return folder


@pytest.fixture
def train(grapevine, data, tmp_path):
    """train(*arguments, ranks=1): the finished process, in a folder of its own."""

    def run(*arguments, ranks=1, check=True):
        command = [grapevine, "train", "--train", data / "train.extxyz", *arguments]
        if ranks > 1:
            command = [ROOT / ".venv" / "bin" / "mpirun", "-np", str(ranks), *command]
        done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=300, cwd=tmp_path)
        assert not check or done.returncode == 0, done.stderr
        return done

    return run


def log(path):
    with open(path) as file:
        return [{key: float(value) for key, value in row.items() if value} for row in csv.DictReader(file)]


def tensors(path):
    return read_model(path)[1]


def evaluated(grapevine, model, structures, tmp_path):
    subprocess.run([grapevine, "evaluate", model, structures, "-o", tmp_path / "out.extxyz"], check=True,
                   capture_output=True, timeout=120)
    return read(tmp_path / "out.extxyz", ":")


@pytest.mark.parametrize("architecture", ["mace", "nequip"])
def test_errors_fall_and_the_model_runs(architecture, train, grapevine, data, tmp_path):
    train("--architecture", architecture, *SIZES[architecture], *SMALL, "--epochs", 300, "--ema", 0.9, "-o",
          "model.safetensors")
    epochs = log(tmp_path / "model.log.csv")
    forces = [epoch["valid_forces_rmse_eV_per_A"] for epoch in epochs]
    assert forces[-1] < 0.7 * forces[0]
    frames = evaluated(grapevine, tmp_path / "model.safetensors", data / "train.extxyz", tmp_path)
    assert all(np.isfinite(atoms.get_forces()).all() for atoms in frames)
    done = subprocess.run([grapevine, "info", "model.safetensors"], capture_output=True, text=True, check=True,
                          cwd=tmp_path, timeout=60)
    assert architecture in done.stdout


@pytest.mark.parametrize("architecture", ["mace", "nequip"])
def test_resumed_training_is_the_unbroken_one(architecture, train, tmp_path):
    options = ("--architecture", architecture, *SIZES[architecture], *SMALL, "--double", "--epochs", 4)
    train(*options, "-o", "whole.safetensors")
    done = train(*options, "-o", "whole.safetensors", "--resume")
    assert done.returncode == 0
    refused = train(*options[:-1], 5, "-o", "whole.safetensors", "--resume", check=False)
    assert refused.returncode == 1 and "is of another training" in refused.stderr


@pytest.mark.parametrize("architecture", ["mace", "nequip"])
def test_ranks_and_threads_change_rounding_only(architecture, train, tmp_path):
    options = ("--architecture", architecture, *SIZES[architecture], *SMALL[:-2], "--double", "--epochs", 3,
               "--trained-basis")
    # Batches of one: threads share the atoms of a structure.
    shared = {"one": (1, 1, 5), "threads": (1, 3, 5), "ranks": (2, 1, 5), "alone": (1, 1, 1), "atoms": (1, 2, 1)}
    for name, (ranks, threads, batch) in shared.items():
        train(*options, "--batch", batch, "--threads", threads, "-o", f"{name}.safetensors", ranks=ranks)
    roots = tensors(tmp_path / "one.safetensors")["radial.frequency"] * 4 / np.pi  # of 4 Angstrom
    assert not np.allclose(roots, [1, 2, 3, 4], atol=1e-6) and np.allclose(roots, [1, 2, 3, 4], atol=0.3)
    for name, reference in (("threads", "one"), ("ranks", "one"), ("atoms", "alone")):
        expected = tensors(tmp_path / f"{reference}.safetensors")
        for key, values in tensors(tmp_path / f"{name}.safetensors").items():
            np.testing.assert_allclose(values, expected[key], rtol=1e-7, atol=1e-7, err_msg=f"{name}: {key}")


@pytest.mark.parametrize("case, frozen", [("mace-nu-one", "radial,mixing"), ("nequip-l1-parity", "radial,embedding")])
def test_imported_models_go_on(case, frozen, grapevine, golden, golden_model, train, tmp_path):
    start = golden_model(case)
    reference = read(golden(case) / "reference.extxyz", ":")
    frames = evaluated(grapevine, start, golden(case) / "reference.extxyz", tmp_path)
    labelled = []
    for atoms in frames[: len(reference)]:
        clean = Atoms(atoms.symbols, positions=atoms.positions, cell=atoms.cell, pbc=atoms.pbc)
        # Another level of theory: other energies of the elements.
        clean.calc = SinglePointCalculator(clean, energy=atoms.get_potential_energy() + 7.0 * len(atoms),
                                           forces=1.1 * atoms.get_forces())
        labelled.append(clean)
    write(tmp_path / "new.extxyz", labelled)
    done = subprocess.run(
        [str(word) for word in (grapevine, "train", "--train", tmp_path / "new.extxyz", "--valid",
                                tmp_path / "new.extxyz", "--start", start, "--freeze", frozen, "--epochs", 2, "--lr",
                                1e-4, "--batch", 1, "--threads", 1, "-o", tmp_path / "on.safetensors")],
        capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    before, after = tensors(start), tensors(tmp_path / "on.safetensors")
    assert before.keys() <= after.keys()
    radial = [name for name in before if ".radial." in name]
    assert radial and all(np.allclose(before[name], after[name], rtol=1e-6, atol=1e-12) for name in radial)
    moved = [name for name in before if "readout" in name]
    assert any(not np.allclose(before[name], after[name], rtol=1e-9, atol=0) for name in moved)
    assert np.allclose(after["energy.shift"] - before["energy.shift"], 7.0, atol=0.5)
    assert log(tmp_path / "on.log.csv")[0]["valid_energy_rmse_eV_per_atom"] < 0.5


def test_new_elements_are_added(train, data, tmp_path, grapevine):
    options = ("--architecture", "mace", *SIZES["mace"], *SMALL, "--epochs", 1)
    train(*options, "-o", "model.safetensors")
    frames = read(data / "train.extxyz", ":6")
    for atoms in frames:
        results = atoms.calc.results
        atoms.symbols[0] = "Ta"
        atoms.calc = SinglePointCalculator(atoms, **results)
    write(tmp_path / "tantalum.extxyz", frames)
    subprocess.run([str(word) for word in (grapevine, "train", "--train", tmp_path / "tantalum.extxyz", "--start",
                                           tmp_path / "model.safetensors", "--species", "Ta", "--epochs", 1, "--threads",
                                           1, "-o", tmp_path / "more.safetensors")], check=True, timeout=120)
    assert tensors(tmp_path / "more.safetensors")["embedding"].shape[0] == 3


@pytest.mark.parametrize("architecture", ["mace", "nequip"])
def test_isolated_atoms_have_their_energies(architecture, train, grapevine, tmp_path):
    train("--architecture", architecture, *SIZES[architecture], *SMALL, "--epochs", 2, "--isolated-atom",
          "W=-4.5,Mo=-3.25", "-o", "model.safetensors")
    write(tmp_path / "alone.extxyz", [Atoms("W", cell=[20] * 3), Atoms("Mo", cell=[20] * 3)])
    frames = evaluated(grapevine, tmp_path / "model.safetensors", tmp_path / "alone.extxyz", tmp_path)
    assert [atoms.get_potential_energy() for atoms in frames] == pytest.approx([-4.5, -3.25], abs=1e-6)


def test_options_of_other_architectures_are_refused(train):
    done = train("--architecture", "mace", "--waves", 8, "-o", "model.safetensors", check=False)
    assert done.returncode == 1
    assert "--waves: models of architecture mace have no such option" in done.stderr


def test_init_writes_the_options_of_the_architecture(grapevine):
    text = subprocess.run([grapevine, "train", "--architecture", "nequip", "--init"], capture_output=True, text=True,
                          check=True, timeout=60).stdout
    assert 'architecture = "nequip"' in text and "parity = " in text
    assert "waves" not in text and "correlation" not in text


def test_python_trains_them_too(data, tmp_path):
    import grapevine

    seen = []
    results = grapevine.train(train=[data / "train.extxyz"], output=tmp_path / "model.safetensors", architecture="mace",
                              channels=[4], edge_order=1, correlation=2, cutoff=4.0, radial_widths=[8], epochs=2,
                              threads=1, progress=lambda epoch: seen.append(epoch["epoch"]))
    assert seen == [1, 2]
    assert results[0]["model"] == str(tmp_path / "model.safetensors")
