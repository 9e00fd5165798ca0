"""grapevine.heat_flux: the definition by finite differences in the unfolded crystal, what must not change it, and
LAMMPS's flux of the same atoms.
"""

import grapevine
import numpy as np
import pytest
from ase import Atoms, units
from lammps_run import run_lammps, setup, write_data
from python_helpers import ALLOY, METALS, WATER, alloy, cluster, heat, rotation, water, write_committee
from test_lammps_committee import read_model

METAL_UNITS = 1000 * units.fs  # eV Angstrom/ps of one in ASE's units


def flux_of(atoms, model=ALLOY, **options):
    return grapevine.heat_flux(model, atoms, **{"threads": 1, **options})


def numbers_of(flux):
    return np.concatenate([flux.potential, flux.convective, [flux.power]])


def assert_same(flux, expected, tolerance=1e-10):
    found, expected = numbers_of(flux), numbers_of(expected)
    assert np.abs(found - expected).max() < tolerance * np.abs(expected).max()


def moving(atoms, kelvin=800):
    """With a drift, so that no part is zero."""
    heat(atoms, kelvin)
    atoms.set_velocities(atoms.get_velocities() + [0.01, -0.02, 0.03])
    return atoms


# ---- the definition


def unfolded(atoms, reach):
    """Images of all atoms no further than `reach` from an atom of the cell, these first, and whose image each is."""
    places, cell = atoms.positions, atoms.cell.complete().array
    heights = 1 / np.linalg.norm(np.linalg.inv(cell), axis=0)
    spread = np.ptp(places @ np.linalg.inv(cell), axis=0)
    count = np.where(atoms.pbc, np.ceil(reach / heights + spread), 0).astype(int)
    found, owners = [places], [np.arange(len(atoms))]
    for shift in np.ndindex(*(2 * count + 1)):
        vector = (np.array(shift) - count) @ cell
        if (np.array(shift) == count).all():
            continue
        images = places + vector
        near = (np.linalg.norm(images[:, None] - places, axis=2) < reach).any(axis=1)
        found.append(images[near])
        owners.append(np.flatnonzero(near))
    return np.concatenate(found), np.concatenate(owners)


def by_definition(atoms, model, layers, cutoff, size=1e-4):
    """Both parts, with derivatives of the energies by central differences."""
    places, owners = unfolded(atoms, (layers + 1) * cutoff + 0.1)
    velocities = atoms.get_velocities()[owners]
    own = len(atoms)

    def change(direction):
        sides = [Atoms(np.array(atoms.get_chemical_symbols())[owners], positions=places + sign * size * direction)
                 for sign in (1, -1)]
        plus, minus = (result.energies[:own] for result in grapevine.evaluate(model, sides, threads=1))
        return (plus - minus) / (2 * size)

    power = change(velocities)
    potential = [places[:own, a] @ power - change(places[:, a : a + 1] * velocities).sum() for a in range(3)]
    energies = grapevine.evaluate(model, atoms, threads=1)[0].energies
    energies = energies + 0.5 * atoms.get_masses() * (velocities[:own] ** 2).sum(axis=1)
    return grapevine.HeatFlux(np.array(potential), energies @ velocities[:own], power.sum())


@pytest.mark.parametrize("atoms", [alloy(3), alloy(4, (1, 1, 1)), cluster(5)], ids=["triclinic", "two atoms", "cluster"])
def test_flux_is_what_it_is_defined_as(atoms):
    model = grapevine.Model(ALLOY)
    expected = by_definition(moving(atoms), model, model.layers, model.cutoff)
    assert np.abs(expected.potential).min() > 0
    assert_same(flux_of(atoms), expected, 1e-6)


def test_slab_and_wire():
    model = grapevine.Model(ALLOY)
    for pbc in ([True, True, False], [False, True, False]):
        atoms = moving(alloy(6))
        atoms.pbc = pbc
        assert_same(flux_of(atoms), by_definition(atoms, model, model.layers, model.cutoff), 1e-6)


