"""Files from anywhere: memory and time in proportion to their size, nothing of theirs that a terminal would obey, formats
told by name, and output that cannot be written is an error."""

import gzip
import json
import os
import struct
import subprocess
import sys

import pytest
from lammps_run import ROOT

sys.path.insert(0, str(ROOT / "tests" / "fuzz"))
from heavy_inputs import heavy_inputs, many_entries  # noqa: E402

WATER = ROOT / "models" / "water.safetensors"
ALLOY = ROOT / "models" / "nbmotaw.safetensors"
TUNGSTEN = '1\nLattice="3 0 0 0 3 0 0 0 3" Properties=species:S:1:pos:R:3 energy=-12 pbc="T T T"\nW 0 0 0\n'
HEAVY = [(target, name) for target, files in heavy_inputs().items() for name in files if target != "pickle"]


# The peak that the system reports for a process counts that of the one that started it: a small one does, not this.
# Seconds of the processor, not of the clock: a machine that is busy with other work does not use them up.
MEASURE = """
import resource, subprocess, sys
resource.setrlimit(resource.RLIMIT_CPU, (30, 30))
code = subprocess.run(sys.argv[2:], timeout=120).returncode
with open(sys.argv[1], "w") as file:
    print(code, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024, file=file)
"""


@pytest.fixture
def run(grapevine, tmp_path):
    """run(*arguments): return code, standard output and error, and peak memory in bytes."""

    def run(*arguments):
        command = [str(argument) for argument in (grapevine, *arguments)]
        environment = dict(os.environ, OMP_NUM_THREADS="1")
        done = subprocess.run([sys.executable, "-c", MEASURE, tmp_path / "measured", *command], cwd=tmp_path,
                              env=environment, capture_output=True, text=True, check=True)
        code, memory = (tmp_path / "measured").read_text().split()
        return int(code), done.stdout, done.stderr, int(memory)

    return run


@pytest.fixture
def refusal(run):
    """refusal(*arguments): the one line with which the program ends."""

    def line(*arguments):
        code, _, error, _ = run(*arguments)
        lines = error.splitlines()
        assert code == 1 and len(lines) == 1, error
        return lines[0]

    return line


@pytest.fixture
def changed_water(tmp_path):
    """changed_water(key=value, ...): the water model with other metadata, and without the digest of its content."""

    def write(**metadata):
        content = WATER.read_bytes()
        size = struct.unpack("<Q", content[:8])[0]
        header = json.loads(content[8 : 8 + size])
        header["__metadata__"].update(metadata)
        header["__metadata__"].pop("sha256", None)
        text = json.dumps(header).encode()
        path = tmp_path / "changed.safetensors"
        path.write_bytes(struct.pack("<Q", len(text)) + text + content[8 + size :])
        return path

    return write


def arguments_of(target, path):
    commands = {
        "torch_archive": ["import", path, "-o", "o.safetensors", "--activation", "Tanh_like"],
        "training_config": ["train", "--dry-run", path],
        "extxyz": ["evaluate", ALLOY, path],
    }
    return commands.get(target, ["info", path])


@pytest.mark.parametrize("target, name", HEAVY)
def test_small_files_take_little_memory(run, tmp_path, target, name):
    path = tmp_path / "input"
    path.write_bytes(heavy_inputs()[target][name])
    if target == "para_file":
        folder = tmp_path / "para"
        folder.mkdir()
        path.rename(folder / "input_nn")
        arguments = ["import", ROOT / "tests/data/golden/local-s-only/REANN.pth", "--para", folder, "-o", "o.safetensors"]
    else:
        arguments = arguments_of(target, path)
    code, _, error, memory = run(*arguments)
    assert code in (0, 1), error
    assert len(error) < 1500 and "not enough memory" not in error
    assert memory < 400e6
    assert not (tmp_path / "o.safetensors").exists() or code == 0


def test_headers_of_many_entries_take_time_in_proportion(run, tmp_path):
    (tmp_path / "m.safetensors").write_bytes(many_entries(100_000))
    code, _, error, _ = run("info", "m.safetensors")
    assert code == 1, error
    assert "m.safetensors" in error and error.count("\n") == 1


def test_splines_of_a_small_model_take_little_memory(run, tmp_path):
    model = tmp_path / "m.safetensors"
    model.write_bytes(heavy_inputs()["model_file"]["many-paths"])
    (tmp_path / "w.xyz").write_text("2\n\nW 0 0 0\nW 0 0 2.5\n")
    code, _, error, memory = run("evaluate", model, "w.xyz", "--precision", "mixed")
    assert code == 0, error
    assert memory < 400e6


