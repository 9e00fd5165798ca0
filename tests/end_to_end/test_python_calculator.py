"""grapevine.ase.Grapevine as ASE's other tools take it for granted: properties, caching, copies, threads, errors."""

import copy
import ctypes
import hashlib
import json
import pickle
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import ase.db
import ase.io
import grapevine
import numpy as np
import pytest
from ase import Atoms, units
from ase.build import molecule
from ase.calculators.calculator import PropertyNotImplementedError
from ase.calculators.fd import calculate_numerical_forces, calculate_numerical_stress
from ase.calculators.lj import LennardJones
from ase.calculators.mixing import SumCalculator
from ase.calculators.singlepoint import SinglePointCalculator
from ase.md.verlet import VelocityVerlet
from ase.neighborlist import neighbor_list
from ase.stress import voigt_6_to_full_3x3_stress
from grapevine.ase import Grapevine
from lammps_run import run_process
from python_helpers import (ALLOY, METALS, WATER, alloy, assert_same_results, attach, bare_environment, calculator,
                            cluster, heat, results_of, rotation, transformed, tungsten, water, write_committee)

PERIODIC = [tuple(bool(n & 1 << k) for k in range(3)) for n in range(8)]


# ---- properties


def test_every_property_has_the_shape_and_type_of_ase():
    atoms = attach(alloy())
    count = len(atoms)
    assert set(atoms.calc.implemented_properties) == {"energy", "free_energy", "energies", "forces", "stress",
                                                      "stresses"}
    assert isinstance(atoms.get_potential_energy(), float)
    assert atoms.get_potential_energy(force_consistent=True) == atoms.get_potential_energy()
    shapes = {"energies": (count,), "forces": (count, 3), "stress": (6,), "stresses": (count, 6)}
    for name, shape in shapes.items():
        value = atoms.calc.get_property(name, atoms)
        assert value.shape == shape and value.dtype == np.float64, name
    assert atoms.get_stress(voigt=False).shape == (3, 3)
    assert set(atoms.get_properties(["energy", "forces", "stress"])) >= {"energy", "forces", "stress"}


@pytest.mark.parametrize("precision", ["double", "mixed"])
@pytest.mark.parametrize("atoms, model", [(alloy(), ALLOY), (alloy(1, (3, 3, 3)), ALLOY), (water(), WATER)],
                         ids=["small cell", "crystal", "water"])
def test_shares_of_atoms_add_up(atoms, model, precision):
    attach(atoms, model, precision=precision)
    assert atoms.get_potential_energies().sum() == pytest.approx(atoms.get_potential_energy(), rel=1e-12)
    total = atoms.get_stresses().sum(axis=0)
    assert np.abs(atoms.get_stress()).max() > 1e-3
    np.testing.assert_allclose(total, atoms.get_stress(), rtol=0, atol=1e-12 if precision == "double" else 1e-9)
    np.testing.assert_allclose(atoms.get_forces().sum(axis=0), 0, rtol=0, atol=1e-11 if precision == "double" else 1e-4)


@pytest.mark.parametrize("pbc", PERIODIC, ids=lambda pbc: "".join("FT"[p] for p in pbc))
def test_forces_are_finite_differences_with_any_periodic_directions(pbc):
    atoms = alloy(2)
    atoms.pbc = pbc
    attach(atoms)
    forces = atoms.get_forces()
    assert np.abs(forces).max() > 0.1
    np.testing.assert_allclose(forces, calculate_numerical_forces(atoms, eps=1e-4), rtol=0, atol=1e-6)


@pytest.mark.parametrize("atoms, model", [(cluster(), ALLOY), (molecule("H2O"), WATER)], ids=["metals", "water"])
def test_forces_of_a_molecule_without_a_cell(atoms, model):
    attach(atoms, model)
    assert atoms.cell.rank == 0
    atoms.rattle(0.05, seed=1)
    np.testing.assert_allclose(atoms.get_forces(), calculate_numerical_forces(atoms, eps=1e-4), rtol=0, atol=2e-6)


@pytest.mark.parametrize("atoms, model", [(alloy(3), ALLOY), (alloy(4, (1, 1, 1)), ALLOY), (water(1), WATER)],
                         ids=["small cell", "two atoms", "water"])
@pytest.mark.parametrize("skin", [0, 0.5])
def test_stress_is_finite_differences(atoms, model, skin):
    attach(atoms, model, skin=skin)
    stress = atoms.get_stress()
    assert np.abs(stress).max() > 1e-3
    np.testing.assert_allclose(stress, calculate_numerical_stress(atoms, eps=1e-5), rtol=0, atol=1e-8)


def test_left_handed_cells_have_the_same_stress():
    atoms = alloy(3)
    mirrored = atoms.copy()
    mirrored.set_cell(atoms.cell.array[[1, 0, 2]])
    assert np.linalg.det(mirrored.cell.array) < 0
    np.testing.assert_allclose(attach(mirrored).get_stress(), attach(atoms).get_stress(), rtol=0, atol=1e-12)


