"""examples/alloy/validate.py: its numbers against energies, its page, and what it says of bad input."""

import json
import subprocess
import sys

import numpy as np
import pytest
from ase.io import read
from lammps_run import ROOT, VENV

SCRIPT = ROOT / "examples" / "alloy" / "validate.py"
ALLOY = ROOT / "models" / "nbmotaw.safetensors"
DATA = ROOT.parent / "shared" / "data" / "alloy-NbMoTaW"
SHORT = ["--elements", "W", "--temperatures", "300", "--picoseconds", "0.1", "--equilibration", "0.05", "--cells", "2"]

sys.path[:0] = [str(SCRIPT.parent), str(ROOT / "examples")]
import crystal  # noqa: E402
from command_line import Failure  # noqa: E402
from validate import validate  # noqa: E402


@pytest.fixture
def run(grapevine, tmp_path):
    """run(model, *options): the finished process; output goes to tmp_path / "out"."""

    def script(model, *options):
        command = [VENV / "bin" / "python", SCRIPT, model, tmp_path / "out", "--grapevine", grapevine, *options]
        return subprocess.run(list(map(str, command)), capture_output=True, text=True, stdin=subprocess.DEVNULL,
                              timeout=120)

    return script


def cells_of(page, label):
    """The cells of the first table row with this label."""
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in page.splitlines() if line[:1] == "|"]
    return next(row for row in rows if label in row)


def test_the_page_has_tables_and_pictures(run, tmp_path):
    done = run(ALLOY, *SHORT)
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "out" / "validation.md").read_text()
    constant = cells_of(page, "a (Å)")
    assert constant[0] == "W" and float(constant[2]) == pytest.approx(3.19, abs=0.03)
    assert constant[3] == "3.1900" and constant[5] == "3.1652"
    assert cells_of(page, "at constant energy (ps)")[1:] == ["0.1"]
    assert 2.0 < float(cells_of(page, "shortest distance of two atoms (Å)")[1]) < 2.8
    assert cells_of(page, "atoms that moved to another site")[1:] == ["0 of 16"]
    for name in ("equation-of-state", "elastic-constants", "energy-temperature"):
        assert f"({name}.png)" in page
        assert (tmp_path / "out" / f"{name}.png").read_bytes().startswith(b"\x89PNG")
    assert "molecular dynamics at 300 K: 16 atoms, 0.2 ps" in done.stdout
    assert str(tmp_path) not in page


def test_molecular_dynamics_can_be_left_out(run, tmp_path):
    done = run(ALLOY, "--elements", "Mo,Ta", "--picoseconds", "0")
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "out" / "validation.md").read_text()
    assert "Molecular dynamics" not in page and "Ta" in page
    assert not (tmp_path / "out" / "energy-temperature.png").exists()


def test_elastic_constants_are_curvatures_of_the_energy(grapevine, tmp_path):
    evaluate = crystal.Evaluator(grapevine, ALLOY, tmp_path)
    (tungsten,) = crystal.measure(evaluate, {"W": 3.19})
    a, step = tungsten.lattice_constant, 1e-3
    stretch, shear = np.zeros((2, 3, 3))
    stretch[0, 0] = shear[0, 1] = 1.0
    deformations = [np.eye(3) + e * kind for kind in (stretch, np.eye(3), shear) for e in (step, 0.0, -step)]
    cells = evaluate([crystal.bcc("W", a, F) for F in deformations])
    energies = np.array([atoms.get_potential_energy() for atoms in cells]).reshape(3, 3) / a**3
    curvatures = (energies[:, 0] - 2 * energies[:, 1] + energies[:, 2]) / step**2 * crystal.GPA_PER_EV_A3
    expected = tungsten.c11, 3 * (tungsten.c11 + 2 * tungsten.c12), tungsten.c44
    np.testing.assert_allclose(curvatures, expected, rtol=2e-3)


