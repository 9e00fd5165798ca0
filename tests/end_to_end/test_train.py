"""`grapevine train` from data to a model that runs in LAMMPS."""

import csv
import re
import signal
import subprocess
import time

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import read, write
from lammps_run import BUILD, ROOT

MODEL = ROOT / "models" / "nbmotaw.safetensors"
SMALL = ("--cutoff", 4, "--waves", 5, "--max-order", 1, "--message-widths", "8,8", "--readout-widths", "8,8",
         "--batch", 6, "--lr", 0.01, "--threads", 1)


@pytest.fixture(scope="session")
def data(grapevine, tmp_path_factory):
    """Disturbed crystals of tungsten and molybdenum, labelled by the shipped model."""
    folder = tmp_path_factory.mktemp("data")
    random = np.random.default_rng(1)
    frames = []
    for n in range(60):
        atoms = bulk("W", cubic=True, a=3.17 * random.uniform(0.97, 1.03)).repeat((2, 2, 1))
        atoms.symbols[random.random(len(atoms)) < 0.4] = "Mo"
        atoms.rattle(0.12, seed=n)
        frames.append(atoms)
    write(folder / "bare.extxyz", frames)
    subprocess.run([grapevine, "evaluate", MODEL, folder / "bare.extxyz", "-o", folder / "results.extxyz"], check=True,
                   capture_output=True, timeout=60)
    labelled = []
    for atoms in read(folder / "results.extxyz", ":"):
        clean = Atoms(atoms.symbols, positions=atoms.positions, cell=atoms.cell, pbc=True)
        clean.calc = SinglePointCalculator(clean, energy=atoms.get_potential_energy(), forces=atoms.get_forces(),
                                           stress=atoms.get_stress())
        labelled.append(clean)
    write(folder / "train.extxyz", labelled[:50])
    write(folder / "test.extxyz", labelled[50:])
    return folder


@pytest.fixture
def train(grapevine, data, tmp_path):
    """train(*arguments, ranks=1): the finished process, in a folder of its own."""

    def run(*arguments, ranks=1, check=True):
        command = [grapevine, "train", "--train", data / "train.extxyz", *SMALL, *arguments]
        if ranks > 1:
            command = [ROOT / ".venv" / "bin" / "mpirun", "-np", str(ranks), *command]
        done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=300, cwd=tmp_path)
        assert not check or done.returncode == 0, done.stderr
        return done

    return run


def log(path):
    with open(path) as file:
        return list(csv.DictReader(file))


def test_trained_model_predicts_and_runs_in_lammps(train, grapevine, data, lammps, tmp_path):
    train("--test", data / "test.extxyz", "--epochs", 120, "--virial-weight", 1, "-o", "model.safetensors")
    done = subprocess.run([grapevine, "evaluate", "model.safetensors", data / "test.extxyz"], capture_output=True,
                          text=True, check=True, cwd=tmp_path, timeout=60)
    errors = {name: float(rmse) for name, rmse in re.findall(r"^(\w+) .*? \d+ +[\d.]+ +([\d.]+)", done.stdout, re.M)}
    frames = read(data / "test.extxyz", ":")
    forces = np.array([atoms.get_forces() for atoms in frames])
    virials = np.array([atoms.get_stress(voigt=False) * atoms.get_volume() / len(atoms) for atoms in frames])
    assert errors["force"] < 0.35 * 1e3 * np.std(forces)
    assert errors["virial"] < 0.35 * 1e3 * np.std(virials)
    report = (tmp_path / "model.report.html").read_text()
    assert "http://" not in report.replace("http://www.w3.org", "") and "test" in report
    assert (tmp_path / "model.plots" / "learning_curves.png").stat().st_size > 1000
    run = lammps("""
units metal
lattice bcc 3.17
region box block 0 4 0 4 0 4
create_box 2 box
create_atoms 1 box
set type 1 type/fraction 2 0.3 5
mass 1 183.84
mass 2 95.95
velocity all create 300 1
pair_style grapevine double
pair_coeff * * model.safetensors W Mo
fix 1 all nve
thermo 20
run 40
""", ranks=2)
    energies = [row["TotEng"] for row in run.tables[-1]]
    assert max(energies) - min(energies) < 1e-4 * 128


