"""Pairs and atoms that LAMMPS leaves out of neighbour lists: those that are gone count nothing, the rest is told of.

Exclusions of neigh_modify and of Monte Carlo fixes, pair_style hybrid, special_bonds; and heat fluxes, which stresses of
atoms do not give.
"""

import re

import numpy as np
import pytest
from lammps_run import MEASURE, RUN_0, dump, fcc_mixture, relative_difference, setup, write_data

ELEMENTS = ["O", "C", "Ni"]
MIXTURE = fcc_mixture(3, 2, 2)
GRAPEVINE_WARNING = re.compile("WARNING.*grapevine")


@pytest.fixture
def start(tmp_path, three_layer):
    """start(...): writes the data file and returns the head of the input script."""

    def write(elements=ELEMENTS, **options):
        write_data(tmp_path / "data.test", MIXTURE, ELEMENTS)
        return setup(three_layer, elements, **options)

    return write


def warnings(run):
    return [line for line in run.output.splitlines() if GRAPEVINE_WARNING.search(line)]


# ---- atoms that are excluded from all others


FEW = "group few id 2 17 30 31\n"
DELETED = FEW + "delete_atoms group few compress no\n"


def assert_gone(run, without):
    """The atoms that `without` does not have count nothing in `run`, and all others are as if they were not there."""
    atoms, others = run.atoms(), without.atoms()
    stay = np.isin(atoms["id"], others["id"])
    assert 0 < stay.sum() < len(stay)
    assert run.row["PotEng"] == pytest.approx(without.row["PotEng"], rel=1e-12)
    assert relative_difference(run.virial, without.virial) < 1e-10
    for name in ("f", "energy", "stress"):
        assert relative_difference(atoms[name][stay], others[name]) < 1e-10, name
        assert not atoms[name][~stay].any(), name
    assert run.work["computed"] == [stay.sum()] * 4


@pytest.mark.parametrize("ranks,exchange", [(1, "own"), (3, "own"), (3, "lammps")])
@pytest.mark.parametrize("groups", ["few all", "all few"])
def test_atoms_excluded_from_all_count_nothing(lammps, start, ranks, exchange, groups):
    head = start(precision=f"double exchange {exchange}")
    run = lammps(head + FEW + f"neigh_modify exclude group {groups}\n" + RUN_0, ranks)
    assert_gone(run, lammps(head + DELETED + RUN_0))
    assert not warnings(run)


def test_type_excluded_from_all_types_counts_nothing(lammps, start):
    exclude = "".join(f"neigh_modify exclude type 2 {n}\n" for n in (1, 2, 3))
    run = lammps(start() + exclude + RUN_0, 2)
    assert_gone(run, lammps(start() + "group carbon type 2\ndelete_atoms group carbon compress no\n" + RUN_0))
    assert not warnings(run)


def test_atoms_outside_of_an_include_group_count_nothing(lammps, start):
    first = "group most subtract all few\natom_modify first most\nneigh_modify include most\n"
    run = lammps(start() + FEW + first + RUN_0, 2)
    assert_gone(run, lammps(start() + DELETED + RUN_0))


def test_excluded_atoms_come_back(lammps, start):
    plain = lammps(start() + RUN_0)
    run = lammps(start() + FEW + "neigh_modify exclude group few all\nrun 0\nneigh_modify exclude none\n" + RUN_0, 2)
    assert run.row["PotEng"] == pytest.approx(plain.row["PotEng"], rel=1e-12)
    assert relative_difference(run.atoms()["f"], plain.atoms()["f"]) < 1e-10


def test_committee_without_the_excluded_atoms(lammps, start, three_layer):
    models = f"pair_style grapevine double\npair_coeff * * {three_layer} {three_layer} O C Ni\ncompute dev all pair grapevine\n"
    measure = MEASURE.replace("c_pv[6]", "c_pv[6] c_dev[1] c_dev[4]") + dump() + "run 0\n"
    run = lammps(start(style=models) + FEW + "neigh_modify exclude group few all\n" + measure, 2)
    without = lammps(start() + DELETED + RUN_0)
    assert run.row["PotEng"] == pytest.approx(without.row["PotEng"], rel=1e-12)
    assert relative_difference(run.atoms()["f"][np.isin(run.atoms()["id"], without.atoms()["id"])],
                               without.atoms()["f"]) < 1e-10
    assert run.row["c_dev[1]"] == run.row["c_dev[4]"] == 0


# ---- Monte Carlo that inserts and deletes


MASS = 15.999
BOLTZMANN = 8.617343e-5  # of LAMMPS's units metal, eV/K


