"""`grapevine evaluate` as a user runs it: against reference results, ASE, finite differences and symmetries."""

import functools
import hashlib
import json
import signal
import subprocess
import time

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, make_supercell, molecule
from ase.io import read, write
from python_helpers import rotation, transformed

RANDOM_WEIGHTS = ["local-s-only", "one-layer-tanh", "three-layer", "f-orbitals-wide", "molecule-and-slab"]
PUBLISHED = ["published-water", "published-silver-mpi"]
SEVENNET = [f"sevennet-{name}" for name in ("so3", "parity", "lmax3", "bias-fcn", "one-layer", "old", "modalities")]
NEQUIX = [f"nequix-{name}" for name in ("norm", "bare", "indexed", "indexed-norm", "lmax3", "lmax4", "unsorted", "one-layer")]
MACE = [f"mace-{name}" for name in ("float32-soft", "nu-one", "one-interaction", "two-body-order")]


@pytest.fixture
def evaluate(grapevine):
    """evaluate(model, structures, *options): the JSON object that the program prints."""

    def run(model, structures, *options):
        command = [grapevine, "evaluate", model, structures, "--json", *options]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


@pytest.fixture
def evaluate_atoms(evaluate, three_layer, tmp_path):
    """evaluate_atoms(list of Atoms): the results of the model of O, C and Ni for each."""

    def run(images, *options):
        path = tmp_path / "images.extxyz"
        path.write_text("".join(exact_extxyz(atoms) for atoms in images))
        return evaluate(three_layer, path, *options)["frames"]

    return run


def exact_extxyz(atoms, extra=""):
    """As ASE writes it, but with all digits of the positions rather than eight."""
    pbc = " ".join("T" if p else "F" for p in atoms.pbc)
    lattice = " ".join(repr(float(x)) for x in atoms.cell.array.ravel())
    lines = [f"{len(atoms)}", f'Lattice="{lattice}" Properties=species:S:1:pos:R:3 pbc="{pbc}" {extra}']
    for symbol, position in zip(atoms.symbols, atoms.positions):
        lines.append(" ".join([symbol, *(repr(float(x)) for x in position)]))
    return "\n".join(lines) + "\n"


def oxide(seed=0, rattle=0.15):
    """A disturbed triclinic crystal of Ni, O and C, smaller than the cutoff."""
    atoms = bulk("NiO", "rocksalt", a=4.2) * (1, 1, 2)
    atoms.symbols[2] = "C"
    atoms.set_cell(atoms.cell.array + 0.1 * np.random.default_rng(7).normal(size=(3, 3)), scale_atoms=True)
    atoms.rattle(rattle, seed=seed)
    return atoms


def forces(frame):
    return np.array(frame["forces"])


def virial(frame):
    return np.array(frame["virial"]).reshape(3, 3)


@pytest.mark.parametrize("case", RANDOM_WEIGHTS + PUBLISHED + SEVENNET + NEQUIX)
def test_agrees_with_reference_results_in_double(case, golden, golden_model, evaluate):
    reference = golden(case) / "reference.extxyz"
    frames = evaluate(golden_model(case), reference)["frames"]
    for found, atoms in zip(frames, read(reference, ":"), strict=True):
        expected = atoms.calc.results
        assert found["energy"] == pytest.approx(expected["energy"], rel=0, abs=1e-8 * len(atoms))
        np.testing.assert_allclose(found["energies"], expected["energies"], rtol=0, atol=1e-8)
        np.testing.assert_allclose(forces(found), expected["forces"], rtol=0, atol=1e-7)
        np.testing.assert_allclose(virial(found), atoms.info["virial"], rtol=0, atol=1e-6)


PUBLISHED_SEVENNET = {"SevenNet_0__11Jul2024": "sevennet-0-float64", "SevenNet_0__22May2024": "sevennet-0-22may2024",
                      "SevenNet_l3i5": "sevennet-l3i5"}


