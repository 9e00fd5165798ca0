"""The pieces of grapevine learn, each alone: configuration, packing, descriptors, selection, labels, state."""

import json
import multiprocessing
import os
import sys
import time
from pathlib import Path

import grapevine
import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, molecule
from ase.calculators.calculator import Calculator, all_changes
from ase.calculators.singlepoint import SinglePointCalculator
from ase.geometry import get_distances
from grapevine.learn import exploring, labelling, selection, training
from grapevine.learn.config import commented_config, options_of, read_config
from grapevine.learn.folder import Folder, read_frames, write_frames, write_json, write_json_lines
from grapevine.learn.options import Label, Mixture, Select, Start, Train
from grapevine.learn.start import first_structures, pack, rotation
from grapevine.learn.surroundings import describe

SMALL = """
[[start.mixture]]
molecules = { H2O = 2 }
density = 0.3
[label]
calculator = "ase.calculators.emt.EMT"
[[explore]]
temperatures = [300]
"""


# ---- configuration


def test_the_configuration_with_all_options_is_one(tmp_path):
    path = tmp_path / "all.toml"
    path.write_text(commented_config())
    options = read_config(path)
    assert options.train.options == {"cutoff": 5.0, "epochs": 200}
    assert options.start.mixture[0].name == "2C2H2-2O2"


@pytest.mark.parametrize("line, told", [
    ("[select]\nlowr = 1", "unknown key select.lowr"),
    ("seeds = 1", "unknown key seeds"),
    ("[explore]\nkind = 'nve'", "explore"),
    ("[label]\ncalculater = 'x'", "unknown key label.calculater"),
    ("[select]\nnumber = 'ten'", 'select.number has to be a whole number, not "ten"'),
    ("[select]\nlower = 2\nupper = 1", "select.upper"),
    ("[train]\ncommittee = 1", "train.committee has to be at least 2, not 1"),
    ("[train]\noutput = 'x'", "train.output is set by grapevine learn itself"),
    ("[stop]\nrounds = true", "stop.rounds has to be a whole number"),
    ("[[explore]]\nkind = 'nvt'", "explore.kind has to be one of"),
    ("[[explore]]\nkind = 'template'", "explore.template"),
    ("[[explore]]\ntemperatures = ['hot']", "explore.temperatures has to be a list of numbers"),
    ("[[start.mixture]]\nmolecules = { O2 = 0 }\ndensity = 1", "start.mixture.molecules.O2"),
    ("[[start.mixture]]\nmolecules = { O2 = 1 }", "start.mixture.density"),
    ("x = [", "Invalid value"),
])
def test_a_wrong_configuration_is_told_in_one_line_with_file_and_key(line, told, tmp_path):
    path = tmp_path / "wrong.toml"
    text = SMALL
    if line.startswith("[label]") or line.startswith("[explore]"):
        text = text.replace(text[text.index("[label]"):], "")
    path.write_text(line + "\n" + text if line[0] in "sx" else text + line + "\n")
    with pytest.raises(grapevine.Error) as raised:
        read_config(path)
    assert str(raised.value).startswith(f"{path}: ") and told in str(raised.value)
    assert "\n" not in str(raised.value)


def test_paths_are_relative_to_the_folder_of_the_file(tmp_path):
    path = tmp_path / "c.toml"
    path.write_text(SMALL + "[start]\nstructures = ['a.extxyz']\n".replace("[start]", "[start]"))
    assert read_config(path).start.structures == [str(tmp_path / "a.extxyz")]


# ---- start


