"""What people do with a calculator in ASE: relaxation, dynamics, elasticity, phonons, barriers, vibrations."""

import numpy as np
import pytest
from ase import units
from ase.build import bcc100, molecule
from ase.eos import EquationOfState
from ase.filters import FrechetCellFilter, UnitCellFilter
from ase.io import Trajectory
from ase.md.langevin import Langevin
from ase.md.nose_hoover_chain import MTKNPT
from ase.md.nptberendsen import NPTBerendsen
from ase.md.verlet import VelocityVerlet
from ase.mep import NEB
from ase.optimize import BFGS, FIRE, LBFGS, BFGSLineSearch
from ase.phonons import Phonons
from ase.vibrations import Vibrations
from python_helpers import WATER, alloy, attach, calculator, heat, results_of, tungsten


@pytest.fixture(scope="module")
def lattice_constant():
    """Of tungsten, Angstrom; at the minimum of the energy, where there is no stress."""
    atoms = attach(tungsten(a=3.18))
    assert BFGS(FrechetCellFilter(atoms, hydrostatic_strain=True), logfile=None).run(fmax=1e-5, steps=50)
    return float(atoms.cell.lengths()[0])


@pytest.fixture(scope="module")
def vacancy(lattice_constant):
    """A vacancy in 53 atoms, relaxed by BFGS."""
    return relaxed_vacancy(BFGS, lattice_constant, 0)


def relaxed_vacancy(method, lattice_constant, site):
    atoms = tungsten((3, 3, 3), a=lattice_constant)
    del atoms[site]
    attach(atoms)
    before = atoms.get_potential_energy()
    optimiser = method(atoms, logfile=None)
    assert optimiser.run(fmax=0.01, steps=150)
    assert np.linalg.norm(atoms.get_forces(), axis=1).max() < 0.01
    assert 2 < optimiser.nsteps and atoms.get_potential_energy() < before - 0.05
    return atoms


# ---- relaxation


@pytest.mark.parametrize("method", [FIRE, LBFGS, BFGSLineSearch])
def test_optimisers_find_the_same_minimum_as_bfgs(method, vacancy, lattice_constant):
    atoms = relaxed_vacancy(method, lattice_constant, 0)
    assert atoms.get_potential_energy() == pytest.approx(vacancy.get_potential_energy(), abs=1e-3)
    np.testing.assert_allclose(atoms.positions, vacancy.positions, rtol=0, atol=0.02)


@pytest.mark.parametrize("kind", [UnitCellFilter, FrechetCellFilter])
def test_cells_relax_until_the_stress_vanishes(kind):
    """A disturbed triclinic alloy whose cell is smaller than the cutoff."""
    atoms = attach(alloy(31))
    before = atoms.get_potential_energy()
    assert np.abs(atoms.get_stress()).max() > 0.01
    assert BFGS(kind(atoms), logfile=None).run(fmax=1e-3, steps=300)
    assert np.abs(atoms.get_stress()).max() < 1e-4
    assert np.abs(atoms.get_forces()).max() < 1e-3
    assert atoms.get_potential_energy() < before - 0.1
    expected = results_of(atoms)
    assert atoms.get_potential_energy() == pytest.approx(expected["energy"], rel=1e-12)
    np.testing.assert_allclose(atoms.get_stress(), expected["stress"], rtol=0, atol=1e-11)


def test_a_slab_relaxes_in_its_plane():
    """As it does in a cell that is periodic across the empty space as well; that cell vector stays as it is."""
    slab = bcc100("W", (1, 1, 5), a=3.25, vacuum=8, periodic=False)
    bulk = slab.copy()
    bulk.pbc = True
    height = slab.cell[2, 2]
    for atoms, pbc, mask in ((slab, [True, True, False], None), (bulk, True, [1, 1, 0, 0, 0, 1])):
        attach(atoms)
        assert np.abs(atoms.get_stress()[[0, 1, 5]]).max() > 0.002
        assert BFGS(FrechetCellFilter(atoms, mask=mask), logfile=None).run(fmax=1e-3, steps=100)
        assert np.abs(atoms.get_stress()[[0, 1, 5]]).max() < 1e-5
        assert (atoms.pbc == pbc).all() and atoms.cell[2] == pytest.approx([0, 0, height], abs=1e-12)
    assert slab.get_potential_energy() == pytest.approx(bulk.get_potential_energy(), abs=1e-5)
    np.testing.assert_allclose(slab.cell.array, bulk.cell.array, rtol=0, atol=1e-3)


def test_a_cell_relaxes_against_a_pressure(lattice_constant):
    pressure = 20 * units.GPa
    atoms = attach(tungsten(a=lattice_constant))
    assert BFGS(FrechetCellFilter(atoms, scalar_pressure=pressure), logfile=None).run(fmax=1e-4, steps=50)
    np.testing.assert_allclose(atoms.get_stress(), [-pressure] * 3 + [0] * 3, rtol=0, atol=1e-4 * pressure)
    assert 0.95 < atoms.cell.lengths()[0] / lattice_constant < 0.99