@pytest.mark.parametrize("pbc", PERIODIC[1:], ids=lambda pbc: "".join("FT"[p] for p in pbc))
def test_stress_is_that_between_the_periodic_directions(pbc):
    """Of every mix of periodic directions of a skewed cell against differences of the energy."""
    atoms = alloy(5)
    atoms.set_cell(atoms.cell.array @ rotation(3), scale_atoms=True)
    atoms.pbc = pbc
    attach(atoms)
    along = atoms.cell.array[list(pbc)]
    projector = along.T @ np.linalg.pinv(along.T)
    full = voigt_6_to_full_3x3_stress(calculate_numerical_stress(atoms, eps=1e-5))
    expected = projector @ full @ projector
    np.testing.assert_allclose(atoms.get_stress(voigt=False), expected, rtol=0, atol=2e-7)
    np.testing.assert_allclose(atoms.get_stresses().sum(axis=0), atoms.get_stress(), rtol=0, atol=1e-12)
    if not all(pbc):
        assert np.abs(full - expected).max() > 1e-4
    np.testing.assert_allclose(grapevine.evaluate(ALLOY, atoms)[0].stress, atoms.get_stress(voigt=False), atol=1e-12)


@pytest.mark.parametrize("case", ["cluster", "no third vector"])
def test_stress_is_refused_where_it_has_no_meaning(case):
    atoms = alloy(5)
    if case == "cluster":
        atoms.pbc = False
    else:
        atoms.cell[2], atoms.pbc[2] = 0, False
    attach(atoms)
    for ask in (atoms.get_stress, atoms.get_stresses):
        with pytest.raises(PropertyNotImplementedError, match="periodic in one direction at least, with a cell of three"):
            ask()
    expected = results_of(atoms)
    assert atoms.get_potential_energy() == pytest.approx(expected["energy"], rel=1e-12)
    np.testing.assert_allclose(atoms.get_forces(), expected["forces"], rtol=0, atol=1e-10)
    assert "stress" not in atoms.calc.results
    assert grapevine.evaluate(ALLOY, atoms)[0].stress is None


def test_what_it_cannot_do_is_said_in_ases_way():
    atoms = attach(tungsten())
    for ask in (atoms.get_dipole_moment, atoms.get_magnetic_moment, atoms.get_charges):
        with pytest.raises(PropertyNotImplementedError):
            ask()


def test_energy_is_invariant_and_forces_turn_along():
    atoms, order = alloy(6), [2, 0, 3, 1]
    expected = results_of(atoms)
    shifted = atoms.copy()
    shifted.translate([13.7, -5.1, 100.3])
    turn, mirror = rotation(), rotation(2) @ np.diag([1, 1, -1])
    stress = voigt_6_to_full_3x3_stress(expected["stress"])
    for moved, matrix in [(shifted, np.eye(3)), (transformed(atoms, turn), turn), (transformed(atoms, mirror), mirror)]:
        attach(moved)
        assert moved.get_potential_energy() == pytest.approx(expected["energy"], rel=1e-12)
        np.testing.assert_allclose(moved.get_forces(), expected["forces"] @ matrix.T, rtol=0, atol=1e-10)
        np.testing.assert_allclose(moved.get_stress(voigt=False), matrix @ stress @ matrix.T, rtol=0, atol=1e-11)
    permuted = attach(atoms[order])
    np.testing.assert_allclose(permuted.get_forces(), expected["forces"][order], rtol=0, atol=1e-10)
    np.testing.assert_allclose(permuted.get_stresses(), expected["stresses"][order], rtol=0, atol=1e-11)


def test_a_supercell_has_the_same_shares():
    atoms = alloy(7)
    expected, found = results_of(atoms), results_of(atoms * (2, 3, 1))
    assert found["energy"] == pytest.approx(6 * expected["energy"], rel=1e-12)
    np.testing.assert_allclose(found["energies"], np.tile(expected["energies"], 6), rtol=0, atol=1e-10)
    np.testing.assert_allclose(found["forces"], np.tile(expected["forces"], (6, 1)), rtol=0, atol=1e-10)
    np.testing.assert_allclose(found["stress"], expected["stress"], rtol=0, atol=1e-11)
    np.testing.assert_allclose(6 * found["stresses"], np.tile(expected["stresses"], (6, 1)), rtol=0, atol=1e-10)


def test_mixed_precision_is_within_the_error_of_the_documentation():
    """docs/precision.md, nbmotaw on its test set: 3.8e-4 meV/atom, 6.6e-3 meV/Angstrom, 8.4e-3 meV/atom of virial."""
    worst = np.zeros(3)
    for seed in range(20):
        atoms = alloy(seed, (3, 2, 2), rattle=0.15)
        double, mixed = results_of(atoms), results_of(atoms, precision="mixed")
        size = [len(atoms), 1, len(atoms) / atoms.get_volume()]
        differences = [np.abs(mixed[name] - double[name]).max() for name in ("energy", "forces", "stress")]
        worst = np.maximum(worst, np.array(differences) / size)
    assert (worst > 0).all()
    # Other structures than those of the table, and any instruction set.
    assert (worst < 1.5 * np.array([3.8e-7, 6.6e-6, 8.4e-6])).all()


