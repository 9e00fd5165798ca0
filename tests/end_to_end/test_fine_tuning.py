"""`grapevine train --start`: on to new data without forgetting the old, by replay and by changes of low rank."""

import csv
import json
import struct
import subprocess

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import read, write
from lammps_run import ROOT

MODEL = ROOT / "models" / "nbmotaw.safetensors"
SHIFT = 2.5  # eV for each atom, between the two levels of theory


def crystals(symbols, count, seed):
    """Disturbed crystals of these elements."""
    random = np.random.default_rng(seed)
    frames = []
    for n in range(count):
        atoms = bulk(symbols[0], "bcc", cubic=True, a=3.2 * random.uniform(0.97, 1.03)).repeat((2, 1, 1))
        atoms.symbols[:] = random.choice(symbols, len(atoms))
        atoms.rattle(0.12, seed=100 * seed + n)
        frames.append(atoms)
    return frames


@pytest.fixture(scope="session")
def label(grapevine, tmp_path_factory):
    """label(model, frames): the frames with what the model says of them."""
    folder = tmp_path_factory.mktemp("labels")

    def run(model, frames):
        write(folder / "bare.extxyz", frames)
        subprocess.run([grapevine, "evaluate", model, folder / "bare.extxyz", "-o", folder / "out.extxyz"], check=True,
                       capture_output=True, timeout=120)
        return read(folder / "out.extxyz", ":")

    return run


def relabelled(frames, shift=0.0, scale=1.0):
    clean = []
    for atoms in frames:
        copy = Atoms(atoms.symbols, positions=atoms.positions, cell=atoms.cell, pbc=atoms.pbc)
        copy.calc = SinglePointCalculator(copy, energy=atoms.get_potential_energy() + shift * len(atoms),
                                          forces=scale * atoms.get_forces())
        clean.append(copy)
    return clean


@pytest.fixture(scope="session")
def data(label, tmp_path_factory):
    """Tungsten of another level of theory, and alloys that the model knows, as it labels them and without labels."""
    folder = tmp_path_factory.mktemp("data")
    write(folder / "train.extxyz", relabelled(label(MODEL, crystals(["W"], 20, 1)), SHIFT, 1.5))
    replay = crystals(["Nb", "Mo", "Ta"], 40, 2)
    write(folder / "bare.extxyz", replay)
    write(folder / "replay.extxyz", relabelled(label(MODEL, replay)))
    write(folder / "old.extxyz", relabelled(label(MODEL, crystals(["Nb", "Mo", "Ta"], 30, 3))))
    return folder


@pytest.fixture
def tune(grapevine, data, tmp_path):
    """tune(name, *arguments): the finished process, in a folder of its own."""

    def run(name, *arguments, start=MODEL, train=data / "train.extxyz", check=True):
        command = [grapevine, "train", "--train", train, "--start", start, "--epochs", 30, "--batch", 8,
                   "--lr", 1e-3, "--threads", 1, "-o", f"{name}.safetensors", *arguments]
        done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=300,
                              cwd=tmp_path)
        assert not check or done.returncode == 0, done.stderr
        return done

    return run


def tensors(path):
    """Names and numbers of a model file; its format is a header of JSON, and the numbers."""
    content = path.read_bytes()
    begin = 8 + struct.unpack("<Q", content[:8])[0]
    header = json.loads(content[8:begin])
    return {name: np.frombuffer(content[begin + entry["data_offsets"][0] : begin + entry["data_offsets"][1]],
                                "<f8").reshape(entry["shape"])
            for name, entry in header.items() if name != "__metadata__" and entry["dtype"] == "F64"}


def change_of_forces(label, model, data):
    """Root mean square of what the forces on structures of the old domain have changed by, eV/Angstrom."""
    old = read(data / "old.extxyz", ":")
    now = label(model, old)
    return np.sqrt(np.mean([np.mean((a.get_forces() - b.get_forces()) ** 2) for a, b in zip(now, old)]))


@pytest.mark.parametrize("labels", ["own", "start"])
def test_replay_keeps_the_old_domain(labels, tune, label, data, tmp_path):
    tune("plain")
    file = data / ("replay.extxyz" if labels == "own" else "bare.extxyz")
    done = tune("replayed", "--replay", file, "--replay-labels", labels)
    plain = change_of_forces(label, tmp_path / "plain.safetensors", data)
    assert change_of_forces(label, tmp_path / "replayed.safetensors", data) < 0.65 * plain
    lines = {line.split()[0]: line for line in done.stdout.splitlines() if "MAE" in line}
    assert list(lines) == ["train", "valid", "replay", "before"]
    assert float(lines["before"].split("MAE ")[1].split()[0]) < 0.01  # meV/atom: energies are shifted with the model's
    report = (tmp_path / "replayed.report.html").read_text()
    assert "<h3>replay</h3>" in report and "at the start" in report


def test_what_is_not_labelled_is_refused(tune, data, tmp_path):
    done = tune("model", "--replay", data / "bare.extxyz", check=False)
    assert done.returncode == 1 and "--replay-labels start" in done.stderr
    assert not (tmp_path / "model.safetensors").exists()


def test_low_rank_is_low_rank(tune, tmp_path):
    tune("thin", "--low-rank", 2, "--double")
    before, after = tensors(MODEL), tensors(tmp_path / "thin.safetensors")
    name = next(name for name in before if name.startswith("readout.W.") and before[name].ndim == 2
                and min(before[name].shape) > 8)
    change = np.linalg.svd(after[name] - before[name], compute_uv=False)
    assert change[0] > 1e-6 and change[2] < 1e-9 * change[0]


@pytest.mark.parametrize("case", ["mace-nu-one", "nequip-l1-parity"])
def test_imported_models_too(case, tune, golden, golden_model, label, tmp_path):
    start = golden_model(case)
    frames = relabelled(label(start, read(golden(case) / "reference.extxyz", ":")), SHIFT, 1.1)
    write(tmp_path / "new.extxyz", frames)
    write(tmp_path / "bare.extxyz", read(golden(case) / "reference.extxyz", ":"))
    tune("model", "--valid", tmp_path / "new.extxyz", "--epochs", 2, "--replay", tmp_path / "bare.extxyz",
         "--replay-labels", "start", "--low-rank", 2, start=start, train=tmp_path / "new.extxyz")
    before, after = tensors(start), tensors(tmp_path / "model.safetensors")
    assert any(not np.array_equal(before[name], after[name]) for name in before)


def test_resumed_it_is_the_unbroken_one(tune, data, tmp_path):
    options = ("--replay", data / "replay.extxyz", "--low-rank", 4, "--double", "--epochs", 4)
    tune("model", *options)
    with open(tmp_path / "model.log.csv") as file:
        assert len(list(csv.DictReader(file))) == 4
    tune("model", *options, "--resume")
    refused = tune("model", *options, "--replay-weight", 2, "--resume", check=False)
    assert refused.returncode == 1 and "is of another training" in refused.stderr


def test_python_tells_both_errors(data, tmp_path):
    import grapevine

    results = grapevine.train(train=[data / "train.extxyz"], start=MODEL, replay=[data / "bare.extxyz"],
                              replay_labels="start", replay_weight=2.0, low_rank=4, epochs=2, threads=1,
                              output=tmp_path / "model.safetensors")
    replay = results[0]["errors"]["replay"]
    assert replay["frames"] == 40
    assert replay["before"]["forces"]["rmse"] < 1e-4 < replay["forces"]["rmse"]
