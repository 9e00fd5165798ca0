"""What LAMMPS users combine a pair style with: each feature against a plain run, or against `grapevine evaluate`."""

import subprocess

import ase
import ase.build
import ase.io
import numpy as np
import pytest
from lammps_run import (BAR_A3_PER_EV, BUILD, KCAL_PER_MOL_PER_EV, MEASURE, ROOT, RUN_0, dump, fcc_mixture,
                        relative_difference, setup, thermal_velocities, write_data)

ELEMENTS = ["O", "C", "Ni"]
SMALL = fcc_mixture(2, 2, 2)
LONG = fcc_mixture(5, 2, 2, seed=3)
NVE = "timestep 0.0005\nfix move all nve\n"


@pytest.fixture
def start(tmp_path, three_layer):
    """start(atoms, ...): writes the data file and returns the head of the input script."""

    def write(atoms=SMALL, elements=ELEMENTS, temperature=300.0, data="data.test", **options):
        velocities = thermal_velocities(atoms, temperature) if temperature else None
        write_data(tmp_path / data, atoms, elements, velocities)
        return setup(three_layer, elements, data=data, **options)

    return write


@pytest.fixture
def evaluate(grapevine, three_layer, tmp_path):
    """evaluate(atoms): energy and forces by the command line program, whose neighbour lists are not LAMMPS's."""

    def run(atoms):
        bare = ase.Atoms(atoms.get_chemical_symbols(), atoms.get_positions(), cell=atoms.cell, pbc=atoms.pbc)
        ase.io.write(tmp_path / "evaluate.xyz", bare, format="extxyz")
        command = [grapevine, "evaluate", three_layer, "evaluate.xyz", "-o", "evaluated.xyz"]
        subprocess.run(command, cwd=tmp_path, check=True, timeout=60)
        result = ase.io.read(tmp_path / "evaluated.xyz", format="extxyz")
        return result.get_potential_energy(), result.get_forces()

    return run


def assert_same_state(run, reference, tolerance=1e-9, positions=True):
    a, b = run.atoms(), reference.atoms()
    assert (a["id"] == b["id"]).all()
    assert run.row["PotEng"] == pytest.approx(reference.row["PotEng"], rel=tolerance)
    assert relative_difference(a["f"], b["f"]) < tolerance
    if positions:
        assert relative_difference(a["x"], b["x"]) < tolerance


def assert_fresh_start_agrees(lammps, run, head, tolerance=1e-10):
    """`run` ended with write_data final.data: a new process that starts from there finds the same state."""
    fresh = lammps(head.replace("read_data data.test", "read_data final.data") + RUN_0)
    assert run.row["PotEng"] == pytest.approx(fresh.row["PotEng"], rel=tolerance)
    assert relative_difference(run.virial, fresh.virial) < 1e-8
    ours, theirs = run.atoms(), fresh.atoms()
    assert (ours["id"] == theirs["id"]).all()
    assert relative_difference(ours["f"], theirs["f"]) < 1e-8


# ---- potentials combined


ZBL = "pair_coeff 1 1 zbl 8 8\npair_coeff 1 2 zbl 8 6\npair_coeff 1 3 zbl 8 28\n" \
      "pair_coeff 2 2 zbl 6 6\npair_coeff 2 3 zbl 6 28\npair_coeff 3 3 zbl 28 28\n"


def test_overlay_with_zbl_is_the_sum_of_both(lammps, start, three_layer):
    alone = lammps(start() + RUN_0)
    zbl = lammps(start(style="pair_style zbl 2.0 3.5\n" + ZBL.replace("zbl ", "")) + RUN_0)
    both = f"pair_style hybrid/overlay grapevine double zbl 2.0 3.5\npair_coeff * * grapevine {three_layer} O C Ni\n" + ZBL
    run = lammps(start(style=both) + RUN_0, 2)
    assert run.row["PotEng"] == pytest.approx(alone.row["PotEng"] + zbl.row["PotEng"], rel=1e-10)
    for name in ("f", "energy", "stress"):
        expected = alone.atoms()[name] + zbl.atoms()[name]
        assert relative_difference(run.atoms()[name], expected) < 1e-10, name
    assert np.allclose(run.virial, alone.virial + zbl.virial, rtol=0, atol=1e-8)