# ---- changes after a first calculation


def too_close(atoms):
    return len(neighbor_list("d", atoms, 1.7)) > 0


def change(atoms, rng):
    """The atoms after one random change of the kinds that users and ASE's tools make."""
    atoms = atoms.copy()
    count, some = len(atoms), rng.integers(len(atoms))
    kind = rng.choice(["rattle", "move", "jump", "wrap", "translate", "number", "swap", "order", "delete", "add",
                       "strain", "squeeze", "cell", "periodic", "turn", "none"])
    if kind == "rattle":
        atoms.positions += rng.choice([1e-3, 0.05, 0.2]) * rng.normal(size=(count, 3))
    elif kind == "move":
        atoms.positions[some] += rng.uniform(-0.6, 0.6, 3)
    elif kind == "jump":
        atoms.positions[some] += rng.integers(-2, 3, 3) * atoms.pbc @ atoms.cell.array
    elif kind == "wrap":
        atoms.wrap()
    elif kind == "translate":
        atoms.positions += rng.uniform(-5, 5, 3)
    elif kind == "number":
        atoms.symbols[some] = rng.choice(METALS)
    elif kind == "swap":
        atoms.positions[[0, some]] = atoms.positions[[some, 0]]
    elif kind == "order":
        atoms = atoms[rng.permutation(count)]
    elif kind == "delete" and count > 1:
        del atoms[some]
    elif kind == "add":
        atoms += Atoms(rng.choice(METALS), positions=[rng.uniform(0, 1, 3) @ atoms.cell.array])
    elif kind == "strain":
        strain = np.eye(3) + rng.choice([1e-4, 1e-2]) * rng.normal(size=(3, 3))
        atoms.set_cell(atoms.cell.array @ strain, scale_atoms=True)
    elif kind == "squeeze":
        atoms.set_cell(atoms.cell.array * rng.uniform(0.9, 1.15, 3), scale_atoms=True)
    elif kind == "cell":
        atoms.set_cell(atoms.cell.array * rng.uniform(0.99, 1.02), scale_atoms=False)
    elif kind == "periodic":
        atoms.pbc = rng.random(3) < 0.7
    elif kind == "turn":
        atoms = transformed(atoms, rotation(int(rng.integers(1000))))
    return kind, atoms


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("skin", [0, 0.5, 1.0])
def test_any_chain_of_changes_gives_the_same_as_a_fresh_calculator(skin, seed):
    rng = np.random.default_rng(seed)
    calc, atoms = calculator(skin=skin), alloy(seed, (2, 2, 1))
    earlier, kinds, steps = [atoms], [], 0
    while steps < 60:
        kind, changed = change(earlier[rng.integers(len(earlier))], rng) if rng.random() < 0.1 else change(atoms, rng)
        if too_close(changed):
            continue
        atoms, steps = changed, steps + 1
        kinds.append(kind)
        earlier = [*earlier[-4:], atoms]
        atoms.calc = calc
        atoms.get_forces()
        if atoms.pbc.all():
            atoms.get_stresses()
        try:
            assert_same_results(calc.results, results_of(atoms))
        except AssertionError as problem:
            raise AssertionError(f"after {kinds}") from problem
    assert len(set(kinds)) > 10
    if skin == 0:
        # One for each structure; another where stresses of the atoms were asked for.
        assert calc.neighbour_searches >= steps
    else:
        assert calc.neighbour_searches < steps


@pytest.mark.parametrize("skin", [0.3, 1.0])
@pytest.mark.parametrize("pbc", [(True, True, True), (True, False, True), (False, False, False)],
                         ids=["crystal", "slab", "cluster"])
def test_lists_are_made_anew_before_a_neighbour_is_missed(pbc, skin):
    """Atoms swing, each its own way, and the cell of the crystal with them."""
    rng = np.random.default_rng(3)
    start, steps = alloy(3, (2, 2, 2), rattle=0.05), 80
    start.pbc = pbc
    swing = 0.2 * rng.normal(size=(len(start), 3))
    strain = 0.05 * rng.normal(size=(3, 3)) if all(pbc) else np.zeros((3, 3))
    atoms = attach(start.copy(), skin=skin)
    for n in range(steps):
        phase = np.sin(2 * np.pi * n / steps)
        atoms.set_cell(start.cell.array @ (np.eye(3) + phase * strain))
        atoms.positions = (start.positions + phase * swing) @ (np.eye(3) + phase * strain)
        assert not too_close(atoms)
        atoms.get_forces()
        if all(pbc):
            atoms.get_stresses()
        assert_same_results(atoms.calc.results, results_of(atoms))
    assert 2 < atoms.calc.neighbour_searches < steps / 2


