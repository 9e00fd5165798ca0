"""examples/conductivity: its evaluation of fluxes and profiles whose answers are known, and a small version of all of it."""

import re
import subprocess
import sys

import numpy as np
import pytest
from ase.build import bulk
from ase.io import write
from lammps_run import ROOT, VENV, environment

EXAMPLE = ROOT / "examples" / "conductivity"
MODEL = ROOT / "models" / "silicon.safetensors"

sys.path += [str(EXAMPLE), str(EXAMPLE.parent)]
import direct
import green_kubo
import silicon_cell
from command_line import Failure
from report import Estimate

INTERVAL, TEMPERATURE, VOLUME = 0.02, 300.0, 10000.0  # ps, K, Angstrom^3
DECAY, AMPLITUDE = 0.3, 5.0  # ps, eV Angstrom/ps
EXACT = green_kubo.SI * AMPLITUDE**2 * DECAY / (green_kubo.BOLTZMANN * TEMPERATURE**2 * VOLUME)


def decaying_flux(samples, seed):
    """A flux whose autocorrelation is AMPLITUDE^2 exp(-t/DECAY), hence of the conductivity EXACT."""
    random = np.random.default_rng(seed)
    kept = np.exp(-INTERVAL / DECAY)
    kicks = AMPLITUDE * np.sqrt(1 - kept**2) * random.normal(size=(samples, 3))
    flux = np.empty_like(kicks)
    flux[0] = AMPLITUDE * random.normal(size=3)
    for n in range(1, samples):
        flux[n] = kept * flux[n - 1] + kicks[n]
    return flux


@pytest.fixture
def example(grapevine, tmp_path):
    """example(*arguments): the finished conductivity.py; its files are in tmp_path / "out"."""

    def run(*arguments, model=MODEL):
        command = [VENV / "bin" / "python", EXAMPLE / "conductivity.py", model, tmp_path / "out", "--grapevine", grapevine]
        return subprocess.run([str(word) for word in (*command, *arguments)], text=True, capture_output=True,
                              stdin=subprocess.DEVNULL, timeout=900, env=environment())

    return run


def test_the_autocorrelation_is_the_mean_of_products():
    flux = np.random.default_rng(3).normal(size=(40, 3))
    slow = [np.mean([flux[n] * flux[n + lag] for n in range(40 - lag)], axis=0) for lag in range(8)]
    np.testing.assert_allclose(green_kubo.autocorrelation(flux, 8), slow, atol=1e-13)


def test_the_running_integral_of_an_exponential():
    lags = np.arange(200) * INTERVAL
    correlation = np.repeat(AMPLITUDE**2 * np.exp(-lags / DECAY)[:, None], 3, axis=1)
    found = green_kubo.running_integral(correlation, INTERVAL, TEMPERATURE, VOLUME)
    np.testing.assert_allclose(found[:, 0], EXACT * (1 - np.exp(-lags / DECAY)), rtol=1e-3, atol=1e-12)


def test_the_unit_of_conductivity():
    """A flux of 1 eV A/ps, constant for 1 ps, in 1 A^3 at 1 K: (eV A/ps)^2 ps / (k_B K^2 A^3) in W/m/K."""
    joule, boltzmann = 1.602176634e-19, 1.380649e-23
    exact = (joule * 1e-10 / 1e-12) ** 2 * 1e-12 / (boltzmann * 1e-30)
    found = green_kubo.running_integral(np.ones((2, 1)), 1.0, 1.0, 1.0)[-1, 0]
    assert found == pytest.approx(exact, rel=1e-6)


def test_block_averages_and_their_error():
    integrals = green_kubo.block_integrals(decaying_flux(50000, 1), INTERVAL, TEMPERATURE, VOLUME, 101, 10)
    plateau = integrals[50:].mean(axis=0)
    assert plateau.shape == (30,)
    error = green_kubo.standard_error(plateau)
    assert 0.02 * EXACT < error < 0.08 * EXACT and abs(plateau.mean() - EXACT) < 3 * error