def thermal_wavelength(mass, temperature):
    return 17.4583 / np.sqrt(mass * temperature)  # Angstrom


def gas_box(edge, model=None, atoms=""):
    """A periodic box for atoms of type 1; without a model they do not interact."""
    pair = f"pair_style grapevine double\npair_coeff * * {model} O Ni\n" if model else "pair_style zero 5\npair_coeff * *\n"
    return f"""units metal
atom_modify map yes
region box block 0 {edge} 0 {edge} 0 {edge}
create_box 2 box
mass 1 {MASS}
mass 2 58.69
{pair}neighbor 0.3 nsq
{atoms}"""


def isolated_energy(lammps, model):
    """Of one atom of type 1 in a large box, by the model itself."""
    return lammps(gas_box(100, model, "create_atoms 1 single 1 1 1\n") + RUN_0).row["PotEng"]


def test_gcmc_of_an_ideal_gas(lammps, three_layer):
    """Atoms too far apart to meet: every decision is that of a gas without interaction, if mu holds the energy of an atom."""
    edge, temperature = 1000.0, 2000.0
    mu = BOLTZMANN * temperature * np.log(6 * thermal_wavelength(MASS, temperature) ** 3 / edge**3)
    single = isolated_energy(lammps, three_layer)
    assert abs(single) > BOLTZMANN * temperature, "an energy that would not be noticed"

    def numbers_of_atoms(model, mu, ranks):
        gas = f"create_atoms 1 random 6 4711 NULL\nfix mc all gcmc 1 5 0 1 12 {temperature} {mu:.17g} 0.1 full_energy\n" \
              "thermo_style custom step atoms f_mc[4] f_mc[6]\nthermo 1\nrun 150\n"
        run = lammps(gas_box(edge, model, gas), ranks)
        assert not warnings(run)
        return [(row["Atoms"], row["f_mc[4]"], row["f_mc[6]"]) for row in run.tables[0]]

    ideal = numbers_of_atoms(None, mu, 1)
    assert numbers_of_atoms(three_layer, mu + single, 2) == ideal
    assert min(ideal[-1][1:]) > 50 and len({row[0] for row in ideal}) > 5, "hardly any was inserted and deleted"


def test_gcmc_of_an_ideal_gas_of_molecules(lammps, tmp_path, three_layer):
    """Atoms of a molecule under deletion are excluded from all but each other: they are gone all the same."""
    (tmp_path / "dimer").write_text("dimer\n\n2 atoms\n\nCoords\n\n1 0 0 0\n2 1.5 0 0\n\nTypes\n\n1 1\n2 2\n")
    edge, temperature = 1000.0, 2000.0
    pair = gas_box(100, three_layer, "create_atoms 1 single 1 1 1\ncreate_atoms 2 single 2.5 1 1\n")
    bound = lammps(pair + RUN_0).row["PotEng"]
    mu = BOLTZMANN * temperature * np.log(6 * thermal_wavelength(MASS + 58.69, temperature) ** 3 / edge**3)

    def numbers_of_atoms(model, energy, ranks):
        gas = f"molecule dimer dimer\nfix mc all gcmc 1 5 0 0 12 {temperature} {mu:.17g} 0.1 mol dimer full_energy " \
              f"intra_energy {energy:.17g}\nthermo_style custom step atoms f_mc[4] f_mc[6]\nthermo 1\nrun 150\n"
        run = lammps(gas_box(edge, model, gas).replace("atom_modify", "atom_style molecular\natom_modify"), ranks)
        assert not warnings(run)
        return [(row["Atoms"], row["f_mc[4]"], row["f_mc[6]"]) for row in run.tables[0]]

    ideal = numbers_of_atoms(None, 0, 1)
    assert numbers_of_atoms(three_layer, bound, 2) == ideal
    assert min(ideal[-1][1:]) > 50, "hardly any was inserted and deleted"


HOST = "create_atoms 2 single 1 1 1\ncreate_atoms 2 single 3 3.2 1.1\ncreate_atoms 2 single 1.2 3 3.1\n"


