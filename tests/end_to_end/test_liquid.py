"""examples/water/liquid.py: short runs, far too short to measure anything, and its evaluation on known answers."""

import functools
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import ase
import ase.io
import numpy as np
import pytest
from lammps_run import ROOT, VENV, environment

WATER = ROOT / "examples" / "water"
MODEL = ROOT / "models" / "water.safetensors"
SHORT = ["--time", "0.1", "--equilibrate", "0.05"]

sys.path += [str(WATER), str(WATER.parent)]
import experiment
import pairs
import self_diffusion
import structure


@pytest.fixture
def liquid(grapevine, tmp_path):
    """liquid(*arguments): the finished process; its files go to tmp_path / "out"."""

    def run(*arguments, model=MODEL):
        command = [VENV / "bin" / "python", WATER / "liquid.py", model, tmp_path / "out", "--grapevine", grapevine]
        return subprocess.run([*command, *arguments], text=True, capture_output=True, stdin=subprocess.DEVNULL,
                              timeout=240, env=environment())

    return run


def row(table, name):
    """The cells of a table's row."""
    line = next(line for line in table.splitlines() if line.startswith(name + "  "))
    return re.split(r" {2,}", line[len(name) :].strip())


def mean(cell):
    return float(cell.split(" ± ")[0])


def water_box(edge=12.4447):
    """64 molecules on a lattice, with their hydrogens towards neighbours as in in.water: no atoms are too close."""
    box = ase.Atoms(cell=np.eye(3) * edge, pbc=True)
    angles = np.radians([45 - 52.25, 45 + 52.25])
    hydrogens = 0.97 * np.array([[np.cos(a), np.sin(a), 0] for a in angles])
    for place in np.ndindex(4, 4, 4):
        side = 1 if place[2] % 2 == 0 else -1
        oxygen = np.array(place) * edge / 4
        box += ase.Atoms("OH2", [oxygen, *(oxygen + side * hydrogens)])
    return box


def test_two_temperatures_beside_experiment(liquid, tmp_path):
    done = liquid(*SHORT, "--at-once", "1")
    assert done.returncode == 0, done.stderr
    table = (tmp_path / "out" / "liquid.txt").read_text(encoding="utf-8")
    assert table in done.stdout
    assert (tmp_path / "out" / "liquid.png").read_bytes().startswith(b"\x89PNG")
    assert table.startswith("Liquid water, water.safetensors: 64 molecules, 12.44 × 12.44 × 12.44 Å, 0.993 g/cm³")
    assert row(table, "whole molecules, worst frame") == ["64 of 64", "64 of 64"]
    assert row(table, "first broken one after (ps)") == ["never", "never"]
    assert [200 < mean(cell) < 500 for cell in row(table, "temperature (K)")] == [True, True]
    assert [2.6 < mean(cell) < 3.0 for cell in row(table, "g_OO, first maximum at (Å)")[:2]] == [True, True]
    assert row(table, "g_OO, first maximum at (Å)")[2] == "2.80(1) *"
    assert row(table, "O within 3.3 Å of an O")[2] == "4.3(2)"
    assert row(table, "D of experiment (1e-9 m²/s)") == ["2.41", "4.49"]
    assert row(table, "  finite size") == ["+ 0.59", "+ 1.13"]
    shown = [line for line in done.stderr.splitlines() if "done in" in line]
    assert [line.split(":")[0] for line in shown] == ["300 K", "330 K"]

    again = liquid("--evaluate")
    assert again.returncode == 0, again.stderr
    assert again.stdout == done.stdout
    refused = liquid(*SHORT)
    assert refused.returncode == 1
    assert "is there already" in refused.stderr


def test_starts_from_a_frame(liquid, tmp_path):
    box = water_box()
    box.positions[:3] += 2 * box.cell.lengths()  # a molecule far outside the box is the same molecule
    ase.io.write(tmp_path / "start.xyz", [box[:3], box], format="extxyz")
    done = liquid(*SHORT, "--start", tmp_path / "start.xyz", "--frame", "1", "--temperatures", "310")
    assert done.returncode == 0, done.stderr
    assert "64 molecules, 12.44 × 12.44 × 12.44 Å" in done.stdout
    assert row(done.stdout, "D of experiment (1e-9 m²/s)") == ["3.03"]
    data = (tmp_path / "out" / "start.data").read_text()
    assert "192 atoms" in data and "2 atom types" in data


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["--temperatures", "90"], "--temperatures 90: water is liquid from"),
        (["--temperatures", "300", "300"], "twice"),
        (["--time", "0.01"], "--time 0.01"),
        (["--time", "nan"], "--time nan"),
        (["--time", "long"], "--time"),
        (["--cells", "5"], "--cells 5"),
        (["--at-once", "0"], "--at-once 0"),
        (["--blocks", "1"], "--blocks 1"),
        (["--grapevine", "no-such-program"], "no-such-program"),
        (["--start", "nowhere.xyz"], "nowhere.xyz"),
        (["--evaluate"], "300K: not the files of a run"),
        (["--colours"], "--colours"),
    ],
)
def test_bad_options_are_one_line(liquid, arguments, words):
    done = liquid(*arguments)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1 and words in done.stderr