@pytest.mark.parametrize("skin", [0, 0.5, 1.0])
def test_changes_in_place_are_noticed(skin):
    atoms = attach(alloy(8, (2, 2, 1)), skin=skin)

    def check():
        atoms.get_potential_energy()
        atoms.get_stresses()
        assert_same_results(atoms.calc.results, results_of(atoms))

    check()
    atoms.positions[0, 0] += 1e-6
    check()
    atoms.numbers[1] = 41 if atoms.numbers[1] != 41 else 42
    check()
    atoms.cell[2, 2] *= 1.01
    check()
    atoms.pbc[1] = False
    atoms.get_potential_energy()
    assert_same_results(atoms.calc.results, results_of(atoms))
    atoms.pbc[1] = True
    check()
    atoms.positions[0] += 40 * atoms.cell.array[0]
    check()
    atoms.wrap()
    check()
    del atoms[2]
    check()


def counting(calc):
    """Counts calculations in calc.count."""
    inner, calc.count = calc.calculate, 0

    def calculate(*arguments, **options):
        calc.count += 1
        inner(*arguments, **options)

    calc.calculate = calculate
    return calc


def test_nothing_is_calculated_twice():
    atoms = attach(alloy())
    calc = counting(atoms.calc)
    for _ in range(2):
        atoms.get_potential_energy()
        atoms.get_forces()
        atoms.get_stress()
        atoms.get_potential_energies()
    assert calc.count == 1
    for _ in range(2):
        atoms.get_stresses()
        atoms.get_forces()
        atoms.get_stress()
    assert calc.count == 2
    other = atoms.copy()
    other.calc = calc
    other.info["name"], other.positions = "the same", atoms.positions.copy()
    other.get_forces()
    assert calc.count == 2
    other.positions[0, 1] += 1e-9
    other.get_forces()
    assert calc.count == 3


def test_results_are_not_overwritten_by_later_ones():
    atoms = attach(alloy())
    kept = {name: atoms.calc.get_property(name, atoms) for name in atoms.calc.implemented_properties}
    results = dict(atoms.calc.results)
    before = copy.deepcopy([kept, results])
    given = atoms.get_forces()
    given[:] = 1e3
    np.testing.assert_array_equal(atoms.get_forces(), kept["forces"])
    for seed in range(3):
        atoms.rattle(0.1, seed=seed)
        atoms.get_stresses()
        assert np.abs(atoms.get_forces() - kept["forces"]).max() > 1e-3
    for values, expected in zip([kept, results], before):
        for name in expected:
            np.testing.assert_array_equal(values[name], expected[name])


def test_atoms_are_not_touched():
    atoms = attach(alloy(9))
    atoms.positions += 50
    before = atoms.copy()
    atoms.get_stresses()
    assert atoms == before and (atoms.positions == before.positions).all()


def test_arrays_of_any_layout_and_type():
    atoms = alloy(10)
    expected = results_of(atoms)["forces"]
    odd = atoms.copy()
    odd.arrays["positions"] = np.asfortranarray(atoms.positions)
    odd.arrays["numbers"] = atoms.numbers.astype(np.int32)
    np.testing.assert_array_equal(attach(odd).get_forces(), expected)


# ---- parameters


def test_set_changes_what_is_calculated():
    atoms = attach(alloy(1, (2, 2, 2)))
    calc = counting(atoms.calc)
    double = atoms.get_forces()
    assert calc.set(precision="mixed") == {"precision": "mixed"}
    mixed = atoms.get_forces()
    assert 0 < np.abs(mixed - double).max() < 1e-5
    assert calc.set(threads=2) == {"threads": 2}
    np.testing.assert_allclose(atoms.get_forces(), mixed, rtol=0, atol=1e-6)
    assert calc.set(precision="double", skin=1.0) == {"precision": "double", "skin": 1.0}
    np.testing.assert_allclose(atoms.get_forces(), double, rtol=0, atol=1e-11)
    assert calc.count == 4
    assert calc.set(precision="double", skin=1, threads=2) == {}
    atoms.get_forces()
    assert calc.count == 4
    assert calc.parameters == {"precision": "double", "threads": 2, "skin": 1.0}


def test_skin_takes_effect():
    atoms = attach(tungsten((2, 2, 2), 0.05), skin=0.8)
    for searches in (1, 1):
        atoms.rattle(0.02, seed=3)
        atoms.get_forces()
        assert atoms.calc.neighbour_searches == searches
    atoms.calc.set(skin=0)
    for searches in (1, 2):
        atoms.rattle(0.02, seed=4)
        atoms.get_forces()
        assert atoms.calc.neighbour_searches == searches