def test_gcmc_agrees_with_insertion_energies(lammps, three_layer):
    """One place for a guest: the chance that it is there follows from the energies of its insertion, as widom has them."""
    edge, temperature = 7.0, 20000.0
    kT = BOLTZMANN * temperature
    widom = gas_box(edge, three_layer, HOST) + f"fix w all widom 1 4000 1 4711 {temperature}\n" \
        "thermo_style custom step pe f_w[1]\nthermo_modify format float %.17g\nthermo 1\nrun 1\n"
    mu_excess = lammps(widom, 1).row["f_w[1]"]
    mu = mu_excess + kT * np.log(thermal_wavelength(MASS, temperature) ** 3 / edge**3)  # there half of the time
    gcmc = gas_box(edge, three_layer, HOST) + f"group host type 2\ngroup guest type 1\n" \
        f"fix mc guest gcmc 1 5 0 1 12 {temperature} {mu:.17g} 0.1 full_energy max 1\n" \
        "thermo_style custom step atoms\nthermo 1\nrun 1000\n"
    run = lammps(gcmc, 1)
    occupied = np.mean([row["Atoms"] - 3 for row in run.tables[0]])
    assert 0.4 < occupied < 0.6
    assert not warnings(run)


def test_widom_of_an_ideal_gas(lammps, three_layer):
    widom = gas_box(500, three_layer, "create_atoms 1 single 1 1 1\n") + "fix w all widom 1 20 1 4711 2000\n" \
        "thermo_style custom step f_w[1]\nthermo_modify format float %.17g\nthermo 1\nrun 1\n"
    run = lammps(widom, 2)
    assert run.row["f_w[1]"] == pytest.approx(isolated_energy(lammps, three_layer), rel=1e-9)
    assert not warnings(run)


# ---- pairs that are left out


def molecules(count):
    """Every atom in one of `count` molecules."""
    return "fix ids all property/atom mol ghost yes\n" + "".join(
        f"group m{n} id {n}:{len(MIXTURE)}:{count}\nset group m{n} mol {n}\n" for n in range(1, count + 1))


HYBRID = """pair_style hybrid grapevine double lj/cut 5.0
pair_coeff * * grapevine {model} {elements}
pair_coeff {pair} lj/cut 0.01 2.0
pair_modify shift yes
"""
FROZEN = "group frozen id 1:20\ngroup mobile subtract all frozen\n"


@pytest.mark.parametrize("before,exclude", [
    (FROZEN, "group frozen frozen"),
    (FROZEN, "group frozen mobile"),
    ("", "type 1 1"),
    ("", "type 2 3"),
    (molecules(3), "molecule/intra all"),
    (molecules(3), "molecule/inter all"),
])
def test_exclusions_that_change_the_model_are_told_of_once(lammps, start, before, exclude):
    plain = lammps(start() + before + RUN_0, 2)
    assert not warnings(plain)
    run = lammps(start() + before + f"neigh_modify exclude {exclude}\n" + RUN_0 + "run 2\nrun 0\n", 2)
    assert len(warnings(run)) == 1
    assert f"neigh_modify exclude {exclude} leaves out pairs" in warnings(run)[0]
    assert "fix setforce" in warnings(run)[0]
    assert relative_difference(run.atoms(0)["f"], plain.atoms()["f"]) > 0.01, "no pair was left out"


def test_exclusion_between_runs_is_told_of(lammps, start):
    run = lammps(start() + FROZEN + "run 0\nneigh_modify exclude group frozen frozen\nrun 0\n")
    first, second = run.output.split("Loop time", 1)
    assert "leaves out pairs" not in first and "leaves out pairs" in second


def test_exclusion_of_atoms_that_come_during_the_run_is_told_of(lammps, start):
    rain = "group rain empty\nneigh_modify exclude group rain rain\nregion box block EDGE EDGE EDGE EDGE EDGE EDGE\n" \
           "fix rain rain deposit 4 1 1 4711 region box near 1.2 attempt 1000\n"
    run = lammps(start() + rain + "thermo 1\nrun 6\n", 2)
    assert len(warnings(run)) == 1
    assert "exclude group rain rain" in warnings(run)[0]


@pytest.mark.parametrize("exclude", [
    "",
    "neigh_modify exclude type 2 2 exclude type 1 2 exclude type 2 3\n",  # carbon belongs to lj/cut
    "group carbon type 2\nneigh_modify exclude group carbon carbon\n",
    "group carbon type 2\nneigh_modify exclude group carbon all\n",
])
def test_pairs_of_another_potential_are_nothing_to_warn_of(lammps, start, three_layer, exclude):
    style = HYBRID.format(model=three_layer, elements="O NULL Ni", pair="*2 2") + "pair_coeff 2 3 lj/cut 0.01 2.0\n"
    run = lammps(start(style=style) + exclude + RUN_0, 2)
    assert not warnings(run)
    assert np.isfinite(run.row["PotEng"])


