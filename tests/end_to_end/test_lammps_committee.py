"""Committees of models: what drives the run, and deviations against those formed here from runs of single models."""

import json
import re

import ase.build
import numpy as np
import pytest
from lammps_run import (KCAL_PER_MOL_PER_EV, MEASURE, ROOT, RUN_0, dump, relative_difference, run_lammps, setup,
                        thermal_velocities, write_data)
from model_files import read_model, write_model

ELEMENTS = ["Nb", "Mo", "Ta", "W"]
SHIPPED = ROOT / "models" / "nbmotaw.safetensors"
ALLOY = ase.build.bulk("W", "bcc", a=3.24, cubic=True) * (4, 4, 4)
ALLOY.symbols = np.random.default_rng(1).choice(ELEMENTS, len(ALLOY))
ALLOY.rattle(0.1, seed=2)

DEVIATION = """
compute dev all pair grapevine
fix sigma all pair 1 grapevine deviation 1
dump s all custom 1 sigma.dump id f_sigma
dump_modify s sort id format float %.17g
"""
COLUMNS = "c_pv[5] c_pv[6]"
THERMO = MEASURE.replace(COLUMNS, COLUMNS + " c_dev[1] c_dev[2] c_dev[3] c_dev[4]")


# ---- models


def perturb(tensors, seed, size=0.02):
    """Changes the weights of the readout networks a little, each by its own random factor."""
    rng = np.random.default_rng(seed)
    for name in sorted(tensors):
        if name.startswith("readout.") and name.endswith("weight"):
            tensors[name] *= 1 + size * rng.normal(size=tensors[name].shape).astype(tensors[name].dtype)


def edit_hyperparameters(metadata, **changes):
    metadata["hyperparameters"] = json.dumps({**json.loads(metadata["hyperparameters"]), **changes})


def permute_species(metadata, tensors, order):
    metadata["species"] = " ".join(metadata["species"].split()[n] for n in order)
    for name in ("coefficients.initial", "energy.shift", "radial.centre", "radial.exponent"):
        tensors[name] = tensors[name][order]


def without_messages(metadata, tensors):
    edit_hyperparameters(metadata, layers=0, message=[])
    for name in [name for name in tensors if name.startswith("message.")]:
        del tensors[name]
    tensors["orbitals.mixing"] = tensors["orbitals.mixing"][:1]


@pytest.fixture(scope="session")
def models(tmp_path_factory):
    """The shipped model and three that differ from it in weights; also in the order of species and the cutoff (the
    second, which comes to the largest), and in the number of layers (the third)."""
    folder = tmp_path_factory.mktemp("committee")
    paths = [folder / f"member{n}.safetensors" for n in range(4)]
    for n, path in enumerate(paths):
        metadata, tensors = read_model(SHIPPED)
        if n > 0:
            perturb(tensors, seed=n)
        if n == 2:
            permute_species(metadata, tensors, [2, 0, 3, 1])
            edit_hyperparameters(metadata, cutoff=5.3)
        if n == 3:
            without_messages(metadata, tensors)
        write_model(path, metadata, tensors)
    return paths


# ---- runs


@pytest.fixture
def start(tmp_path):
    """start(models, style): writes the data file and returns the head of the input script."""

    def write(models, style="double", atoms=ALLOY, temperature=300, elements=ELEMENTS, **options):
        write_data(tmp_path / "data.test", atoms, ELEMENTS, thermal_velocities(atoms, temperature))
        names = " ".join(str(model) for model in models)
        return setup(names, elements, precision=style, **options)

    return write


@pytest.fixture
def committee(lammps, start):
    """committee(models, style, ranks, ...): one evaluation with everything that is known of it."""

    def run(models, style="double", ranks=1, threads=1, **options):
        return lammps(start(models, style, **options) + DEVIATION + THERMO + dump() + "run 0\n", ranks, threads=threads)

    return run


@pytest.fixture(scope="session")
def singles(models, tmp_path_factory):
    """One run of each model alone."""
    folder = tmp_path_factory.mktemp("singles")
    write_data(folder / "data.test", ALLOY, ELEMENTS, thermal_velocities(ALLOY, 300))
    return [run_lammps(folder, setup(model, ELEMENTS) + RUN_0) for model in models]


