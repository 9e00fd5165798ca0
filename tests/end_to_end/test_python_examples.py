"""The scripts of examples/python in their smallest settings: numbers, tables, pictures, and bad input."""

import json
import re
import runpy
import sys

import grapevine
import numpy as np
import pytest
from ase import units
from ase.io import read, write
from lammps_run import ROOT
from PIL import Image
from python_helpers import ALLOY, WATER, run, tungsten

SCRIPTS = ROOT / "examples" / "python"
OUTPUTS = {
    "metal": {"equation-of-state", "elastic-constants", "phonons", "density-of-states"},
    "vacancy": {"path", "path-fit", "energies"},
    "liquid": {"pair-distribution", "displacement"},
    "committee": {"trajectory", "atoms"},
}
SMALL = {
    "metal": ["--supercell", 9],
    "vacancy": ["--cells", 3, "--images", 7, "--fmax", 0.01],
    "liquid": ["--time", 0.4, "--equilibrate", 0],
    "committee": ["--structures", 30, "--epochs", 60, "--time", 1],
}


def script(name, *arguments):
    """The finished process, on one core."""
    return run([sys.executable, SCRIPTS / f"{name}.py", *arguments], timeout=300, OMP_NUM_THREADS="1",
               MPIR_CVAR_POLLS_BEFORE_YIELD="10")


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """finished(name): what a script printed and the folder with its results, from one run."""
    runs = {}

    def run_once(name):
        if name not in runs:
            folder = tmp_path_factory.mktemp("examples") / name
            done = script(name, *SMALL[name], "--output", folder)
            assert done.returncode == 0, done.stderr
            assert done.stderr == "", "no warnings"
            runs[name] = done.stdout, folder
        return runs[name]

    return run_once


def table(path):
    """The columns of a CSV file by their names, all of them numbers."""
    header, *lines = path.read_text().splitlines()
    columns = np.array([[float(word) for word in line.split(",")] for line in lines]).T
    assert len(header.split(",")) == len(columns) and np.isfinite(columns).all()
    return dict(zip(header.split(","), columns))


def row(text, name):
    """The cells of a printed row that begins with these words."""
    line = next(line for line in text.splitlines() if line.startswith(name))
    return re.split(r" {2,}", line[len(name) :].strip())


@pytest.mark.parametrize("name", OUTPUTS)
def test_pictures_and_tables_are_there(finished, name):
    text, folder = finished(name)
    written = {path.stem for path in folder.glob("*.csv")}
    assert written - {"thermo", "model-1.log", "model-2.log", "model-3.log"} == OUTPUTS[name]
    with Image.open(folder / f"{name}.png") as picture:
        picture.load()
        assert picture.width > 1000 and picture.height > 400
        assert len(picture.convert("L").getcolors()) > 10, "not a blank page"
    assert f"picture: {folder / name}.png" in text


def test_metal_elastic_constants_are_those_of_the_page(finished):
    text, folder = finished("metal")
    page = (ROOT / "docs" / "alloy.md").read_text().split("| W | a (Å) |")[1]
    assert row(text, "lattice constant (A)")[0] == page.split("|")[0].strip()
    for name, subscript in (("C11", "C₁₁"), ("C12", "C₁₂"), ("C44", "C₄₄")):
        assert row(text, f"{name} (GPa)")[0] == page.split(f"| {subscript} (GPa) |")[1].split("|")[0].strip()


def test_metal_experiments_are_those_of_the_validation():
    references = json.loads((ROOT / "examples" / "alloy" / "references.json").read_text())["elements"]
    known = runpy.run_path(str(SCRIPTS / "metal.py"))["EXPERIMENT"]
    assert known == {element: values["experiment"] for element, values in references.items()}


def test_metal_equation_of_state_has_its_minimum_at_the_lattice_constant(finished):
    text, folder = finished("metal")
    curve = table(folder / "equation-of-state.csv")
    volume, energy, fit = curve.values()
    assert volume[np.argmin(fit)] == pytest.approx(float(row(text, "lattice constant (A)")[0]) ** 3 / 2, rel=0.006)
    assert np.abs(energy - fit).max() < 1e-3
    curvature = np.polyval(np.polyder(np.polyfit(volume, fit, 4), 2), volume[np.argmin(fit)])
    expected = float(row(text, "bulk modulus of the equation of state (GPa)")[0])
    assert volume[np.argmin(fit)] * curvature / units.GPa == pytest.approx(expected, rel=0.02)