@pytest.mark.parametrize("name", PUBLISHED_SEVENNET)
def test_published_sevennet_agrees_with_its_own_program_in_both_precisions(name, golden, sevennet_model, evaluate):
    """With its package's results in float64: to rounding in double, and in mixed precision far within what is asked."""
    reference = golden(PUBLISHED_SEVENNET[name]) / "reference.extxyz"
    for precision, energy, force, strain in [("double", 1e-10, 1e-8, 1e-7), ("mixed", 5e-6, 2e-5, 2e-4)]:
        frames = evaluate(sevennet_model(name), reference, "--precision", precision)["frames"]
        for found, atoms in zip(frames, read(reference, ":"), strict=True):
            assert abs(found["energy"] - atoms.get_potential_energy()) < energy * len(atoms)
            np.testing.assert_allclose(forces(found), atoms.get_forces(), rtol=0, atol=force)
            np.testing.assert_allclose(virial(found), atoms.info["virial"], rtol=0, atol=strain * len(atoms))


@pytest.mark.parametrize("case", RANDOM_WEIGHTS + PUBLISHED + SEVENNET + NEQUIX + MACE)
def test_mixed_precision_is_near_double(case, golden, golden_model, evaluate):
    reference = golden(case) / "reference.extxyz"
    errors = evaluate(golden_model(case), reference, "--precision", "mixed")["errors"]
    assert 0 < errors["energy_per_atom"]["maximum"] < 2e-5
    largest = max(np.abs(atoms.get_forces()).max() for atoms in read(reference, ":"))
    assert errors["forces"]["maximum"] < max(1e-3, 1e-5 * largest)


@pytest.mark.parametrize("options", [[], ["--json"], ["-o", "out.extxyz"]], ids=["table", "json", "extxyz"])
def test_results_that_are_not_finite_are_an_error_of_their_frame(options, grapevine, golden_model, tmp_path):
    """Of the published silver model, whose energy in double precision at this distance is beyond a float's range."""
    pair = "2\n\nAg 0 0 0\nAg 0 0 {}\n"
    (tmp_path / "in.extxyz").write_text(pair.format(2.8) + pair.format(0.3))
    command = [grapevine, "evaluate", golden_model("published-silver-mpi"), "in.extxyz", *options]
    done = subprocess.run([*command, "--precision", "mixed"], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1 and "nan" not in done.stdout and "null" not in done.stdout
    assert "in.extxyz:5: frame 2: " in done.stderr and "not finite at 2 atoms, first at atom 1 (Ag)" in done.stderr
    assert "double precision may give a result" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["in.extxyz"]
    assert subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=60).returncode == 0


def test_ase_reads_the_output_back(golden, golden_model, evaluate, tmp_path):
    for case in RANDOM_WEIGHTS:
        reference = golden(case) / "reference.extxyz"
        output = tmp_path / "out.extxyz"
        frames = evaluate(golden_model(case), reference, "-o", output)["frames"]
        for frame, before, after in zip(frames, read(reference, ":"), read(output, ":"), strict=True):
            assert after.symbols.get_chemical_formula("reduce") == before.symbols.get_chemical_formula("reduce")
            assert (after.positions == before.positions).all()
            assert (after.cell.array == before.cell.array).all()
            assert (after.pbc == before.pbc).all()
            assert after.get_potential_energy() == frame["energy"]
            assert (after.get_forces() == forces(frame)).all()
            assert (after.calc.results["energies"] == frame["energies"]).all()
            # ASE reads nine numbers column by column; the tensor is symmetric up to rounding.
            np.testing.assert_allclose(after.info["virial"], virial(frame), rtol=0, atol=1e-9)
            if all(before.pbc):
                stress = -virial(frame) / before.get_volume()
                np.testing.assert_allclose(after.get_stress(voigt=False), stress, rtol=0, atol=1e-12)
            elif not any(before.pbc):
                assert "stress" not in after.calc.results
            assert after.info["reference_energy"] == before.get_potential_energy()
            assert (after.arrays["reference_forces"] == before.get_forces()).all()