def read_sigma(folder, frame=-1):
    frames = (folder / "sigma.dump").read_text().split("ITEM: TIMESTEP\n")[1:]
    rows = frames[frame].split("f_sigma")[-1].split("\n")[1:-1]
    table = np.array([row.split() for row in rows], dtype=float).reshape(-1, 2)
    assert (np.diff(table[:, 0]) > 0).all()
    return table[:, 1]


def expected_sigma(singles):
    """DeePMD's definition, written down once more."""
    forces = np.array([run.atoms()["f"] for run in singles])
    return np.sqrt(((forces - forces.mean(axis=0)) ** 2).sum(axis=2).mean(axis=0))


def reported(run):
    return np.array([run.row[f"c_dev[{n}]"] for n in range(1, 5)])


def assert_deviation(run, folder, singles, tolerance=1e-9):
    sigma = expected_sigma(singles)
    assert sigma.max() > 0.01, "the models hardly differ"
    assert relative_difference(read_sigma(folder), sigma) < tolerance
    energies = [single.row["PotEng"] for single in singles]
    expected = [sigma.max(), sigma.mean(), sigma.min(), np.std(energies) / len(sigma)]
    assert reported(run) == pytest.approx(expected, rel=tolerance)


def assert_mean(run, singles, tolerance=1e-10, virial=1e-8):
    assert run.row["PotEng"] == pytest.approx(np.mean([single.row["PotEng"] for single in singles]), rel=tolerance)
    for name in ("f", "energy", "stress"):
        expected = np.mean([single.atoms()[name] for single in singles], axis=0)
        assert relative_difference(run.atoms()[name], expected) < tolerance, name
    assert np.allclose(run.virial, np.mean([single.virial for single in singles], axis=0), rtol=0, atol=virial)


# ---- results


@pytest.mark.parametrize("ranks", [1, 2, 4])
@pytest.mark.parametrize("exchange", ["own", "lammps"])
def test_mean_drives_and_deviations_are_those_of_single_runs(committee, models, singles, tmp_path, exchange, ranks):
    run = committee(models, f"double exchange {exchange}", ranks)
    assert_mean(run, singles)
    assert_deviation(run, tmp_path, singles)
    assert "deviation of 4 models formed in 1 steps" in run.output


@pytest.mark.parametrize("ranks", [1, 4])
def test_first_drives(committee, models, singles, tmp_path, ranks):
    run = committee(models, "double committee first", ranks)
    assert_mean(run, singles[:1])
    assert_deviation(run, tmp_path, singles)


def test_threads(committee, models, singles, tmp_path):
    run = committee(models, ranks=2, threads=2)
    assert "2 MPI tasks x 2 OpenMP threads" in run.output
    assert_mean(run, singles)
    assert_deviation(run, tmp_path, singles)


@pytest.mark.parametrize("ranks", [1, 2])
def test_mixed_precision(committee, models, singles, tmp_path, ranks):
    run = committee(models, "mixed", ranks)
    assert_mean(run, singles, 2e-5, 5e-4)
    assert_deviation(run, tmp_path, singles, 1e-3)


def test_tiled_communication(lammps, start, models, singles, tmp_path):
    for exchange in ("own", "lammps"):
        run = lammps(start(models, f"double exchange {exchange}") + "comm_style tiled\nbalance 1.0 rcb\n" + DEVIATION
                     + THERMO + dump() + "run 0\n", 3)
        assert_mean(run, singles)
        assert_deviation(run, tmp_path, singles)


def test_units_real(committee, models, singles, tmp_path):
    run = committee(models, ranks=2, units="real")
    assert relative_difference(read_sigma(tmp_path), KCAL_PER_MOL_PER_EV * expected_sigma(singles)) < 1e-9
    energies = [single.row["PotEng"] for single in singles]
    assert run.row["PotEng"] == pytest.approx(KCAL_PER_MOL_PER_EV * np.mean(energies), rel=1e-9)
    assert run.row["c_dev[4]"] == pytest.approx(KCAL_PER_MOL_PER_EV * np.std(energies) / len(ALLOY), rel=1e-8)


@pytest.mark.parametrize("style", ["mixed", "double exchange lammps"])
@pytest.mark.parametrize("count", [2, 3])
def test_equal_models_have_no_deviation(committee, models, singles, tmp_path, style, count):
    run = committee(models[1:2] * count, style, 2)
    assert (read_sigma(tmp_path) == 0).all()
    assert (reported(run) == 0).all()
    assert_mean(run, singles[1:2], *((1e-10, 1e-8) if "double" in style else (2e-5, 5e-4)))


