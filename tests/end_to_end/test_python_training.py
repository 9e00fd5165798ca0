"""grapevine.train: the program's training, with Python's options, warnings, interrupts and exceptions."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
import warnings
from pathlib import Path

import ase.io
import grapevine
import numpy as np
import pytest
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from grapevine.ase import Grapevine
from python_helpers import PROGRAM, bare_environment, results_of, run, tungsten

SMALL = {"cutoff": 4.0, "waves": 5, "max_order": 1, "message_widths": [8, 8], "readout_widths": [8, 8], "batch": 6,
         "lr": 0.01, "virial_weight": 0.1, "threads": 1, "seed": 3}
NEVER = 100_000  # epochs


def crystals(count, seed=1):
    """Disturbed crystals of tungsten and molybdenum, labelled by the shipped model."""
    random = np.random.default_rng(seed)
    frames = []
    for n in range(count):
        atoms = tungsten((2, 2, 1), 0.12, seed=n, a=3.17 * random.uniform(0.97, 1.03))
        atoms.symbols[random.random(len(atoms)) < 0.4] = "Mo"
        results = results_of(atoms)
        atoms.calc = SinglePointCalculator(atoms, **{name: results[name] for name in ("energy", "forces", "stress")})
        frames.append(atoms)
    return frames


@pytest.fixture(scope="session")
def data(tmp_path_factory):
    """Folder with train.extxyz and test.extxyz."""
    folder = tmp_path_factory.mktemp("data")
    frames = crystals(40)
    ase.io.write(folder / "train.extxyz", frames[:32])
    ase.io.write(folder / "test.extxyz", frames[32:])
    return folder


@pytest.fixture
def train(data, tmp_path, monkeypatch):
    """train(...): grapevine.train with small sizes, in a folder of its own."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments, **options):
        return grapevine.train(*arguments, **{"train": data / "train.extxyz", "epochs": 4, **SMALL,
                                              "output": "model.safetensors", **options})

    return call


def flags(options):
    """The same options for the program."""
    words = []
    for name, value in options.items():
        flag = f"--{name.replace('_', '-')}"
        if isinstance(value, bool):
            words.append(flag if value else f"--no-{flag[2:]}")
        elif isinstance(value, list):
            words += [flag, ",".join(map(str, value))]
        else:
            words += [flag, value]
    return words


def log(path):
    with open(path) as file:
        return list(csv.DictReader(file))


def losses(path):
    return [(row["epoch"], row["train_loss"], row["valid_loss"]) for row in log(path)]


# ---- what it leaves and returns


@pytest.mark.parametrize("extra", [{}, {"double": True, "layer_norm": False, "layers": 2, "virial_weight": 0.5},
                                   {"method": "adamw", "species": ["Mo", "W"], "split": 0.75, "huber": 3}],
                         ids=["plain", "switches", "choices"])
def test_a_model_is_the_same_as_the_programs_to_the_byte(extra, train, data, tmp_path):
    train(test=data / "test.extxyz", **extra)
    words = flags({"train": data / "train.extxyz", "test": data / "test.extxyz", "epochs": 4, **SMALL, **extra})
    (tmp_path / "program").mkdir()
    done = run([PROGRAM, "train", *words, "-o", "model.safetensors"], tmp_path / "program")
    assert done.returncode == 0, done.stderr
    for name in ("model.safetensors", "model.checkpoint.safetensors", "model.report.html", "model.log.csv"):
        assert (tmp_path / name).exists() and (tmp_path / "program" / name).exists()
    same = [(folder / "model.safetensors").read_bytes() for folder in (tmp_path, tmp_path / "program")]
    assert same[0] == same[1]
    assert losses("model.log.csv") == losses(tmp_path / "program" / "model.log.csv")