def test_water():
    model = grapevine.Model(WATER)
    atoms = moving(water(), 300)[:12]
    atoms.pbc = False
    assert_same(flux_of(atoms, WATER), by_definition(atoms, model, model.layers, model.cutoff), 1e-6)


def test_power_is_that_of_the_forces():
    for atoms in (moving(alloy(7)), moving(cluster(8)), moving(alloy(9, (3, 3, 2)))):
        forces = grapevine.evaluate(ALLOY, atoms, threads=1)[0].forces
        power = -(forces * atoms.get_velocities()).sum()
        assert flux_of(atoms).power == pytest.approx(power, rel=1e-10)


MODELS = {"nbmotaw": cluster(20), "water": water()[:24], "mace/mace-published-spice": water()[:24],
          "SevenNet-0": Atoms("Ag8", positions=cluster(19).positions)}


@pytest.mark.parametrize("name", MODELS)
def test_flux_is_the_rate_of_the_moment_of_energy(request, golden_model, name):
    """In empty space, along the path of Newton's equations for a short while: no integrator comes between."""
    shipped = {"nbmotaw": ALLOY, "water": WATER}
    path = request.getfixturevalue("sevennet_0") if name == "SevenNet-0" else shipped.get(name) or golden_model(name)
    model, atoms = grapevine.Model(path), moving(MODELS[name].copy(), 600)
    atoms.pbc = False
    expected = rate_of_moment(model, atoms)
    assert np.abs(flux_of(atoms, model).total - expected).max() < 1e-8 * np.abs(expected).max()


def rate_of_moment(model, atoms, step=1e-3):
    """d/dt of the sum of r_i E_i; fourth order in the step."""
    masses, velocities = atoms.get_masses()[:, None], atoms.get_velocities()
    accelerations = grapevine.evaluate(model, atoms, precision="double", threads=1)[0].forces / masses

    def moment(time):
        moved = atoms.copy()
        moved.positions += time * velocities + 0.5 * time**2 * accelerations
        kinetic = 0.5 * (masses * (velocities + time * accelerations) ** 2).sum(axis=1)
        return (kinetic + grapevine.evaluate(model, moved, precision="double", threads=1)[0].energies) @ moved.positions

    return (8 * (moment(step) - moment(-step)) - (moment(2 * step) - moment(-2 * step))) / (12 * step)


# ---- what must not change it


def test_supercell_has_the_flux_of_its_cells():
    atoms = moving(alloy(10))
    one, many = flux_of(atoms), flux_of(atoms * (2, 1, 2))
    assert_same(many, grapevine.HeatFlux(4 * one.potential, 4 * one.convective, 4 * one.power))


def test_it_turns_with_the_structure_and_is_the_same_elsewhere():
    atoms, matrix = moving(alloy(11)), rotation()
    turned = atoms.copy()
    turned.set_cell(atoms.cell.array @ matrix.T)
    turned.positions = atoms.positions @ matrix.T
    turned.set_velocities(atoms.get_velocities() @ matrix.T)
    found, expected = flux_of(turned), flux_of(atoms)
    assert_same(found, grapevine.HeatFlux(matrix @ expected.potential, matrix @ expected.convective, expected.power))
    elsewhere = atoms.copy()
    elsewhere.translate([3.0, -50.0, 0.7])
    assert_same(flux_of(elsewhere), expected)
    elsewhere.wrap()
    assert_same(flux_of(elsewhere), expected)


def test_reversed_velocities_reverse_it():
    atoms = moving(alloy(12))
    forward = flux_of(atoms)
    atoms.set_velocities(-atoms.get_velocities())
    assert_same(flux_of(atoms), grapevine.HeatFlux(-forward.potential, -forward.convective, -forward.power))


def test_no_velocities_no_flux():
    assert not numbers_of(flux_of(alloy(13))).any()