# ---- elasticity


def strained(cell, strain):
    atoms = tungsten()
    atoms.set_cell(cell @ (np.eye(3) + strain), scale_atoms=True)
    return attach(atoms)


def symmetric(i, j, size):
    strain = np.zeros((3, 3))
    strain[i, j] += size / 2
    strain[j, i] += size / 2
    return strain


@pytest.fixture(scope="module")
def stiffness(lattice_constant):
    """Elastic constants of tungsten from stresses, (6, 6), eV/Angstrom^3."""
    cell, step = lattice_constant * np.eye(3), 1e-3
    voigt = [(0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1)]
    stresses = [[strained(cell, symmetric(i, j, sign * step)).get_stress() for sign in (1, -1)] for i, j in voigt]
    return np.array([(more - less) / (2 * step) for more, less in stresses])


def test_elastic_constants_and_bulk_modulus_agree_with_each_other(lattice_constant, stiffness):
    cell, step = lattice_constant * np.eye(3), 1e-3
    (c11, c12), c44 = stiffness[0, :2], stiffness[3, 3]
    assert c11 > c12 > 0 and c44 > 0
    cubic = np.zeros((6, 6))
    cubic[:3, :3] = c12
    cubic[range(6), range(6)] = [c11] * 3 + [c44] * 3
    np.testing.assert_allclose(stiffness, cubic, rtol=0, atol=1e-3 * c11)

    def curvature(strain):
        energies = [strained(cell, sign * strain).get_potential_energy() for sign in (-1, 0, 1)]
        return (energies[0] - 2 * energies[1] + energies[2]) / step**2 / lattice_constant**3

    assert curvature(symmetric(0, 0, step)) == pytest.approx(c11, rel=2e-3)
    assert curvature(symmetric(1, 2, step)) == pytest.approx(c44, rel=2e-3)
    assert curvature(step * np.diag([1, -1, 0])) == pytest.approx(2 * (c11 - c12), rel=2e-3)

    # Near the minimum only: the model's bulk modulus falls by a quarter within a per cent of the lattice constant.
    volumes, energies = [], []
    for scale in np.linspace(0.998, 1.002, 7):
        atoms = attach(tungsten(a=scale * lattice_constant))
        volumes.append(atoms.get_volume())
        energies.append(atoms.get_potential_energy())
    volume, energy, modulus = EquationOfState(volumes, energies, eos="birchmurnaghan").fit()
    assert volume == pytest.approx(lattice_constant**3, rel=1e-4)
    assert energy == pytest.approx(min(energies), abs=1e-5)
    assert modulus == pytest.approx((c11 + 2 * c12) / 3, rel=0.01)


# ---- barriers


def test_a_vacancy_migrates_over_a_symmetric_barrier(vacancy, lattice_constant):
    """The atom in the middle of the first cell jumps into the corner beside it, which is empty."""
    final = tungsten((3, 3, 3), a=lattice_constant)
    final.positions[1] = final.positions[0]
    del final[0]
    assert BFGS(attach(final), logfile=None).run(fmax=0.01, steps=150)
    images = [vacancy, *(vacancy.copy() for _ in range(5)), final]
    for image in images[1:-1]:
        attach(image)
    band = NEB(images, method="improvedtangent")
    band.interpolate(mic=True)
    assert FIRE(band, logfile=None).run(fmax=0.1, steps=200)
    energies = np.array([image.get_potential_energy() for image in images]) - vacancy.get_potential_energy()
    np.testing.assert_allclose(energies, energies[::-1], rtol=0, atol=0.01)
    assert energies[-1] == pytest.approx(0, abs=1e-3)
    assert 0.3 < energies.max() < 2.5 and (energies[1:-1] > 0.1).all()


# ---- dynamics


def fluctuation(atoms, time_step, steps):
    """Of the total energy in VelocityVerlet, eV per atom: largest less smallest."""
    energies = []
    dynamics = VelocityVerlet(atoms, time_step * units.fs)
    dynamics.attach(lambda: energies.append(atoms.get_total_energy()))
    dynamics.run(steps)
    assert len(energies) == steps + 1
    return np.ptp(energies) / len(atoms)