@pytest.mark.parametrize("options, error, told", [
    ({"colour": "red"}, TypeError, "colour"),
    ({"precision": "half"}, grapevine.Error, "half"),
    ({"threads": -1}, grapevine.Error, "-1 threads"),
    ({"threads": 1.5}, TypeError, "integer"),
    ({"skin": -0.1}, grapevine.Error, "-0.1"),
    ({"skin": float("nan")}, grapevine.Error, "nan"),
    ({"skin": float("inf")}, grapevine.Error, "inf"),
])
def test_parameters_that_cannot_be_are_refused_and_change_nothing(options, error, told):
    with pytest.raises(error, match=told):
        Grapevine(ALLOY, **options)
    atoms = attach(tungsten((1, 1, 1), 0.1))
    energy = atoms.get_potential_energy()
    for _ in range(2):
        with pytest.raises(error, match=told):
            atoms.calc.set(**options)
    assert atoms.calc.parameters == {"precision": "double", "threads": 1, "skin": 0.5}
    assert attach(atoms).get_potential_energy() == energy


def test_models_are_given_as_paths_and_as_models(monkeypatch, tmp_path):
    atoms = tungsten((1, 1, 1), 0.1)
    expected = results_of(atoms)["energy"]
    loaded = grapevine.Model(ALLOY)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(ALLOY.read_bytes())
    for model in (str(ALLOY), ALLOY, loaded, [ALLOY], (loaded,), "model.safetensors"):
        assert attach(atoms, model).get_potential_energy() == expected
    calc = Grapevine(ALLOY, atoms=atoms, label="anything")
    assert atoms.calc is calc and calc.name == "grapevine"


# ---- dynamics


def test_neighbour_lists_are_reused_in_dynamics():
    atoms = tungsten((3, 3, 3), 0.02)
    start = atoms.positions.copy()
    heat(atoms, 2400)
    atoms.calc = calculator(skin=0.5)
    reference = calculator(skin=0)
    dynamics, worst = VelocityVerlet(atoms, 2 * units.fs), 0.0
    steps = 150

    def compare():
        nonlocal worst
        alone = atoms.copy()
        alone.calc = reference
        worst = max(worst, abs(alone.get_potential_energy() - atoms.get_potential_energy()) / len(atoms),
                    np.abs(alone.get_forces() - atoms.get_forces()).max())

    dynamics.attach(compare)
    dynamics.run(steps)
    assert np.abs(atoms.positions - start).max() > 0.2
    assert worst < 1e-11
    assert reference.neighbour_searches == steps + 1
    assert 1 < atoms.calc.neighbour_searches < steps / 10


# ---- threads of Python


class Ticker(threading.Thread):
    """Counts whenever it gets the interpreter's lock, which it gives back at once."""

    def __init__(self):
        super().__init__(daemon=True)
        self.count, self.ends = 0, False

    def run(self):
        while not self.ends:
            self.count += 1
            time.sleep(0)


@pytest.fixture
def ticker():
    """A running Ticker; no thread is made to give up the lock, so that it moves only where another lets go of it."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1000)
    thread = Ticker()
    thread.start()
    while thread.count < 10:
        time.sleep(0.001)
    yield thread
    thread.ends = True
    sys.setswitchinterval(interval)
    thread.join()


def test_another_thread_runs_during_a_long_calculation(ticker):
    atoms = attach(tungsten((18, 18, 18), 0.1), precision="mixed")
    model = grapevine.Model(ALLOY)
    before = ticker.count
    ctypes.PyDLL(None).usleep(20000)  # a call that keeps the lock
    assert ticker.count == before
    atoms.get_potential_energy()
    assert ticker.count - before > 30
    before = ticker.count
    grapevine.evaluate(model, atoms, threads=1)
    assert ticker.count - before > 30


@pytest.mark.parametrize("shared", [False, True], ids=["a calculator each", "one calculator"])
def test_threads_of_python_get_their_own_results(shared):
    structures = [[alloy(seed, (1 + worker, 2, 2)) for seed in range(25)] for worker in range(3)]
    expected = [[results_of(atoms) for atoms in chain] for chain in structures]
    one, start = calculator(), threading.Barrier(3)

    def work(chain):
        calc = one if shared else calculator()
        found = []
        start.wait()
        for atoms in chain:
            atoms.calc = calc
            values = {"energy": atoms.get_potential_energy()}
            values["free_energy"] = atoms.get_potential_energy(force_consistent=True)
            values["energies"], values["forces"] = atoms.get_potential_energies(), atoms.get_forces()
            values["stress"], values["stresses"] = atoms.get_stress(), atoms.get_stresses()
            found.append(values)
        return found

    with ThreadPoolExecutor(3) as pool:
        for found, wanted in zip(pool.map(work, structures), expected, strict=True):
            for a, b in zip(found, wanted, strict=True):
                assert_same_results(a, b)


FORK = """
from multiprocessing import get_context
from ase.build import bulk
from grapevine.ase import Grapevine
import grapevine

MODEL = grapevine.shipped_model("nbmotaw")
atoms = bulk("W", cubic=True) * (6, 6, 6)
calc = Grapevine(MODEL, threads=2)