def test_metal_phonons_begin_as_sound(finished):
    text, folder = finished("metal")
    phonons, constants = table(folder / "phonons.csv"), [float(row(text, f"{c} (GPa)")[0]) for c in ("C11", "C44")]
    path, *branches = phonons.values()
    a = float(row(text, "lattice constant (A)")[0])
    density = 183.84 * units._amu / (a**3 / 2 * 1e-30)
    near = np.flatnonzero(path < 0.08 * 2 * np.pi / a)[-1]  # along [100]
    frequency = np.sort([branch[near] for branch in branches])[::-1]
    moduli = density * (frequency * 1e12 * 2 * np.pi / (path[near] * 1e10)) ** 2 / 1e9
    assert moduli[[0, 1]] == pytest.approx(constants, rel=0.05)
    assert moduli[1] == pytest.approx(moduli[2], rel=0.05)
    assert max(map(np.max, branches)) < 8
    at_h = [float(word) for word in row(text, "phonons at H (THz)")[0].split()]
    assert np.ptp(at_h) < 0.02 and 4 < at_h[0] < 7


def test_metal_density_of_states_counts_three_branches(finished):
    frequency, states = table(finished("metal")[1] / "density-of-states.csv").values()
    assert np.trapezoid(states, frequency) == pytest.approx(3, rel=0.02)
    assert (states >= 0).all()


def test_vacancy_formation_energy_is_that_of_its_definition(finished):
    text, folder = finished("vacancy")
    perfect = tungsten((3, 3, 3), a=float(re.search(r"a = (\S+) A", text)[1]))
    relaxed = read(folder / "path.traj", 0)
    assert len(relaxed) == len(perfect) - 1
    energies = [result.energy for result in grapevine.evaluate(ALLOY, [perfect, perfect[1:], relaxed], threads=1)]
    share = (len(perfect) - 1) / len(perfect) * energies[0]
    assert float(row(text, "formation, not relaxed")[0]) == pytest.approx(energies[1] - share, abs=0.006)
    assert float(row(text, "formation")[0]) == pytest.approx(energies[2] - share, abs=0.006)
    assert 3 < energies[2] - share < 5


def test_vacancy_path_is_symmetric_and_its_top_a_saddle_point(finished):
    text, folder = finished("vacancy")
    path, energy = table(folder / "path.csv").values()
    assert (np.diff(path) > 0).all() and energy[[0, -1]] == pytest.approx([0, 0], abs=1e-4)
    barrier = float(row(text, "migration")[0])
    assert energy.max() == pytest.approx(barrier, abs=0.006) and 0.5 < barrier < 3
    top = grapevine.evaluate(ALLOY, read(folder / "path.traj", int(np.argmax(energy))), threads=1)[0]
    assert np.linalg.norm(top.forces, axis=1).max() < 0.02
    fit_path, fit_energy = table(folder / "path-fit.csv").values()
    assert np.interp(path, fit_path, fit_energy) == pytest.approx(energy, abs=0.03)
    lines = (folder / "energies.csv").read_text().splitlines()
    assert lines[0] == "source,energy,value (eV),error (eV)"
    assert lines[-1] == "experiment,migration,1.7800,0.1" and len(lines) == 7


def test_liquid_forces_of_lammps_and_ase_are_equal(finished):
    text, folder = finished("liquid")
    assert float(re.search(r"on 192 atoms differ by (\S+) eV/A at most", text)[1]) < 1e-11
    last = read(folder / "forces.lammpstrj", format="lammps-dump-text", specorder=["O", "H"])
    assert str(last.symbols.formula.reduce()[0]) == "OH2"
    expected = grapevine.evaluate(WATER, last, threads=1)[0].forces
    np.testing.assert_allclose(last.get_forces(), expected, rtol=0, atol=1e-11)
    assert re.search(r"Loop time of \S+ on 2 procs", (folder / "log.forces").read_text())


def test_liquid_is_water(finished):
    text, folder = finished("liquid")
    g = table(folder / "pair-distribution.csv")
    distance = g["distance (A)"]
    shells = 4 * np.pi * distance**2 * (distance[1] - distance[0])
    hydrogens = 128 / 12.4448**3
    bonded = distance < 1.3
    assert np.sum((g["g_OH"] * shells)[bonded]) * hydrogens == pytest.approx(2, abs=0.02)
    assert np.sum((g["g_HH"] * shells)[distance < 1.85]) * hydrogens == pytest.approx(1, abs=0.15)
    assert 0.9 < distance[np.argmax(g["g_OH"])] < 1.05
    assert 2.6 < distance[np.argmax(g["g_OO"])] < 3.0
    assert all(g[f"g_{pair}"][-20:].mean() == pytest.approx(1, abs=0.15) for pair in ("OO", "OH", "HH"))
    assert row(text, "whole molecules, worst frame")[0].endswith("of 64")
    assert row(text, "D in an infinite box (1e-9 m2/s)")[1] == "4.5"


