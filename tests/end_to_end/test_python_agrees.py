"""The Python package against the program, against LAMMPS and against reference results."""

import hashlib
import json
import shutil
import warnings

import ase.io
import grapevine
import numpy as np
import pytest
from ase import Atoms
from ase.stress import full_3x3_to_voigt_6_stress
from grapevine.ase import Grapevine
from lammps_run import BAR_A3_PER_EV, ROOT, RUN_0, fcc_mixture, run_lammps, setup, write_data
from python_helpers import (ALLOY, METALS, PROGRAM, WATER, alloy, assert_same_results, attach, cluster, results_of, run,
                            tungsten, water)

RANDOM_WEIGHTS = ["local-s-only", "one-layer-tanh", "three-layer", "f-orbitals-wide", "molecule-and-slab"]
PUBLISHED = ["published-water", "published-silver-mpi"]
SEVENNET = [f"sevennet-{name}" for name in ("so3", "parity", "lmax3", "bias-fcn", "one-layer", "old", "modalities")]
MACE = [f"mace-{name}" for name in ("mixed-density", "one-interaction", "two-body-order", "two-heads")]
DATA = ROOT.parent / "shared" / "data"
EVERY_TENTH = {"nbmotaw": (ALLOY, DATA / "alloy-NbMoTaW" / "test.extxyz", "::10"),
               "water": (WATER, DATA / "water" / "test.extxyz", "::20")}


def program(*words, folder=None):
    done = run([PROGRAM, *words], folder)
    assert done.returncode == 0, done.stderr
    return done.stdout


def by_the_program(model, structures, *options):
    return json.loads(program("evaluate", model, structures, "--json", "--threads", 1, *options))["frames"]


def assert_as_the_program(results, frames):
    """The same kernels on the same numbers: nothing but the way into and out of them may differ."""
    for found, frame in zip(results, frames, strict=True):
        assert found.energy == pytest.approx(frame["energy"], rel=1e-14)
        np.testing.assert_allclose(found.energies, frame["energies"], rtol=0, atol=1e-13)
        np.testing.assert_allclose(found.forces, frame["forces"], rtol=0, atol=1e-13)
        np.testing.assert_allclose(found.virial.ravel(), np.ravel(frame["virial"]), rtol=1e-13, atol=1e-12)
        if frame["stress"] is None:
            assert found.stress is None
        else:
            np.testing.assert_allclose(found.stress.ravel(), np.ravel(frame["stress"]), rtol=1e-13, atol=1e-14)


# ---- reference results and the program


@pytest.mark.parametrize("case", RANDOM_WEIGHTS + PUBLISHED + SEVENNET)
def test_evaluate_gives_what_the_program_and_the_reference_say(case, golden, golden_model):
    reference = golden(case) / "reference.extxyz"
    structures = ase.io.read(reference, ":")
    results = grapevine.evaluate(golden_model(case), structures, threads=1)
    assert_as_the_program(results, by_the_program(golden_model(case), reference))
    for found, atoms in zip(results, structures, strict=True):
        assert found.energy == pytest.approx(atoms.get_potential_energy(), rel=0, abs=1e-8 * len(atoms))
        np.testing.assert_allclose(found.energies, atoms.calc.results["energies"], rtol=0, atol=1e-8)
        np.testing.assert_allclose(found.forces, atoms.get_forces(), rtol=0, atol=1e-7)
        np.testing.assert_allclose(found.virial.ravel(), np.ravel(atoms.info["virial"]), rtol=0, atol=1e-6)