def test_text_of_a_file_cannot_steer_the_terminal(run, changed_water):
    provenance = {"source": "x", "source_sha256": "x", "source_kind": "x"}
    provenance["note"] = "\x1b[2J\x1b]0;owned\x07ok\u009b31m\nsource SHA-256     0000"
    path = changed_water(provenance=json.dumps(provenance))
    for options in ([], ["--json"]):
        code, output, _, _ = run("info", path, *options)
        assert code == 0
        assert not [c for c in output if c != "\n" and (ord(c) < 32 or 127 <= ord(c) < 160)]
    assert "\nsource SHA-256     0000" not in run("info", path)[1]
    for metadata in ({"species": "\x1b]0;owned\x07"}, {"architecture": "\x1b[2J"}, {"architecture": "x" * 1_000_000}):
        code, output, error, _ = run("info", changed_water(**metadata))
        assert code == 1 and len(output + error) < 2000
        assert "\x1b" not in error and error.count("\n") == 1


def test_structures_as_other_systems_and_tools_write_them(run, tmp_path):
    contents = {
        "bom.xyz": b"\xef\xbb\xbf" + TUNGSTEN.encode(),
        "mac.xyz": TUNGSTEN.replace("\n", "\r").encode(),
        "a.xyz.gz": gzip.compress(TUNGSTEN.encode()),
    }
    (tmp_path / "plain.xyz").write_text(TUNGSTEN)
    expected = run("evaluate", ALLOY, "plain.xyz")[1]
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
        code, output, error, _ = run("evaluate", ALLOY, name)
        assert code == 0, error
        assert output == expected


def test_other_formats_are_told_by_name(refusal, tmp_path):
    from ase.io import read, write

    (tmp_path / "plain.xyz").write_text(TUNGSTEN)
    write(tmp_path / "a.traj", read(tmp_path / "plain.xyz"))
    assert "a.traj: this is an ASE trajectory (.traj)" in refusal("evaluate", ALLOY, "a.traj")
    assert "a.traj: this is an ASE trajectory (.traj)" in refusal("train", "--dry-run", "--train", "a.traj", "-o", "m")
    assert "holds a model and no structures" in refusal("evaluate", ALLOY, ALLOY)
    checkpoint = ROOT / "tests/data/golden/local-s-only/REANN.pth"
    for command in (["info", checkpoint], ["evaluate", checkpoint, "plain.xyz"]):
        assert f"grapevine import {checkpoint} -o model.safetensors" in refusal(*command)


def test_columns_that_are_not_used_are_no_reason_to_refuse_a_file(run, refusal, tmp_path):
    head = '2\nLattice="3.2 0 0 0 3.2 0 0 0 3.2" Properties=species:S:1:pos:R:3:{}:forces:R:3 pbc="T T T"\n'
    atoms = "W 0 0 0 {0} 0 0 0\nW 1.6 1.6 1.6 {0} 0 0 0\n"
    for column, values in {"magmoms:R:1": "nan", "move_mask:L:3": "1 1 0", "tag:I:1": "1.5"}.items():
        (tmp_path / "a.xyz").write_text(head.format(column) + atoms.format(values))
        assert run("evaluate", ALLOY, "a.xyz", "-o", "o.xyz")[0] == 0
    text = head.format("a:I:1") + "W 0 0 0 1 0 0 0\nW 1.6 1.6 1.6 1 0 nan 0\n"
    (tmp_path / "a.xyz").write_text(text + text)
    assert "frame 1: line 4: 'nan' of forces of atom 2 is not a finite number" in refusal("evaluate", ALLOY, "a.xyz")
    (tmp_path / "a.xyz").write_text(TUNGSTEN + TUNGSTEN.replace("W 0 0", "W 0 nan"))
    assert "a.xyz:6: 'nan' of pos of atom 1 is not a finite number (frame 2)" in refusal("evaluate", ALLOY, "a.xyz")


@pytest.mark.parametrize(
    "arguments",
    [
        ["info", WATER],
        ["info", WATER, "--json"],
        ["train", "--init"],
        ["evaluate", ALLOY, "w.xyz"],
        ["evaluate", ALLOY, "w.xyz", "--json"],
        ["bench", "--help"],
        ["--version"],
        ["lammps", "--dry-run"],
    ],
    ids=lambda arguments: " ".join(map(str, arguments[:1] + arguments[-1:])),
)
def test_output_onto_a_full_disk_is_an_error(grapevine, tmp_path, arguments):
    (tmp_path / "w.xyz").write_text(TUNGSTEN)
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [grapevine, *arguments], stdout=full, stderr=subprocess.PIPE, text=True, cwd=tmp_path, timeout=60
        )
    assert done.returncode == 1
    assert done.stderr == "grapevine: error: cannot write to standard output: No space left on device\n"