def test_models_are_used_with_their_own_cutoff(committee, models):
    run = committee(models, ranks=2)
    lines = [line for line in run.output.splitlines() if line.startswith("Grapevine, model")]
    assert [re.search(r"model (\d) of 4", line).group(1) for line in lines] == list("1234")
    assert [re.search(r"(\d) layers, cutoff (\S+)", line).groups() for line in lines] == \
        [("1", "5"), ("1", "5"), ("1", "5.3"), ("0", "5")]
    assert all(f" of {len(ALLOY)} atoms" in line for line in lines)
    # The skin of units metal is 2 Angstrom.
    assert float(re.search(r"ghost atom cutoff = (\S+)", run.output).group(1)) == pytest.approx(7.3)


# ---- trajectories


NVE = "timestep 0.002\nfix move all nve\n"


@pytest.mark.parametrize("ranks", [1, 2])
def test_mean_conserves_energy(lammps, start, models, ranks):
    table = lammps(start(models[:3], "mixed", temperature=2000) + DEVIATION + THERMO + NVE + "thermo 20\nrun 300\n",
                   ranks).tables[0]
    drift = max(abs(row["TotEng"] - table[0]["TotEng"]) for row in table) / len(ALLOY)
    exchanged = (max(row["KinEng"] for row in table) - min(row["KinEng"] for row in table)) / len(ALLOY)
    assert exchanged > 0.01
    assert drift < 0.01 * exchanged
    assert min(row["c_dev[1]"] for row in table) > 0


@pytest.mark.parametrize("precision", ["double", "mixed"])
def test_first_gives_the_bits_of_the_single_model(lammps, start, models, precision):
    moved = THERMO.split("thermo_style")[0] + dump(every=40) + NVE + "run 40\n"
    single = lammps(start(models[:1], precision) + moved, 2)
    run = lammps(start(models[:2], f"{precision} committee first") + DEVIATION + moved, 2)
    for name in ("x", "v", "f"):
        assert (run.atoms()[name] == single.atoms()[name]).all(), name


def test_looking_at_deviations_does_not_change_the_trajectory(lammps, start, models):
    moved = MEASURE + dump(every=20) + NVE + "run 20\n"
    for style in ("mixed", "mixed committee first"):
        blind = lammps(start(models, style) + moved, 2)
        assert "deviation of 4 models formed in 0 steps" in blind.output
        seen = lammps(start(models, style) + DEVIATION + moved, 2)
        assert "deviation of 4 models formed in 21 steps" in seen.output
        for name in ("x", "v", "f"):
            assert (blind.atoms()[name] == seen.atoms()[name]).all(), name


def models_evaluated(run):
    return [line.split(":")[0] for line in run.output.splitlines() if line.startswith("Grapevine, model")]


def test_deviations_are_formed_when_somebody_asks(lammps, start, models):
    head = start(models[:2], "mixed committee first")
    compute = lammps(head + "compute dev all pair grapevine\nthermo_style custom step c_dev[*]\nthermo 5\n" + NVE +
                     "run 20\n", 2)
    assert "deviation of 2 models formed in 5 steps" in compute.output
    assert all(row["c_dev[1]"] > 0 for row in compute.tables[0])
    nobody = lammps(head + "compute e all pe/atom\nthermo 5\n" + NVE + "run 20\n", 2)
    assert "formed in 0 steps" in nobody.output
    assert models_evaluated(nobody) == ["Grapevine, model 1 of 2"]
    assert models_evaluated(compute) == ["Grapevine, model 1 of 2", "Grapevine, model 2 of 2"]


@pytest.mark.parametrize("style", ["double", "double committee first"])
def test_fix_pair_every_few_steps(lammps, start, models, tmp_path, style):
    script = """
fix sigma all pair 10 grapevine deviation 1
compute most all reduce max f_sigma
dump s all custom 10 sigma.dump id f_sigma
dump_modify s sort id format float %.17g
thermo_style custom step c_most
thermo_modify format float %.17g
thermo 10
"""
    run = lammps(start(models[:3], style) + script + NVE + "run 30\n", 2)
    most = [row["c_most"] for row in run.tables[0]]
    assert len(set(most)) == 4
    assert most == [read_sigma(tmp_path, n).max() for n in range(4)]
    assert "deviation of 3 models formed in 4 steps" in run.output