def test_molecules_are_packed_whole_at_the_density_and_apart():
    mixture = Mixture({"C2H2": 3, "O2": 4}, density=0.4, distance=2.2)
    atoms = pack(mixture, np.random.default_rng(1))
    assert atoms.get_chemical_formula() == "C6H6O8"
    mass = atoms.get_masses().sum() * 1.66053907
    assert mass / atoms.cell.volume == pytest.approx(0.4, rel=1e-6)
    distances = get_distances(atoms.positions, cell=atoms.cell, pbc=True)[1]
    bonds = distances[(distances > 0) & (distances < 2.0)]
    # In C2H2 a triple bond and two C-H; O2 one bond; each counted twice.
    assert len(bonds[bonds < 1.5]) == 2 * (3 * 3 + 4)


def test_molecules_without_room_are_an_error():
    with pytest.raises(grapevine.Error, match="no room for 40 molecules"):
        pack(Mixture({"H2O": 40}, density=3.0, name="ice", distance=3.0), np.random.default_rng(1))


def test_unknown_molecules_are_an_error():
    with pytest.raises(grapevine.Error, match="Unobtainium is no element"):
        pack(Mixture({"Unobtainium": 1}, density=1.0), np.random.default_rng(1))


def test_copies_are_near_the_structures_and_the_same_for_a_seed():
    start = Start(copies=3, displacement=0.05, strain=0.02)
    begin = {"w": [bulk("W", cubic=True)]}
    frames = first_structures(begin, start, seed=4)
    assert len(frames) == 4 and (frames[0].positions == begin["w"][0].positions).all()
    moved = [frame.cell.scaled_positions(frame.positions) for frame in frames]
    assert 0 < np.abs(moved[1] - moved[0]).max() < 0.2
    again = first_structures(begin, start, seed=4)
    assert all((a.positions == b.positions).all() for a, b in zip(frames, again))


# ---- descriptor and selection


def disturbed(seed, spread=0.1):
    random = np.random.default_rng(seed)
    atoms = bulk("Cu", cubic=True) * (2, 1, 1)
    atoms.symbols[random.permutation(len(atoms))[:3]] = "Al"
    atoms.positions += spread * random.normal(size=(len(atoms), 3))
    return atoms


def test_the_descriptor_is_invariant_and_smooth():
    atoms = disturbed(1)
    expected = describe(atoms, [13, 29])
    turned = atoms.copy()
    turned.set_cell(atoms.cell.array @ rotation(np.random.default_rng(2)).T, scale_atoms=True)
    turned.positions += 0.7
    np.testing.assert_allclose(describe(turned[::-1], [13, 29])[::-1], expected, atol=1e-9)
    mirrored = atoms.copy()
    mirrored.set_cell(-atoms.cell.array, scale_atoms=True)
    np.testing.assert_allclose(describe(mirrored, [13, 29]), expected, atol=1e-9)
    near = atoms.copy()
    near.positions += 1e-5 * np.random.default_rng(3).normal(size=near.positions.shape)
    assert 0 < np.abs(describe(near, [13, 29]) - expected).max() < 1e-2


def with_deviations(atoms, seed=0):
    atoms = atoms.copy()
    atoms.arrays["deviation"] = np.random.default_rng(seed).random(len(atoms))
    atoms.info["deviation"] = float(atoms.arrays["deviation"].max())
    return atoms


def test_farthest_points_leave_copies_for_the_end():
    """Fifty times nearly the same structure and three others: the others come first."""
    same = [with_deviations(disturbed(1)) for _ in range(50)]
    for n, atoms in enumerate(same):
        atoms.positions += 1e-3 * np.random.default_rng(n).normal(size=atoms.positions.shape)
    others = [with_deviations(disturbed(seed)) for seed in (2, 3, 4)]
    chosen = selection.select([*same, *others], [disturbed(1)], Select(number=3), [1])
    assert {id(atoms) for atoms in chosen} == {id(atoms) for atoms in others}
    chosen = selection.select([*same, *others], [], Select(number=4), [1])
    assert sum(any(atoms is one for one in same) for atoms in chosen) == 1