def test_equation_of_state_of_a_known_curve():
    """Birch and Murnaghan's own energy with V0 = 16, B = 1.9 eV/A^3, B' = 4.4."""
    volumes = np.linspace(14.5, 17.5, 20)
    u = (16 / volumes) ** (2 / 3)
    energies = -8 + 9 * 16 * 1.9 / 16 * ((u - 1) ** 3 * 4.4 + (u - 1) ** 2 * (6 - 4 * u))
    found = crystal.fit_equation_of_state(volumes, energies)
    assert found.volume == pytest.approx(16, rel=1e-6)
    assert found.lowest == pytest.approx(-8, rel=1e-9)
    assert found.bulk_modulus == pytest.approx(1.9 * crystal.GPA_PER_EV_A3, rel=1e-5)
    assert found.derivative == pytest.approx(4.4, rel=1e-4)
    assert crystal.fit_equation_of_state(volumes, -volumes) is None


def curvature_at_zero(energies):
    strains, values = np.array(sorted(energies.items())).T
    return 2 * np.polynomial.polynomial.polyfit(strains, values, 6)[2]


def test_dft_reference_follows_from_the_training_data():
    if not DATA.exists():
        pytest.skip(f"{DATA.name} is not on this machine")
    frames = [atoms for name in ("train", "test") for atoms in read(DATA / f"{name}.extxyz", ":") if len(atoms) == 2]
    elements = json.loads((SCRIPT.parent / "references.json").read_text())["elements"]
    for element, sources in elements.items():
        reference = sources["dft"]
        stretched, sheared = {}, {}
        for atoms in frames:
            strain = atoms.cell.array / reference["a"] - np.eye(3)
            if set(atoms.symbols) != {element}:
                continue
            diagonal, rest = np.diag(strain), (strain - np.diag(np.diag(strain))).ravel()
            if np.abs(rest).max() < 1e-3:
                stretched[round(diagonal[np.abs(diagonal).argmax()], 2)] = atoms.get_potential_energy()
            if np.abs(diagonal).max() < 1e-4:
                sheared[round(rest[np.abs(rest).argmax()], 2)] = atoms.get_potential_energy()
        assert len(stretched) == len(sheared) == 21
        to_gpa = crystal.GPA_PER_EV_A3 / reference["a"] ** 3
        assert to_gpa * curvature_at_zero(stretched) == pytest.approx(reference["C11"], abs=0.2)
        assert to_gpa * curvature_at_zero(sheared) == pytest.approx(reference["C44"], abs=0.2)


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["nowhere.safetensors"], "nowhere.safetensors: there is no such file"),
        ([SCRIPT], "validate.py"),
        ([ROOT / "models" / "water.safetensors"], "is Nb"),
        ([ALLOY, "--elements", "W,Fe"], "'Fe'"),
        ([ALLOY, "--elements", "W,W"], "--elements"),
        ([ALLOY, "--picoseconds", "-1"], "--picoseconds"),
        ([ALLOY, "--picoseconds", "long"], "--picoseconds"),
        ([ALLOY, "--temperatures", "300,nan"], "'nan'"),
        ([ALLOY, "--equilibration", "0"], "--equilibration"),
        ([ALLOY, "--timestep", "50"], "--timestep"),
        ([ALLOY, "--cells", "3"], "--cells"),
        ([ALLOY, "--grapevine", "/nowhere/grapevine"], "/nowhere/grapevine"),
        ([ALLOY, "--speed", "high"], "--speed"),
    ],
)
def test_bad_input_is_told(grapevine, tmp_path, arguments, words):
    model, *options = map(str, arguments)
    with pytest.raises(Failure) as failure:
        validate([model, str(tmp_path / "out"), "--grapevine", str(grapevine), *options])
    assert words in str(failure.value) and "\n" not in str(failure.value)
    assert not (tmp_path / "out" / "validation.md").exists()


def test_bad_input_is_one_line(run, tmp_path):
    (tmp_path / "out").write_text("")
    done = run(ALLOY)
    assert done.returncode == 1
    assert done.stderr == f"validate.py: error: {tmp_path / 'out'}: exists and is no folder\n"


def test_what_lammps_says_is_passed_on(run, tmp_path):
    """A folder is where LAMMPS wants to write a file."""
    (tmp_path / "out" / "md-300K" / "thermo.csv").mkdir(parents=True)
    done = run(ALLOY, *SHORT)
    assert done.returncode == 1 and done.stderr.count("\n") == 1, done.stderr
    assert "molecular dynamics at 300 K: ERROR" in done.stderr and "thermo.csv" in done.stderr