def energies(scale):
    changed = atoms.copy()
    changed.positions *= scale
    changed.calc = calc
    results = grapevine.evaluate(MODEL, [bulk("W", a=scale * 3.16)] * 20, threads=2)
    return [changed.get_potential_energy(), *(result.energy for result in results)]

expected = [energies(scale) for scale in (1.0, 1.01, 1.02)]
with get_context("fork").Pool(2) as pool:
    found = pool.map(energies, (1.0, 1.01, 1.02))
for a, b in zip(expected, found):
    assert max(abs(x - y) for x, y in zip(a, b)) < 1e-9, (a, b)
assert abs(energies(1.0)[0] - expected[0][0]) < 1e-9
"""


def test_processes_that_are_forked_after_a_calculation_can_calculate(tmp_path):
    """With multiprocessing, whose processes inherit none of the threads that the calculation has left behind."""
    code, output = run_process([sys.executable, "-c", FORK], tmp_path, bare_environment(), 20)
    assert code == 0, output


FORK_MEANWHILE = """
import os, signal, sys, threading
import grapevine
from ase.build import bulk
from grapevine.ase import Grapevine

MODEL = grapevine.Model(grapevine.shipped_model("nbmotaw"))
THREADS = int(sys.argv[1])
frames = [bulk("W", cubic=True, a=3.2 + 0.01 * n) * (2, 2, 2) for n in range(4)]
crystal = bulk("W", cubic=True, a=3.2) * (2, 2, 2)
crystal.calc = Grapevine(MODEL, threads=THREADS, skin=0)
expected = grapevine.evaluate(MODEL, [crystal])[0].energy
stop = threading.Event()

def evaluate():
    while not stop.is_set():
        grapevine.evaluate(MODEL, frames, threads=THREADS)

def calculate():
    turn = 0
    while not stop.is_set():
        turn += 1
        crystal.rattle(1e-6, seed=turn)
        crystal.get_potential_energy()

workers = [threading.Thread(target=work) for work in (evaluate, calculate)]
for worker in workers:
    worker.start()
wrong = 0
for attempt in range(60):
    child = os.fork()
    if child == 0:
        signal.alarm(20)
        found = grapevine.evaluate(MODEL, [frames[0]], threads=THREADS)[0].energy, crystal.get_potential_energy()
        os._exit(0 if max(abs(energy - expected) for energy in found) < 1e-3 else 3)
    wrong += os.waitpid(child, 0)[1] != 0
    if wrong:
        break
stop.set()
for worker in workers:
    worker.join()
sys.exit(wrong)
"""


@pytest.mark.parametrize("threads", ["1", "2"])
def test_processes_forked_while_other_threads_calculate_can_calculate(threads, tmp_path):
    """With the calculator that is at work as well."""
    code, output = run_process([sys.executable, "-c", FORK_MEANWHILE, threads], tmp_path, bare_environment(), 100)
    assert code == 0, output


# ---- errors


def wrong(case):
    atoms = tungsten((2, 1, 1), 0.05)
    if case == "unknown element":
        atoms.symbols[2] = "Xe"
    elif case == "no element":
        atoms.numbers[2] = 0
    elif case == "atoms on top of each other":
        atoms.positions[2] = atoms.positions[0]
    elif case == "an atom on an image":
        atoms.positions[3] = atoms.positions[1] + atoms.cell.array[0]
    elif case == "position that is not a number":
        atoms.positions[2, 1] = np.nan
    elif case == "infinite position":
        atoms.positions[2, 1] = np.inf
    elif case == "periodic without a cell":
        atoms.set_cell(None)
    elif case == "flat cell":
        atoms.cell[1] = atoms.cell[0]
    elif case == "cell that is not a number":
        atoms.cell[1, 1] = np.nan
    elif case == "tiny cell":
        atoms.set_cell(atoms.cell.array * 1e-5)
    elif case == "no atoms":
        del atoms[:]
    return atoms


def test_results_that_are_not_finite_are_an_error(golden_model):
    """Of the published silver model, whose energy in double precision at this distance is beyond a float's range."""
    model, atoms = golden_model("published-silver-mpi"), Atoms("Ag2", [(0, 0, 0), (0, 0, 0.3)])
    text = r"not finite at 2 atoms, first at atom 1 \(Ag\), whose nearest neighbour is 0.3 Angstrom"
    with pytest.raises(grapevine.Error, match=text):
        attach(atoms, model, precision="mixed").get_forces()
    with pytest.raises(grapevine.Error, match=r"structure 1\b.*" + text):
        grapevine.evaluate(model, atoms, precision="mixed")
    assert np.isfinite(attach(atoms, model, precision="double").get_potential_energy())


WRONG = {
    "unknown element": r"atom 3 is Xe.*Nb Mo Ta W",
    "no element": r"atom 3 has atomic number 0",
    "atoms on top of each other": r"atoms 1 \(W\) and 3 \(W\) are only 0 Angstrom apart",
    "an atom on an image": r"(atoms 2 \(W\) and a periodic image of 4|atoms 2 \(W\) and 4|atoms 4 \(W\) and )",
    "position that is not a number": r"position of atom 3 is not finite",
    "infinite position": r"position of atom 3 is not finite",
    "periodic without a cell": r"periodic along its first cell vector, which is zero",
    "flat cell": r"linearly dependent",
    "cell that is not a number": r"second cell vector, which is not finite",
    "tiny cell": r"far too small for the cutoff of 5 Angstrom",
    "no atoms": r"no atoms",
}