def test_interrupted_training_resumes_to_the_same_losses(train, grapevine, data, tmp_path):
    options = ("--epochs", 30, "--seed", 3)
    train(*options, "-o", "unbroken.safetensors")
    command = [grapevine, "train", "--train", data / "train.extxyz", *SMALL, *options, "-o", "broken.safetensors"]
    running = subprocess.Popen([str(word) for word in command], cwd=tmp_path, stderr=subprocess.PIPE, text=True,
                               preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
    path = tmp_path / "broken.log.csv"
    deadline = time.monotonic() + 60
    while not (path.exists() and len(log(path)) >= 3) and time.monotonic() < deadline and running.poll() is None:
        time.sleep(0.01)
    running.send_signal(signal.SIGINT)
    message = running.communicate(timeout=60)[1]
    if not (tmp_path / "broken.report.html").exists():
        assert "--resume" in message and "best model so far is broken.safetensors" in message
        checkpoint = tmp_path / "broken.checkpoint.safetensors"
        assert checkpoint.exists()
        for command in ([grapevine, "info", checkpoint], [grapevine, "evaluate", checkpoint, data / "test.extxyz"]):
            refused = subprocess.run(command, capture_output=True, text=True, timeout=60)
            assert refused.returncode == 1 and "best model of it so far is " in refused.stderr
            assert len(refused.stderr.splitlines()) == 1
        subprocess.run([grapevine, "evaluate", tmp_path / "broken.safetensors", data / "test.extxyz"], check=True,
                       capture_output=True, timeout=60)
        train(*options, "--resume", "-o", "broken.safetensors")
    losses = [[(row["epoch"], row["train_loss"], row["valid_loss"]) for row in log(tmp_path / f"{name}.log.csv")]
              for name in ("unbroken", "broken")]
    assert losses[0] == losses[1]
    assert len(losses[0]) == 30


@pytest.mark.parametrize("ranks", [2, 3])
def test_ranks_change_nothing_but_rounding(train, tmp_path, ranks):
    options = ("--epochs", 3, "--double")
    train(*options, "-o", "one.safetensors")
    train(*options, "-o", "many.safetensors", ranks=ranks)
    one, many = log(tmp_path / "one.log.csv"), log(tmp_path / "many.log.csv")
    assert len(many) == 3
    for a, b in zip(one, many):
        assert float(b["train_loss"]) == pytest.approx(float(a["train_loss"]), rel=1e-6)
        assert float(b["valid_loss"]) == pytest.approx(float(a["valid_loss"]), rel=1e-6)


@pytest.mark.parametrize("ranks", [1, 2])
def test_patience_ends_it_on_any_number_of_ranks(train, tmp_path, ranks):
    options = ("--epochs", 100, "--double", "--lr", 0.5, "--lr-end", 0.5, "--ema", 0, "--patience", 4)
    done = train(*options, "-o", "model.safetensors", ranks=ranks)
    losses = [float(row["valid_loss"]) for row in log(tmp_path / "model.log.csv")]
    assert 4 < len(losses) < 100
    assert len(losses) == np.argmin(losses) + 1 + 4
    assert f"stopped early after epoch {len(losses)}: 4 validations brought no better loss" in done.stdout
    assert "stopped early, as 4 validations brought no better one" in (tmp_path / "model.report.html").read_text()


def test_committee_runs_in_lammps(train, lammps, tmp_path):
    train("--committee", 3, "--epochs", 3, "-o", "model.safetensors")
    files = [f"model-{n}.safetensors" for n in (1, 2, 3)]
    assert all((tmp_path / file).exists() for file in files)
    run = lammps(f"""
units metal
lattice bcc 3.17
region box block 0 3 0 3 0 3
create_box 1 box
create_atoms 1 box
mass 1 183.84
displace_atoms all random 0.1 0.1 0.1 1
pair_style grapevine
pair_coeff * * {" ".join(files)} W
compute deviation all pair grapevine
thermo_style custom step pe c_deviation[1]
run 0
""")
    assert run.row["c_deviation[1]"] > 0


def test_loss_without_bounds_ends_with_one_line(train, data, tmp_path):
    frames = read(data / "test.extxyz", ":")
    frames[0].calc.results["forces"] *= 1e36
    write(tmp_path / "absurd.extxyz", frames)
    done = train("--train", tmp_path / "absurd.extxyz", "--epochs", 5, "-o", "model.safetensors", check=False)
    assert done.returncode == 1
    lines = [line for line in done.stderr.splitlines() if "error" in line]
    assert len(lines) == 1 and "learning rate" in lines[0]
    assert not (tmp_path / "model.report.html").exists(), "what is left is the best model before"