def test_energy_is_conserved_to_the_square_of_the_time_step(lattice_constant):
    start = heat(tungsten((3, 3, 3), a=lattice_constant), 1200)
    coarse, fine = (fluctuation(attach(start.copy()), step, 300 // step) for step in (4, 2))
    assert coarse < 1e-3
    assert fine == pytest.approx(coarse / 4, rel=0.3)
    assert fluctuation(heat(attach(alloy(32, (3, 2, 2), rattle=0.05)), 600), 1, 100) < 3e-4


def test_langevin_keeps_the_temperature_and_a_trajectory_its_results(lattice_constant, tmp_path):
    atoms, temperatures = attach(heat(tungsten((3, 3, 3), a=lattice_constant), 600), precision="mixed"), []
    dynamics = Langevin(atoms, 2 * units.fs, temperature_K=600, friction=0.05 / units.fs, fixcm=False,
                        rng=np.random.default_rng(1))
    dynamics.run(100)
    with Trajectory(tmp_path / "run.traj", "w", atoms) as trajectory:
        dynamics.attach(trajectory.write, interval=100)
        dynamics.attach(lambda: temperatures.append(atoms.get_temperature()))
        dynamics.run(1000)
    assert np.mean(temperatures) == pytest.approx(600, rel=0.07)
    assert atoms.calc.neighbour_searches < 200
    with Trajectory(tmp_path / "run.traj") as frames:
        assert len(frames) == 10
        last = frames[-1]
    assert last.get_potential_energy() == pytest.approx(results_of(last, precision="mixed")["energy"], rel=1e-6)
    np.testing.assert_allclose(last.get_forces(), results_of(last)["forces"], rtol=0, atol=1e-5)


def test_berendsen_takes_pressure_and_volume_to_where_they_belong(lattice_constant):
    atoms = heat(attach(tungsten((3, 3, 3), a=1.02 * lattice_constant)), 600)
    dynamics = NPTBerendsen(atoms, 2 * units.fs, temperature_K=300, pressure_au=0, taut=50 * units.fs,
                            taup=200 * units.fs, compressibility_au=1 / (330 * units.GPa))
    dynamics.run(400)
    volumes, pressures = [], []
    dynamics.attach(lambda: volumes.append(atoms.get_volume()))
    dynamics.attach(lambda: pressures.append(-atoms.get_stress(include_ideal_gas=True)[:3].mean() / units.GPa))
    dynamics.run(300)
    assert np.mean(volumes) / 27 == pytest.approx(lattice_constant**3, rel=0.01)
    assert abs(np.mean(pressures)) < 0.5
    assert atoms.calc.neighbour_searches < 70


def test_constant_pressure_conserves_its_energy(lattice_constant):
    """Martyna, Tobias and Klein's equations move cell and atoms by stress and forces; they conserve an energy only if
    these are its derivatives."""
    atoms = heat(attach(tungsten((3, 3, 3), a=1.005 * lattice_constant)), 600)
    dynamics = MTKNPT(atoms, 2 * units.fs, temperature_K=300, pressure_au=0, tdamp=100 * units.fs, pdamp=400 * units.fs)
    energies, volumes = [], []
    dynamics.attach(lambda: energies.append(dynamics.get_conserved_energy()))
    dynamics.attach(lambda: volumes.append(atoms.get_volume()))
    dynamics.run(300)
    assert np.ptp(volumes) / np.mean(volumes) > 0.01
    assert np.ptp(energies) / len(atoms) < 1e-3
    assert atoms.calc.neighbour_searches < 60


# ---- vibrations


def test_phonons_of_tungsten(lattice_constant, stiffness, tmp_path, monkeypatch):
    """No imaginary ones, three that vanish at Gamma, and sound as fast as by the elastic constants."""
    monkeypatch.chdir(tmp_path)
    phonons = Phonons(tungsten(a=lattice_constant), calculator(), supercell=(5, 5, 5), delta=0.01)
    phonons.run()
    phonons.read(acoustic=False)

    def energies(wave_vectors):  # eV; imaginary ones are negative
        return phonons.band_structure(wave_vectors, verbose=False)

    at_gamma = energies([[0, 0, 0]])[0]
    assert np.abs(at_gamma[:3]).max() < 1e-6
    np.testing.assert_allclose(at_gamma[3:], at_gamma[3], rtol=1e-4)  # H of the primitive cell, by symmetry the same
    everywhere = energies(np.random.default_rng(1).uniform(-0.5, 0.5, (300, 3)))
    assert everywhere.min() > 1e-3
    assert 0.024 < everywhere.max() < 0.030  # 6.5 THz and a little more, as in experiment

    small = 0.02
    wave_number = 2 * np.pi / lattice_constant * small  # along [100]
    speeds = energies([[small, 0, 0]])[0, :3] / wave_number  # times Planck's constant
    density = 2 * tungsten().get_masses()[0] / lattice_constant**3
    planck = units._hbar * units.J * units.s  # eV times ASE's time
    expected = planck * np.sqrt(stiffness[[3, 3, 0], [3, 3, 0]] / density)
    np.testing.assert_allclose(speeds, expected, rtol=0.03)


def test_vibrations_of_a_molecule_of_water(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    atoms = attach(molecule("H2O"), WATER)
    assert BFGS(atoms, logfile=None).run(fmax=1e-4, steps=50)
    assert 0.9 < atoms.get_distance(0, 1) < 1.05 and 95 < atoms.get_angle(1, 0, 2) < 110
    vibrations = Vibrations(atoms, delta=0.005)
    vibrations.run()
    waves = vibrations.get_frequencies()
    assert np.abs(waves[:6]).max() < 60  # of translation and rotation, 1/cm
    assert np.abs(waves[6:].imag).max() == 0
    bend, symmetric_stretch, stretch = waves[6:].real
    assert 1000 < bend < 2000 and 2500 < symmetric_stretch < stretch < 4000
    assert 0.3 < vibrations.get_zero_point_energy() < 0.7