def test_it_returns_where_the_model_is_and_how_good(train, data, tmp_path, capfd):
    progress = []
    found = train(test=[data / "test.extxyz"], epochs=12, virial_weight=1, progress=progress.append)
    assert capfd.readouterr() == ("", "")
    assert len(found) == 1
    assert found[0]["model"] == "model.safetensors"
    assert Path(found[0]["report"]).read_text().startswith("<!DOCTYPE html>")
    errors = found[0]["errors"]
    assert {name: errors[name]["frames"] for name in errors} == {"train": 29, "valid": 3, "test": 8}

    frames = ase.io.read(data / "test.extxyz", ":")
    results = grapevine.evaluate("model.safetensors", frames, precision="double")
    count = np.array([len(atoms) for atoms in frames])
    energy = np.abs([r.energy - a.get_potential_energy() for r, a in zip(results, frames)]) / count
    forces = np.abs([r.forces - a.get_forces() for r, a in zip(results, frames)])
    virial = np.abs([(r.virial + a.get_stress(voigt=False) * a.get_volume()) / len(a) for r, a in zip(results, frames)])
    for name, values in (("energy_per_atom", energy), ("forces", forces), ("virial_per_atom", virial)):
        told = errors["test"][name]
        assert told["mae"] == pytest.approx(values.mean(), rel=1e-4)
        assert told["rmse"] == pytest.approx(np.sqrt((values**2).mean()), rel=1e-4)
        assert told["maximum"] == pytest.approx(values.max(), rel=1e-4)
    assert errors["test"]["forces"]["rmse"] < 0.8 * np.std([atoms.get_forces() for atoms in frames])

    assert [entry["epoch"] for entry in progress] == list(range(1, 13))
    assert all(set(entry) == {"epoch", "epochs", "seconds", "seconds_left", "learning_rate",
                              *(f"{when}_{what}" for when in ("train", "valid")
                                for what in ("loss", "energy", "forces", "virial"))} for entry in progress)
    assert all(entry["epochs"] == 12 and entry["train_forces"] > 0 for entry in progress)
    assert progress[-1]["seconds_left"] == 0 and progress[0]["seconds_left"] > 0
    for entry, row in zip(progress, log("model.log.csv"), strict=True):
        for name in ("train_loss", "valid_loss"):
            assert entry[name] == pytest.approx(float(row[name]), rel=1e-5)


def test_errors_without_references_are_not_numbers(train, tmp_path):
    ase.io.write(tmp_path / "one.extxyz", crystals(1))
    progress = []
    train(train=tmp_path / "one.extxyz", epochs=2, progress=progress.append)
    for entry, row in zip(progress, log("model.log.csv"), strict=True):
        for what in ("loss", "energy", "forces", "virial"):
            assert np.isnan(entry[f"valid_{what}"]) and entry[f"train_{what}"] > 0
        assert {value for name, value in row.items() if name.startswith("valid_")} == {""}
        assert float(row["train_virial_rmse_eV_per_atom"]) > 0


def test_no_training_is_overwritten_unless_asked_for(train, tmp_path):
    train(epochs=2)
    before = (tmp_path / "model.safetensors").read_bytes()
    with pytest.raises(grapevine.Error, match="model.safetensors exists already"):
        train(epochs=2, seed=4)
    assert (tmp_path / "model.safetensors").read_bytes() == before
    train(epochs=2, seed=4, overwrite=True)
    assert (tmp_path / "model.safetensors").read_bytes() != before
    with pytest.raises(grapevine.Error, match="resume.*overwrite"):
        train(epochs=2, overwrite=True, resume=True)


def test_no_output_is_an_input(train, data, tmp_path):
    os.link(data / "train.extxyz", tmp_path / "model")
    with pytest.raises(grapevine.Error, match="same file as the input"):
        train(output="model", overwrite=True)
    with pytest.raises(grapevine.Error, match="let the name end in .safetensors"):
        train(output="train.extxyz")
    assert (tmp_path / "model").read_bytes() == (data / "train.extxyz").read_bytes()


def test_the_model_runs_at_once_and_a_committee_too(train):
    found = train(epochs=2, committee=3)
    assert [entry["model"] for entry in found] == [f"model-{n}.safetensors" for n in (1, 2, 3)]
    atoms = tungsten((2, 2, 2), 0.1)
    atoms.calc = Grapevine([entry["model"] for entry in found], threads=1)
    assert atoms.calc.get_property("energy_deviation", atoms) > 0
    assert (atoms.calc.get_property("forces_deviation", atoms) > 0).all()
    assert len({Path(entry["model"]).read_bytes() for entry in found}) == 3


