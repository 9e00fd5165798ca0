"""examples/electrolyte: its structure, and its evaluation of runs whose answers are known. No large model is run."""

import subprocess
import sys

import numpy as np
import pytest
from ase.io import read
from lammps_run import ROOT, VENV, environment

EXAMPLE = ROOT / "examples" / "electrolyte"
MODEL = ROOT / "models" / "water.safetensors"  # never run on an electrolyte

sys.path += [str(EXAMPLE), str(EXAMPLE.parent)]
import argyrodite
import conduction
import diffusion
import self_diffusion
from command_line import Failure
from report import Estimate

INTERVAL = 0.04  # ps
ENERGY = 0.25  # eV
PREFACTOR = 20.0  # 1e-9 m2/s


@pytest.fixture
def example(grapevine, tmp_path):
    """example(*arguments): the finished diffusion.py; its files are in tmp_path / "out"."""

    def run(*arguments, model=MODEL):
        command = [VENV / "bin" / "python", EXAMPLE / "diffusion.py", model, tmp_path / "out", "--grapevine", grapevine]
        return subprocess.run([*map(str, command), *arguments], text=True, capture_output=True,
                              stdin=subprocess.DEVNULL, timeout=120, env=environment())

    return run


def row(table, name):
    """The text of a table's row behind its name."""
    lines = map(str.strip, table.splitlines())
    return next(line[len(name) :].strip() for line in lines if line.startswith(name + "  "))


def known_diffusion(temperature):
    return PREFACTOR * np.exp(-ENERGY / (conduction.BOLTZMANN * temperature))