def test_overlay_with_charges_is_the_sum_of_both(lammps, start, three_layer):
    charges = "set type 1 charge -0.4\nset type 2 charge 0.3\nset type 3 charge 0.2\n"
    before = "fix charges all property/atom q ghost yes"
    alone = lammps(start() + RUN_0)
    coulomb = lammps(start(before=before, style="pair_style coul/cut 4.0\npair_coeff * *\n") + charges + RUN_0)
    both = f"pair_style hybrid/overlay coul/cut 4.0 grapevine double\npair_coeff * * grapevine {three_layer} O C Ni\n" \
           "pair_coeff * * coul/cut\n"
    run = lammps(start(before=before, style=both) + charges + RUN_0, 2)
    assert coulomb.row["PotEng"] != 0
    assert run.row["PotEng"] == pytest.approx(alone.row["PotEng"] + coulomb.row["PotEng"], rel=1e-10)
    assert relative_difference(run.atoms()["f"], alone.atoms()["f"] + coulomb.atoms()["f"]) < 1e-10


def test_hybrid_leaves_null_types_to_the_other_potential(lammps, start, three_layer):
    atoms = LONG.copy()
    symbols = np.array(atoms.get_chemical_symbols())
    symbols[::7] = "Ar"
    atoms.set_chemical_symbols(symbols)
    elements = [*ELEMENTS, "Ar"]
    other = "pair_coeff * 4 {} 0.01 2.5\n"
    hybrid = f"pair_style hybrid grapevine double lj/cut 5.0\npair_coeff * * grapevine {three_layer} O C Ni NULL\n"
    lj = "pair_style lj/cut 5.0\npair_coeff * * 0 1\n"
    run = lammps(start(atoms, elements, style=hybrid + other.format("lj/cut")) + RUN_0, 2)
    argon = lammps(start(atoms, elements, style=lj + other.format("")) + RUN_0)
    rest = lammps(start(atoms[symbols != "Ar"]) + RUN_0)
    assert run.row["PotEng"] == pytest.approx(argon.row["PotEng"] + rest.row["PotEng"], rel=1e-10)
    expected = argon.atoms()["f"].copy()
    expected[symbols != "Ar"] += rest.atoms()["f"]
    assert relative_difference(run.atoms()["f"], expected) < 1e-10
    assert run.work["computed"] == [(symbols != "Ar").sum()] * 4


def test_two_models_at_once(lammps, start, three_layer):
    alone = lammps(start() + RUN_0)
    twice = f"pair_style hybrid/overlay grapevine double grapevine double\n" \
            f"pair_coeff * * grapevine 1 {three_layer} O C Ni\npair_coeff * * grapevine 2 {three_layer} O C Ni\n"
    run = lammps(start(style=twice) + RUN_0, 2)
    assert run.row["PotEng"] == pytest.approx(2 * alone.row["PotEng"], rel=1e-10)
    assert relative_difference(run.atoms()["f"], 2 * alone.atoms()["f"]) < 1e-10


def test_hybrid_with_tiled_communication(lammps, start, three_layer):
    style = f"pair_style hybrid/overlay zbl 2.0 3.5 grapevine double\npair_coeff * * grapevine {three_layer} O C Ni\n" + ZBL
    measure = MEASURE + dump(every=10) + NVE + "run 10\n"
    plain = lammps(start(LONG, style=style) + measure)
    assert_same_state(lammps(start(LONG, style=style) + "comm_style tiled\nbalance 1.0 rcb\n" + measure, 4), plain)


def test_two_types_of_one_element(lammps, start, three_layer):
    alone = lammps(start() + RUN_0)
    style = f"pair_style grapevine double\npair_coeff * * {three_layer} O C Ni O\n"
    head = start(style=style).replace("read_data data.test", "read_data data.test extra/atom/types 1")
    run = lammps(head + "mass 4 15.999\nset type 1 type/fraction 4 0.5 8\n" + RUN_0, 2)
    assert set(run.atoms()["type"]) == {1, 2, 3, 4}
    assert_same_state(run, alone)


def test_pair_style_given_twice(lammps, start, three_layer):
    plain = lammps(start() + RUN_0)
    again = f"pair_style grapevine double\npair_coeff * * {three_layer} O C Ni\n"
    assert_same_state(lammps(start() + again + RUN_0, 2), plain)
    mixed_first = start(precision="mixed") + "run 0\n" + again
    assert_same_state(lammps(mixed_first + RUN_0, 2), plain)


def test_changing_to_another_style_and_back(lammps, start, three_layer):
    plain = lammps(start() + RUN_0)
    other = "run 0\npair_style lj/cut 4.0\npair_coeff * * 0.01 1.5\nrun 0\n"
    again = f"pair_style grapevine double\npair_coeff * * {three_layer} O C Ni\n"
    assert_same_state(lammps(start() + other + again + RUN_0, 2), plain)


