"""examples/combustion: molecules of known frames, delays of known curves, and a short run of the whole example."""

import csv
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from ase import Atoms
from ase.build import molecule
from ase.calculators.emt import EMT
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import read, write
from grapevine.learn.options import Mixture
from lammps_run import ROOT, VENV, environment

EXAMPLE = ROOT / "examples" / "combustion"
MODEL = ROOT / "models" / "water.safetensors"
WHOLE = {"H2": (0.0, 0.0, 0.0), "O2": (9.7, 5.0, 5.0), "H2O": (5.0, 9.8, 9.9), "H2O2": (5.0, 5.0, 4.0)}

sys.path += [str(EXAMPLE), str(EXAMPLE.parent)]
import acetylene
import acetylene_pictures
import burning
import carbon
import combine
import gas as gas_runs
import grapevine as package
import networkx as nx
import reaction_paths
import sooting
import species
from command_line import Failure


def gas(edge=10.0):
    """Molecules of WHOLE in a periodic box, some across its faces."""
    atoms = Atoms(cell=[edge] * 3, pbc=True)
    for name, place in WHOLE.items():
        one = molecule(name)
        one.positions += np.array(place) - one.positions.mean(axis=0)
        atoms += one
    return atoms


def write_dump(path, frames, low=(0.0, 0.0, 0.0), wrap=True, every=250):
    text = ""
    for n, atoms in enumerate(frames):
        positions = (atoms.get_positions(wrap=True) if wrap else atoms.positions) + low
        text += f"ITEM: TIMESTEP\n{every * n}\nITEM: NUMBER OF ATOMS\n{len(atoms)}\nITEM: BOX BOUNDS pp pp pp\n"
        text += "".join(f"{a} {a + edge}\n" for a, edge in zip(low, atoms.cell.lengths()))
        text += "ITEM: ATOMS id element x y z f_sigma\n"
        rows = zip(range(1, len(atoms) + 1), atoms.symbols, positions)
        text += "".join(f"{i} {symbol} {x:.6f} {y:.6f} {z:.6f} {0.01 * i}\n" for i, symbol, (x, y, z) in rows)
    path.write_text(text)
    return path


@pytest.mark.parametrize("low", [(0, 0, 0), (-3.5, 2.0, 100.0)])
@pytest.mark.parametrize("wrap", [True, False])
def test_molecules_are_found_across_the_faces_of_the_box(tmp_path, low, wrap):
    steps, counts = species.count_species(write_dump(tmp_path / "dump", [gas()], low, wrap))
    assert list(steps) == [0]
    assert {name: int(number[0]) for name, number in counts.items()} == dict.fromkeys(WHOLE, 1)


def test_atoms_are_told_their_molecules(tmp_path):
    frame = next(species.read_frames(write_dump(tmp_path / "dump", [gas()])))
    labels, formulas = species.molecules(frame)
    assert [formulas[n] for n in labels] == ["H2"] * 2 + ["O2"] * 2 + ["H2O"] * 3 + ["H2O2"] * 4
    assert frame.columns["f_sigma"][3] == pytest.approx(0.04)


@pytest.mark.parametrize("name", sorted(species.BONDS))
def test_a_bond_ends_at_its_length(tmp_path, name):
    counted = []
    for factor in (0.99, 1.01):
        atoms = Atoms(list(name), [[0, 0, 0], [0, 0, factor * species.BONDS[name]]], cell=[10] * 3, pbc=True)
        _, counts = species.count_species(write_dump(tmp_path / "dump", [atoms]))
        counted.append(sum(int(number[0]) for number in counts.values()))
    assert counted == [1, 2]