@pytest.mark.parametrize("case", RANDOM_WEIGHTS + PUBLISHED + SEVENNET + MACE)
def test_the_calculator_gives_what_evaluate_gives(case, golden, golden_model):
    model = golden_model(case)
    structures = ase.io.read(golden(case) / "reference.extxyz", ":")
    for precision, tolerance in (("double", 1e-12), ("mixed", 3e-6)):
        found = grapevine.evaluate(model, structures, precision=precision, threads=1)
        for atoms, expected in zip(structures, found, strict=True):
            scale = max(1, np.abs(expected.forces).max())
            results = results_of(atoms, model=model, precision=precision, skin=0.5)
            assert results["energy"] == pytest.approx(expected.energy, rel=max(tolerance, 1e-12) / 10)
            np.testing.assert_allclose(results["forces"], expected.forces, rtol=0, atol=tolerance * scale)
            if expected.stress is not None:
                stress = full_3x3_to_voigt_6_stress(expected.stress)
                np.testing.assert_allclose(results["stress"], stress, rtol=0, atol=tolerance * scale)


@pytest.mark.parametrize("precision", ["double", "mixed"])
@pytest.mark.parametrize("name", EVERY_TENTH)
def test_shipped_models_on_their_test_structures(name, precision, tmp_path):
    model, source, choice = EVERY_TENTH[name]
    if not source.exists():
        pytest.skip(f"{source.parent.name} is not on this machine")
    structures = ase.io.read(source, choice)
    ase.io.write(tmp_path / "some.extxyz", structures)
    structures = ase.io.read(tmp_path / "some.extxyz", ":")  # ASE writes eight decimals
    results = grapevine.evaluate(model, structures, precision=precision, threads=1)
    assert_as_the_program(results, by_the_program(model, tmp_path / "some.extxyz", "--precision", precision))
    errors = [np.abs(r.forces - atoms.get_forces()).mean() for r, atoms in zip(results, structures)]
    assert np.mean(errors) < 0.06  # eV/Angstrom, against DFT


SEVENNET_0 = {"double": (1e-10, 1e-8, 1e-7), "mixed": (5e-6, 2e-5, 2e-4)}  # eV/atom, eV/Angstrom, eV/atom of virial


@pytest.mark.parametrize("precision", SEVENNET_0)
def test_sevennet_0_in_the_calculator(precision, golden, sevennet_0):
    """Against its package in float64 to rounding, and in mixed precision within what docs/precision.md has; against
    its float32 within the error of that."""
    exact = ase.io.read(golden("sevennet-0-float64") / "reference.extxyz", ":")
    single = ase.io.read(golden("sevennet-0") / "reference.extxyz", ":")
    model, (energy, force, strain) = grapevine.Model(sevennet_0), SEVENNET_0[precision]
    for atoms, rough in zip(exact, single, strict=True):
        results = results_of(atoms, model=model, precision=precision)
        assert abs(results["energy"] - atoms.get_potential_energy()) < energy * len(atoms)
        np.testing.assert_allclose(results["forces"], atoms.get_forces(), rtol=0, atol=force)
        if atoms.pbc.all():
            virial = -atoms.get_volume() * results["stress"]
            np.testing.assert_allclose(virial, full_3x3_to_voigt_6_stress(np.reshape(atoms.info["virial"], (3, 3))),
                                       rtol=0, atol=strain * len(atoms))
        assert abs(results["energy"] - rough.get_potential_energy()) < 1e-5 * len(atoms)
        np.testing.assert_allclose(results["forces"], rough.get_forces(), rtol=0, atol=2e-4)


# ---- LAMMPS


def in_lammps(folder, model, atoms, precision="double"):
    """A run 0 as the results of an ASE calculator in the frame's own axes."""
    elements = sorted(set(atoms.get_chemical_symbols()))
    turn = write_data(folder / "data.test", atoms, elements)
    boundary = " ".join("p" if periodic else "f" for periodic in atoms.pbc)
    done = run_lammps(folder, setup(model, elements, boundary=boundary, precision=precision) + RUN_0)
    frame = done.atoms()

    def turned(voigt):  # LAMMPS has xx yy zz xy xz yz
        xx, yy, zz, xy, xz, yz = np.moveaxis(voigt, -1, 0)
        full = np.moveaxis(np.array([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]]), (0, 1), (-2, -1))
        return full_3x3_to_voigt_6_stress(turn.T @ full @ turn)

    energy = done.row["PotEng"]
    results = {"energy": energy, "free_energy": energy, "energies": frame["energy"], "forces": frame["f"] @ turn}
    if atoms.pbc.all():
        results["stress"] = -turned(done.virial) / atoms.get_volume()
        # In bar times volume, with the sign that ASE has too.
        results["stresses"] = turned(frame["stress"] / BAR_A3_PER_EV) / atoms.get_volume()
    return results