@pytest.mark.parametrize("method", ["farthest", "random", "deviation"])
def test_a_selection_is_the_same_for_a_seed_and_within_its_number(method):
    candidates = [with_deviations(disturbed(seed), seed) for seed in range(12)]
    options = Select(number=5, method=method)
    first = selection.select(candidates, [disturbed(99)], options, [1, 2])
    assert len({id(atoms) for atoms in first}) == 5
    assert first == selection.select(candidates, [disturbed(99)], options, [1, 2])
    assert len(selection.select(candidates[:3], [], options, [1])) == 3
    assert selection.select([], [], options, [1]) == []


def test_a_fragment_has_whole_molecules_over_the_border_of_the_cell():
    atoms = Atoms(cell=[9, 9, 9], pbc=True)
    for place in ([0.2, 0.2, 0.2], [4.5, 4.5, 4.5], [6.9, 0.3, 0.3]):
        one = molecule("H2O")
        one.translate(np.array(place) - one.positions[0])
        atoms += one
    atoms.wrap()
    atoms.arrays["deviation"] = np.zeros(len(atoms))
    atoms.arrays["deviation"][0] = 1.0
    cluster = selection.fragment(atoms, 2.6)
    assert cluster.get_chemical_formula() == "H4O2" and not cluster.pbc.any()
    distances = np.linalg.norm(cluster.positions[:, None] - cluster.positions, axis=2)
    assert (distances < 1.1).sum() == 6 + 2 * 4  # two molecules in one piece
    metal = with_deviations(bulk("W", cubic=True) * (3, 3, 3))
    assert len(selection.fragment(metal, 3.3)) == 15  # a crystal is no molecule to be completed


# ---- labels


class Faulty(Calculator):
    """EMT-like answers by the wish of the first atom's tag."""

    implemented_properties = ["energy", "forces"]

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
        super().calculate(atoms, properties, system_changes)
        wish = int(atoms.get_tags()[0])
        if wish == 1:
            raise RuntimeError("no convergence\nin many lines")
        if wish == 2:
            time.sleep(600)
        if wish == 3:
            os.abort()
        force = {4: np.nan, 5: 1e4}.get(wish, 0.1)
        self.results = {"energy": -1.0 * len(atoms), "forces": np.full((len(atoms), 3), force)}


def tagged(tag):
    atoms = molecule("H2O")
    atoms.set_tags(tag)
    return atoms


def test_a_label_that_fails_in_any_way_is_told_and_hurts_no_other(tmp_path):
    label = Label(calculator="test_learn_pieces.Faulty", time_limit=3.0)
    workers = labelling.Workers(label, 2, [str(Path(__file__).parent)], tmp_path)
    answers = dict(workers.answers({n: tagged(tag) for n, tag in enumerate([0, 1, 2, 3, 4, 5, 0, 0])}))
    assert sorted(answers) == list(range(8))
    assert [n for n in range(8) if answers[n][0] is not None] == [0, 6, 7]
    assert answers[0][0].get_potential_energy() == -3
    reasons = {n: reason for n, (atoms, reason) in answers.items() if atoms is None}
    assert reasons[1] == "RuntimeError: no convergence in many lines"
    assert reasons[2] == "not done within 3 s"
    assert "signal 6" in reasons[3] and "not finite" in reasons[4] and "17321 eV/A" in reasons[5]
    assert not multiprocessing.active_children()


def test_atoms_on_top_of_each_other_are_not_worth_a_label():
    atoms = molecule("O2")
    atoms.set_distance(0, 1, 0.13)
    assert labelling.too_close(atoms, Label()) == "O and O are 0.13 A apart, less than 0.5 of their covalent radii"
    assert labelling.too_close(molecule("O2"), Label()) == ""