# ---- boxes


def test_triclinic_box_agrees_with_evaluate(lammps, start, evaluate):
    atoms = fcc_mixture(2, 2, 2, tilt=(2.1, -1.3, 1.7))
    energy, forces = evaluate(atoms)
    run = lammps(start(atoms) + RUN_0, 2)
    assert run.row["PotEng"] == pytest.approx(energy, rel=1e-10)
    assert relative_difference(run.atoms()["f"], forces) < 1e-9


def test_box_smaller_than_the_cutoff_agrees_with_evaluate(lammps, start, evaluate):
    atoms = fcc_mixture(1, 1, 2, tilt=(0.9, 0.4, -0.6))
    energy, forces = evaluate(atoms)
    run = lammps(start(atoms) + RUN_0, 2)
    assert run.row["PotEng"] == pytest.approx(energy, rel=1e-10)
    assert relative_difference(run.atoms()["f"], forces) < 1e-9


@pytest.mark.parametrize("boundary", ["f f f", "s s s", "m m m", "p f s"])
def test_boundaries_that_are_not_periodic(lammps, start, evaluate, boundary):
    atoms = SMALL.copy()
    atoms.pbc = [word == "p" for word in boundary.split()]
    energy, forces = evaluate(atoms)
    head = start(atoms, boundary=boundary)
    run = lammps(head + RUN_0, 2)
    assert run.row["PotEng"] == pytest.approx(energy, rel=1e-10)
    assert relative_difference(run.atoms()["f"], forces) < 1e-9
    moved = lammps(head + MEASURE + dump() + NVE + "run 20\nwrite_data final.data\n", 2)
    assert_fresh_start_agrees(lammps, moved, head)


@pytest.mark.parametrize("ranks", [4, 8])
def test_ranks_without_atoms(lammps, start, evaluate, ranks):
    atoms = SMALL[:5]
    atoms.pbc = True
    atoms.cell = [60, 60, 60]
    energy, forces = evaluate(atoms)
    head = start(atoms)
    run = lammps(head + MEASURE + dump() + "run 0\n", ranks)
    assert run.row["PotEng"] == pytest.approx(energy, rel=1e-10)
    assert relative_difference(run.atoms()["f"], forces) < 1e-9
    assert run.work["computed"] == [5] * 4
    moved = lammps(head + MEASURE + dump() + NVE + "run 20\nwrite_data final.data\n", ranks)
    assert_fresh_start_agrees(lammps, moved, head)


def test_box_without_any_atom(lammps, start):
    run = lammps(start() + "delete_atoms group all\n" + RUN_0, 2)
    assert run.row["PotEng"] == 0


def test_replicated_box_has_twice_the_energy(lammps, start):
    one = lammps(start() + RUN_0)
    two = lammps(start() + "replicate 2 1 1\n" + RUN_0, 2)
    assert two.row["PotEng"] == pytest.approx(2 * one.row["PotEng"], rel=1e-10)
    assert two.row["c_pv[4]"] == pytest.approx(one.row["c_pv[4]"], rel=1e-8)


# ---- communication and neighbour lists


@pytest.mark.parametrize("layout", [
    "comm_style tiled\nbalance 1.0 rcb\n",
    "comm_style tiled\nbalance 1.0 rcb\nfix even all balance 5 1.0 rcb\n",
    "balance 1.0 shift xyz 5 1.0\nfix even all balance 5 1.0 shift xyz 5 1.0\n",
    "comm_modify cutoff 8.0\n",
    "comm_modify vel yes\n",
    "neigh_modify every 5 delay 10 check yes\n",
    "neigh_modify every 1 delay 0 check no\n",
    "neigh_modify one 200 page 4000\n",
    "neighbor 0.3 bin\n",
    "neighbor 1.0 nsq\n",
    "atom_modify sort 2 3.0\n",
])
def test_trajectory_does_not_depend_on_halo_and_lists(lammps, start, layout):
    atoms = LONG.copy()
    atoms.cell[0, 0] += 6  # a gap, so that equal halves of the box hold unequal numbers of atoms
    head = start(atoms)
    measure = MEASURE + dump(every=20) + NVE + "run 20\n"
    plain = lammps(head + measure)
    run = lammps(head + layout + measure, 3)
    assert_same_state(run, plain)
    assert run.work["computed"] == [len(atoms)] * 4