def test_species_against_time(tmp_path):
    whole = gas()
    broken = whole.copy()
    broken.positions[0] += [0, 0, 2.0]  # of H2
    path = write_dump(tmp_path / "dump", [whole, broken])
    command = [VENV / "bin" / "python", EXAMPLE / "species.py", path, "-o", tmp_path / "species.csv"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    first, second = csv.DictReader((tmp_path / "species.csv").open())
    assert (first["step"], first["H2"], first["H"]) == ("0", "1", "0")
    assert (second["step"], second["H2"], second["H"], second["H2O"]) == ("250", "0", "2", "1")


def test_a_frame_that_is_cut_short_is_left_out(tmp_path):
    path = write_dump(tmp_path / "dump", [gas(), gas()])
    path.write_text(path.read_text()[:-60])
    assert list(species.count_species(path)[0]) == [0]


@pytest.mark.parametrize("content", ["", "no dump\n" * 30, "ITEM: TIMESTEP\n0\nITEM: NUMBER OF ATOMS\n1\nITEM: BOX BOUNDS\n"
                                     + "0 1\n" * 3 + "ITEM: ATOMS id x y z\n1 0 0 0\n"])
def test_what_is_no_such_dump_is_refused(tmp_path, content):
    (tmp_path / "dump").write_text(content)
    with pytest.raises(Failure, match="dump: (no dump with|there is no whole frame)"):
        species.count_species(tmp_path / "dump")


def test_delay_is_where_a_fifth_of_the_hydrogen_is_water():
    time = np.array([0.0, 1.0, 2.0, 3.0])
    assert burning.reached(time, np.array([0.0, 0.1, 0.3, 0.2])) == pytest.approx(1.5)
    assert np.isnan(burning.reached(time, np.full(4, 0.1)))


def write_run(folder, kelvin):
    """Files as in.burn leaves them: a frame and a row of thermo.csv each 0.05 ps, at the temperatures of `kelvin`."""
    folder.mkdir(parents=True)
    frames = [gas() for _ in kelvin]
    write_dump(folder / "frames.lammpstrj", frames, every=200)
    rows = [f"nve,{0.05 * n:.2f},{value},-30,{-20 + 0.001 * (n % 2)},1000" for n, value in enumerate(kelvin)]
    (folder / "thermo.csv").write_text("phase,time,temperature,potential,total,pressure\n" + "\n".join(rows) + "\n")
    (folder / "log.lammps").write_text(f"Loop time of 10 on 1 procs for 2000 steps with {len(frames[0])} atoms\n")


def test_what_follows_a_runaway_is_left_out(tmp_path):
    write_run(tmp_path / "whole", [4000] * 6)
    write_run(tmp_path / "lost", [4000] * 4 + [13000, 4e6])
    write_run(tmp_path / "at-once", [1e5] * 6)
    whole, lost = (burning.evaluate(tmp_path / name, 4000, 0.00025) for name in ("whole", "lost"))
    assert np.isnan(whole.ran_away) and len(whole.time) == 6
    assert lost.ran_away == pytest.approx(0.2) and len(lost.time) == 4 and lost.temperature.max() == pytest.approx(4000)
    assert lost.deviations.values.size == 4 * len(gas())
    with pytest.raises(Failure, match="failed at once: 100000 K"):
        burning.evaluate(tmp_path / "at-once", 4000, 0.00025)
    (tmp_path / "at-once" / "frames.lammpstrj").unlink()
    thermo = tmp_path / "at-once" / "thermo.csv"
    thermo.write_text(thermo.read_text().replace("nve,", "nvt,"))
    with pytest.raises(Failure, match="failed at once: 100000 K"):
        burning.evaluate(tmp_path / "at-once", 4000, 0.00025)


def example(folder, *arguments, models=(MODEL, MODEL)):
    command = [VENV / "bin" / "python", EXAMPLE / "hydrogen.py", *models, folder, *arguments]
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=300,
                          env=environment())


def test_whole_example(tmp_path, grapevine):
    """The model of liquid water stands in for one of the gas: what it says of it means nothing."""
    done = example(tmp_path / "out", "--temperatures", 1000, "--time", 0.5, "--oxygen", 8, "--density", 0.02, "--ranks", 1,
                   "--grapevine", grapevine)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / "hydrogen.txt").read_text().strip() in done.stdout
    for name in ("hydrogen.png", "deviations.png"):
        assert (tmp_path / "out" / name).read_bytes().startswith(b"\x89PNG")
    rows = list(csv.DictReader((tmp_path / "out" / "1000K" / "species.csv").open()))
    assert [int(row["step"]) for row in rows] == list(range(0, 2001, 200))
    again = example(tmp_path / "out", "--temperatures", 1000, "--evaluate")
    assert again.returncode == 0 and again.stdout == done.stdout


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["--temperatures", "20"], "--temperatures 20: it has to be from 1000 to 6000"),
        (["--temperatures", "3000", "3000"], "twice"),
        (["--time", "0.1"], "--time 0.1"),
        (["--oxygen", "2"], "--oxygen 2"),
        (["--at-once", "0"], "--at-once 0"),
        (["--density", "0.5"], "--density 0.5"),
        (["--evaluate"], "4000K: not the files of a finished run"),
        (["--grapevine", "no-such-program"], "no-such-program"),
    ],
)
def test_bad_options_are_one_line(tmp_path, arguments, words):
    done = example(tmp_path / "out", *arguments)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1 and words in done.stderr


def test_one_model_is_no_committee(tmp_path):
    done = example(tmp_path / "out", models=(MODEL,))
    assert done.returncode == 1 and "a committee takes two models or more" in done.stderr