def test_options_of_a_file_and_over_it(train, data, tmp_path):
    (tmp_path / "sub").mkdir()
    options = {"train": os.path.relpath(data / "train.extxyz", tmp_path), "epochs": 9, **SMALL}
    options["output"] = "sub/model.safetensors"
    done = run([PROGRAM, "train", "--init", "sub/config.toml", *flags(options)], tmp_path)
    assert done.returncode == 0, done.stderr
    for config in ("sub/config.toml", tmp_path / "sub" / "config.toml"):
        seen = []
        found = grapevine.train(config, epochs=2, overwrite=True, progress=seen.append)
        assert len(seen) == 2
        assert Path(found[0]["model"]).resolve() == tmp_path / "sub" / "model.safetensors"
    train(epochs=2)
    assert (tmp_path / "sub" / "model.safetensors").read_bytes() == (tmp_path / "model.safetensors").read_bytes()


def test_values_are_taken_as_python_and_numpy_have_them(train, data, tmp_path):
    train(epochs=2)
    expected = (tmp_path / "model.safetensors").read_bytes()
    same = {"epochs": np.int64(2), "cutoff": np.float64(4), "lr": np.float64(0.01), "max_order": np.int32(1),
            "message_widths": np.array([8, 8]), "readout_widths": (8, 8), "layer_norm": np.bool_(True), "valid": [],
            "start": None, "train": [str(data / "train.extxyz")]}
    train(**same, overwrite=True)
    assert (tmp_path / "model.safetensors").read_bytes() == expected
    train(epochs="2", cutoff=4, message_widths="8,8", layer_norm=True, double=False, overwrite=True)
    assert (tmp_path / "model.safetensors").read_bytes() == expected


@pytest.mark.parametrize("precision", ["double", "mixed"])
def test_energies_of_isolated_atoms_are_exact(train, precision):
    train(epochs=1, isolated_atoms={"W": -4.5, "Mo": -3.25})
    alone = grapevine.evaluate("model.safetensors", [Atoms("W"), Atoms("Mo")], precision=precision)
    np.testing.assert_allclose([result.energy for result in alone], [-4.5, -3.25], rtol=0, atol=1e-6)
    with pytest.raises(grapevine.Error, match="Qq"):
        train(isolated_atoms={"Qq": 1.0})


# ---- stopping and going on


def stop_after(epoch):
    return lambda entry: entry["epoch"] < epoch


def test_false_stops_it_and_resume_goes_on_to_the_same_model(train, tmp_path):
    train(epochs=6, output="unbroken.safetensors")
    broken = {"epochs": 6, "output": "broken.safetensors"}
    assert train(**broken, progress=stop_after(2)) == []
    assert not Path("broken.report.html").exists()
    assert grapevine.Model("broken.safetensors").species == ["Mo", "W"], "the best model so far"
    with pytest.raises(grapevine.Error, match="best model of it so far is broken.safetensors"):
        grapevine.Model("broken.checkpoint.safetensors")
    assert len(losses("broken.log.csv")) == 2
    seen = []
    assert train(**broken, resume=True, progress=lambda entry: seen.append(entry["epoch"]) or entry["epoch"] < 4) == []
    found = train(**broken, resume=True, progress=lambda entry: seen.append(entry["epoch"]))
    assert seen == [3, 4, 5, 6]
    assert found[0]["model"] == "broken.safetensors"
    assert losses("broken.log.csv") == losses("unbroken.log.csv")
    assert Path("broken.safetensors").read_bytes() == Path("unbroken.safetensors").read_bytes()


def test_only_false_stops_it(train):
    for answer in (None, True, 0, ""):
        assert len(train(epochs=3, progress=lambda entry: answer, overwrite=True)) == 1


def test_a_checkpoint_of_other_options_is_refused(train):
    assert train(progress=stop_after(1)) == []
    with pytest.raises(grapevine.Error, match="checkpoint") as problem:
        train(resume=True, lr=0.02)
    assert "\n" not in str(problem.value)
    with pytest.raises(grapevine.Error, match="no training to go on with: nothing.checkpoint.safetensors"):
        train(resume=True, output="nothing.safetensors")


