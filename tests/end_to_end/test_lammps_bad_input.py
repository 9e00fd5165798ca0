"""Bad input on two ranks: every rank ends, with a non-zero exit code and one line that names what is wrong."""

import json
import re
import struct

import numpy as np
import pytest
from lammps_run import ROOT, RUN_0, fcc_mixture, setup, write_data
from test_lammps_committee import read_model, write_model

ELEMENTS = ["O", "C", "Ni"]
SMALL = fcc_mixture(2, 2, 2)


@pytest.fixture
def start(tmp_path):
    def write(model, elements=ELEMENTS, **options):
        write_data(tmp_path / "data.test", SMALL, ELEMENTS)
        return setup(model, elements, **options)

    return write


def assert_refused(lammps, script, *words):
    run = lammps(script, 2, must="fail", timeout=60)
    # One line for all ranks, or one from each rank that met the problem before it was stopped.
    per_rank = all(line.startswith("ERROR on proc") for line in run.errors)
    assert len(run.errors) == 1 or (per_rank and len(run.errors) == 2), run.errors
    for word in words:
        assert re.search(word, run.errors[0]), f"{word!r} is not in: {run.errors[0]}"


# ---- files that are not a model


def test_missing_model(lammps, start):
    assert_refused(lammps, start("nowhere.safetensors") + RUN_0, "nowhere.safetensors", "No such file")


def test_folder_instead_of_a_model(lammps, start, tmp_path):
    (tmp_path / "folder.safetensors").mkdir()
    assert_refused(lammps, start("folder.safetensors") + RUN_0, "folder.safetensors")


@pytest.mark.parametrize("content", [b"", b"short", b"This is a text file and no model.\n" * 20, b"\xff" * 64,
                                     struct.pack("<Q", 2) + b"{}"])
def test_file_that_is_no_model(lammps, start, tmp_path, content):
    (tmp_path / "broken.safetensors").write_bytes(content)
    assert_refused(lammps, start("broken.safetensors") + RUN_0, "broken.safetensors")


def test_checkpoint_in_place_of_a_model_is_told_how_to_be_imported(lammps, start, golden):
    checkpoint = next(golden("local-s-only").glob("*.pth"))
    assert_refused(lammps, start(checkpoint) + RUN_0, "a PyTorch checkpoint", f"grapevine import {checkpoint} -o")


@pytest.mark.parametrize("kept", [0.001, 0.3, 0.999])
def test_truncated_model(lammps, start, tmp_path, three_layer, kept):
    content = three_layer.read_bytes()
    (tmp_path / "broken.safetensors").write_bytes(content[: int(kept * len(content))])
    assert_refused(lammps, start("broken.safetensors") + RUN_0, "broken.safetensors")


def flipped(content, place, bit):
    changed = bytearray(content)
    changed[place] ^= 1 << bit
    return bytes(changed)


def bit_flips(content):
    """Places over the length, the header and the numbers of a model file, with a bit for each."""
    rng = np.random.default_rng(11)
    data = 8 + struct.unpack("<Q", content[:8])[0]
    places = [0, 3, 7, 8, *rng.integers(8, data, 8), *rng.integers(data, len(content), 6), len(content) - 1]
    return [(int(place), int(rng.integers(0, 8))) for place in places]


def test_bit_flips_never_crash_or_hang(lammps, start, tmp_path, three_layer):
    content = three_layer.read_bytes()
    for place, bit in bit_flips(content):
        (tmp_path / "broken.safetensors").write_bytes(flipped(content, place, bit))
        run = lammps(start("broken.safetensors") + RUN_0, 2, must="end", timeout=60)
        where = f"byte {place} bit {bit}"
        if run.exit_code != 0:
            assert len(run.errors) >= 1 and run.exit_code == 1, where
        else:
            assert np.isfinite(run.row["PotEng"]) and np.isfinite(run.atoms()["f"]).all(), where


def with_header(content, edit):
    """The model file with edit(header) applied to its JSON header."""
    length = struct.unpack("<Q", content[:8])[0]
    header = json.loads(content[8 : 8 + length])
    edit(header)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + content[8 + length :]


def without_digest(path):
    """The model file as older programs wrote it, so that what is changed in it is found by itself."""
    return with_header(path.read_bytes(), lambda header: header["__metadata__"].pop("sha256"))


def first_tensor(content):
    """Name of the largest tensor of floats and the place of its first byte."""
    length = struct.unpack("<Q", content[:8])[0]
    header = json.loads(content[8 : 8 + length])
    header.pop("__metadata__", None)
    name = max(header, key=lambda n: header[n]["data_offsets"][1] - header[n]["data_offsets"][0])
    return name, header[name]["dtype"], 8 + length + header[name]["data_offsets"][0]


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
def test_weights_that_are_no_numbers(lammps, start, tmp_path, three_layer, number):
    content = bytearray(without_digest(three_layer))
    name, dtype, place = first_tensor(content)
    packed = struct.pack({"F64": "<d", "F32": "<f"}[dtype], number)
    content[place : place + len(packed)] = packed
    (tmp_path / "broken.safetensors").write_bytes(content)
    assert_refused(lammps, start("broken.safetensors") + RUN_0, "broken.safetensors", re.escape(name))