LAMMPS_CASES = {
    "triclinic alloy": (ALLOY, lambda: alloy(21, (3, 2, 2))),
    "cell smaller than the cutoff": (ALLOY, lambda: alloy(22, (1, 1, 1))),
    "cluster": (ALLOY, lambda: cluster(23)),
    "water": (WATER, lambda: water(24)),
    "three-layer": ("three-layer", lambda: fcc_mixture(2, 2, 3, tilt=(1.3, -0.7, 0.9))),
    "sevennet-parity": ("sevennet-parity", lambda: fcc_mixture(2, 2, 3, ["C", "H"], tilt=(1.3, -0.7, 0.9))),
    "mace": ("mace-mixed-density", lambda: fcc_mixture(2, 2, 3, ["O", "H"], tilt=(1.3, -0.7, 0.9))),
}


@pytest.mark.parametrize("case", LAMMPS_CASES)
def test_lammps_gives_the_same_as_the_calculator(case, golden_model, tmp_path):
    model, make = LAMMPS_CASES[case]
    model, atoms = golden_model(model) if isinstance(model, str) else model, make()
    found, expected = results_of(atoms, model=model), in_lammps(tmp_path, model, atoms)
    if atoms.pbc.all():
        pressures = [results.pop("stresses")[:, :3].sum(axis=1) for results in (found, expected)]
        np.testing.assert_allclose(*pressures, rtol=0, atol=1e-10)
    assert_same_results(found, expected, 1e-9)


@pytest.mark.parametrize("case", ["metals", "water", "three-layer", "sevennet-parity", "mace-two-body-order"])
def test_shares_of_stress_are_the_symmetric_part_of_those_of_lammps(case, golden_model, tmp_path):
    """LAMMPS keeps the upper triangle of each atom's virial. Turned, so that x is where z was, it keeps the lower."""
    model, atoms = {
        "metals": (ALLOY, tungsten((2, 2, 3), 0.1)),
        "water": (WATER, water(26)),
        "three-layer": (None, fcc_mixture(2, 2, 3)),
        "sevennet-parity": (None, fcc_mixture(2, 2, 3, ["C", "H"])),
        "mace-two-body-order": (None, fcc_mixture(2, 2, 3, ["Ge", "Sb", "Te"])),
    }[case]
    model = model or golden_model(case)
    turned = atoms.copy()
    turned.set_cell(atoms.cell.array[[2, 1, 0]] * [[1], [-1], [1]])
    one, two = (in_lammps(tmp_path, model, images)["stresses"] for images in (atoms, turned))
    np.testing.assert_allclose(one[:, :3], two[:, :3], rtol=0, atol=1e-9)
    assert np.abs(one - two).max() > 1e-5
    np.testing.assert_allclose(results_of(atoms, model=model)["stresses"], (one + two) / 2, rtol=0, atol=1e-9)


def test_lammps_gives_the_same_as_the_calculator_in_mixed_precision(tmp_path):
    atoms = alloy(25, (3, 3, 2))
    found = results_of(atoms, precision="mixed")
    expected = in_lammps(tmp_path, ALLOY, atoms, "mixed")
    for name, tolerance in {"energy": 4e-7 * len(atoms), "energies": 4e-6, "forces": 7e-6, "stress": 1e-6}.items():
        np.testing.assert_allclose(found[name], expected[name], rtol=0, atol=tolerance, err_msg=name)