def test_results_say_where_they_come_from(grapevine, three_layer, tmp_path):
    source, output = tmp_path / "in.extxyz", tmp_path / "out.extxyz"
    write(source, [oxide(1), oxide(2)])
    command = [grapevine, "evaluate", three_layer, source, "--json", "-o", output, "--precision", "mixed"]
    facts = json.loads(subprocess.run(command, capture_output=True, check=True, timeout=60).stdout)
    version = subprocess.run([grapevine, "--version"], capture_output=True, text=True, check=True).stdout.split()[-1]
    digest = hashlib.sha256(three_layer.read_bytes()).hexdigest()
    assert facts["model_sha256"] == digest and facts["precision"] == "mixed" and facts["version"] == version
    for atoms in read(output, ":"):
        assert atoms.info["grapevine_model"] == three_layer.name
        assert atoms.info["grapevine_model_sha256"] == digest
        assert atoms.info["grapevine_precision"] == "mixed"
        assert atoms.info["grapevine_version"] == version


def test_ase_files_keep_their_columns_and_info(three_layer, evaluate, tmp_path):
    atoms = oxide()
    atoms.info.update({"name": 'a "quoted" [name]', "temperature": 300.5, "empty": "", "flags": np.array([1, 2, 3])})
    atoms.arrays["tag"] = np.arange(len(atoms))
    atoms.arrays["velocity"] = np.random.default_rng(0).normal(size=(len(atoms), 3)).round(8)
    atoms.arrays["fixed"] = np.array([True, False, True, False])
    source, output = tmp_path / "in.extxyz", tmp_path / "out.extxyz"
    write(source, [atoms, atoms])
    evaluate(three_layer, source, "-o", output)
    for before, after in zip(read(source, ":"), read(output, ":"), strict=True):
        for key in ("name", "temperature"):
            assert after.info[key] == before.info[key]
        assert list(after.info["flags"]) == [1, 2, 3]
        for key in ("tag", "velocity", "fixed"):
            assert (after.arrays[key] == before.arrays[key]).all()


def test_evaluating_an_output_again_compares_with_the_same_reference(golden, golden_model, evaluate, tmp_path):
    reference = golden("three-layer") / "reference.extxyz"
    model = golden_model("three-layer")
    first = evaluate(model, reference, "-o", tmp_path / "one.extxyz")
    second = evaluate(model, tmp_path / "one.extxyz", "-o", tmp_path / "two.extxyz")
    assert first["errors"] == second["errors"]
    assert (tmp_path / "one.extxyz").read_text() == (tmp_path / "two.extxyz").read_text()


def test_forces_are_the_derivative_of_the_energy(evaluate_atoms):
    atoms, step = oxide(), 1e-4
    images = [atoms]
    for i, x in np.ndindex(len(atoms), 3):
        for sign in (1, -1):
            moved = atoms.copy()
            moved.positions[i, x] += sign * step
            images.append(moved)
    frames = evaluate_atoms(images)
    energies = np.array([frame["energy"] for frame in frames[1:]]).reshape(len(atoms), 3, 2)
    numerical = -(energies[..., 0] - energies[..., 1]) / (2 * step)
    assert np.abs(numerical).max() > 0.1
    np.testing.assert_allclose(forces(frames[0]), numerical, rtol=0, atol=2e-6)


def test_virial_and_stress_are_the_derivative_by_strain(evaluate_atoms):
    atoms, step = oxide(), 1e-5
    images = [atoms]
    for a, b in np.ndindex(3, 3):
        for sign in (1, -1):
            strain = np.zeros((3, 3))
            strain[a, b] += 0.5 * sign * step
            strain[b, a] += 0.5 * sign * step
            images.append(transformed(atoms, np.eye(3) + strain))
    frames = evaluate_atoms(images)
    energies = np.array([frame["energy"] for frame in frames[1:]]).reshape(3, 3, 2)
    derivative = (energies[..., 0] - energies[..., 1]) / (2 * step)
    assert np.abs(derivative).max() > 1
    np.testing.assert_allclose(virial(frames[0]), -derivative, rtol=0, atol=1e-5)
    stress = np.array(frames[0]["stress"]).reshape(3, 3)
    np.testing.assert_allclose(stress, derivative / atoms.get_volume(), rtol=0, atol=1e-6)