def write_run(folder, temperature, frames, seed):
    """Files as in.electrolyte leaves them: lithium walks at random, the frame rattles and drifts as a whole."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(seed)
    atoms = argyrodite.build(2)
    types = np.array([argyrodite.SPECIES.index(symbol) + 1 for symbol in atoms.symbols])
    steps = rng.normal(size=(frames, len(atoms), 3)) * np.sqrt(0.2 * known_diffusion(temperature) * INTERVAL)
    rattle = rng.normal(size=steps.shape) * 0.1
    positions = atoms.positions + np.where(types[:, None] == 1, np.cumsum(steps, axis=0), rattle)
    positions += np.arange(frames)[:, None, None] * [0.01, 0.0, -0.02]
    edge = atoms.cell.lengths()[0]
    with (folder / "frames.lammpstrj").open("w") as file:
        for n, frame in enumerate(positions):
            file.write(f"ITEM: TIMESTEP\n{20 * n}\nITEM: TIME\n{n * INTERVAL:g}\n")
            file.write(f"ITEM: NUMBER OF ATOMS\n{len(atoms)}\nITEM: BOX BOUNDS pp pp pp\n" + f"0.0 {edge}\n" * 3)
            file.write("ITEM: ATOMS id type xu yu zu\n")
            rows = zip(range(1, len(atoms) + 1), types, *frame.T)
            file.writelines("{} {} {:.5f} {:.5f} {:.5f}\n".format(*row) for row in rows)
    lines = ["phase,time,temperature,potential,total,pressure,edge"]
    lines += [f"nve,{n * INTERVAL:g},{temperature + kelvin:.3f},-1700,{-1650 + 0.01 * electronvolt:.6f},5.0,{edge}"
              for n, (kelvin, electronvolt) in enumerate(rng.normal(size=(frames, 2)))]
    (folder / "thermo.csv").write_text("\n".join(lines) + "\n")
    (folder / "log.lammps").write_text(f"Loop time of 60 on 2 procs for {20 * (frames - 1)} steps with 416 atoms\n")


@pytest.mark.parametrize("disorder", [0.0, 0.5, 1.0])
def test_structure_is_the_argyrodite(disorder):
    atoms = argyrodite.build(2, disorder)
    assert atoms.symbols.formula.count() == {"Li": 192, "P": 32, "S": 160, "Cl": 32}
    separation = atoms.get_all_distances(mic=True)
    symbols = np.array(atoms.get_chemical_symbols())
    assert separation[~np.eye(416, dtype=bool)].min() == pytest.approx(2.015, abs=0.01)  # the P-S bond
    assert np.all(np.sum(separation[symbols == "P"][:, symbols == "S"] < 2.2, axis=1) == 4)
    assert separation[symbols == "Li"][:, symbols != "Li"].min() > 2.2
    caged = np.sum(separation[:, symbols == "Li"] < 2.4, axis=1) == 6
    assert np.count_nonzero(caged & (symbols == "Cl")) == 32 * disorder
    assert np.count_nonzero(caged) == 32


def test_data_file_is_read_back(tmp_path):
    argyrodite.write_data(tmp_path / "start.data", argyrodite.build(2, 0.5))
    atoms = read(tmp_path / "start.data", format="lammps-data", atom_style="atomic", units="metal")
    assert len(atoms) == 416 and atoms.cell.lengths() == pytest.approx([19.72] * 3)


def test_random_walk_in_groups_has_its_diffusion_coefficient():
    rng = np.random.default_rng(3)
    steps = rng.normal(size=(400, 192, 3)) * np.sqrt(2 * 0.05 * INTERVAL)  # D = 0.05 Angstrom2/ps
    found = self_diffusion.measure_group_diffusion(np.cumsum(steps, axis=0), INTERVAL, np.arange(192) % 8)
    assert found.lags[-1] == pytest.approx(8.0) and found.window[0] == pytest.approx(1.6)
    assert 0 < found.error < 0.1
    assert found.coefficient == pytest.approx(0.5, abs=4 * found.error)
    with pytest.raises(ValueError, match="too few"):
        self_diffusion.measure_group_diffusion(np.cumsum(steps, axis=0), INTERVAL, np.zeros(192))


def test_error_of_groups_is_the_scatter_of_repeated_walks():
    rng = np.random.default_rng(4)
    walks = np.cumsum(rng.normal(size=(40, 80, 48, 3)), axis=1)
    found = [self_diffusion.measure_group_diffusion(walk, 1.0, np.arange(48) % 8) for walk in walks]
    scatter = np.std([it.coefficient for it in found], ddof=1)
    assert np.mean([it.error for it in found]) == pytest.approx(scatter, rel=0.35)


def test_arrhenius_line_finds_its_energy():
    temperatures = np.array([600.0, 700.0, 800.0, 1000.0])
    exact = [Estimate(known_diffusion(t), 0.1 * known_diffusion(t)) for t in temperatures]
    line = conduction.fit_arrhenius(temperatures, exact)
    assert line.energy == pytest.approx(ENERGY, rel=1e-9)
    assert line.diffusion(300.0) == pytest.approx(known_diffusion(300.0), rel=1e-9)
    assert line.error == pytest.approx(0.1 / np.sqrt(np.sum((1 / temperatures - np.mean(1 / temperatures)) ** 2))
                                       * conduction.BOLTZMANN, rel=1e-6)
    assert conduction.fit_arrhenius([600.0, 700.0], [exact[0], Estimate(0.01, 0.02)]) is None


def test_nernst_and_einstein():
    # 2.5e28 Li per m3, 1e-12 m2/s, 300 K: n e2 D / kT = 0.155 S/m.
    assert conduction.conductivity(1e-3, 300.0, 0.025) == pytest.approx(1.5493, rel=1e-3)


def test_runs_with_a_known_answer(example, tmp_path):
    for n, temperature in enumerate((1000, 600, 800)):
        write_run(tmp_path / "out" / f"{temperature}K", temperature, 80, n)
    done = example("--evaluate", "--temperatures", "1000", "600", "800")
    assert done.returncode == 0, done.stderr
    table = (tmp_path / "out" / "electrolyte.txt").read_text(encoding="utf-8")
    assert table in done.stdout
    cells = row(table, "D of Li (10⁻⁹ m²/s)").split("  ")
    for temperature, cell in zip((600, 800, 1000), filter(None, cells)):
        value, error = map(float, cell.split(" ± "))
        assert value == pytest.approx(known_diffusion(temperature), abs=4 * error) and error < 0.2 * value
    assert all(abs(float(cell.split(" ± ")[0])) < 0.005 for cell in filter(None, row(table, "D of P").split("  ")))
    energy, error = next(line for line in table.splitlines() if "activation" in line).split()[2::2][:2]
    assert float(energy) == pytest.approx(ENERGY, abs=4 * float(error)) and float(error) < 0.06
    assert "extrapolated to 300 K" in table
    for name in ("electrolyte.png", "density.png"):
        assert (tmp_path / "out" / name).read_bytes().startswith(b"\x89PNG")


def test_one_temperature_has_no_activation_energy(example, tmp_path):
    write_run(tmp_path / "out" / "800K", 800, 40, 1)
    done = example("--evaluate")
    assert done.returncode == 0, done.stderr
    assert "activation" not in done.stdout


def test_shortest_time_that_is_taken_is_enough(example, tmp_path):
    write_run(tmp_path / "out" / "800K", 800, diffusion.FEWEST, 1)
    done = example("--evaluate", "--time", "0.48")
    assert done.returncode == 0, done.stderr


def test_origin_of_the_crystal_is_found():
    atoms = argyrodite.build(2)
    phosphorus = atoms.positions[atoms.symbols == "P"] + [0.4, -0.3, 0.0]
    assert conduction.find_origin(phosphorus, argyrodite.LATTICE_CONSTANT) == pytest.approx([0.4, -0.3, 0.0], abs=1e-9)


def test_lithium_that_left_its_cage_is_found():
    atoms = argyrodite.build(2)
    types = np.array([argyrodite.SPECIES.index(symbol) + 1 for symbol in atoms.symbols])
    edge = argyrodite.LATTICE_CONSTANT
    frames = np.array([atoms.positions] * 3)
    frames[1:, 0] += [0.25 * edge, 0.25 * edge, 0.0]  # between two cages: still in the one it came from
    frames[2, 0] += [0.25 * edge, 0.25 * edge, 0.0]
    cages = conduction.find_cages(frames, types, edge)
    assert np.linalg.norm(cages[0] - frames[0, types == 1], axis=1).max() < 0.24 * edge
    assert cages[1] == pytest.approx(cages[0])
    assert cages[2, 0] - cages[0, 0] == pytest.approx([0.5 * edge, 0.5 * edge, 0.0])
    assert cages[2, 1:] == pytest.approx(cages[0, 1:])


def test_density_is_where_lithium_is():
    atoms = argyrodite.build(2)
    types = np.array([argyrodite.SPECIES.index(symbol) + 1 for symbol in atoms.symbols])
    edge = argyrodite.LATTICE_CONSTANT
    density = conduction.lithium_density(atoms.positions[None], types, edge)
    # In the layer z = 1/4 of the cubic cell: four lithium atoms about each of two cages.
    assert density.sum() * (edge / conduction.PIXELS) ** 2 * 2 * conduction.SLAB == pytest.approx(8.0)
    assert density[15, 1] > 0 and density[15, 15] == 0


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["--temperatures", "20"], "--temperatures 20: it has to be from 100 to 1500"),
        (["--temperatures", "800", "800"], "twice"),
        (["--time", "0.1"], "--time 0.1"),
        (["--time", "0.4"], "--time 0.4: it has to be from 0.48"),
        (["--time", "nan"], "--time nan"),
        (["--cells", "1"], "--cells 1"),
        (["--disorder", "1.5"], "--disorder 1.5"),
        (["--ranks", "0"], "--ranks 0"),
        (["--ranks", "two"], "--ranks"),
        (["--grapevine", "no-such-program"], "no-such-program"),
        (["--evaluate"], "800K: not the files of a finished run"),
        (["--colours"], "--colours"),
    ],
)
def test_bad_options_are_refused(tmp_path, arguments, words):
    with pytest.raises(Failure) as caught:
        diffusion.main([str(MODEL), str(tmp_path / "out"), *arguments])
    assert words in str(caught.value) and "\n" not in str(caught.value)


def test_what_lammps_refuses_is_named(example):
    done = example("--time", "0.5")
    assert done.returncode == 1
    assert "800 K: LAMMPS stopped: ERROR" in done.stderr.splitlines()[-1]


def test_missing_model_is_one_line(example):
    done = example(model="nowhere.safetensors")
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1 and "nowhere.safetensors: there is no such model" in done.stderr