# ---- many structures at once


def some_structures():
    """Of many sizes and shapes; together more than one call of the core takes."""
    small = [alloy(seed, (1 + seed % 3, 1 + seed % 2, 1)) for seed in range(70)]
    return [*small, *(cluster(seed) for seed in range(5)), tungsten((8, 8, 8), 0.1), tungsten((1, 1, 1), 0.1)]


@pytest.mark.parametrize("precision", ["double", "mixed"])
def test_many_at_once_are_as_one_by_one(precision):
    """To the last bit on one thread; on two too, where each structure has a thread of its own."""
    model, structures = grapevine.Model(ALLOY), some_structures()
    alone = [grapevine.evaluate(model, atoms, precision=precision, threads=1)[0] for atoms in structures]
    for threads in (1, 2):
        together = grapevine.evaluate(model, structures, precision=precision, threads=threads)
        assert len(together) == len(structures)
        for a, b in zip(together, alone):
            assert a.energy == b.energy
            for name in ("energies", "forces", "virial"):
                np.testing.assert_array_equal(getattr(a, name), getattr(b, name))


def test_two_threads_on_one_structure_give_the_same_to_rounding():
    atoms = tungsten((6, 6, 6), 0.1)
    one, two = (grapevine.evaluate(ALLOY, atoms, threads=threads)[0] for threads in (1, 2))
    assert two.energy == pytest.approx(one.energy, rel=1e-13)
    np.testing.assert_allclose(two.forces, one.forces, rtol=0, atol=1e-11)
    np.testing.assert_allclose(two.virial, one.virial, rtol=0, atol=1e-9)


def test_structures_come_as_list_generator_or_alone(tmp_path):
    structures = [alloy(seed) for seed in range(3)]
    expected = [r.energy for r in grapevine.evaluate(ALLOY, structures)]
    ase.io.write(tmp_path / "some.traj", structures)
    for given in (tuple(structures), (atoms for atoms in structures), iter(structures),
                  ase.io.iread(tmp_path / "some.traj")):
        assert [r.energy for r in grapevine.evaluate(ALLOY, given)] == expected
    assert [r.energy for r in grapevine.evaluate(grapevine.Model(ALLOY), structures[1])] == expected[1:2]
    assert grapevine.evaluate(str(ALLOY), []) == []
    assert grapevine.evaluate(ALLOY, (atoms for atoms in ())) == []


def test_results_do_not_depend_on_a_calculator_or_on_constraints():
    atoms = alloy(3)
    plain = grapevine.evaluate(ALLOY, atoms)[0]
    attach(atoms, WATER)
    atoms.set_constraint(ase.constraints.FixAtoms([0]))
    np.testing.assert_array_equal(grapevine.evaluate(ALLOY, atoms)[0].forces, plain.forces)


def test_results_have_the_types_that_are_documented():
    crystal, slab = alloy(1), alloy(1)
    slab.pbc[2] = False
    found = grapevine.evaluate(ALLOY, [crystal, slab])
    for result, atoms in zip(found, [crystal, slab]):
        count = len(atoms)
        assert isinstance(result, grapevine.Result) and isinstance(result.energy, float)
        assert result.energies.sum() == pytest.approx(result.energy, rel=1e-12)
        assert (result.energies.shape, result.forces.shape, result.virial.shape) == ((count,), (count, 3), (3, 3))
        np.testing.assert_allclose(result.virial, result.virial.T, rtol=0, atol=1e-12)
    np.testing.assert_allclose(found[0].stress, -found[0].virial / crystal.get_volume(), rtol=1e-14)
    plane = slab.cell.array[:2].T @ np.linalg.pinv(slab.cell.array[:2].T)
    np.testing.assert_allclose(found[1].stress, -plane @ found[1].virial @ plane / slab.get_volume(), atol=1e-14)
    with pytest.raises(AttributeError):
        found[0].energy = 0.0
    assert found[0] == found[0] and found[0] != found[1] and len(set(found)) == 2