def test_blocks_that_are_too_short_are_refused():
    with pytest.raises(ValueError, match="too few for 10 blocks"):
        green_kubo.block_integrals(decaying_flux(1000, 1), INTERVAL, TEMPERATURE, VOLUME, 101, 10)


def test_cepstral_analysis_finds_the_conductivity(sportran_python, tmp_path):
    deviations = []
    for seed in range(4):
        found = green_kubo.cepstral_analysis(sportran_python, tmp_path, decaying_flux(20000, seed), INTERVAL, TEMPERATURE,
                                             VOLUME, 10.0)
        assert 0.02 * EXACT < found["error"] < 0.1 * EXACT and found["frequency"] == pytest.approx(12.5)
        assert found["smooth"]["spectrum"][0] == pytest.approx(found["conductivity"], rel=1e-6)
        # The spectrum of such a flux is a Lorentzian.
        frequencies = np.array(found["smooth"]["frequencies"])
        exact = EXACT / (1 + (2 * np.pi * frequencies * DECAY) ** 2)
        slow = frequencies < 2.0
        np.testing.assert_allclose(np.array(found["smooth"]["spectrum"])[slow], exact[slow], rtol=0.25)
        deviations.append((found["conductivity"] - EXACT) / found["error"])
    assert np.sqrt(np.mean(np.square(deviations))) < 2.0


def write_profile(path, temperatures):
    """As fix ave/chunk does: temperatures [block][layer]."""
    lines = ["# Chunk-averaged data for fix profile and group all", "# Timestep Number-of-chunks Total-count",
             "# Chunk Coord1 Ncount temp"]
    for block, layers in enumerate(temperatures):
        lines.append(f"{1000 * (block + 1)} {len(layers)} 512")
        lines += [f"  {n + 1} {(n + 0.5) / len(layers):g} 16 {value:.6f}" for n, value in enumerate(layers)]
    path.write_text("\n".join(lines) + "\n")


def ramp(layers, height, gradient):
    """Temperatures of layers of a cell of that height: down from 0 to the middle, and up again."""
    positions = (np.arange(layers) + 0.5) * height / layers
    return 300.0 - gradient * np.minimum(positions, height - positions)


def test_a_direct_run_gives_fouriers_law(tmp_path):
    height, gradient, power = 80.0, 0.75, 0.4
    shape = ramp(32, height, gradient)
    write_profile(tmp_path / "profile.txt", [shape * scale for scale in (0.98, 1.0, 1.02)])
    (tmp_path / "log.lammps").write_text("Loop time of 10 on 2 procs for 3000 steps with 1024 atoms\n")
    found = direct.evaluate(tmp_path, power, 5.0, np.array([20.0, 25.0, height]), 0.002)
    exact = green_kubo.SI * power / (2 * 500.0 * gradient)
    assert found.conductivity.value == pytest.approx(exact, rel=1e-6) and found.length == 40.0 and found.atoms == 1024
    assert found.conductivity.error == pytest.approx(exact * 0.02 / np.sqrt(3), rel=1e-4)
    down, up = found.fitted
    assert np.all(found.positions[down] > 7.5) and np.all(found.positions[down] < 37.5)
    assert np.all(found.positions[up] > 47.5) and np.all(found.positions[up] < 77.5)
    assert np.count_nonzero(down) == np.count_nonzero(up) == 12


def test_the_extrapolation_in_the_inverse_length():
    lengths = np.array([20.0, 40.0, 80.0])
    values = 1 / (1 / 1.6 + 10.0 / lengths)
    found = direct.extrapolate(lengths, [Estimate(value, 0.02) for value in values])
    assert found.limit.value == pytest.approx(1.6) and found.slope == pytest.approx(10.0)
    assert found.error(np.zeros(1))[0] == pytest.approx(found.limit.error / 1.6**2)
    scattered = direct.extrapolate(lengths, [Estimate(value, 0.02) for value in values * [1.1, 0.9, 1.1]])
    assert scattered.limit.error > 2 * found.limit.error, "points off the line make it less certain"