def test_pairs_that_hybrid_takes_from_the_model_are_told_of(lammps, start, three_layer):
    style = HYBRID.format(model=three_layer, elements="O C Ni", pair="1 3")
    run = lammps(start(style=style) + RUN_0 + "run 0\n", 2)
    assert len(warnings(run)) == 1
    assert "pair_coeff 1 3" in warnings(run)[0] and "hybrid/overlay" in warnings(run)[0]
    overlay = style.replace("hybrid ", "hybrid/overlay ")
    assert not warnings(lammps(start(style=overlay) + RUN_0, 2))


# ---- bonds


BONDS = "".join(f"create_bonds single/bond 1 {n} {n + 1}\n" for n in (1, 2, 3))
LENNARD_JONES = "pair_style lj/cut 6.0\npair_coeff * * 0.01 2.0\n"


def chain(special="", bonds=BONDS, style="bond"):
    """Atoms 1-2-3-4 of types 1 and 2 in turn, and one of type 3 beside them that has no bond."""
    atoms = "".join(f"create_atoms {t} single {x} 1 1\n" for t, x in [(1, 1), (2, 2.2), (1, 3.4), (2, 4.6)])
    return f"""
units metal
atom_style {style}
region box block 0 8 0 8 0 8
create_box 3 box bond/types 1 extra/bond/per/atom 4 extra/special/per/atom 10
{atoms}create_atoms 3 single 3 3.5 2
mass * 12
bond_style zero
bond_coeff 1
{special}
{bonds}"""


def grapevine_alone(model, elements="O C Ni"):
    return f"pair_style grapevine double\npair_coeff * * {model} {elements}\n"


def with_lennard_jones(model, elements="O C Ni"):
    return f"pair_style hybrid/overlay grapevine double lj/cut 6.0\npair_coeff * * grapevine {model} {elements}\n" \
        "pair_coeff * * lj/cut 0.01 2.0\n"


def assert_bonds_refused(run, pair, advice):
    assert len(run.errors) == 1, run.errors
    assert f"atoms {pair[0]} and {pair[1]}, which are bonded" in run.errors[0]
    assert advice in run.errors[0]


@pytest.mark.parametrize("special,pair,advice", [
    ("", (1, 2), "special_bonds lj 1e-50 1e-50 1e-50 coul 1e-50 1e-50 1e-50"),
    ("special_bonds lj/coul 1 0 0.5", (1, 3), "special_bonds lj 1 1e-50 0.5 coul 1 1e-50 0.5"),
    ("special_bonds lj 0 0 0 coul 1 0.5 0", (1, 4), "special_bonds lj 0 0 1e-50 coul 1 0.5 1e-50"),
])
def test_bonded_pair_of_the_model_that_is_dropped(lammps, three_layer, special, pair, advice):
    both = with_lennard_jones(three_layer)
    assert_bonds_refused(lammps(chain(special) + both + RUN_0, 2, must="fail"), pair, advice)
    # with what the message says, the model is complete and Lennard-Jones as before
    run = lammps(chain(advice) + both + RUN_0, 2)
    model = lammps(chain(bonds="") + grapevine_alone(three_layer) + RUN_0)
    others = lammps(chain(special) + LENNARD_JONES + RUN_0)
    assert run.row["PotEng"] == pytest.approx(model.row["PotEng"] + others.row["PotEng"], rel=1e-10)
    assert relative_difference(run.atoms()["f"], model.atoms()["f"] + others.atoms()["f"]) < 1e-10


@pytest.mark.parametrize("ranks", [1, 2])
def test_bonds_of_atoms_that_the_model_does_not_treat(lammps, three_layer, ranks):
    run = lammps(chain() + with_lennard_jones(three_layer, "NULL NULL Ni") + RUN_0, ranks)
    model = lammps(chain() + "group bonded type 1 2\ndelete_atoms group bonded bond yes\n" +
                   grapevine_alone(three_layer) + RUN_0)
    others = lammps(chain() + LENNARD_JONES + RUN_0)
    assert run.row["PotEng"] == pytest.approx(model.row["PotEng"] + others.row["PotEng"], rel=1e-10)


def test_bonds_between_an_atom_of_the_model_and_others(lammps, three_layer):
    """1-2 pairs are of one atom of the model and one of others, 1-3 pairs may be of two of the model."""
    pair = with_lennard_jones(three_layer, "O NULL Ni")
    lammps(chain("special_bonds lj/coul 0 1 0") + pair + RUN_0, 2)
    run = lammps(chain("special_bonds lj/coul 0 0 1") + pair + RUN_0, 2, must="fail")
    assert_bonds_refused(run, (1, 3), "special_bonds lj 1e-50 1e-50 1 coul 1e-50 1e-50 1")