@pytest.mark.parametrize("skin", [0, 0.5])
@pytest.mark.parametrize("case", WRONG)
def test_bad_structures_are_one_line_and_do_no_harm(case, skin):
    calc, good = calculator(skin=skin), tungsten((2, 1, 1), 0.05)
    good.calc = calc
    expected = results_of(good)
    for _ in range(2):
        good.get_stresses()
        assert_same_results(calc.results, expected)
        bad = wrong(case)
        bad.calc = calc
        for ask in (bad.get_potential_energy, bad.get_forces):
            with pytest.raises(grapevine.Error, match=WRONG[case]) as problem:
                ask()
            assert "\n" not in str(problem.value)
        assert calc.results == {}
        assert calc.get_property("energy", bad, allow_calculation=False) is None


def test_bad_model_files_are_one_line(tmp_path):
    text, cut = tmp_path / "text.safetensors", tmp_path / "cut.safetensors"
    text.write_text("This is no model, but a line that is long enough to be one.\n")
    cut.write_bytes(ALLOY.read_bytes()[:-100])
    for model in (tmp_path / "missing.safetensors", text, cut, tmp_path):
        for given in (model, str(model), [ALLOY, model]):
            with pytest.raises(grapevine.Error, match=str(model)) as problem:
                Grapevine(given)
            assert "\n" not in str(problem.value)
    with pytest.raises(grapevine.Error, match="no model is given"):
        Grapevine([])


def test_error_is_a_runtime_error():
    assert issubclass(grapevine.Error, RuntimeError)
    assert grapevine.Error.__module__.startswith("grapevine")


# ---- committees


@pytest.fixture(scope="module")
def members(tmp_path_factory):
    return write_committee(tmp_path_factory.mktemp("committee"), 3)


@pytest.mark.parametrize("precision", ["double", "mixed"])
def test_committee_gives_means_and_deviations(members, precision):
    atoms = alloy(11, (2, 2, 2))
    singles = [results_of(atoms, model=member, precision=precision) for member in members]
    attach(atoms, members, precision=precision, skin=0)
    atoms.get_stresses()
    found = atoms.calc.results
    for name in singles[0]:
        mean = np.mean([single[name] for single in singles], axis=0)
        np.testing.assert_allclose(found[name], mean, rtol=1e-12, atol=1e-12)
    forces = np.array([single["forces"] for single in singles])
    deviation = np.sqrt(((forces - forces.mean(axis=0)) ** 2).sum(axis=2).mean(axis=0))
    assert deviation.min() > 1e-4
    np.testing.assert_allclose(found["forces_deviation"], deviation, rtol=1e-10)
    energies = np.array([single["energy"] for single in singles])
    assert found["energy_deviation"] == pytest.approx(energies.std(), rel=1e-9)
    assert atoms.calc.get_property("forces_deviation", atoms).shape == (len(atoms),)
    np.testing.assert_allclose(atoms.get_forces(), calculate_numerical_forces(atoms, eps=1e-4) if precision == "double"
                               else forces.mean(axis=0), rtol=0, atol=1e-6)


def test_committee_of_one_model_twice_does_not_deviate():
    atoms = attach(alloy(12), [ALLOY, ALLOY])
    assert atoms.calc.get_property("energy_deviation", atoms) == 0
    assert (atoms.calc.get_property("forces_deviation", atoms) == 0).all()
    np.testing.assert_array_equal(atoms.get_forces(), results_of(atoms)["forces"])


def test_deviations_are_of_committees_only(members):
    atoms = attach(alloy(12))
    for name in ("energy_deviation", "forces_deviation"):
        with pytest.raises(PropertyNotImplementedError):
            atoms.calc.get_property(name, atoms)
    attach(atoms, members).get_potential_energy()
    assert "energy_deviation" not in Grapevine.implemented_properties


def test_committee_changes_with_its_structure_and_without_a_cell(members):
    calc = calculator(members)
    for seed in range(3):
        for atoms in (cluster(seed), alloy(seed)):
            atoms.calc = calc
            deviation = calc.get_property("forces_deviation", atoms)
            forces = np.array([results_of(atoms, model=member)["forces"] for member in members])
            expected = np.sqrt(((forces - forces.mean(axis=0)) ** 2).sum(axis=2).mean(axis=0))
            np.testing.assert_allclose(deviation, expected, rtol=1e-8)


def test_models_of_different_elements_are_no_committee():
    with pytest.raises(grapevine.Error, match="H Mo Nb O Ta W") as problem:
        Grapevine([ALLOY, WATER])
    assert "\n" not in str(problem.value)