def test_precision_and_threads():
    atoms = moving(alloy(14, (4, 4, 3)))
    expected = flux_of(atoms)
    assert_same(flux_of(atoms, threads=2), expected)
    mixed = flux_of(atoms, precision="mixed")
    assert (numbers_of(mixed) != numbers_of(expected)).all()
    assert_same(mixed, expected, 1e-5)


# ---- masses, reference energies, committees


def test_convective_part():
    atoms = moving(alloy(15))
    atoms.set_masses([1.0, 20.0, 3.0, 4.0])  # and not those of the elements; momenta stay
    velocities = atoms.get_velocities()
    energies = grapevine.evaluate(ALLOY, atoms, threads=1)[0].energies
    energies = energies + 0.5 * atoms.get_masses() * (velocities**2).sum(axis=1)
    flux = flux_of(atoms)
    assert flux.convective == pytest.approx(energies @ velocities, rel=1e-10)
    assert (flux.total == flux.potential + flux.convective).all()


def test_reference_energies():
    metadata, tensors = read_model(ALLOY)
    shift = dict(zip(metadata["species"].split(), tensors["energy.shift"]))
    atoms = moving(alloy(16, (2, 2, 1)))
    full, bare = flux_of(atoms), flux_of(atoms, reference=False)
    carried = np.array([shift[s] for s in atoms.symbols]) @ atoms.get_velocities()
    assert full.convective - bare.convective == pytest.approx(carried, rel=1e-9)
    assert (full.potential == bare.potential).all() and full.power == bare.power


def test_committee_has_the_mean(tmp_path):
    atoms, members = moving(alloy(17)), write_committee(tmp_path)
    single = np.array([numbers_of(flux_of(atoms, member)) for member in members])
    assert np.abs(single[1] - single[0]).max() > 1e-3 * np.abs(single[0]).max()
    found = numbers_of(flux_of(atoms, [grapevine.Model(members[0]), *members[1:]]))
    assert found == pytest.approx(single.mean(axis=0), rel=1e-10)


# ---- LAMMPS


def test_lammps_has_the_same_flux(tmp_path):
    atoms = moving(alloy(18, (2, 2, 2)))
    _, turn = atoms.cell.standard_form()
    write_data(tmp_path / "data.test", atoms, METALS, METAL_UNITS * atoms.get_velocities() @ turn.T)
    for reference, word in ((True, "yes"), (False, "no")):
        run = run_lammps(tmp_path, setup(ALLOY, METALS) + f"""
compute flux all heat/flux/grapevine reference {word}
thermo_style custom step c_flux[*]
thermo_modify format float %.17g
run 0
""", 2)
        found = np.array([run.row[f"c_flux[{n}]"] for n in range(1, 7)]) / METAL_UNITS
        flux = flux_of(atoms, reference=reference)
        expected = np.concatenate([turn @ flux.total, turn @ flux.convective])
        assert found == pytest.approx(expected, abs=1e-6 * np.abs(expected).max())


# ---- bad input


def test_what_is_refused(tmp_path):
    atoms = moving(alloy(19))
    with pytest.raises(grapevine.Error, match="no model is given"):
        flux_of(atoms, [])
    with pytest.raises(TypeError, match="list, not ase.Atoms"):
        flux_of([atoms])
    with pytest.raises(grapevine.Error, match="precision 'single'"):
        flux_of(atoms, precision="single")
    with pytest.raises(grapevine.Error, match="Cu"):
        flux_of(moving(Atoms("CuW", positions=[[0, 0, 0], [0, 0, 2.5]])))
    with pytest.raises(grapevine.Error, match="no atoms"):
        flux_of(Atoms())
    atoms.set_velocities(np.full((len(atoms), 3), np.nan))
    with pytest.raises(grapevine.Error, match=f"velocity or mass of atom 1 \\({atoms.symbols[0]}\\) is not a number"):
        flux_of(atoms)
    close = moving(alloy(20))
    close.positions[1] = close.positions[0] + [0, 0, 0.001]
    with pytest.raises(grapevine.Error, match="1.*2|2.*1"):
        flux_of(close)