def test_excluded_pairs_do_not_see_each_other(lammps, start):
    halves = "group left id <= 16\ngroup right id > 16\n"
    run = lammps(start() + halves + "neigh_modify exclude group left right\n" + RUN_0, 2)
    left = lammps(start() + halves + "delete_atoms group right\n" + RUN_0)
    right = lammps(start() + halves + "delete_atoms group left compress no\n" + RUN_0)
    assert run.row["PotEng"] == pytest.approx(left.row["PotEng"] + right.row["PotEng"], rel=1e-10)
    assert relative_difference(run.atoms()["f"], np.concatenate([left.atoms()["f"], right.atoms()["f"]])) < 1e-10


def test_threads_inside_ranks_give_the_same(lammps, start):
    measure = MEASURE + dump(every=20) + NVE + "run 20\n"
    plain = lammps(start(LONG) + measure)
    run = lammps(start(LONG) + measure, 2, threads=2)
    assert "2 MPI tasks x 2 OpenMP threads" in run.output
    assert_same_state(run, plain)
    assert relative_difference(run.atoms()["stress"], plain.atoms()["stress"]) < 1e-9


# ---- runs


def test_sums_of_atomic_energies_and_virials_are_the_totals(lammps, start):
    run = lammps(start(LONG) + RUN_0, 2)
    assert run.atoms()["energy"].sum() == pytest.approx(run.row["PotEng"], rel=1e-12)
    # LAMMPS's stress/atom is minus the virial, in bar times volume.
    summed = -run.atoms()["stress"].sum(axis=0) / BAR_A3_PER_EV
    assert np.abs(summed - run.virial).max() < 1e-10 * np.abs(run.virial).max()


def test_units_real(lammps, start):
    metal, real = lammps(start() + RUN_0), lammps(start(units="real", temperature=0) + RUN_0, 2)
    assert real.row["PotEng"] == pytest.approx(KCAL_PER_MOL_PER_EV * metal.row["PotEng"], rel=1e-10)
    for name in ("f", "energy"):
        assert relative_difference(real.atoms()[name], KCAL_PER_MOL_PER_EV * metal.atoms()[name]) < 1e-10
    for n in range(1, 7):  # bar to atm, as far as LAMMPS's constants of both unit systems agree
        assert real.row[f"c_pv[{n}]"] == pytest.approx(metal.row[f"c_pv[{n}]"] / 1.01325, rel=1e-5)


def test_units_real_conserve_energy(lammps, start):
    head = start(units="real", temperature=0) + "velocity all create 300 4928\n"
    table = lammps(head + "timestep 0.25\nfix move all nve\nthermo_style custom step pe ke etotal\n"
                   "thermo_modify format float %.17g\nthermo 10\nrun 200\n", 2).tables[-1]
    drift = max(abs(row["TotEng"] - table[0]["TotEng"]) for row in table)
    exchanged = max(row["PotEng"] for row in table) - min(row["PotEng"] for row in table)
    assert drift < 0.01 * exchanged


@pytest.mark.parametrize("split", ["run 10\nrun 10\n", "run 10\nrun 10 pre no\n", "run 0\nrun 20\n",
                                   "run 20 every 5 \"print hello\"\n", "run 10 post no\nrun 10 pre yes\n"])
def test_several_runs_are_as_one(lammps, start, split):
    whole = lammps(start() + MEASURE + dump(every=10) + NVE + "run 20\n")
    parts = lammps(start() + MEASURE + dump(every=10) + NVE + split, 2)
    assert parts.row["Step"] == 20
    assert_same_state(parts, whole)


def test_respa_with_the_potential_on_its_outer_level(lammps, start):
    plain = lammps(start() + MEASURE + dump(every=10) + NVE + "run 10\n")
    respa = lammps(start() + MEASURE + dump(every=10) + NVE + "run_style respa 2 1 pair 2\nrun 10\n", 2)
    assert_same_state(respa, plain)


def test_partitions_run_independently(lammps, start, tmp_path):
    plain = lammps(start() + RUN_0)
    script = 'variable name world left right\nvariable energy equal pe\nrun 0\n' \
             'print "$(v_energy:%.17g)" file ${name}.energy\n'
    lammps(start() + script, 4, arguments=["-partition", "2x2"])
    for name in ("left", "right"):
        assert float((tmp_path / f"{name}.energy").read_text()) == pytest.approx(plain.row["PotEng"], rel=1e-10)