def test_temperature_is_held_before_energy(tmp_path, grapevine):
    """As acetylene.py has it: frames of both parts, at the steps of the run."""
    mixture = Mixture(molecules={"H2": 16, "O2": 8}, density=0.02, distance=2.8)
    gas_runs.write_start(tmp_path / "start.data", mixture, ["H", "O"], 1)
    options = SimpleNamespace(models=[MODEL, MODEL], precision="mixed", seed=1, ranks=1, grapevine=grapevine)
    run = gas_runs.make_run(options, "held", tmp_path / "held", "../start.data", ["H", "O"], 1000, 0.1, 0.05, 100)
    run.folder.mkdir()
    done = subprocess.run(run.command, cwd=run.folder, capture_output=True, text=True, env=environment(), timeout=300)
    assert done.returncode == 0, done.stdout[-2000:]
    assert run.steps == 600
    assert list(species.count_species(run.folder / "frames.lammpstrj")[0]) == list(range(0, 601, 100))
    phases = [row["phase"] for row in csv.DictReader((run.folder / "thermo.csv").open())]
    assert phases.count("hold") >= 8 and phases[-4:] == ["nve"] * 4


# ---- carbon


def frame_of(atoms, edge=20.0):
    """A Frame of atoms around a corner of a periodic cube."""
    return species.Frame(0, np.array(atoms.get_chemical_symbols()), atoms.positions % edge, np.full(3, edge), {})


@pytest.mark.parametrize("name, rings, sizes", [("C6H6", {6: 1}, [6]), ("C5H5N", {}, [5]), ("cyclobutene", {}, [4]),
                                                ("C2H2", {}, [2]), ("CH3COCl", {}, [2]), ("bicyclobutane", {}, [4])])
def test_rings_and_clusters_of_carbon(name, rings, sizes):
    graph = carbon.carbon_graph(frame_of(molecule(name)))
    assert carbon.count_rings(graph) == {5: 0, 6: 0, 7: 0, **rings}
    assert [len(one) for one in carbon.clusters(graph)] == sizes


def test_rings_that_share_bonds_are_told_apart():
    naphthalene = nx.Graph([(n, (n + 1) % 10) for n in range(10)] + [(0, 5)])
    azulene = nx.Graph([(n, (n + 1) % 10) for n in range(10)] + [(0, 4)])
    assert carbon.count_rings(naphthalene) == {5: 0, 6: 2, 7: 0}
    assert carbon.count_rings(azulene) == {5: 1, 6: 0, 7: 1}


def burnt(edge=20.0):
    """Acetylene and benzene across a corner of the box, and oxygen."""
    atoms = molecule("C6H6")
    for name, place in {"C2H2": (8, 8, 8), "O2": (4, 8, 4)}.items():
        one = molecule(name)
        one.positions += place
        atoms += one
    atoms.set_cell([edge] * 3)
    atoms.pbc = True
    return atoms


def write_sooting(folder, kelvin):
    """Files as in.burn leaves them for acetylene.py: a frame and a row each 0.25 ps, the last third at constant energy."""
    folder.mkdir(parents=True)
    atoms = burnt()
    write_dump(folder / "frames.lammpstrj", [atoms] * len(kelvin), every=1000)
    phases = ["hold" if 3 * n < 2 * len(kelvin) else "nve" for n in range(len(kelvin))]
    rows = [f"{phase},{0.25 * n:.2f},{value},-30,{-20 + 0.001 * (n % 2)},1000"
            for n, (phase, value) in enumerate(zip(phases, kelvin))]
    (folder / "thermo.csv").write_text("phase,time,temperature,potential,total,pressure\n" + "\n".join(rows) + "\n")
    (folder / "log.lammps").write_text(f"Loop time of 10 on 2 procs for 2000 steps with {len(atoms)} atoms\n")