def test_the_crystal_has_four_neighbours(tmp_path):
    atoms = bulk("Si", cubic=True, a=5.46).repeat(3)
    write(tmp_path / "crystal.data", atoms, format="lammps-data", atom_style="atomic", units="metal", masses=True)
    found = silicon_cell.evaluate(tmp_path / "crystal.data")
    assert found.share(4) == 1.0 and found.density == pytest.approx(2.293, abs=0.001)
    np.testing.assert_allclose(found.edges, 16.38)
    with pytest.raises(Failure, match="cannot be read"):
        silicon_cell.evaluate(tmp_path / "none.data")


@pytest.mark.parametrize("arguments, message", [
    (["--longer", "0"], "--longer 0: it has to be from 0.1 to 10000"),
    (["--phases", "liquid"], "invalid choice: 'liquid'"),
    (["--sportran", "/no/python"], "/no/python: sportran does not run there"),
    (["--sportran", "/bin/false"], "/bin/false: sportran does not run there: it failed; install it by python3 -m venv"),
], ids=["longer", "phases", "no python", "no sportran"])
def test_what_is_wrong_is_said_in_one_line(example, tmp_path, arguments, message):
    done = example(*arguments)
    assert done.returncode == 1 and message in done.stderr and len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert done.stdout == "" and not (tmp_path / "out").exists()


def test_a_model_without_silicon_is_refused(example, sportran_python):
    done = example("--check", "--sportran", sportran_python, model=ROOT / "models" / "water.safetensors")
    assert done.returncode == 1 and "Si" in done.stderr.splitlines()[-1] and "Traceback" not in done.stderr


def test_the_configuration_is_accepted(grapevine, tmp_path):
    frames = [bulk("Si", cubic=True, a=5.4 + 0.02 * n) for n in range(10)]
    for frame in frames:
        frame.info["REF_energy"], frame.arrays["REF_forces"] = -40.0, np.zeros((8, 3))
    write(tmp_path / "train.extxyz", frames, format="extxyz")
    command = [grapevine, "train", EXAMPLE / "silicon.toml", "--dry-run", "-o", tmp_path / "model.safetensors", "--train",
               tmp_path / "train.extxyz"]
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def test_all_of_it_in_small(example, tmp_path, sportran_python):
    done = example("--check", "--ranks", "1", "--sportran", sportran_python)
    assert done.returncode == 0, done.stderr
    table = (tmp_path / "out" / "conductivity.txt").read_text()
    assert done.stdout.startswith(table) and "--check: cells too small" in table
    for phase in ("amorphous", "crystal"):
        assert (tmp_path / "out" / f"{phase}.png").read_bytes().startswith(b"\x89PNG")
    crystal = table[table.index("Silicon crystal at 1000 K"):]
    assert re.search(r"atoms with 3, 4, 5 neighbours +0\.\d%, (9\d|100)\.\d%, \d\.\d%", crystal), "it has not melted"
    drifts = [float(value) for value in re.findall(r"energy drift \(meV/atom/ns\) +(\S+) ±", table)]
    assert len(drifts) == 2
    amorphous = table[: table.index("Silicon crystal")]
    values = [float(value) for value in re.findall(r"κ, (?:cepstral|block|direct)[^\n]*?  +(-?[\d.]+) ±", amorphous)]
    assert len(values) == 5, "cepstral, blocks, two lengths, extrapolated"
    assert 0.3 < values[0] < 5.0 and all(0.1 < value < 10.0 for value in values[2:4])
    again = example("--check", "--sportran", sportran_python, "--evaluate")
    assert again.returncode == 0 and again.stdout == done.stdout