def test_energies_far_from_what_the_elements_explain_are_left_out():
    def frame(symbols, energy):
        atoms = Atoms(symbols, positions=[[0, 0, 3 * n] for n in range(len(symbols))])
        atoms.calc = SinglePointCalculator(atoms, energy=energy, forces=np.zeros((len(atoms), 3)))
        return atoms

    symbols = [["H"] * n + ["O"] * (4 - n) for n in (1, 2, 3, 1, 2, 3)]
    frames = [frame(one, -10.0 * one.count("H") - 400.0 * one.count("O") + 0.1 * n) for n, one in enumerate(symbols)]
    frames[3].calc.results["energy"] += 100
    good, bad = labelling.without_outliers(frames, [], Label())
    assert len(good) == 5 and bad[0][0] is frames[3] and "eV/atom off" in bad[0][1]


def test_multiplicity_is_that_of_the_electrons():
    radical, closed = molecule("OH"), molecule("H2O")
    lowest = Label(multiplicity="lowest")
    assert labelling.multiplicity(radical, lowest) == 2 and labelling.multiplicity(closed, lowest) == 1
    charged = Label(multiplicity="lowest", keywords={"charge": 1})
    assert labelling.multiplicity(radical, charged) == 1
    assert labelling.multiplicity(molecule("O2"), Label(multiplicity=3)) == 3
    assert labelling.multiplicity(closed, Label()) is None
    given = labelling.calculator(radical, Label(calculator="builtins.dict", multiplicity="lowest"))
    assert given == {"multiplicity": 2}
    labelling.calculator(radical, Label(calculator="builtins.dict", multiplicity=3, multiplicity_keyword=""))
    assert radical.get_initial_magnetic_moments().sum() == pytest.approx(2)


def test_keywords_can_be_objects():
    label = Label(calculator="builtins.dict", keywords={"profile": {"import": "builtins.dict", "command": "pw.x"}})
    assert labelling.calculator(molecule("H2O"), label) == {"profile": {"command": "pw.x"}}


def test_the_tag_is_that_of_the_definition_alone():
    base = Label(calculator="a.B", keywords={"x": 1, "y": 2})
    assert labelling.tag(base) == labelling.tag(Label(calculator="a.B", keywords={"y": 2, "x": 1}, workers=7))
    assert labelling.tag(base) != labelling.tag(Label(calculator="a.B", keywords={"x": 1, "y": 3}))


def test_a_command_reads_and_writes_extended_xyz(tmp_path):
    script = tmp_path / "label.py"
    script.write_text("import sys, ase.io\nfrom ase.calculators.emt import EMT\natoms = ase.io.read(sys.argv[1])\n"
                      "atoms.calc = EMT()\natoms.get_forces()\nase.io.write(sys.argv[2], atoms)\n")
    label = Label(command=f"{sys.executable} {script} {{input}} {{output}}")
    atoms = bulk("Cu", cubic=True)
    here = os.getcwd()
    try:
        done, reason = labelling.label_one(atoms, label, tmp_path / "work")
        bad, told = labelling.label_one(atoms, Label(command="false {input} {output}"), tmp_path / "bad")
    finally:
        os.chdir(here)
    assert reason == "" and np.isfinite(done.get_potential_energy()) and done.get_forces().shape == (4, 3)
    assert bad is None and "exit code 1 of false" in told


# ---- training


def test_what_a_model_sets_aside_stays_aside_when_data_grow():
    small, large = (training.validation_set(count, 0.2, 3, 1) for count in (40, 90))
    assert (large[:40] == small).all() and 5 < large.sum() < 35
    assert (training.validation_set(40, 0.2, 3, 2) != small).any()
    assert training.validation_set(6, 0.01, 1, 0).sum() == 1 and not training.validation_set(3, 0.0, 1, 0).any()


def test_replay_takes_so_many_old_ones():
    assert training.replayed(list(range(10)), 7, 0, [1]) == (list(range(10)), [])
    new, old = training.replayed(list(range(10)), 7, 3, [1])
    assert new == [7, 8, 9] and len(old) == 3 and max(old) < 7


