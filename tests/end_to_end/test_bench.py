"""grapevine bench: what it leaves behind, on systems far too small to measure anything."""

import functools
import json
import signal
import subprocess
import time
from pathlib import Path

import pytest
from lammps_run import ROOT, VENV

ALLOY = ROOT / "models" / "nbmotaw.safetensors"
WATER = ROOT / "models" / "water.safetensors"
SHORT = ["--rounds", "1", "--steps", "4"]


@pytest.fixture
def bench(grapevine, tmp_path):
    """bench(*arguments): the finished process; output goes to tmp_path / "out"."""

    def run(*arguments):
        return subprocess.run([grapevine, "bench", *map(str, arguments), "-o", tmp_path / "out"], text=True,
                              capture_output=True, stdin=subprocess.DEVNULL, timeout=120)

    return run


def results_of(done, folder):
    assert done.returncode == 0, done.stderr
    assert (folder / "out" / "table.md").read_text() in done.stdout
    results = json.loads((folder / "out" / "results.json").read_text())
    assert results["machine"]["cores"] >= 1
    assert results["machine"]["lammps"].startswith("22 Jul 2025")
    assert results["commands"]
    assert not list((folder / "out").rglob("*part-*"))
    return results


def is_picture(path):
    return path.read_bytes().startswith(b"\x89PNG")


def test_potentials_are_run_in_turn_and_compared(bench, tmp_path):
    done = bench("--rounds", 2, "--steps", 8, "--atoms", 256, "--only", "silver,eam,alloy,meam", "--alloy-model", ALLOY)
    results = results_of(done, tmp_path)
    shown = [line.split(": ")[1] for line in done.stderr.splitlines() if line.startswith("round")]
    assert shown == 2 * ["Grapevine, silver", "eam, silver", "Grapevine, NbMoTaW", "meam, MoVFeCr"]
    ours, eam = (results["runs"][name] for name in ("Grapevine, silver", "eam, silver"))
    assert [run["steps"] for run in ours + eam] == 4 * [8]
    assert {run["atoms"] for run in ours + eam} == {256}
    ratios = [a["microseconds_per_atom_step"] / b["microseconds_per_atom_step"] for a, b in zip(ours, eam)]
    measured = results["targets"][0]["measured"]
    assert measured["low"] == pytest.approx(min(ratios))
    assert measured["median"] == pytest.approx(sum(ratios) / 2)
    assert all(run["work"]["atoms_computed_per_layer"] == [256, 256] for run in ours)
    assert is_picture(tmp_path / "out" / "potentials.png")


def test_absent_pytorch_is_one_line_and_no_error(bench, tmp_path):
    if subprocess.run([VENV / "bin" / "python", "-c", "import torch"], capture_output=True).returncode == 0:
        pytest.skip("PyTorch is installed")
    done = bench(*SHORT, "--atoms", 108, "--only", "silver", "--peer-torch", "--python", VENV / "bin" / "python")
    results_of(done, tmp_path)
    assert sum("PyTorch is left out" in line for line in done.stderr.splitlines()) == 1
    assert "PyTorch is left out" in done.stdout


def test_layers_are_counted_and_fitted(bench, tmp_path):
    results = results_of(bench("layers", *SHORT, "--atoms", 256, "--most-layers", 2), tmp_path)
    assert [results["runs"][f"T = {t}"][0]["work"]["layers"] for t in range(3)] == [0, 1, 2]
    times = [row["median"] for row in results["microseconds_per_atom_step"]]
    line = results["line"]
    assert line["intercept"] + line["slope"] == pytest.approx(sum(times) / 3)  # it passes through the mean
    assert is_picture(tmp_path / "out" / "layers.png")


def test_deep_ghosts_are_computed(bench, tmp_path):
    results = results_of(bench("halo", *SHORT, "--atoms", 256, "--most-layers", 2), tmp_path)
    assert [row["layers"] for row in results["domains"]] == [1, 2]
    for row, depth in zip(results["domains"], (2, 3)):  # cells of silver in (T + 1) 4 A and the skin
        assert row["own_atoms"] == 256 and row["computed_atoms"] == 4 * (4 + 2 * depth) ** 3
        (deep,) = (results["runs"][f"256 deep, T = {row['layers']}"])[:1]
        assert deep["work"]["atoms_computed_per_layer"] == [row["computed_atoms"]] * (row["layers"] + 1)
        assert row["ratio"]["median"] > 1
    assert is_picture(tmp_path / "out" / "halo.png")