INTERRUPTED = """
import grapevine, json, os, signal, sys

def progress(entry):
    if entry["epoch"] == 3:
        os.kill(os.getpid(), signal.SIGINT)

signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where tests run in the background
options = json.loads(sys.argv[1])
try:
    grapevine.train(progress=progress, **options)
except KeyboardInterrupt:
    print("interrupted", os.path.exists("model.checkpoint.safetensors"), os.path.exists("model.safetensors"))
    print(len(grapevine.train(**{**options, "resume": True})))
"""


def test_an_interrupt_leaves_a_checkpoint_and_is_an_exception(train, data, tmp_path):
    options = {"train": str(data / "train.extxyz"), "epochs": 6, **SMALL, "output": "model.safetensors"}
    done = run([sys.executable, "-c", INTERRUPTED, json.dumps(options)], tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "interrupted True True\n1\n"
    train(epochs=6, output="unbroken.safetensors")
    assert Path("model.safetensors").read_bytes() == Path("unbroken.safetensors").read_bytes()


@pytest.mark.parametrize("progress", ["None", "lambda entry: None"], ids=["silent", "with progress"])
def test_an_interrupt_from_outside_ends_a_script(progress, data, tmp_path):
    """As Ctrl-C in a terminal does: Python's own traceback, and the exit code that the shell expects."""
    options = {"train": str(data / "train.extxyz"), **SMALL, "epochs": NEVER, "output": "model.safetensors"}
    script = ("import grapevine, json, signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); "
              f"grapevine.train(progress={progress}, **json.loads(sys.argv[1]))")
    command = [sys.executable, "-c", script, json.dumps(options)]
    with subprocess.Popen(command, cwd=tmp_path, env=bare_environment(), text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE) as running:
        path, deadline = tmp_path / "model.log.csv", time.monotonic() + 60
        while not (path.exists() and len(log(path)) >= 3) and time.monotonic() < deadline and running.poll() is None:
            time.sleep(0.01)
        running.send_signal(signal.SIGINT)
        output, message = running.communicate(timeout=60)
    assert running.returncode == -signal.SIGINT
    assert message.strip().endswith("KeyboardInterrupt") and output == ""
    assert (tmp_path / "model.checkpoint.safetensors").exists()


class Sentinel(Exception):
    pass


def test_exceptions_pass_through_and_leave_a_checkpoint(train, capfd):
    def progress(entry):
        if entry["epoch"] == 2:
            raise Sentinel("of mine")

    with pytest.raises(Sentinel, match="of mine"):
        train(progress=progress)
    assert capfd.readouterr() == ("", "")
    assert Path("model.checkpoint.safetensors").exists()
    seen = []
    assert len(train(resume=True, progress=lambda entry: seen.append(entry["epoch"]))) == 1
    assert seen == [3, 4]
    with pytest.raises(TypeError):
        train(progress=lambda: None, overwrite=True)
    with pytest.raises(TypeError):
        train(progress=3, overwrite=True)


def test_exceptions_of_signal_handlers_pass_through(train):
    """As a script does that ends itself when its time in a queue is over."""

    def handler(number, frame):
        raise Sentinel("time is over")

    before = signal.signal(signal.SIGUSR1, handler)
    try:
        with pytest.raises(Sentinel, match="time is over"):
            train(epochs=NEVER, progress=lambda entry: os.kill(os.getpid(), signal.SIGUSR1))
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert Path("model.checkpoint.safetensors").exists()


def test_a_signal_handler_that_raises_nothing_does_not_stop_it(train):
    caught = []
    before = signal.signal(signal.SIGUSR1, lambda number, frame: caught.append(number))
    try:
        assert len(train(progress=lambda entry: os.kill(os.getpid(), signal.SIGUSR1))) == 1
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert len(caught) == 4


# ---- warnings and errors


def test_warnings_are_pythons(train, data, tmp_path):
    frames = ase.io.read(data / "train.extxyz", ":")
    frames[3].calc = None
    ase.io.write(tmp_path / "some.extxyz", frames)
    with pytest.warns(UserWarning, match="1 of 32 frames have no reference values and are left out") as caught:
        train(train="some.extxyz", epochs=1, warm_up=0, overwrite=True)
    assert [Path(warning.filename) for warning in caught] == [Path(__file__)]  # where train was called
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(UserWarning, match="1 of 32 frames"):
            train(train="some.extxyz", epochs=1, warm_up=0, overwrite=True)
        train(epochs=1, warm_up=0, overwrite=True)  # none


@pytest.mark.parametrize("options, told", [
    ({"colour": "red"}, "--colour"),
    ({"cut_off": 4}, "--cut-off"),
    ({"cutoff": 40}, "--cutoff must be between 1.5 and 12, not 40"),
    ({"cutoff": "five"}, "--cutoff 'five'"),
    ({"cutoff": float("nan")}, "--cutoff"),
    ({"cutoff": []}, "--cutoff has no value"),
    ({"epochs": 0}, "--epochs must be between"),
    ({"epochs": 2.5}, "--epochs '2.5' is not a whole number"),
    ({"waves": True}, "--waves 'true'"),
    ({"double": "perhaps"}, "--double 'perhaps'"),
    ({"activation": "tanh"}, "--activation must be relu_like or tanh_like"),
    ({"message_widths": [8, "x"]}, "--message-widths 'x'"),
    ({"method": "sgd"}, "--method must be adamw or soap"),
    ({"lr": 0.01, "lr_end": 0.1}, "learning_rate_end"),
    ({"species": ["W"]}, "Mo"),
    ({"train": None}, "--train"),
    ({"train": "missing.extxyz"}, "missing.extxyz"),
    ({"output": None}, "output"),
    ({"output": "nowhere/model.safetensors"}, "nowhere"),
    ({"start": "missing.safetensors"}, "missing.safetensors"),
    ({"forces_key": "dft_forces"}, "dft_forces"),
    ({"weights": {"gas": 2}}, "--weight gas=2: no structure of train or valid has config_type=gas"),
    ({"weights": {"gas": -1}}, "the weight of config_type gas must be from 0"),
])
def test_options_that_cannot_be_are_named(options, told, train, tmp_path):
    with pytest.raises(grapevine.Error, match=told) as problem:
        train(**options)
    assert "\n" not in str(problem.value)
    assert sorted(tmp_path.iterdir()) == []


def test_a_configuration_that_cannot_be_is_named_by_its_line(train, tmp_path):
    (tmp_path / "config.toml").write_text("[model]\ncutof = 5\n")
    with pytest.raises(grapevine.Error, match="config.toml:2: unknown option 'cutof'"):
        train("config.toml")
    with pytest.raises(grapevine.Error, match="absent.toml"):
        train("absent.toml")


def test_data_that_cannot_be_are_named_by_their_line(train, data, tmp_path):
    lines = (data / "train.extxyz").read_text().splitlines()
    lines[6] = " ".join([*lines[6].split()[:-1], "inf"])
    (tmp_path / "bad.extxyz").write_text("\n".join(lines))
    with pytest.raises(grapevine.Error, match=r"bad.extxyz:\d+: frame \d+: line 7: 'inf' of forces of atom"):
        train(train="bad.extxyz")
    absurd = ase.io.read(data / "test.extxyz", ":")
    for atoms in absurd:
        atoms.calc.results["forces"] *= 1e36
    ase.io.write(tmp_path / "absurd.extxyz", absurd)
    with pytest.raises(grapevine.Error, match="lower learning rate"):
        train(train="absurd.extxyz", epochs=5)
    assert not Path("model.safetensors").exists()


# ---- what stays behind


THREADS = """
import grapevine, json, os, sys
from ase.build import bulk

def count(): return len(os.listdir("/proc/self/task"))

before = count()
options = json.loads(sys.argv[1])
if options:
    grapevine.train(**options)
grapevine.evaluate(grapevine.shipped_model("nbmotaw"), bulk("W", cubic=True) * (4, 4, 4))
print(count() - before)
"""


def test_its_number_of_threads_is_not_that_of_what_follows(data, tmp_path):
    options = {"train": str(data / "train.extxyz"), "epochs": 1, "warm_up": 0, **SMALL, "output": "model.safetensors"}
    found = []
    for given in ({}, options):
        done = run([sys.executable, "-c", THREADS, json.dumps(given)], tmp_path, OMP_NUM_THREADS="3",
                   OPENBLAS_NUM_THREADS="1")
        assert done.returncode == 0, done.stderr
        found.append(int(done.stdout))
    assert found[0] >= 2
    assert found[1] >= found[0]