def test_bonds_that_a_long_range_solver_keeps_in_the_list(lammps, three_layer):
    pair = f"pair_style hybrid/overlay grapevine double coul/long 6.0\npair_coeff * * grapevine {three_layer} O C Ni\n" \
           "pair_coeff * * coul/long\nkspace_style ewald 1e-4\nset type 1 charge 0.1\nset type 2 charge -0.1\n"
    run = lammps(chain("special_bonds lj/coul 0 0 0", style="full") + pair + RUN_0, 2)
    told = lammps(chain("special_bonds lj/coul 1e-50 1e-50 1e-50", style="full") + pair + RUN_0)
    assert run.row["PotEng"] == pytest.approx(told.row["PotEng"], rel=1e-10)


@pytest.mark.parametrize("style", ["bond", "full"])
def test_no_bonds_need_no_special_bonds(lammps, three_layer, style):
    run = lammps(chain("", "", style) + grapevine_alone(three_layer) + RUN_0, 2)
    told = lammps(chain("special_bonds lj/coul 1 1 1", "", style) + grapevine_alone(three_layer) + RUN_0, 2)
    assert run.row["PotEng"] == told.row["PotEng"]


def test_bonds_made_between_runs(lammps, three_layer):
    run = lammps(chain(bonds="") + grapevine_alone(three_layer) + "run 0\n" + BONDS + "run 0\n", 2, must="fail")
    assert "Loop time" in run.output
    assert_bonds_refused(run, (1, 2), "1e-50")


def test_bonds_made_during_a_run(lammps, three_layer):
    make = "fix make all bond/create 5 1 2 1.4 1 iparam 1 1 jparam 1 2\nfix move all move linear 0.1 0 0\nthermo 1\n"
    run = lammps(chain(bonds="") + grapevine_alone(three_layer) + make + "run 20\n", 2, must="fail")
    assert len(run.errors) == 1 and "which are bonded" in run.errors[0]
    assert len(run.tables[0]) > 3


# ---- heat flux


PER_ATOM = "compute ke all ke/atom\ncompute pe all pe/atom\ncompute st all stress/atom NULL virial\n"
FLUX = "compute flux all heat/flux ke pe st\nthermo_style custom step c_flux[1]\n"


@pytest.mark.parametrize("order", ["before", "after", "between runs"])
@pytest.mark.parametrize("hybrid", ["", "hybrid "])
def test_heat_flux_is_warned_of_once(lammps, start, three_layer, order, hybrid):
    name = "grapevine " if hybrid else ""
    pair = f"pair_style {hybrid}grapevine double\npair_coeff * * {name}{three_layer} O C Ni\n"
    flux = PER_ATOM + FLUX
    script = {"before": flux + pair, "after": pair + flux, "between runs": pair + "run 0\n" + flux}[order]
    run = lammps(start(style="\n") + script + "run 1\nrun 1\n", 2)
    assert len(warnings(run)) == 1
    assert "heat flux of compute flux is wrong" in warnings(run)[0]
    instead = "heat current that is imposed" if hybrid else "Use compute flux all heat/flux/grapevine"
    assert instead in warnings(run)[0]


def test_each_heat_flux_of_stresses_is_named(lammps, start):
    group = "group oxygen type 1\n"
    flux = PER_ATOM + FLUX + "compute other oxygen heat/flux ke pe st\ncompute tally oxygen heat/flux/tally all\n"
    told = warnings(lammps(start() + group + flux + "run 0\nrun 0\n", 2))
    named = [line for line in told if "heat flux of compute" in line]
    for name, line in zip(("flux all", "other oxygen", "tally oxygen"), named, strict=True):
        assert f"Use compute {name} heat/flux/grapevine" in line


def test_the_right_heat_flux_is_nothing_to_warn_of(lammps, start):
    assert not warnings(lammps(start() + "compute flux all heat/flux/grapevine\nthermo_style custom step c_flux[1]\nrun 0\n"))


def test_per_atom_stresses_alone_are_nothing_to_warn_of(lammps, start):
    assert not warnings(lammps(start() + RUN_0))


@pytest.mark.parametrize("hybrid", ["", "hybrid/overlay "])
def test_centroid_stresses_are_refused(lammps, start, three_layer, hybrid):
    name = "grapevine " if hybrid else ""
    style = f"pair_style {hybrid}grapevine double\npair_coeff * * {name}{three_layer} O C Ni\n"
    flux = PER_ATOM.replace("stress/atom", "centroid/stress/atom") + FLUX
    run = lammps(start(style=style) + flux + "run 0\n", 2, must="fail")
    assert len(run.errors) == 1 and "centroid" in run.errors[0]