def test_ranks_send_what_theory_says(bench, tmp_path):
    results = results_of(bench("scaling", *SHORT, "--atoms", "500,108", "--ranks", "2,1"), tmp_path)
    volume = {(row["atoms"], row["ranks"]): row for row in results["volume"]}
    assert set(volume) == {(500, 1), (500, 2), (1000, 2), (108, 1), (108, 2), (216, 2)}
    for (atoms, ranks), row in volume.items():
        assert row["equal"]
        assert row["numbers_forward_per_rank"] == row["numbers_reverse_per_rank"]
        assert row["numbers_forward_per_rank"] == pytest.approx(7 * row["halo_atoms_per_rank"])
        assert (row["halo_atoms_per_rank"] > 0) == (ranks > 1)
    ranks = [row["ranks"] for row in results["projection"]]
    assert ranks[0] * 2_000_000 >= 100_000_000 and ranks[-1] > 1000
    efficiencies = [row["efficiency"] for row in results["projection"]]
    assert efficiencies == sorted(efficiencies, reverse=True) and 0 < efficiencies[-1] < 1
    assert "Not measured" in (tmp_path / "out" / "table.md").read_text()
    assert all(is_picture(tmp_path / "out" / f"{name}.png") for name in ("strong", "weak", "projection"))


def test_memory_grows_with_the_atoms(bench, tmp_path):
    results = results_of(bench("memory", *SHORT, "--atoms", "4000,108000"), tmp_path)
    assert 100 < results["bytes_per_atom"]["eam"] < results["bytes_per_atom"]["silver"] < 10000
    assert is_picture(tmp_path / "out" / "memory.png")


def test_water_is_run_with_each_model(bench, tmp_path):
    results = results_of(bench("water", WATER, *SHORT, "--molecules", 3), tmp_path)
    (run,) = results["runs"]["Grapevine, water"]
    assert run["atoms"] == 81 and run["steps"] == 4
    assert is_picture(tmp_path / "out" / "water.png")


def test_absent_mace_torch_is_one_line_and_no_error(bench, tmp_path):
    if subprocess.run([VENV / "bin" / "python", "-c", "import mace"], capture_output=True).returncode == 0:
        pytest.skip("mace-torch is installed")
    python = ["--python", VENV / "bin" / "python"]
    done = bench("water", WATER, *SHORT, "--molecules", 2, "--peer-mace", WATER, *python)
    results_of(done, tmp_path)
    assert sum("mace-torch is left out" in line for line in done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["--only", "silver,gold"], "gold: there is no such case"),
        (["--atoms", "0"], "--atoms"),
        (["--rounds", "many"], "--rounds"),
        (["--silver-model", "nowhere.safetensors"], "nowhere.safetensors"),
        (["--only", "eam", "--peer-torch"], "needs the case silver"),
        (["scaling", "--ranks", "2"], "one rank has to be among them"),
        (["memory", "--atoms", "4000"], "two different sizes"),
        (["water", WATER, "--peer-mace", "nowhere.model"], "nowhere.model"),
        (["water", WATER, "--peer-mace", WATER, "--peer-mace", WATER], "1 models and 2 files"),
        (["water", WATER, WATER], "two models are called water"),
        (["water", ALLOY], "does not know H"),
        (["colours"], "colours"),
    ],
)
def test_bad_options_are_one_line(bench, tmp_path, arguments, words):
    done = bench(*arguments)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1 and words in done.stderr
    assert not (tmp_path / "out" / "results.json").exists()


def test_a_run_that_fails_names_what_lammps_said_and_where(bench, tmp_path):
    done = bench(*SHORT, "--atoms", 108, "--only", "silver", "--silver-model", ALLOY)
    assert done.returncode == 1
    error = done.stderr.splitlines()[-1]
    assert "ERROR" in error and "Ag" in error
    assert Path(error.split("see ")[1]).read_text()
    assert not (tmp_path / "out" / "results.json").exists()


def test_interrupt_ends_lammps_too(grapevine, tmp_path):
    # A test run in the background inherits SIGINT ignored, and then so does the program under test.
    listen = functools.partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    with subprocess.Popen([grapevine, "bench", "--steps", "100000000", "--atoms", "500", "--only", "eam",
                           "-o", tmp_path / "out"], stderr=subprocess.DEVNULL, preexec_fn=listen) as process:
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        for _ in range(200):
            if (tmp_path / "out/runs/eam/log.lammps").exists() and children.read_text():
                break
            time.sleep(0.05)
        child = int(children.read_text().split()[0])
        process.send_signal(signal.SIGINT)
        try:
            assert process.wait(timeout=20) == -signal.SIGINT
        finally:
            process.kill()
    assert not Path(f"/proc/{child}").exists()
