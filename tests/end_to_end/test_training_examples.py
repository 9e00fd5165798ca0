"""The examples that train models: examples/accuracy and examples/alloy/train.py, on a few small structures."""

import json
import subprocess
import sys

import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import read, write
from lammps_run import ROOT

EXAMPLES = ROOT / "examples"
MODEL = ROOT / "models" / "nbmotaw.safetensors"
sys.path[:0] = [str(EXAMPLES), str(EXAMPLES / "alloy")]
import committee_labels  # noqa: E402


def disturbed(symbol, count, seed):
    frames = []
    for n in range(count):
        atoms = bulk(symbol, cubic=True).repeat(2)
        atoms.rattle(0.1, seed=seed + n)
        atoms.calc = SinglePointCalculator(atoms, energy=-10.0 * len(atoms), forces=0.1 * atoms.positions % 0.3 - 0.15)
        frames.append(atoms)
    return frames


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Sets as the scripts expect them, of numbers without meaning."""
    folder = tmp_path_factory.mktemp("data")
    for name, symbol in (("molybdenum", "Mo"), ("co2-on-ni100", "Ni")):
        (folder / name).mkdir()
        write(folder / name / "train.extxyz", disturbed(symbol, 10, 0), format="extxyz")
        write(folder / name / "test.extxyz", disturbed(symbol, 3, 50), format="extxyz")
    (folder / "co2-on-ni100" / "train.extxyz").rename(folder / "co2-on-ni100" / "all.extxyz")
    return folder


def accuracy(grapevine, *arguments):
    return subprocess.run([sys.executable, EXAMPLES / "accuracy" / "accuracy.py", *arguments, "--grapevine", grapevine],
                          capture_output=True, text=True, timeout=300)


def test_accuracy_trains_and_tables_the_errors(grapevine, data, tmp_path):
    done = accuracy(grapevine, data, tmp_path, "molybdenum", "co2-on-ni100")
    assert done.returncode == 0, done.stderr
    results = json.loads((tmp_path / "accuracy.json").read_text())
    assert list(results) == ["molybdenum", "co2-on-ni100"]
    assert results["molybdenum"]["energy_per_atom"]["values"] == 3
    assert results["co2-on-ni100"]["energy_per_atom"]["values"] == 2, "a fifth of ten structures"
    for name in results:
        assert (tmp_path / name / "model.report.html").exists()
        mae = 1e3 * results[name]["forces"]["mae"]
        row = next(r for r in done.stdout.splitlines() if r.startswith(f"| {name} "))
        assert f"| {mae:.3g} |" in row and row.endswith(f"| {results[name]['cost']:.3g} |")
        assert 0.01 < results[name]["cost"] < 1000
    assert (tmp_path / "accuracy.png").read_bytes().startswith(b"\x89PNG")
    before = (tmp_path / "molybdenum" / "model.safetensors").stat().st_mtime_ns
    assert accuracy(grapevine, data, tmp_path, "molybdenum").returncode == 0
    assert (tmp_path / "molybdenum" / "model.safetensors").stat().st_mtime_ns == before, "not trained again"
    assert list(json.loads((tmp_path / "accuracy.json").read_text())) == ["molybdenum", "co2-on-ni100"]


@pytest.mark.parametrize("names, message", [
    (["platinum"], "no data set 'platinum'"),
    (["water"], "water/train.extxyz: there is no such file"),
])
def test_accuracy_refuses_in_one_line(grapevine, data, tmp_path, names, message):
    done = accuracy(grapevine, data, tmp_path, *names)
    assert done.returncode == 1
    assert message in done.stderr and len(done.stderr.strip().splitlines()) == 1


def test_every_configuration_is_accepted(grapevine, data, tmp_path):
    molecules = disturbed("W", 6, 0)
    for atoms in molecules:
        results = atoms.calc.results
        atoms.symbols = np.where(np.arange(len(atoms)) % 2, "H", "O")
        atoms.calc = SinglePointCalculator(atoms, **results)
    write(tmp_path / "hydrogen-combustion.extxyz", molecules)  # whose atoms have given energies
    configurations = sorted((EXAMPLES / "accuracy").glob("*.toml")) + [EXAMPLES / "alloy" / "student.toml"]
    configurations += sorted((EXAMPLES / "fine_tuning").glob("*.toml"))
    assert len(configurations) == 15
    for configuration in configurations:
        own = tmp_path / f"{configuration.stem}.extxyz"
        structures = own if own.exists() else data / "molybdenum" / "train.extxyz"
        done = subprocess.run([grapevine, "train", configuration, "--dry-run", "-o", "model.safetensors", "--train",
                               structures], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, f"{configuration.name}: {done.stderr}"


def test_labels_are_the_mean_of_the_committee(grapevine, tmp_path):
    other = tmp_path / "other.safetensors"
    write(tmp_path / "train.extxyz", disturbed("Mo", 10, 0), format="extxyz")
    subprocess.run([grapevine, "train", "--train", tmp_path / "train.extxyz", "--epochs", "2", "--cutoff", "4", "-o", other],
                   check=True, capture_output=True, timeout=120)
    random = np.random.default_rng(3)
    structures = [committee_labels.moved(atoms, 0.1, 0.01, random) for atoms in disturbed("Mo", 3, 90)]
    kept = committee_labels.label(grapevine, [MODEL, other], structures, 1e9)
    expected = [committee_labels.predictions(grapevine, model, structures) for model in (MODEL, other)]
    assert len(kept) == 3
    for n, atoms in enumerate(kept):
        assert atoms.info["REF_energy"] == pytest.approx((expected[0][0][n] + expected[1][0][n]) / 2, abs=1e-9)
        np.testing.assert_allclose(atoms.arrays["REF_forces"], (expected[0][1][n] + expected[1][1][n]) / 2, atol=1e-9)
    assert committee_labels.label(grapevine, [MODEL, other], structures, 1e-9) == [], "the models disagree"
    write(tmp_path / "labelled.extxyz", kept, format="extxyz", write_results=False)
    assert "REF_forces" in read(tmp_path / "labelled.extxyz").arrays


def test_disordered_structures_have_the_volume_of_their_elements():
    atoms = bulk("W", cubic=True).repeat(3)
    volumes = {"Nb": 18.0, "W": 16.0}
    copy = committee_labels.disordered(atoms, volumes, np.random.default_rng(1))
    niobium = copy.get_chemical_symbols().count("Nb")
    assert 0 < niobium < len(copy)
    expected = atoms.get_volume() * (niobium * 18.0 + (len(copy) - niobium) * 16.0) / (len(copy) * 16.0)
    assert copy.get_volume() == pytest.approx(expected)


@pytest.fixture(scope="module")
def metals(tmp_path_factory):
    """Silicon and the metals of the old domain, of numbers without meaning."""
    folder = tmp_path_factory.mktemp("metals")
    for name, symbol, count in (("silicon", "Si", 6), ("molybdenum", "Mo", 20), ("lithium", "Li", 20),
                                ("alloy-NbMoTaW", "W", 40)):
        (folder / name).mkdir()
        for kind, frames in (("train", count), ("test", 2)):
            cells = [atoms[:4] for atoms in disturbed(symbol, frames, 0)]
            for atoms in cells:
                atoms.calc = SinglePointCalculator(atoms, energy=-3.0 * len(atoms), forces=0.01 * atoms.positions)
            write(folder / name / f"{kind}.extxyz", cells, format="extxyz")
    return folder


def test_fine_tuning_is_put_beside_training_from_nothing(grapevine, metals, tmp_path):
    start = tmp_path / "start.safetensors"
    trains = [argument for name in ("silicon", "molybdenum", "lithium", "alloy-NbMoTaW")
              for argument in ("--train", metals / name / "train.extxyz")]
    subprocess.run([grapevine, "train", "--architecture", "nequip", "--channels", "4", "--max-order", "1", "--cutoff", "4",
                    "--epochs", "1", "-o", start, *trains], check=True, capture_output=True, timeout=300)
    done = subprocess.run([sys.executable, EXAMPLES / "fine_tuning" / "learning_curve.py", start, metals, tmp_path / "run",
                           "--counts", "4", "6", "--epochs", "1", "--threads", "1", "--grapevine", grapevine],
                          capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    rows = json.loads((tmp_path / "run" / "curve.json").read_text())
    kinds = ["fine-tuned", "fine-tuned, replay", "from nothing"]
    assert [(row["count"], row["kind"]) for row in rows[1:]] == [(n, kind) for n in (4, 6) for kind in kinds]
    assert all(row["forces"] > 0 for row in rows)
    assert ["old" in row for row in rows] == [True, True, True, False, True, True, False]
    assert len(read(tmp_path / "run" / "old.extxyz", ":")) == 80
    small, large = (read(tmp_path / "run" / count / "train.extxyz", ":") for count in ("4", "6"))
    assert all(any(np.allclose(one.positions, other.positions) for other in large) for one in small)
    assert (tmp_path / "run" / "curve.png").read_bytes().startswith(b"\x89PNG")


def test_fine_tuning_refuses_in_one_line(grapevine, metals, tmp_path):
    (tmp_path / "model").write_text("")
    script = EXAMPLES / "fine_tuning" / "learning_curve.py"
    for arguments, message in (([tmp_path / "none", metals], "none: there is no such file"),
                               ([tmp_path / "model", metals, "--counts", "7"], "6 structures, not 7")):
        model, data, *others = arguments
        done = subprocess.run([sys.executable, script, model, data, tmp_path / "run", *others, "--grapevine", grapevine],
                              capture_output=True, text=True, timeout=300)
        assert done.returncode == 1
        assert message in done.stderr and len(done.stderr.strip().splitlines()) == 1