def test_energy_is_invariant_and_forces_turn_along(evaluate_atoms):
    atoms = oxide()
    turn, mirror = rotation(), rotation(2) @ np.diag([1, 1, -1])
    shifted = atoms.copy()
    shifted.translate([13.7, -5.1, 100.3])
    order = np.array([2, 0, 3, 1])
    frames = evaluate_atoms([atoms, transformed(atoms, turn), transformed(atoms, mirror), shifted, atoms[order]])
    for frame in frames[1:]:
        assert frame["energy"] == pytest.approx(frames[0]["energy"], rel=1e-11)
    np.testing.assert_allclose(forces(frames[1]), forces(frames[0]) @ turn.T, rtol=0, atol=1e-9)
    np.testing.assert_allclose(forces(frames[2]), forces(frames[0]) @ mirror.T, rtol=0, atol=1e-9)
    np.testing.assert_allclose(forces(frames[3]), forces(frames[0]), rtol=0, atol=1e-9)
    np.testing.assert_allclose(forces(frames[4]), forces(frames[0])[order], rtol=0, atol=1e-9)
    np.testing.assert_allclose(virial(frames[1]), turn @ virial(frames[0]) @ turn.T, rtol=0, atol=1e-9)


def test_a_supercell_has_the_same_energies_forces_and_stress(evaluate_atoms):
    atoms = oxide()
    doubled = atoms * (2, 1, 3)
    skewed = make_supercell(atoms, [[1, 0, 0], [5, 1, 0], [-3, 4, 1]], wrap=False)
    frames = evaluate_atoms([atoms, doubled, skewed])
    assert frames[1]["energy"] == pytest.approx(6 * frames[0]["energy"], rel=1e-11)
    assert frames[2]["energy"] == pytest.approx(frames[0]["energy"], rel=1e-11)
    np.testing.assert_allclose(forces(frames[1]), np.tile(forces(frames[0]), (6, 1)), rtol=0, atol=1e-9)
    np.testing.assert_allclose(frames[1]["stress"], frames[0]["stress"], rtol=0, atol=1e-10)