def unknown_element(atoms):
    atoms.symbols[1] = "Xe"


def on_top(atoms):
    atoms.positions[1] = atoms.positions[0]


def not_finite(atoms):
    atoms.positions[1, 0] = np.nan


def no_element(atoms):
    atoms.numbers[1] = 0


def no_atoms(atoms):
    del atoms[:]


def no_cell(atoms):
    atoms.set_cell(None)


SPOILS = {unknown_element: "atom 2 is Xe", on_top: r"atoms 1 \(\w+\) and 2", not_finite: "atom 2 is not finite",
          no_element: "atom 2 has atomic number 0", no_atoms: "no atoms", no_cell: "first cell vector"}


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("spoil", SPOILS, ids=lambda spoil: spoil.__name__)
def test_an_error_names_the_structure(spoil, threads):
    structures = [alloy(seed) for seed in range(100)]
    spoil(structures[77])
    for given, index in ((structures, 77), (structures[77], 0), (structures[70:80], 7)):
        named = rf"structure {index + 1} \(index {index}\): .*{SPOILS[spoil]}"
        with pytest.raises(grapevine.Error, match=named) as problem:
            grapevine.evaluate(ALLOY, given, threads=threads)
        assert "\n" not in str(problem.value)
    assert len(grapevine.evaluate(ALLOY, structures[:77], threads=threads)) == 77


@pytest.mark.parametrize("name", ["some.extxyz", "some.extxyz.gz", "some.traj"])
def test_a_file_is_evaluated(name, tmp_path):
    structures = [alloy(1), tungsten((2, 2, 2), 0.1), cluster(2)]
    ase.io.write(tmp_path / name, structures)
    for path in (tmp_path / name, str(tmp_path / name)):
        found = grapevine.evaluate(ALLOY, path, threads=1)
        for result, expected in zip(found, grapevine.evaluate(ALLOY, structures, threads=1), strict=True):
            np.testing.assert_allclose(result.forces, expected.forces, rtol=0, atol=1e-6)  # positions have eight digits


def test_a_file_that_cannot_be_evaluated_is_one_line(tmp_path):
    bad, text, empty = tmp_path / "bad.extxyz", tmp_path / "text.xyz", tmp_path / "empty.extxyz"
    ase.io.write(bad, [alloy(1), Atoms("W2", [[0, 0, 0], [2.7, 0, 0]]), Atoms("WXe", [[0, 0, 0], [2.7, 0, 0]])])
    text.write_text("no number\nof atoms\n")
    empty.write_text("")
    for path, told in ((bad, r"structure 3 \(index 2\): atom 2 is Xe"), (text, "ASE cannot read it"),
                       (empty, "Empty file"), (tmp_path / "missing.extxyz", "No such file")):
        with pytest.raises(grapevine.Error, match=rf"^{path}: .*{told}") as problem:
            grapevine.evaluate(ALLOY, path)
        assert "\n" not in str(problem.value)
    with pytest.raises(TypeError, match=r"structure 2 \(index 1\) is of type str, not ase.Atoms"):
        grapevine.evaluate(ALLOY, [alloy(1), str(bad)])


def test_names_of_shipped_models_stand_for_their_files(tmp_path, monkeypatch):
    atoms = water()
    assert grapevine.Model("water").path == WATER
    assert grapevine.info("water") == grapevine.info(WATER)
    assert grapevine.evaluate("water", atoms)[0].energy == grapevine.evaluate(WATER, atoms)[0].energy
    assert Grapevine(["nbmotaw", "nbmotaw"]).models[1].path == ALLOY
    with pytest.raises(grapevine.Error, match="no file nbmotow, and no model of this name .* it has nbmotaw, silicon, water"):
        Grapevine("nbmotow")
    monkeypatch.chdir(tmp_path)
    shutil.copy(ALLOY, "water")
    assert grapevine.Model("water").species == METALS