def test_each_run_reports_its_own_work(lammps, start):
    run = lammps(start() + "run 5\ndelete_atoms group all\ncreate_atoms 1 single 1 1 1\nrun 5\n", 2)
    assert run.work["computed"] == [1] * 4
    assert run.work["atoms"] == 1


def test_clear_and_set_up_again(lammps, start):
    plain = lammps(start() + RUN_0)
    run = lammps(start(precision="mixed") + "run 2\nclear\n" + start() + RUN_0, 2)
    assert_same_state(run, plain)


@pytest.mark.parametrize("minimiser", ["cg", "fire"])
def test_minimize(lammps, start, minimiser):
    head = start(temperature=0)
    run = lammps(head + MEASURE + dump() + f"min_style {minimiser}\nminimize 0 1e-6 40 200\n"
                 "write_data final.data\n", 2)
    assert run.row["PotEng"] < run.tables[0][0]["PotEng"] - 0.1
    assert_fresh_start_agrees(lammps, run, head)


def test_box_relax(lammps, start):
    head = start(fcc_mixture(2, 2, 2, tilt=(1.0, 0.5, -0.7)), temperature=0)
    run = lammps(head + MEASURE + dump() + "fix relax all box/relax tri 0.0 vmax 0.002\n"
                 "minimize 0 1e-6 20 100\nwrite_data final.data\n", 2)
    table = run.tables[0]
    assert abs(table[-1]["Volume"] / table[0]["Volume"] - 1) > 1e-4
    assert_fresh_start_agrees(lammps, run, head)


@pytest.mark.parametrize("barostat", ["iso 0 0 0.5", "tri 0 0 0.5"])
def test_npt(lammps, start, barostat):
    head = start(fcc_mixture(2, 2, 2, tilt=(1.0, 0.5, -0.7)))
    run = lammps(head + MEASURE + dump(every=30) + f"timestep 0.0005\nfix move all npt temp 300 300 0.1 {barostat}\n"
                 "run 30\nwrite_data final.data\n", 2)
    assert run.tables[0][0]["Volume"] != run.row["Volume"]
    assert_fresh_start_agrees(lammps, run, head)


def test_restart_continues_the_trajectory(lammps, start, three_layer):
    whole = lammps(start() + MEASURE + dump(every=10) + NVE + "run 10\nwrite_restart half.restart\nrun 10\n")
    head = f"read_restart half.restart\npair_style grapevine double\npair_coeff * * {three_layer} O C Ni\n"
    assert_same_state(lammps(head + MEASURE + dump(every=10) + NVE + "run 10\n", 2), whole)


def test_rerun_gives_the_energies_of_the_run(lammps, start, tmp_path):
    run = lammps(start() + MEASURE + dump(every=5) + NVE + "thermo 5\nrun 20\n", 2)
    (tmp_path / "atoms.dump").rename(tmp_path / "trajectory.dump")
    again = lammps(start() + MEASURE + "thermo 5\nrerun trajectory.dump dump x y z\n", 2)
    energies = [row["PotEng"] for row in run.tables[0]]
    assert len(energies) == 5
    assert [row["PotEng"] for row in again.tables[0]] == pytest.approx(energies, rel=1e-10)


# ---- atoms that come, go and change


def test_swapped_types(lammps, start):
    head = start()
    run = lammps(head + MEASURE + dump(every=10) + NVE + "fix swap all atom/swap 2 10 829 20000 ke no types 1 3\n"
                 "thermo_style custom step pe press vol c_pv[1] c_pv[2] c_pv[3] c_pv[4] c_pv[5] c_pv[6] f_swap[2]\n"
                 "thermo_modify format float %.17g norm no\nrun 20\nrun 0\nwrite_data final.data\n", 2)
    assert run.row["f_swap[2]"] > 0, "no swap was accepted"
    assert_fresh_start_agrees(lammps, run, head)


def test_deposited_atoms(lammps, start):
    atoms = SMALL.copy()
    atoms.cell[2, 2] += 12
    head = start(atoms)
    run = lammps(head + MEASURE + dump(every=10) + NVE +
                 "region above block 0 7 0 7 11 17\nfix rain all deposit 6 1 3 4711 region above near 1.5 attempt 100\n"
                 "run 20\nwrite_data final.data\n", 2)
    assert run.row["Atoms"] == len(atoms) + 6
    assert_fresh_start_agrees(lammps, run, head)