def test_a_periodic_box_with_enough_vacuum_is_a_molecule(evaluate_atoms):
    free = molecule("CO2")
    boxed = free.copy()
    boxed.set_cell([20, 20, 20])
    boxed.pbc = True
    slab = boxed.copy()
    slab.pbc = [True, True, False]
    frames = evaluate_atoms([free, boxed, slab])
    for frame in frames[1:]:
        assert frame["energy"] == pytest.approx(frames[0]["energy"], rel=1e-12)
        np.testing.assert_allclose(forces(frame), forces(frames[0]), rtol=0, atol=1e-11)
    assert frames[0]["stress"] is None
    np.testing.assert_allclose(frames[1]["stress"], -virial(frames[1]).ravel() / 8000, rtol=0, atol=1e-12)
    in_plane = np.diag([1, 1, 0])
    expected = in_plane @ np.reshape(frames[1]["stress"], (3, 3)) @ in_plane
    np.testing.assert_allclose(np.reshape(frames[2]["stress"], (3, 3)), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("threads", ["1", "2", "5"])
def test_threads_change_neither_order_nor_results(threads, evaluate_atoms):
    images = [oxide(seed) for seed in range(40)] + [oxide() * (5, 5, 5)]
    one = evaluate_atoms(images, "--threads", "1")
    many = evaluate_atoms(images, "--threads", threads)
    for a, b in zip(one, many, strict=True):
        assert a["energy"] == pytest.approx(b["energy"], rel=1e-13)
        np.testing.assert_allclose(forces(a), forces(b), rtol=0, atol=1e-11)


def test_stress_labels_count_with_the_opposite_sign_of_virials(golden, golden_model, evaluate, tmp_path):
    atoms = read(golden("three-layer") / "reference.extxyz", 0)
    stress = -atoms.info["virial"] / atoms.get_volume()
    numbers = " ".join(repr(float(x)) for x in stress.ravel())
    source = tmp_path / "stress.extxyz"
    source.write_text(exact_extxyz(atoms, f'my_stress="{numbers}"'))
    errors = evaluate(golden_model("three-layer"), source, "--virial-key", "my_stress")["errors"]
    assert set(errors) == {"virial_per_atom"}
    assert errors["virial_per_atom"]["maximum"] < 1e-7


@pytest.mark.parametrize("extension, magic", [("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF")])
def test_plots_are_of_the_kind_their_name_says(extension, magic, golden, golden_model, evaluate, tmp_path):
    plot = tmp_path / f"parity.{extension}"
    evaluate(golden_model("three-layer"), golden("three-layer") / "reference.extxyz", "--plot", plot)
    assert plot.read_bytes().startswith(magic)


def test_the_table_has_a_line_per_frame_and_the_errors(grapevine, golden, golden_model):
    command = [grapevine, "evaluate", golden_model("three-layer"), golden("three-layer") / "reference.extxyz"]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    lines = text.splitlines()
    assert lines[1].split()[:2] == ["1", "32"] and lines[2].split()[:2] == ["2", "4"]
    for label in ("energy per atom", "force components", "on Ni", "virial per atom"):
        assert label in text


GOOD = "1\nProperties=species:S:1:pos:R:3\nO 0 0 0\n"

BAD_STRUCTURES = {
    "empty": ("", "has no structures"),
    "blank": ("\n\n", "has no structures"),
    "unknown element": (GOOD + "2\n\nO 0 0 0\nXe 0 0 2\n", "bad.extxyz:4: frame 2: atom 2 is Xe"),
    "position not a number": (GOOD.replace("0 0 0", "0 nan 0"), "bad.extxyz:3:"),
    "atoms on top of each other": ("2\n\nO 0 0 0\nC 0 0 0\n", "atoms 1 (O) and 2 (C)"),
    "atom on its own image": ('1\nLattice="0.001 9 9" pbc="T F F"\nO 0 0 0\n', "cell"),
    "too few columns": (GOOD.replace("0 0 0", "0 0"), "bad.extxyz:3: 3 columns where 4"),
    "too many columns": (GOOD.replace("0 0 0", "0 0 0 0"), "bad.extxyz:3: 5 columns where 4"),
    "too few atoms": (GOOD.replace("1\n", "2\n", 1), "ends after 1 of the 2 atoms"),
    "absurd count": ("2000000000\n\nO 0 0 0\n", "bad.extxyz:1:"),
    "no number of atoms": ("O 0 0 0\n", "expected a number of atoms"),
    "no cell": ('1\npbc="T T T"\nO 0 0 0\n', "cell vector, which is zero"),
    "flat cell": ('1\nLattice="1 0 0 0 1 0 1 1 0"\nO 0 0 0\n', "linearly dependent"),
    "label not a number": ("1\nenergy=low\nO 0 0 0\n", "energy"),
    "bad frame after many good ones": (200 * GOOD + "1\n\nO 0 0 zero\n", "bad.extxyz:603:"),
    "binary": ("\x00\x01\x02\x03" * 1000, "expected a number of atoms"),
}


def expect_one_line_error(command, folder, message):
    before = sorted(path.name for path in folder.iterdir())
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert done.stderr.startswith("grapevine: error: ")
    assert done.stderr.count("\n") == 1
    assert message in done.stderr
    assert sorted(path.name for path in folder.iterdir()) == before


@pytest.mark.parametrize("case", BAD_STRUCTURES)
@pytest.mark.parametrize("threads", ["1", "2"])
def test_bad_structures_are_one_clear_line_and_leave_no_file(case, threads, grapevine, three_layer, tmp_path):
    text, message = BAD_STRUCTURES[case]
    source = tmp_path / "bad.extxyz"
    source.write_text(text)
    command = [grapevine, "evaluate", three_layer, source, "-o", tmp_path / "out.extxyz", "--plot",
               tmp_path / "plot.png", "--threads", threads]
    expect_one_line_error(command, tmp_path, message)


@pytest.mark.parametrize(
    "options, message",
    [
        (["missing.extxyz"], "missing.extxyz"),
        (["."], "folder"),
        (["good.extxyz", "--plot", "plot.jpg"], ".png, .svg or .pdf"),
        (["good.extxyz", "--plot", "no-such-folder/plot.png"], "no-such-folder"),
        (["good.extxyz", "--plot", "plot.png"], "no reference values"),
        (["good.extxyz", "--energy-key", "e_dft"], "'e_dft'"),
        (["good.extxyz", "-o", "nowhere/out.extxyz"], "nowhere"),
        (["good.extxyz", "-o", "/dev/null"], "/dev/null"),
        (["good.extxyz", "-o", "."], "folder"),
        (["good.extxyz", "--precision", "half"], "half"),
        (["good.extxyz", "--threads", "0"], "threads"),
    ],
)
def test_bad_options_are_one_clear_line(options, message, grapevine, three_layer, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "good.extxyz").write_text(GOOD)
    output = [] if "-o" in options else ["-o", "out.extxyz"]
    expect_one_line_error([grapevine, "evaluate", three_layer, *options, *output], tmp_path, message)


def test_an_error_prints_no_half_of_a_json_object(grapevine, three_layer, tmp_path):
    source = tmp_path / "bad.extxyz"
    source.write_text(200 * GOOD + "1\n\nXe 0 0 0\n")
    done = subprocess.run([grapevine, "evaluate", three_layer, source, "--json"], capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stdout == ""


def test_an_older_output_survives_an_error(grapevine, three_layer, tmp_path):
    source, output = tmp_path / "bad.extxyz", tmp_path / "out.extxyz"
    source.write_text(GOOD + "1\n\nXe 0 0 0\n")
    output.write_text("precious")
    done = subprocess.run([grapevine, "evaluate", three_layer, source, "-o", output], capture_output=True)
    assert done.returncode == 1
    assert output.read_text() == "precious"


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_leaves_no_file(sent, grapevine, three_layer, tmp_path):
    source = tmp_path / "long.extxyz"
    source.write_text(2000 * exact_extxyz(oxide() * (2, 2, 2)))
    folder = tmp_path / "results"
    folder.mkdir()
    command = [grapevine, "evaluate", three_layer, source, "-o", folder / "out.extxyz"]
    # A test run in the background inherits SIGINT ignored, and then so does the program under test.
    listen = functools.partial(signal.signal, sent, signal.SIG_DFL)
    running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=listen)
    deadline = time.monotonic() + 30
    while not any(folder.iterdir()) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert any(folder.iterdir()), "the run never began to write"
    running.send_signal(sent)
    assert running.wait(timeout=60) == -sent
    assert not any(folder.iterdir())


def test_a_reader_that_goes_away_leaves_no_file(grapevine, three_layer, tmp_path):
    source = tmp_path / "long.extxyz"
    source.write_text(3000 * exact_extxyz(oxide()))
    folder = tmp_path / "results"
    folder.mkdir()
    command = [grapevine, "evaluate", three_layer, source, "-o", folder / "out.extxyz"]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    running.stdout.readline()
    running.stdout.close()
    assert running.wait(timeout=60) == -signal.SIGPIPE
    assert not any(folder.iterdir())