def test_a_checkpoint_in_place_of_a_model_is_told_how_to_be_imported(golden, tmp_path):
    source = next(golden("local-s-only").glob("*.pth"))
    told = f"{source}: a PyTorch checkpoint, not a Grapevine model.*grapevine import {source} -o.*grapevine.import_model"
    for ask in (grapevine.Model, grapevine.info, Grapevine, lambda path: grapevine.evaluate(path, alloy())):
        with pytest.raises(grapevine.Error, match=told):
            ask(source)
    ase.io.write(tmp_path / "some.extxyz", alloy())
    for words in (["info", source], ["evaluate", source, tmp_path / "some.extxyz"]):
        done = run([PROGRAM, *words])
        assert done.returncode == 1 and f"grapevine import {source} -o" in done.stderr


def test_double_precision_that_costs_much_is_said_unless_asked_for(golden_model):
    model, atoms = golden_model("sevennet-parity"), Atoms("CH", [[0, 0, 0], [1.1, 0, 0]])
    for ask in (Grapevine, lambda *given, **options: grapevine.evaluate(*given, atoms, **options)):
        with pytest.warns(UserWarning, match="double precision, the default.*precision='mixed'") as told:
            ask(model)
        assert [warning.filename for warning in told] == [__file__]
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            ask(model, precision="double")
            ask(model, precision="mixed")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert Grapevine(ALLOY).parameters["precision"] == "double"


def test_options_of_evaluate_that_cannot_be():
    for options, told in (({"precision": "half"}, "half"), ({"threads": -2}, "-2 threads")):
        with pytest.raises(grapevine.Error, match=told):
            grapevine.evaluate(ALLOY, alloy(), **options)
    with pytest.raises(grapevine.Error, match="nowhere.safetensors"):
        grapevine.evaluate("nowhere.safetensors", alloy())
    with pytest.raises(TypeError):
        grapevine.evaluate(ALLOY, alloy(), colour="red")


# ---- model files


@pytest.mark.parametrize("case", [*RANDOM_WEIGHTS, "sevennet-parity", "mace-two-heads", "published-silver-mpi"])
def test_info_is_what_the_program_prints(case, golden_model, monkeypatch):
    model = golden_model(case)
    assert grapevine.info(model) == json.loads(program("info", "--json", model))
    monkeypatch.chdir(model.parent)
    assert grapevine.info(model.name) == json.loads(program("info", "--json", model.name, folder=model.parent))


def test_info_of_shipped_models():
    facts = grapevine.info(ALLOY)
    assert facts == json.loads(program("info", "--json", ALLOY))
    assert list(facts) == ["file", "file_bytes", "file_sha256", "format_version", "architecture", "species", "cutoff", "layers",
                           "message_width", "parameters", "number_types", "units", "hyperparameters", "provenance"]
    model = grapevine.Model(ALLOY)
    assert (model.species, model.cutoff, model.layers, model.parameters) == (METALS, 5.0, 1, facts["parameters"])
    assert model.sha256 == facts["file_sha256"] == hashlib.sha256(ALLOY.read_bytes()).hexdigest()
    assert model.architecture == facts["architecture"] == "reann"
    assert repr(model) == f"Model({str(ALLOY)!r})"


@pytest.mark.parametrize("case", [*RANDOM_WEIGHTS, "published-silver-mpi", "published-water", "sevennet-parity",
                                  "sevennet-modalities", "mace-nu-one", "mace-two-heads"])