def test_what_acetylene_leaves(tmp_path):
    write_sooting(tmp_path / "run", [3000] * 12)
    found = sooting.evaluate(tmp_path / "run", 0.5, 3000, 0.00025)
    assert found.acetylene == 4 and found.time[-1] == pytest.approx(2.75)
    assert {name: number[0] for name, number in found.species.items()} == {"C6H6": 0.25, "C2H2": 0.25, "O2": 0.25}
    assert list(found.carbon.rings[6]) == [1] * 12 and list(found.carbon.largest) == [6] * 12
    assert not found.carbon.large.any() and found.energy.time[0] == pytest.approx(2.0)
    assert found.microseconds == pytest.approx(1e7 * 2 / (2000 * 18))
    largest = acetylene_pictures.cluster_of(found)
    assert largest.get_chemical_formula() == "C6H6"
    assert sorted(np.linalg.norm(largest.positions, axis=1)) == pytest.approx(
        sorted(np.linalg.norm(molecule("C6H6").positions, axis=1)), abs=1e-3)
    first = next(csv.DictReader((tmp_path / "run" / "carbon.csv").open()))
    assert (first["rings of 6"], first["largest cluster"]) == ("1", "6")
    table = acetylene_pictures.make_table("title", [found])
    assert "Most rings of six at the end: 0.5 O₂" in table
    acetylene_pictures.draw(tmp_path / "acetylene.png", "title", [found, found])
    acetylene_pictures.draw_structures(tmp_path / "structures.png", "title", [found, found])
    assert all((tmp_path / name).read_bytes().startswith(b"\x89PNG") for name in ("acetylene.png", "structures.png"))
    write_sooting(tmp_path / "lost", [3000] * 10 + [13000, 4e6])
    with pytest.raises(Failure, match="lost: the models failed: 13000 K at 2.5 ps"):
        sooting.evaluate(tmp_path / "lost", 0.5, 3000, 0.00025)


LABELS = """[start]
structures = ["none.extxyz"]
[label]
calculator = "ase.calculators.emt.EMT"
[[explore]]
temperatures = [300]
"""


def test_clusters_drawn_from_runs_are_labelled_and_compared(tmp_path):
    """Labels of EMT, which the model of water knows nothing of: the table says how far they are apart."""
    (tmp_path / "labels.toml").write_text(LABELS)
    (tmp_path / "runs" / "0.5-oxygen").mkdir(parents=True)
    write_dump(tmp_path / "runs" / "0.5-oxygen" / "frames.lammpstrj", [gas(20.0), gas(20.0)])
    command = [VENV / "bin" / "python", EXAMPLE / "drawn.py", tmp_path / "labels.toml", MODEL, MODEL, tmp_path / "runs",
               "--number", "5", "--radius", "4"]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, env=environment())
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "runs" / "drawn.txt").read_text() == done.stdout
    frames = read(tmp_path / "runs" / "drawn.extxyz", ":")
    assert len(frames) == 5 and not any(atoms.pbc.any() for atoms in frames)
    for atoms in frames:
        graph = species.molecules(frame_of(atoms, 100.0))[1]
        assert set(graph) <= set(WHOLE)  # molecules are not cut
        again = atoms.copy()
        again.calc = EMT()
        assert atoms.get_potential_energy() == pytest.approx(again.get_potential_energy(), abs=1e-6)
    (row,) = [line for line in done.stdout.splitlines() if line.startswith("0.5-oxygen")]
    answers = package.evaluate(MODEL, frames, precision="mixed")
    off = [(one.energy - atoms.get_potential_energy()) / len(atoms) for one, atoms in zip(answers, frames)]
    assert row.split()[1] == "5" and float(row.split()[3]) == pytest.approx(1000 * np.sqrt(np.mean(np.square(off))), abs=0.06)


def test_runs_that_are_not_there_are_one_line(tmp_path):
    (tmp_path / "labels.toml").write_text(LABELS)
    command = [VENV / "bin" / "python", EXAMPLE / "drawn.py", tmp_path / "labels.toml", MODEL, tmp_path]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, env=environment())
    assert done.returncode == 1 and len(done.stderr.splitlines()) == 1 and "no runs of acetylene.py" in done.stderr


@pytest.mark.parametrize("ratio, molecules", [(0.2, {"C2H2": 455, "O2": 91}), (1.5, {"C2H2": 286, "O2": 429})])
def test_mixtures_have_their_ratio(ratio, molecules):
    options = acetylene.parse_arguments(["model", "folder", "--evaluate", "--ratios", str(ratio)])
    assert acetylene.mixture_of(options, ratio).molecules == molecules


# ---- data


def labelled(atoms, energy, name, seed=0):
    atoms = atoms.copy()
    forces = np.random.default_rng(seed).normal(size=(len(atoms), 3))
    atoms.info["config_type"] = name
    atoms.calc = SinglePointCalculator(atoms, energy=energy, forces=forces - forces.mean(axis=0))
    return atoms


def stretched(length, energy, force, name="reaction_07_irc"):
    """OH along x: `force` on O, so that dE/dlength is `force` too."""
    atoms = Atoms("OH", [[0, 0, 0], [length, 0, 0]], info={"config_type": name})
    atoms.calc = SinglePointCalculator(atoms, energy=energy, forces=[[force, 0, 0], [-force, 0, 0]])
    return atoms