def test_weights_with_one_bit_turned_over(lammps, start, tmp_path, three_layer):
    content = bytearray(three_layer.read_bytes())
    content[-3] ^= 4
    (tmp_path / "broken.safetensors").write_bytes(content)
    assert_refused(lammps, start("broken.safetensors") + RUN_0, "broken.safetensors: damaged")


def test_tensor_of_the_wrong_shape(lammps, start, tmp_path, three_layer):
    content = without_digest(three_layer)
    name, _, _ = first_tensor(content)

    def flatten(header):
        header[name]["shape"] = [int(np.prod(header[name]["shape"]))]

    (tmp_path / "broken.safetensors").write_bytes(with_header(content, flatten))
    assert_refused(lammps, start("broken.safetensors") + RUN_0, "broken.safetensors", re.escape(name), "shape")


@pytest.mark.parametrize("edit", [
    lambda header: header.pop("__metadata__"),
    lambda header: header["__metadata__"].update({key: "nonsense" for key in header["__metadata__"]}),
])
def test_model_without_its_description(lammps, start, tmp_path, three_layer, edit):
    (tmp_path / "broken.safetensors").write_bytes(with_header(without_digest(three_layer), edit))
    assert_refused(lammps, start("broken.safetensors") + RUN_0, "broken.safetensors")


# ---- commands


def test_element_not_in_the_model(lammps, start, three_layer):
    assert_refused(lammps, start(three_layer, ["O", "Xx", "Ni"]) + RUN_0, "Xx", "O.*C.*Ni")


@pytest.mark.parametrize("elements", [["O", "C"], ["O", "C", "Ni", "O"]])
def test_wrong_number_of_elements(lammps, start, three_layer, elements):
    assert_refused(lammps, start(three_layer, elements) + RUN_0, str(len(elements)), "3 atom types")


def test_unknown_precision(lammps, start, three_layer):
    assert_refused(lammps, start(three_layer, precision="single") + RUN_0, "single", "double or mixed")


@pytest.mark.parametrize("arguments", ["exchange", "exchange carrier-pigeon", "double 3"])
def test_bad_arguments_of_the_style(lammps, start, three_layer, arguments):
    assert_refused(lammps, start(three_layer, precision=arguments) + RUN_0, "exchange")


def test_missing_pair_coeff(lammps, start, three_layer):
    assert_refused(lammps, start(three_layer, style="pair_style grapevine\n") + RUN_0, "[Aa]ll pair coeffs")


def test_pair_coeff_without_a_file(lammps, start, three_layer):
    assert_refused(lammps, start(three_layer, style="pair_style grapevine\npair_coeff * *\n") + RUN_0, "pair_coeff")


def test_pair_coeff_for_some_types_only(lammps, start, three_layer):
    style = f"pair_style grapevine\npair_coeff 1 2 {three_layer} O C Ni\n"
    assert_refused(lammps, start(three_layer, style=style) + RUN_0, r"pair_coeff \* \*|[Pp]air.coeff")


def test_type_without_a_potential(lammps, start, three_layer):
    assert_refused(lammps, start(three_layer, ["O", "NULL", "Ni"]) + RUN_0, "NULL|[Aa]ll pair coeffs")


def test_newton_off(lammps, start, three_layer):
    assert_refused(lammps, start(three_layer, before="newton off") + RUN_0, "newton")


@pytest.mark.parametrize("units", ["lj", "si", "electron"])
def test_units_the_model_does_not_know(lammps, start, three_layer, units):
    assert_refused(lammps, start(three_layer, units=units) + RUN_0, "metal or real", units)


def test_centroid_stress(lammps, start, three_layer):
    script = start(three_layer) + "compute c all centroid/stress/atom NULL\ncompute s all reduce sum c_c[1]\n" \
             "thermo_style custom step c_s\nrun 0\n"
    assert_refused(lammps, script, "centroid")


# ---- atoms


def test_atoms_on_top_of_each_other(lammps, start, three_layer):
    script = start(three_layer) + "set atom 5 x 1.0 y 1.0 z 1.0\nset atom 9 x 1.0 y 1.0 z 1.001\n" + RUN_0
    assert_refused(lammps, script, "5", "9", "on top of each other")


# LAMMPS refuses to read or compute a number that is none in most places, but not as a product.
NOT_A_NUMBER = "variable bad atom (0*x+1e300)*1e300*0\n"


@pytest.mark.parametrize("precision", ["double", "mixed"])
def test_position_that_becomes_no_number_during_a_run(lammps, start, three_layer, precision):
    script = start(three_layer, precision=precision) + NOT_A_NUMBER + \
        "fix move all nve\nrun 2\nset atom 7 x v_bad\nrun 5 pre no\n"
    assert_refused(lammps, script, "atom 7 is not a number at step 3")