def test_import_writes_the_same_bytes_as_the_program(case, golden, tmp_path):
    source = next(p for p in sorted(golden(case).iterdir()) if p.suffix in (".pth", ".pt", ".model"))
    para = source.parent / "para"
    options = {"note": "a note"}
    if para.exists():
        options["para"] = para
    if case == "sevennet-modalities":
        options["modality"] = "PBE"
    if case == "mace-two-heads":
        options["head"] = "cc"
    words = [word for name, value in options.items() for word in (f"--{name}", value)]
    printed = program("import", source, "-o", "a.safetensors", *words, folder=tmp_path)
    told = grapevine.import_model(source, tmp_path / "b.safetensors", **options)
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()
    assert printed == f"a.safetensors: {told['kind']}; {told['summary']}\n"
    assert all(isinstance(note, str) for note in told["notes"])


def test_import_says_what_is_missing(golden, tmp_path):
    """The archive of REANN-MPI holds no names of activations; without para it cannot be read."""
    source = next(golden("local-s-only").glob("REANN.pth"))
    modalities = next(golden("sevennet-modalities").glob("*.pth"))
    heads = next(golden("mace-two-heads").glob("*.model"))
    bad = tmp_path / "bad.pth"
    bad.write_bytes(b"PK\x03\x04 and no more of an archive")
    output = tmp_path / "model.safetensors"
    for given, options, told in ((source, {}, "para"), (modalities, {}, "--modality"),
                                 (heads, {}, "--head"), (bad, {}, "bad.pth"),
                                 (tmp_path / "missing.pth", {}, "missing.pth"),
                                 (source, {"modality": "PBE"}, "modality"),
                                 (source, {"para": tmp_path / "nowhere"}, "nowhere")):
        with pytest.raises(grapevine.Error, match=told) as problem:
            grapevine.import_model(given, output, **options)
        assert "\n" not in str(problem.value)
        done = run([PROGRAM, "import", given, "-o", output, *(w for n, v in options.items() for w in (f"--{n}", v))])
        assert done.stderr.strip() == f"grapevine: error: {problem.value}"
    assert not output.exists()


def test_imported_models_run(golden, tmp_path):
    folder = golden("three-layer")
    grapevine.import_model(folder / "REANN.pth", tmp_path / "model.safetensors", para=folder / "para")
    atoms = ase.io.read(folder / "reference.extxyz", 0)
    expected = atoms.get_forces()
    atoms.calc = Grapevine(tmp_path / "model.safetensors", threads=1)
    np.testing.assert_allclose(atoms.get_forces(), expected, rtol=0, atol=1e-7)


@pytest.mark.parametrize("spoil", ["text", "cut", "missing", "folder"])
def test_files_that_are_no_models(spoil, tmp_path):
    path = tmp_path / "model.safetensors"
    if spoil == "text":
        path.write_text("This is no model, but a line that is long enough to be one.\n")
    elif spoil == "cut":
        path.write_bytes(ALLOY.read_bytes()[:-1])
    elif spoil == "folder":
        path.mkdir()
    for ask in (grapevine.info, grapevine.Model, lambda model: grapevine.evaluate(model, alloy())):
        with pytest.raises(grapevine.Error, match=str(path)) as problem:
            ask(path)
        assert "\n" not in str(problem.value)
    done = run([PROGRAM, "info", path])
    assert done.stderr.strip() == f"grapevine: error: {problem.value}"


def test_shipped_models_are_those_of_the_checkout():
    for name in ("nbmotaw", "silicon", "water"):
        assert grapevine.shipped_model(name).read_bytes() == (ROOT / "models" / f"{name}.safetensors").read_bytes()
    for name in ("Nbmotaw", "", "nbmotaw.safetensors", "../models/nbmotaw"):
        with pytest.raises(ValueError, match="nbmotaw, silicon, water"):
            grapevine.shipped_model(name)


def test_models_may_have_any_name(tmp_path):
    path = tmp_path / "Modell für Wolfram α.safetensors"
    shutil.copy(ALLOY, path)
    assert grapevine.info(path)["file"] == str(path)
    assert grapevine.evaluate(path, Atoms("W"))[0].energy == grapevine.evaluate(ALLOY, Atoms("W"))[0].energy