def test_halt_on_deviation(lammps, start, models):
    head = start(models[:3], "mixed", temperature=3000) + "compute dev all pair grapevine\n" \
        "variable worst equal c_dev[1]\nthermo_style custom step c_dev[1]\nthermo 1000\n" + NVE
    first = lammps(head + "run 0\n", 2).row["c_dev[1]"]
    run = lammps(head + f"fix stop all halt 5 v_worst > {1.02 * first} error soft\nrun 1000\n", 2)
    step, value = re.search(r"met on step (\d+) with value (\S+)", run.output).groups()
    assert 0 < int(step) < 1000
    assert float(value) > 1.02 * first


def test_dump_of_frames_that_are_worth_a_calculation(lammps, start, models, tmp_path):
    # The documented example, with a threshold that some frames pass.
    head = start(models[:3], "mixed", temperature=3000) + "compute dev all pair grapevine\n" \
        "variable worst equal c_dev[1]\nthermo_style custom step c_dev[1]\nthermo 5\n" + NVE
    values = [row["c_dev[1]"] for row in lammps(head + "run 50\n", 2).tables[0]]
    threshold = np.mean(sorted(values)[len(values) // 2 - 1:len(values) // 2 + 1])  # no value of its own
    lammps(head + f"variable dull equal v_worst<{threshold:.17g}\ndump new all custom 5 new.dump id type x y z\n"
           "dump_modify new sort id skip v_dull\nrun 50\n", 2)
    frames = (tmp_path / "new.dump").read_text().count("ITEM: TIMESTEP")
    assert frames == sum(value >= threshold for value in values)


def test_restart_continues_the_trajectory(lammps, start, models):
    head = start(models[:2])
    whole = lammps(head + MEASURE + dump(every=10) + NVE + "run 10\nwrite_restart half.restart\nrun 10\n")
    pair = f"pair_style grapevine double\npair_coeff * * {models[0]} {models[1]} Nb Mo Ta W\n"
    again = lammps("read_restart half.restart\n" + pair + MEASURE + dump(every=10) + NVE + "run 10\n", 2)
    assert relative_difference(again.atoms()["x"], whole.atoms()["x"]) < 1e-10
    assert relative_difference(again.atoms()["f"], whole.atoms()["f"]) < 1e-9


def test_minimize(lammps, start, models):
    run = lammps(start(models[:2], temperature=0) + DEVIATION + THERMO + "thermo 1\nminimize 0 1e-4 20 60\n", 2)
    table = run.tables[0]
    assert table[-1]["PotEng"] < table[0]["PotEng"]
    assert len({row["c_dev[2]"] for row in table}) == len(table)


# ---- other potentials, other committees


def test_overlay(lammps, start, models, singles, tmp_path):
    zbl = "pair_coeff 1*4 1*4 zbl 41 41\n"
    alone = lammps(start([], style="", ).split("pair_style")[0] + "pair_style zbl 2.0 3.0\npair_coeff * * 41 41\n" + RUN_0)
    for exchange in ("own", "lammps"):
        pair = f"pair_style hybrid/overlay grapevine double exchange {exchange} zbl 2.0 3.0\n" \
               f"pair_coeff * * grapevine {' '.join(map(str, models))} Nb Mo Ta W\n{zbl}"
        run = lammps(start([], style="").split("pair_style")[0] + pair + DEVIATION + THERMO + dump() + "run 0\n", 2)
        assert_deviation(run, tmp_path, singles)
        expected = np.mean([single.atoms()["f"] for single in singles], axis=0) + alone.atoms()["f"]
        assert np.abs(alone.atoms()["f"]).max() > 0
        assert relative_difference(run.atoms()["f"], expected) < 1e-10


def test_hybrid_counts_its_own_atoms_only(lammps, start, models, tmp_path):
    head = start([], style="").split("pair_style")[0]
    files = " ".join(map(str, models))
    pair = f"pair_style hybrid grapevine double lj/cut 5.0\npair_coeff * * grapevine {files} Nb Mo Ta NULL\n" \
           "pair_coeff * 4 lj/cut 0.01 2.5\n"
    run = lammps(head + pair + DEVIATION + THERMO + dump() + "run 0\n", 2)
    others = np.array(ALLOY.get_chemical_symbols()) == "W"
    sigma = read_sigma(tmp_path)
    assert (sigma[others] == 0).all() and (sigma[~others] > 0).all()
    assert reported(run)[:3] == pytest.approx([sigma.max(), sigma[~others].mean(), sigma[~others].min()], rel=1e-12)


def test_ranks_without_atoms(committee, models, tmp_path):
    atoms = ALLOY[:5]
    atoms.pbc = True
    atoms.cell = [60, 60, 60]
    one = committee(models, atoms=atoms)
    sigma = read_sigma(tmp_path)
    assert sigma.max() > 0
    for exchange in ("own", "lammps"):
        run = committee(models, f"double exchange {exchange}", 8, atoms=atoms)
        assert relative_difference(read_sigma(tmp_path), sigma) < 1e-9
        assert reported(run) == pytest.approx(reported(one), rel=1e-9)


def test_box_without_any_atom(lammps, start, models):
    run = lammps(start(models) + "delete_atoms group all\n" + DEVIATION + THERMO + dump() + "run 0\n", 2)
    assert (reported(run) == 0).all()


def test_from_a_committee_to_one_model_and_back(lammps, start, models, singles):
    one = f"pair_style grapevine double\npair_coeff * * {models[0]} Nb Mo Ta W\n"
    two = f"pair_style grapevine double\npair_coeff * * {models[0]} {models[1]} Nb Mo Ta W\n"
    head = start(models)
    assert_mean(lammps(head + "run 0\n" + one + RUN_0, 2), singles[:1])
    run = lammps(head + DEVIATION.split("fix")[0] + THERMO + "run 0\n" + one + "run 0\n" + two + dump() + "run 0\n", 2)
    assert run.tables[0][-1]["c_dev[1]"] > 0
    assert run.tables[1][-1]["c_dev[1]"] == 0
    assert_mean(run, singles[:2])


def test_the_choice_means_nothing_to_one_model(lammps, start, models, singles):
    for choice in ("mean", "first"):
        run = lammps(start(models[:1], f"double committee {choice}") + RUN_0, 2)
        assert_mean(run, singles[:1])
        assert run.work["layers"] == 1


# ---- bad input


def assert_refused(lammps, script, *words):
    run = lammps(script, 2, must="fail", timeout=60)
    per_rank = all(line.startswith("ERROR on proc") for line in run.errors)
    assert len(run.errors) == 1 or (per_rank and len(run.errors) == 2), run.errors
    for word in words:
        assert re.search(word, run.errors[0]), f"{word!r} is not in: {run.errors[0]}"


def test_missing_member(lammps, start, models):
    assert_refused(lammps, start([models[0], "nowhere.safetensors"]) + RUN_0, "nowhere.safetensors", "No such file")


def test_broken_member(lammps, start, models, tmp_path):
    (tmp_path / "broken.safetensors").write_bytes(models[1].read_bytes()[:1000])
    assert_refused(lammps, start([models[0], "broken.safetensors"]) + RUN_0, "broken.safetensors")


def test_element_that_one_member_does_not_know(lammps, start, models, three_layer):
    assert_refused(lammps, start([models[0], three_layer]) + RUN_0, "Nb", "three-layer.safetensors", "O C Ni")


def test_model_among_the_elements(lammps, start, models):
    head = start(models[:1], elements=["Nb", "Mo", str(models[1]), "W"])
    assert_refused(lammps, head + RUN_0, "member1.safetensors after element Mo", "before the elements")


@pytest.mark.parametrize("elements", [ELEMENTS[:3], [*ELEMENTS, "W"], []])
def test_wrong_number_of_elements(lammps, start, models, elements):
    assert_refused(lammps, start(models, elements=elements) + RUN_0, f"names {len(elements)} elements for 4 atom types")


@pytest.mark.parametrize("arguments", ["committee", "committee median", "committee 3"])
def test_bad_choice(lammps, start, models, arguments):
    assert_refused(lammps, start(models, arguments) + RUN_0, "committee")


def test_deviation_of_a_single_model(lammps, start, models):
    head = start(models[:1])
    assert_refused(lammps, head + DEVIATION.split("fix")[0] + THERMO + "run 0\n", "c_dev|compute dev|vector")
    assert_refused(lammps, head + "fix sigma all pair 1 grapevine deviation 1\nrun 0\n", "two or more models")


def test_fix_pair_without_its_trigger(lammps, start, models):
    script = "fix sigma all pair 1 grapevine deviation 0\nrun 0\n"
    assert_refused(lammps, start(models) + script, "not formed at step 0", "deviation 1")


def test_unknown_property_of_fix_pair(lammps, start, models):
    assert_refused(lammps, start(models) + "fix sigma all pair 1 grapevine variance 0\nrun 0\n", "variance")