def test_frames_that_jump_to_another_state_are_left_out():
    path = [stretched(1.0, -4.0, 2.0), stretched(1.1, -3.8, 2.0), stretched(1.2, -2.1, 2.0), stretched(1.3, -3.4, 2.0),
            stretched(2.5, 0.2, 0.0), stretched(1.0, -4.0, 2.0, "reaction_06a_irc")]
    kept = combine.fitting(path)
    assert [round(atoms.get_distance(0, 1), 1) for atoms in kept] == [1.0, 1.1, 1.3]


def test_composed_frames_are_sums_of_molecules_apart():
    parts = [labelled(molecule("H2O"), -9.5, "a", 1), labelled(molecule("O2"), -5.2, "b", 2)]
    random = np.random.default_rng(3)
    for _ in range(20):
        whole = combine.compose(parts, random)
        assert whole.get_chemical_symbols() == ["O", "H", "H", "O", "O"]
        assert whole.get_potential_energy() == pytest.approx(-14.7)
        between = whole.get_all_distances()[:3, 3:].min()
        assert combine.APART <= between <= combine.APART + combine.SPREAD + 0.11
        forces = parts[1].get_forces()
        # Turned with the molecule: their components along the bond and their lengths are as they were.
        bonds = [atoms.positions[-1] - atoms.positions[-2] for atoms in (parts[1], whole)]
        assert whole.get_forces()[-2:] @ bonds[1] == pytest.approx(forces @ bonds[0])
        assert np.linalg.norm(whole.get_forces()[3:], axis=1) == pytest.approx(np.linalg.norm(forces, axis=1))


def test_combined_data(tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    write(data / "train.extxyz", [labelled(molecule(name), -5.0, "reaction_01_aimd") for name in ("H2O", "H2O2")])
    write(data / "reaction-paths.extxyz", [labelled(molecule("OH"), -4.5, "reaction_07_irc")])
    combine.main([str(data), str(tmp_path / "all.extxyz"), "--composed", "5"])
    frames = read(tmp_path / "all.extxyz", ":")
    assert [atoms.info["config_type"] for atoms in frames] == ["reaction_01_aimd"] * 2 + ["reaction_07_irc"] + ["composed"] * 5
    (data / "train.extxyz").write_text("no frames\n")
    with pytest.raises(Failure, match="not the files of hydrogen-combustion"):
        combine.main([str(data), str(tmp_path / "all.extxyz")])


# ---- reaction paths


def profile(energies, ends=(("HO", "O"), ("H", "O2")), models=((0.0, 1.1, -1.1),)):
    return reaction_paths.Profile("path", ends, 3, np.array(energies), np.array(models), np.zeros(len(models)))


def test_barriers_are_told_from_a_bond_that_breaks():
    barrier = profile([0.0, 1.0, -1.0])
    assert barrier.is_barrier and barrier.height(barrier.energy) == pytest.approx((1.0, 2.0))
    assert barrier.height(barrier.energies[0]) == pytest.approx((1.1, 2.2))
    broken = profile([-1.0, -4.0, 0.5])
    assert not broken.is_barrier and broken.height(broken.energy)[0] == pytest.approx(4.5)


@pytest.mark.parametrize("ends, words", [((("HO", "O"), ("H", "O2")), "HO + O → H + O₂"), ((("H2O2",), ("HO", "HO")), "H₂O₂ → 2HO"),
                                         ((("O2",), ("O2",)), "O₂")])
def test_equations(ends, words):
    assert reaction_paths.equation(profile([0, 1, -1], ends)) == words


def test_paths_of_a_model(tmp_path):
    path = [labelled(Atoms("OH", [[0, 0, 0], [length, 0, 0]]), -4.0 + length, "stretch") for length in (0.9, 1.0, 1.6)]
    write(tmp_path / "paths.extxyz", path)
    command = [VENV / "bin" / "python", EXAMPLE / "reaction_paths.py", tmp_path / "paths.extxyz", MODEL, "-o", tmp_path]
    done = subprocess.run(command, capture_output=True, text=True, env=environment())
    assert done.returncode == 0, done.stderr
    assert "| stretch | HO → H + O | 0.700 |" in (tmp_path / "paths.md").read_text()
    assert (tmp_path / "paths.png").read_bytes().startswith(b"\x89PNG")
    (tmp_path / "paths.extxyz").write_text("1\n\nO 0 0 0\n")
    done = subprocess.run(command, capture_output=True, text=True, env=environment())
    assert done.returncode == 1 and len(done.stderr.splitlines()) == 1 and "no paths with config_type" in done.stderr