def test_position_that_is_no_number_at_the_start_of_a_run(lammps, start, three_layer):
    assert_refused(lammps, start(three_layer) + NOT_A_NUMBER + "set atom 7 x v_bad\n" + RUN_0,
                   "[Nn]on-numeric|[Ll]ost atoms|not a number")


def test_position_that_is_no_number_in_the_data_file(lammps, start, three_layer, tmp_path):
    head = start(three_layer)
    data = (tmp_path / "data.test").read_text()
    (tmp_path / "data.test").write_text(re.sub(r"^(7 \d) \S+", r"\1 nan", data, flags=re.MULTILINE))
    assert_refused(lammps, head + RUN_0, "nan|assign all atoms|[Nn]on-numeric|[Ll]ost atoms")


# ---- results that are not finite


SHIPPED = ROOT / "models" / "nbmotaw.safetensors"
METALS = ["W", "Nb", "W"]


@pytest.fixture
def overflowing(tmp_path):
    """A model whose radial functions are large where two atoms are 0.3 Angstrom apart: their eighth power is no float."""
    metadata, tensors = read_model(SHIPPED)
    tensors["radial.centre"][:] = 4
    tensors["radial.exponent"][:] = 1.2
    write_model(tmp_path / "overflowing.safetensors", metadata, tensors)
    return "overflowing.safetensors"


def close_to_atom_9(distance):
    x, y, z = SMALL.positions[8]
    return f"set atom 5 x {x:.8f} y {y:.8f} z {z + distance:.8f}\n"


@pytest.mark.parametrize("ranks,exchange", [(1, "own"), (2, "own"), (2, "lammps")])
def test_overflow_in_mixed_precision(lammps, start, overflowing, ranks, exchange):
    close = close_to_atom_9(0.3)
    double = lammps(start(overflowing, METALS) + close + RUN_0, 2)
    assert np.isfinite(double.row["PotEng"]) and np.isfinite(double.atoms()["f"]).all()
    run = lammps(start(overflowing, METALS, precision=f"mixed exchange {exchange}") + close + RUN_0, ranks, must="fail")
    assert run.errors
    for error in run.errors:
        assert error.startswith("ERROR on proc") and "not finite at step 0, for atoms " in error
        assert "overflowing.safetensors" in error and "pair_style grapevine double" in error
    if ranks == 1:  # of several, another may be the first to stop all
        assert re.search("(5 and 9|9 and 5), are 0.3 Ang", run.errors[0])


def test_overflow_during_a_run(lammps, start, overflowing):
    # At 1.6 Angstrom far from overflow in any order of products, from 0.8 on beyond it.
    approach = close_to_atom_9(1.6) + "group five id 5\nfix move five move linear 0 0 -100\ntimestep 0.001\n"
    assert_refused(lammps, start(overflowing, METALS, precision="mixed") + approach + "run 20\n",
                   r"not finite at step [1-9]", "pair_style grapevine double")


def test_overflow_in_a_model_of_a_committee(lammps, start, overflowing):
    models = f"pair_style grapevine mixed\npair_coeff * * {SHIPPED} {overflowing} W Nb W\n"
    assert_refused(lammps, start(None, style=models) + close_to_atom_9(0.3) + RUN_0, "Model overflowing", "not finite")


def test_energy_that_is_not_finite_names_its_atom(lammps, start, tmp_path):
    metadata, tensors = read_model(SHIPPED)
    tensors["energy.shift"][metadata["species"].split().index("Ta")] = 1e308
    write_model(tmp_path / "large.safetensors", metadata, tensors)
    script = start("large.safetensors", METALS, units="real") + "set atom 11 type 2\nset type 2 type 1\n"
    lammps(script + RUN_0, 2)
    tantalum = script.replace("W Nb W", "W Ta W") + "set atom 11 type 2\n"
    assert_refused(lammps, tantalum + RUN_0, "not finite at step 0, for atoms 11 ")


# ---- what the documentation says of messages


def words_of(message):
    """The parts of a message that do not change, between what is filled in."""
    return [part.strip(" ,;(:") for part in re.split(r"\{[^}]*\}|\.\.\.", message)]


def test_troubleshooting_has_every_message():
    page = (ROOT / "docs" / "lammps.md").read_text()
    section = page.split("## Troubleshooting")[1].split("\n## ")[0]
    messages = [message for row in section.splitlines() if row.startswith("| `") and "(by LAMMPS)" not in row
                for message in re.findall("`([^`]*)`", row.split("|")[1])]
    names = ("pair_grapevine.cpp", "compute_heat_flux_grapevine.cpp", "lammps_exclusions.cpp")
    source = "".join((ROOT / "lammps" / name).read_text() for name in names)
    source = re.sub(r'"\s*\n\s*"', "", source)  # literals over several lines
    written = re.findall(r'error->(?:all|one)\(FLERR,\s*(?:Error::NOLASTLINE, )?"([^"]+)"', source)
    assert len(written) > 10
    for message in written:
        if message != "{}":
            assert any(words_of(row)[0] in message for row in messages), f"not in docs/lammps.md: {message}"
    for row in messages:
        assert all(words in source for words in words_of(row)), f"no message of the plugin: {row}"