def test_liquid_displacement_is_that_of_the_trajectory(finished):
    folder = finished("liquid")[1]
    lag, displacement = table(folder / "displacement.csv").values()
    frames = read(folder / "frames.lammpstrj", ":", format="lammps-dump-text", specorder=["O", "H"])
    assert len(frames) == 21 and np.diff(lag) == pytest.approx(0.02)
    positions = np.array([atoms.positions - atoms.get_center_of_mass() for atoms in frames])
    positions = positions[:, frames[0].symbols == "O"]
    expected = [((positions[n:] - positions[: len(positions) - n]) ** 2).sum(axis=2).mean() for n in range(len(lag))]
    assert displacement == pytest.approx(expected, rel=1e-3, abs=1e-9)


def test_committee_labels_are_the_reference_s(finished):
    frames = read(finished("committee")[1] / "train.extxyz", ":")
    assert len(frames) == 30
    for atoms, result in zip(frames, grapevine.evaluate(ALLOY, frames, threads=1)):
        assert atoms.get_potential_energy() == pytest.approx(result.energy, abs=1e-4)
        np.testing.assert_allclose(atoms.get_forces(), result.forces, rtol=0, atol=1e-5)


def test_committee_deviation_grows_with_the_error(finished):
    text, folder = finished("committee")
    temperature, deviation, error = table(folder / "atoms.csv").values()
    assert len(error) == 51 * 54 and (deviation > 0).all() and (error > 0).all()
    correlation = np.corrcoef(np.log(deviation), np.log(error))[0, 1]
    assert correlation > 0.3
    assert f"{error.size} atoms: {correlation:.2f}" in text
    cool, hot = temperature < 1040, temperature > 3260
    for values in (deviation, error):
        assert values[hot].mean() > 2 * values[cool].mean()
    along = table(folder / "trajectory.csv")
    assert along["temperature (K)"][[0, -1]] == pytest.approx([300, 4000])
    assert along["error largest (eV/A)"] == pytest.approx(error.reshape(51, 54).max(axis=1), rel=1e-4)
    assert along["deviation mean (eV/A)"] == pytest.approx(deviation.reshape(51, 54).mean(axis=1), rel=1e-4)
    assert len({(folder / f"model-{n}.safetensors").read_bytes() for n in (1, 2, 3)}) == 3


def test_committee_learns_from_a_file(finished, tmp_path):
    frames = read(finished("committee")[1] / "train.extxyz", ":")
    write(tmp_path / "given.extxyz", frames)
    done = script("committee", "--train", tmp_path / "given.extxyz", "--structures", 12, "--epochs", 2,
                  "--committee", 2, "--time", 0.1, "--hottest", 400, "--output", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    chosen = read(tmp_path / "out" / "train.extxyz", ":")
    energies = [atoms.get_potential_energy() for atoms in frames]
    assert len({atoms.get_potential_energy() for atoms in chosen} & set(energies)) == 12
    assert "training 2 models on 12 structures" in done.stdout


@pytest.mark.parametrize("name, arguments, message", [
    ("metal", ["--element", "Fe"], "invalid choice: 'Fe'"),
    ("metal", ["--supercell", 1], "--supercell 1: it has to be at least 4"),
    ("metal", ["--model", "missing.safetensors"], "missing.safetensors"),
    ("metal", ["--model", WATER], "which the model does not know"),
    ("vacancy", ["--cells", 1], "--cells has to be at least 2"),
    ("vacancy", ["--fmax", "nan"], "--fmax above 0"),
    ("vacancy", ["--model", SCRIPTS / "metal.py"], "not a safetensors file"),
    ("liquid", ["--temperature", 500], "from 274 to 373 K"),
    ("liquid", ["--ranks", 0], "--ranks has to be at least 1"),
    ("liquid", ["--model", ALLOY], "not in model"),
    ("committee", ["--hottest", 100], "--hottest has to be above 300 K"),
    ("committee", ["--train", "missing.extxyz"], "missing.extxyz: cannot be read"),
    ("committee", ["--train", SCRIPTS / "metal.py"], "cannot be read"),
])
def test_bad_input_is_one_line(tmp_path, name, arguments, message):
    done = script(name, *arguments, "--output", tmp_path / "out")
    assert done.returncode != 0
    assert message in done.stderr and len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert done.stderr.startswith(f"{name}.py: error: ")