# ---- copies, files, databases


def test_atoms_are_written_with_results_and_read_back(tmp_path):
    frames = [alloy(1), alloy(2), cluster(3)]
    for atoms in frames:
        attach(atoms).get_potential_energy()
    frames[0].get_stresses()
    for name in ("all.extxyz", "all.traj"):
        ase.io.write(tmp_path / name, frames)
        for before, after in zip(frames, ase.io.read(tmp_path / name, ":"), strict=True):
            assert set(after.calc.results) == set(before.calc.results)
            for key, value in before.calc.results.items():
                np.testing.assert_allclose(after.calc.results[key], value, rtol=0, atol=1e-7, err_msg=key)


@pytest.mark.parametrize("name", ["all.extxyz", "all.traj"])
def test_files_that_ase_writes_say_where_results_come_from(name, tmp_path):
    atoms = attach(alloy(1), precision="mixed")
    atoms.get_forces()
    cached = alloy(1)
    cached.calc = atoms.calc
    cached.get_potential_energy()
    ase.io.write(tmp_path / name, [atoms, cached])
    for read in ase.io.read(tmp_path / name, ":"):
        assert read.info == {f"grapevine_{key}": value for key, value in atoms.calc.origin.items()}


def test_files_that_ase_writes_have_the_deviations_of_a_committee(members, tmp_path):
    atoms = attach(alloy(1), members)
    atoms.get_forces()
    atoms.rattle(0.05)
    atoms.get_potential_energy()
    results, origin = atoms.calc.results, atoms.calc.origin
    assert origin["model"] == [member.name for member in members]
    assert origin["model_sha256"] == [hashlib.sha256(member.read_bytes()).hexdigest() for member in members]
    ase.io.write(tmp_path / "some.extxyz", atoms)
    read = ase.io.read(tmp_path / "some.extxyz")
    np.testing.assert_allclose(read.arrays["forces_deviation"], results["forces_deviation"], rtol=0, atol=1e-7)
    assert read.info["energy_deviation"] == pytest.approx(results["energy_deviation"], rel=1e-9)
    assert read.info["grapevine_model"] == "member0.safetensors member1.safetensors member2.safetensors"
    assert read.info["grapevine_model_sha256"].split() == origin["model_sha256"]


def test_results_of_others_are_not_said_to_be_of_the_model():
    atoms = alloy(1)
    calc = calculator()
    atoms.calc = SumCalculator([calc, LennardJones()])
    atoms.get_potential_energy()
    assert atoms.info == {}


def test_results_are_frozen(members):
    atoms = attach(alloy(3))
    energy, forces = atoms.get_potential_energy(), atoms.get_forces()
    atoms.calc = SinglePointCalculator(atoms, **atoms.calc.results)
    np.testing.assert_array_equal(atoms.get_forces(), forces)
    assert atoms.get_potential_energy() == energy
    atoms.rattle(0.1)
    with pytest.raises(PropertyNotImplementedError):
        atoms.get_forces()
    properties = attach(alloy(3), members).get_properties(["energy", "forces"])
    assert properties["natoms"] == len(atoms)


def test_copies_of_atoms_and_calculators(members):
    atoms = attach(alloy(4), members, precision="mixed", skin=0.7)
    atoms.get_potential_energy()
    assert atoms.copy().calc is None
    for twin in (copy.deepcopy(atoms), pickle.loads(pickle.dumps(atoms))):
        assert twin.calc is not atoms.calc
        assert twin.calc.parameters == atoms.calc.parameters
        twin.rattle(0.1, seed=2)
        expected = results_of(twin, model=members, precision="mixed", skin=0.7)
        np.testing.assert_array_equal(twin.get_forces(), expected["forces"])
        assert np.abs(atoms.get_forces() - twin.get_forces()).max() > 1e-3
    model = grapevine.Model(ALLOY)
    assert pickle.loads(pickle.dumps(model)).species == METALS
    assert copy.deepcopy(model).potential is model.potential


def test_parameters_and_results_go_into_databases(tmp_path):
    atoms = attach(alloy(5), precision="mixed")
    atoms.get_stress()
    origin = {"model": ALLOY.name, "model_sha256": hashlib.sha256(ALLOY.read_bytes()).hexdigest(),
              "precision": "mixed", "version": grapevine.__version__}
    assert atoms.calc.origin == origin
    assert atoms.calc.todict() == {**origin, "threads": 1}
    json.dumps(atoms.calc.todict())
    with ase.db.connect(tmp_path / "some.db") as database:
        database.write(atoms, name="alloy")
    row = ase.db.connect(tmp_path / "some.db").get(name="alloy")
    assert row.calculator == "grapevine" and row.calculator_parameters == {**origin, "threads": 1}
    assert row.energy == atoms.get_potential_energy()
    np.testing.assert_array_equal(row.toatoms().get_forces(), atoms.get_forces())
    np.testing.assert_array_equal(row.toatoms().get_stress(), atoms.get_stress())