def test_evaporated_and_deleted_atoms(lammps, start):
    head = start()
    run = lammps(head + MEASURE + dump(every=10) + NVE + "region box block EDGE EDGE EDGE EDGE EDGE EDGE\n"
                 "fix away all evaporate 4 1 box 4711\nrun 20\ngroup few id 1:4\ndelete_atoms group few compress no\n"
                 "run 10\nwrite_data final.data\n", 2)
    assert 0 < run.row["Atoms"] < len(SMALL)
    assert_fresh_start_agrees(lammps, run, head)


# ---- bonds, plugin, launcher


def molecular(three_layer, special):
    return f"""
units metal
atom_style bond
region box block 0 8 0 8 0 8
create_box 3 box bond/types 1 extra/bond/per/atom 4 extra/special/per/atom 10
create_atoms 1 single 1 1 1
create_atoms 2 single 2.2 1 1
create_atoms 1 single 3.4 1 1
create_atoms 3 single 3 3.5 2
mass * 12
bond_style zero
bond_coeff 1
{special}
create_bonds single/bond 1 1 2
create_bonds single/bond 1 2 3
pair_style grapevine double
pair_coeff * * {three_layer} O C Ni
"""


def test_bonded_neighbours_left_out_are_refused(lammps, three_layer):
    run = lammps(molecular(three_layer, "") + RUN_0, 2, must="fail")
    assert len(run.errors) == 1 and "special_bonds lj 1e-50 1e-50 1e-50" in run.errors[0]


def test_bonds_do_not_change_the_energy(lammps, three_layer, evaluate):
    positions = [[1, 1, 1], [2.2, 1, 1], [3.4, 1, 1], [3, 3.5, 2]]
    energy, forces = evaluate(ase.Atoms("OCONi", positions, cell=[8, 8, 8], pbc=True))
    run = lammps(molecular(three_layer, "special_bonds lj/coul 1 1 1") + RUN_0, 2)
    assert run.row["PotEng"] == pytest.approx(energy, rel=1e-10)
    assert relative_difference(run.atoms()["f"], forces) < 1e-9


def test_plugin_loaded_by_path(lammps, start):
    plain = lammps(start() + RUN_0)
    load = f"plugin load {BUILD}/lib/grapevineplugin.so\n"
    assert_same_state(lammps(load + start() + RUN_0, 2, plugin=False), plain)


def test_without_the_plugin_the_style_is_unknown(lammps, start):
    run = lammps(start() + RUN_0, plugin=False, must="fail")
    assert "Unrecognized pair style 'grapevine'" in run.output


def test_launcher_runs_lammps_and_hands_back_its_exit_code(lammps, start, grapevine):
    plain = lammps(start() + RUN_0)
    assert_same_state(lammps(start() + RUN_0, 2, launcher=True), plain)
    assert lammps(start() + RUN_0, 1, launcher=True).row["PotEng"] == pytest.approx(plain.row["PotEng"], rel=1e-12)
    failed = lammps("pair_style no/such/style\n", 2, launcher=True, must="fail")
    assert len(failed.errors) >= 1


def test_mixed_precision_is_close_to_double(lammps, start):
    exact, mixed = lammps(start(LONG) + RUN_0), lammps(start(LONG, precision="mixed") + RUN_0, 2)
    assert mixed.row["PotEng"] != exact.row["PotEng"]
    assert mixed.row["PotEng"] == pytest.approx(exact.row["PotEng"], rel=1e-5)
    assert relative_difference(mixed.atoms()["f"], exact.atoms()["f"]) < 1e-5


@pytest.mark.parametrize("precision", ["double", "mixed"])
def test_shipped_alloy_model_conserves_energy(lammps, tmp_path, precision):
    elements = ["Nb", "Mo", "Ta", "W"]
    atoms = ase.build.bulk("W", "bcc", a=3.24, cubic=True) * (4, 4, 4)
    atoms.symbols = np.random.default_rng(1).choice(elements, len(atoms))
    write_data(tmp_path / "data.test", atoms, elements, thermal_velocities(atoms, 2000))
    head = setup(ROOT / "models" / "nbmotaw.safetensors", elements, precision=precision)
    table = lammps(head + MEASURE + "timestep 0.002\nfix move all nve\nthermo 20\nrun 300\n", 2).tables[0]
    heat = [row["KinEng"] / len(atoms) for row in table]
    assert max(heat) - min(heat) > 0.05, "nothing was exchanged between kinetic and potential energy"
    total = np.array([row["TotEng"] for row in table]) / len(atoms)
    assert np.abs(total[1:] - total[1:].mean()).max() < 2e-4