@pytest.mark.parametrize(
    "change, words",
    [
        (lambda box: box[:-1], "not water"),
        (lambda box: ase.Atoms("NaCl", cell=[9, 9, 9], pbc=True), "not water"),
        (lambda box: ase.Atoms(box, pbc=False), "periodic in a rectangular box"),
        (lambda box: ase.Atoms(box, cell=[[12, 0, 0], [3, 12, 0], [0, 0, 12]]), "periodic in a rectangular box"),
        (lambda box: ase.Atoms(box, cell=[12, 12, 7]), "less than 8.0 Å"),
    ],
)
def test_bad_starts_are_one_line(liquid, tmp_path, change, words):
    ase.io.write(tmp_path / "start.xyz", change(water_box()), format="extxyz")
    done = liquid(*SHORT, "--start", tmp_path / "start.xyz")
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1 and words in done.stderr


def test_what_lammps_refuses_is_named(liquid):
    done = liquid(*SHORT, model=ROOT / "models" / "nbmotaw.safetensors")
    assert done.returncode == 1
    line = done.stderr.splitlines()[-1]
    assert line.startswith("liquid.py: ") and "K: LAMMPS stopped: ERROR" in line and "screen.txt" in line


def test_interrupt_ends_lammps_too(grapevine, tmp_path):
    # A test run in the background inherits SIGINT ignored, and then so does the program under test.
    listen = functools.partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    command = [VENV / "bin" / "python", WATER / "liquid.py", MODEL, tmp_path / "out", "--grapevine", grapevine]
    with subprocess.Popen([*command, "--temperatures", "300"], text=True, stderr=subprocess.PIPE, env=environment(),
                          preexec_fn=listen) as process:
        try:
            for _ in range(300):
                if (tmp_path / "out/300K/log.lammps").exists():
                    break
                time.sleep(0.1)
            child = int(Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()[0])
            process.send_signal(signal.SIGINT)
            _, shown = process.communicate(timeout=20)
        finally:
            process.kill()
    assert process.returncode == 1
    assert shown.splitlines()[-1] == "liquid.py: interrupted"
    assert not Path(f"/proc/{child}").exists()


def test_missing_model_is_one_line(liquid):
    done = liquid(model="nowhere.safetensors")
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1 and "nowhere.safetensors: there is no such model" in done.stderr


def test_random_walk_has_its_diffusion_coefficient():
    rng = np.random.default_rng(5)
    steps = rng.normal(size=(2000, 64, 3)) * np.sqrt(2 * 0.23 * 0.05)  # D = 0.23 Angstrom2/ps, 0.05 ps a step
    found = self_diffusion.measure_diffusion(np.cumsum(steps, axis=0), 0.05, 5)
    assert found.window == pytest.approx((2.0, 10.0))
    assert 0 < found.error < 0.2
    assert found.coefficient == pytest.approx(2.3, abs=4 * found.error)


def test_drift_of_the_whole_is_no_diffusion():
    rng = np.random.default_rng(6)
    positions = rng.uniform(0, 10, (1, 12, 3)) + np.arange(50)[:, None, None] * [1.0, 0.5, -2.0]
    still = self_diffusion.remove_drift(positions, rng.uniform(1, 16, 12))
    assert np.abs(still - still[0]).max() < 1e-10


def test_finite_size_correction_is_that_of_yeh_and_hummer():
    # SPC/E-like numbers: 2.837297 k T / (6 pi eta L) at 298 K, 0.72 mPa s, 20 Angstrom.
    assert self_diffusion.finite_size_correction(298.0, 0.72e-3, 20.0) == pytest.approx(0.4301, abs=1e-4)


def test_experiment_at_room_temperature():
    assert experiment.diffusion_coefficient(298.15) == pytest.approx(2.299, abs=0.002)
    assert experiment.viscosity(298.15) == pytest.approx(889.9e-6, abs=0.5e-6)


def test_pairs_of_an_ideal_gas_are_uncorrelated():
    rng = np.random.default_rng(8)
    types = np.repeat([structure.OXYGEN, structure.HYDROGEN], [40, 80])
    frames = []
    for _ in range(200):
        frame = ase.Atoms("H120", positions=rng.uniform(-20, 20, (120, 3)), cell=[10, 11, 12], pbc=True)
        frame.set_array("type", types)
        frames.append(frame)
    edges = np.linspace(0, 5, 6)
    oo, oh, _ = structure.count_pairs(frames, edges)
    assert pairs.pair_distribution(oo, 40 * 39, 1320.0, edges)[2:] == pytest.approx(np.ones(3), abs=0.05)
    assert pairs.pair_distribution(oh, 40 * 80, 1320.0, edges)[2:] == pytest.approx(np.ones(3), abs=0.05)


def test_broken_molecules_are_counted():
    box = water_box()
    oxygen, hydrogen = (box.positions[box.symbols == symbol] for symbol in "OH")
    lengths = box.cell.lengths()
    assert structure.count_whole_molecules(pairs.distances(oxygen, hydrogen, lengths)) == 64
    hydrogen[0] = oxygen[7] + [0.0, 0.0, 1.0]  # one has lost it, one has three
    assert structure.count_whole_molecules(pairs.distances(oxygen, hydrogen, lengths)) == 62