def test_warm_starts_leave_out_what_the_model_decides():
    train = Train(options={"cutoff": 4.0, "epochs": 100, "batch": 4}, warm={"weight_decay": 0.1})
    assert training.warm_options(train, Path("m")) == {"batch": 4, "epochs": 50, "lr": 0.001, "start": "m",
                                                       "weight-decay": 0.1}


# ---- exploration


def test_thermo_tables_are_read_past_what_is_between_them():
    text = """LAMMPS
   Step          Temp       c_deviation[1]
         0   300            0.1
        10   310            nan
Loop time of 1
   Step          Temp       c_deviation[1]
         0   300            0.2
ERROR: Lost atoms
"""
    assert [row["c_deviation[1]"] for row in exploring.read_thermo(text)][::2] == [0.1, 0.2]


def test_conditions_are_every_combination_by_name():
    options = options_of({"explore": [{"kind": "npt", "temperatures": [300, 600], "pressures": [0, 1e4], "runs": 2}]})
    found = exploring.conditions_of(options.explore, ["a", "b"])
    assert len(found) == 16 and len({one.name for one in found}) == 16
    assert found[0].name == "npt-a-300K-0bar-1" and found[0].steps == 4000
    with pytest.raises(grapevine.Error, match="there is no c; there are a, b"):
        exploring.conditions_of(options_of({"explore": [{"begin": ["c"]}]}).explore, ["a", "b"])
    with pytest.raises(grapevine.Error, match="give the stages names"):
        exploring.conditions_of(options_of({"explore": [{}, {}]}).explore, ["a"])


def test_seeds_are_those_that_lammps_takes_and_differ():
    conditions = exploring.conditions_of(options_of({"explore": [{"runs": 300}]}).explore, ["a"])
    seeds = [*exploring.seeds_of(conditions, 1, 1).values(), *exploring.seeds_of(conditions, 1, 2).values()]
    assert len(set(seeds)) == 600 and 0 < min(seeds) and max(seeds) < 900_000_000


# ---- state


def test_a_second_process_is_refused(tmp_path):
    folder = Folder(tmp_path / "run")
    with pytest.raises(grapevine.Error, match="another grapevine learn is at work in"):
        Folder(tmp_path / "run")
    del folder
    Folder(tmp_path / "run")


def test_files_are_whole_or_not_there(tmp_path):
    folder = Folder(tmp_path)
    write_json(folder / "a.json", {"x": 1})
    with pytest.raises(TypeError):
        write_json(folder / "a.json", {"x": object()})
    assert json.loads((folder / "a.json").read_text()) == {"x": 1}
    (tmp_path / "b.json.writing").write_text("{")
    del folder
    Folder(tmp_path)
    assert not list(tmp_path.glob("*.writing"))


def test_numbers_that_ase_has_read_are_written(tmp_path):
    write_frames(tmp_path / "a.extxyz", [Atoms("H", info={"step": 30, "deviation": 0.5})])
    (atoms,) = read_frames(tmp_path / "a.extxyz")
    write_json_lines(tmp_path / "a.jsonl", [atoms.info])
    assert (tmp_path / "a.jsonl").read_text() == '{"step": 30, "deviation": 0.5}\n'


def test_frames_come_back_as_they_were(tmp_path):
    atoms = with_deviations(disturbed(1))
    atoms.calc = SinglePointCalculator(atoms, energy=-1.25, forces=np.ones((len(atoms), 3)), stress=np.arange(6.0))
    write_frames(tmp_path / "a.extxyz", [atoms])
    (back,) = read_frames(tmp_path / "a.extxyz")
    assert back.get_potential_energy() == -1.25 and back.get_stress()[2] == 2 and back.info == atoms.info
    np.testing.assert_allclose(back.arrays["deviation"], atoms.arrays["deviation"], atol=1e-7)
    write_frames(tmp_path / "none.extxyz", [])
    assert read_frames(tmp_path / "none.extxyz") == []
