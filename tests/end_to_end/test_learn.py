"""grapevine learn: whole runs on a cheap surface, killed and given again, and what is refused."""

import json
import os
import re
import signal
import subprocess
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import read, write
from python_helpers import PROGRAM, bare_environment, run

KILLS = int(os.environ.get("GRAPEVINE_TEST_KILLS", 4))

CONFIG = """
processes = 1

[start]
structures = ["copper.extxyz"]
copies = 4

[label]
calculator = "ase.calculators.emt.EMT"

[[explore]]
temperatures = [900]
time = 0.1
timestep = 1.0
every = 5

[select]
number = 4
lower = 0.05
upper = 1.0

[train]
committee = 2
cutoff = 4.0
waves = 4
message_widths = [6, 6]
readout_widths = [6, 6]
layers = 0
epochs = 12
batch = 2
final = false

[stop]
rounds = 2
"""


def make(folder, config=CONFIG):
    folder.mkdir(exist_ok=True)
    write(folder / "copper.extxyz", bulk("Cu", cubic=True, a=3.6) * (2, 1, 1))
    (folder / "run.toml").write_text(config)
    return folder


def learn(folder, *words, timeout=600):
    return run([PROGRAM, "learn", *words, "run.toml"], folder, timeout=timeout, OMP_NUM_THREADS="1")


def finished(folder):
    done = learn(folder)
    assert done.returncode == 0, done.stderr
    return done


def data_of(folder):
    """The data set without the names of its labels."""
    return re.sub(r"label=\w+ ", "", (folder / "run" / "data.extxyz").read_text())


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory):
    folder = make(tmp_path_factory.mktemp("learn") / "unbroken")
    return folder, finished(folder)


def test_a_run_leaves_everything_in_its_folder(unbroken):
    folder, done = unbroken
    place = folder / "run"
    frames = read(place / "data.extxyz", ":")
    per_round = [len(read(place / f"round-{n:03}" / "labelled.extxyz", ":")) for n in range(3)]
    assert per_round[0] == 5 and all(0 < count <= 4 for count in per_round[1:]) and sum(per_round) == len(frames)
    label = json.loads((place / "label.json").read_text())
    assert label["calculator"] == "ase.calculators.emt.EMT"
    for atoms in frames:
        assert atoms.info["label"] == label["tag"]
        forces, energy = atoms.get_forces(), atoms.get_potential_energy()
        atoms.calc = EMT()
        assert atoms.get_potential_energy() == pytest.approx(energy, abs=1e-6)
        np.testing.assert_allclose(atoms.get_forces(), forces, atol=1e-5)
    state = json.loads((place / "state.json").read_text())
    assert state["finished"] == "2 rounds are done" and all(Path(path).is_file() for path in state["models"])
    assert len(state["models"]) == 2 and state["seconds"] > 0
    report = (place / "report.html").read_text()
    assert report.count("data:image/png;base64,") >= 4 and "http" not in report.split("</style>")[1]
    assert "2 rounds are done" in report and state["models"][0] in report
    events = [json.loads(line)["event"] for line in (place / "log.jsonl").read_text().splitlines()]
    assert events[0] == "begin" and events[-1] == "end" and events.count("labels") == 3
    assert not list(place.rglob("*.part")) and not list(place.rglob("*.writing"))


def test_it_tells_what_it_does(unbroken):
    _, done = unbroken
    assert "round 0: 5 labelled, 0 failed" in done.stderr
    assert "1 runs" in done.stderr and "candidates" in done.stderr and "report.html" in done.stderr
    assert done.stdout == "" and "\r" not in done.stderr


def test_candidates_lie_between_the_bounds_and_summaries_agree(unbroken):
    folder, _ = unbroken
    for n in (1, 2):
        place = folder / "run" / f"round-{n:03}"
        summary = json.loads((place / "summary.json").read_text())
        (found,) = summary["runs"].values()
        candidates = read(place / "candidates.extxyz", ":")
        assert summary["candidates"] == len(candidates)
        assert found["below"] + found["between"] + found["above"] == len(found["deviations"])
        for atoms in candidates:
            assert 0.05 <= atoms.info["deviation"] < 1.0 and atoms.info["step"] > 0
            assert atoms.arrays["deviation"].max() == pytest.approx(atoms.info["deviation"], rel=1e-3)
        before = summary["before"]
        assert before["frames"] == summary["labelled"] and 0 < before["forces"] < 20


def test_no_structure_is_labelled_twice(unbroken):
    frames = read(unbroken[0] / "run" / "data.extxyz", ":")
    assert len({atoms.positions.round(5).tobytes() for atoms in frames}) == len(frames)


def test_models_that_know_nothing_learn_all_the_same(tmp_path):
    """Where a run is above the bound from its beginning, a structure a little further is labelled."""
    config = CONFIG.replace("lower = 0.05\nupper = 1.0", "lower = 1e-6\nupper = 2e-6").replace("epochs = 12", "epochs = 2")
    folder = make(tmp_path / "nothing", config.replace("rounds = 2", "rounds = 1"))
    finished(folder)
    (atoms,) = read(folder / "run" / "round-001" / "labelled.extxyz", ":")
    assert atoms.info["step"] == 5
    (found,) = json.loads((folder / "run" / "round-001" / "summary.json").read_text())["runs"].values()
    assert found["ended"] == "above" and found["steps"] == 5


def test_the_same_again_does_nothing(unbroken):
    folder, _ = unbroken
    before = {path: path.stat().st_mtime_ns for path in (folder / "run").rglob("*.extxyz") if path.name != "data.extxyz"}
    finished(folder)
    assert {path: path.stat().st_mtime_ns for path in before} == before


def start(folder):
    return subprocess.Popen([PROGRAM, "learn", "run.toml"], cwd=folder, env=bare_environment(OMP_NUM_THREADS="1"),
                            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


COUNTING = """
from ase.calculators.emt import EMT

class Counting(EMT):
    def calculate(self, *arguments, **keywords):
        super().calculate(*arguments, **keywords)
        with open(%r, "a") as file:
            file.write(self.atoms.positions.tobytes().hex() + "\\n")
"""


def test_killed_at_random_moments_it_ends_with_the_same_data(unbroken, tmp_path):
    """By SIGKILL, some time after some files have appeared. Nothing that it started goes on; no label that was kept is
    computed again."""
    folder = make(tmp_path / "killed", CONFIG.replace("ase.calculators.emt.EMT", "counting.Counting"))
    (folder / "counting.py").write_text(COUNTING % str(folder / "counted.txt"))
    random = np.random.default_rng()
    kills = 0
    for _ in range(KILLS):
        process = start(folder)
        wanted = files_in(folder) + random.integers(1, 14)
        while process.poll() is None and files_in(folder) < wanted:
            time.sleep(0.02)
        time.sleep(random.uniform(0, 0.5))
        if process.poll() is not None:
            break
        process.send_signal(signal.SIGKILL)
        process.wait()
        kills += 1
        time.sleep(0.5)
        assert not list(processes_in(folder)), "what it started outlives it"
    finished(folder)
    assert data_of(folder) == data_of(unbroken[0])
    counted = Counter((folder / "counted.txt").read_text().splitlines())
    assert sum(count - 1 for count in counted.values()) <= kills, "more labelled twice than were under way"


def files_in(folder):
    return sum(len(files) for _, _, files in os.walk(folder))


def processes_in(folder):
    """Processes that work in the folder."""
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if (entry / "cwd").resolve().is_relative_to(folder / "run"):
                yield (entry / "cmdline").read_text().replace("\0", " ")
        except OSError:
            pass


def test_a_second_one_in_the_folder_is_refused(tmp_path):
    folder = make(tmp_path / "two")
    first = start(folder)
    try:
        deadline = time.monotonic() + 30
        while not (folder / "run" / "log.jsonl").exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        second = learn(folder)
        assert second.returncode == 1
        assert second.stderr == f"grapevine: error: another grapevine learn is at work in {folder / 'run'}\n"
    finally:
        first.kill()
        first.wait()


# ---- bad input, one line each


def refused(folder, told, *words):
    done = learn(folder, *words)
    assert done.returncode == 1 and done.stdout == "", done.stderr
    assert done.stderr.startswith("grapevine: error: ") and done.stderr.count("\n") == 1, done.stderr
    assert told in done.stderr


@pytest.mark.parametrize("old, new, told", [
    ("number = 4", "numbr = 4", "run.toml: unknown key select.numbr"),
    ("ase.calculators.emt.EMT", "no.such.Thing", "cannot import no.such.Thing: No module named 'no'; install what has it for"),
    ("ase.calculators.emt.EMT\"", "tempfile.mkdtemp\"\nkeywords = { depth = 3 }", "cannot be made"),
    ("epochs = 12", "epoch = 12", "epoch"),
    ("epochs = 12", "epochs = -3", "epochs"),
    ("copper.extxyz", "silver.extxyz", "silver.extxyz"),
    ("[[explore]]", "[[explore]]\nkind = 'template'\ntemplate = 'in.none'", "in.none"),
    ("[[explore]]", "[[explore]]\nbegin = ['silver']", "there is no silver; there are copper"),
])
def test_bad_input_is_told_in_one_line_before_anything_is_written(old, new, told, tmp_path):
    folder = make(tmp_path / "bad", CONFIG.replace(old, new, 1))
    refused(folder, told, "--dry-run")
    refused(folder, told)
    assert not (folder / "run").exists()


def test_without_a_file_or_with_one_that_is_not_there(tmp_path):
    for words, told in ((["learn"], "configuration file is missing"), (["learn", "none.toml"], "none.toml")):
        done = run([PROGRAM, *words], tmp_path)
        assert done.returncode == 1 and told in done.stderr and done.stderr.count("\n") == 1


def test_a_python_without_the_package_is_told(tmp_path):
    make(tmp_path)
    done = run([PROGRAM, "learn", "run.toml"], tmp_path, GRAPEVINE_PYTHON="/no/such/python")
    assert done.returncode == 1 and "GRAPEVINE_PYTHON=/no/such/python" in done.stderr


def test_init_writes_a_file_that_a_dry_run_takes(tmp_path):
    assert run([PROGRAM, "learn", "--init", "run.toml"], tmp_path).returncode == 0
    done = learn(tmp_path, "--dry-run")
    assert done.returncode == 0 and "all is well" in done.stdout, done.stderr
    assert not (tmp_path / "run").exists()
    refused(tmp_path, "exists already", "--init")


def test_labels_of_another_definition_are_refused(unbroken, tmp_path):
    source = unbroken[0] / "run" / "data.extxyz"
    given = CONFIG.replace("copies = 4", f'copies = 0\nlabelled = ["{source}"]').replace("rounds = 2", "rounds = 0")
    other = make(tmp_path / "other", given.replace("EMT\"", "EMT\"\nkeywords = { asap_cutoff = true }"))
    refused(other, "data of another definition do not belong together")
    same = make(tmp_path / "same", given)
    finished(same)
    assert len(read(same / "run" / "data.extxyz", ":")) == len(read(source, ":")) + 1
    (same / "run.toml").write_text(given.replace("EMT\"", "EMT\"\nkeywords = { asap_cutoff = true }"))
    refused(same, "has labels of another definition (keywords:")


@pytest.mark.parametrize("broken, told", [
    ("def calculator():\n    raise RuntimeError('no licence')\n", "cannot be made: no licence"),
    ("from ase.calculators.calculator import Calculator\n\nclass calculator(Calculator):\n"
     "    implemented_properties = ['energy', 'forces']\n\n    def calculate(self, *arguments):\n"
     "        raise RuntimeError('no licence')\n", "no structure of the start could be labelled: RuntimeError: no licence"),
])
def test_a_labeller_that_always_fails_ends_in_one_line(broken, told, tmp_path):
    (tmp_path / "broken.py").write_text(broken)
    done = learn(make(tmp_path, CONFIG.replace("ase.calculators.emt.EMT", "broken.calculator")))
    assert done.returncode == 1 and told in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


# ---- templates, ranks, clusters


TEMPLATE = """
include      ${begin}
velocity     all create ${temperature} ${seed}
fix          move all nvt temp ${temperature} ${temperature} 0.05
include      ${watch}
run          ${steps}
"""


def test_a_template_on_two_ranks_and_fragments(tmp_path):
    config = CONFIG.replace("[[explore]]", "[[explore]]\nkind = 'template'\ntemplate = 'in.mine'\nranks = 2")
    config = config.replace("number = 4", "number = 2\nfragment = 3.0").replace("rounds = 2", "rounds = 1")
    folder = make(tmp_path / "mine", config)
    (folder / "in.mine").write_text(TEMPLATE)
    assert "surfaces" in learn(folder, "--dry-run").stdout
    finished(folder)
    place = folder / "run" / "round-001"
    (log,) = place.glob("explore/*/log.lammps")
    assert "2 by 1 by 1 MPI processor grid" in log.read_text()
    labelled = read(place / "labelled.extxyz", ":")
    assert labelled and not any(atoms.pbc.any() for atoms in labelled)


def test_a_mistake_in_a_template_is_told(tmp_path):
    config = CONFIG.replace("[[explore]]", "[[explore]]\nkind = 'template'\ntemplate = 'in.mine'")
    folder = make(tmp_path / "mine", config.replace("epochs = 12", "epochs = 1"))
    (folder / "in.mine").write_text(TEMPLATE.replace("fix ", "fixx ", 1))
    refused_late = learn(folder)
    assert refused_late.returncode == 1 and "Unknown command: fixx" in refused_late.stderr
    assert "Traceback" not in refused_late.stderr


@pytest.mark.parametrize("kind, extra", [("npt", "pressures = [1000]"), ("compress", "compression = 0.9"), ("nve", "")])
def test_every_kind_of_stage_runs(kind, extra, tmp_path):
    config = CONFIG.replace("[[explore]]", f"[[explore]]\nkind = '{kind}'\n{extra}").replace("rounds = 2", "rounds = 1")
    folder = make(tmp_path / kind, config.replace("epochs = 12", "epochs = 3").replace("upper = 1.0", "upper = 50"))
    finished(folder)
    (result,) = (folder / "run" / "round-001").glob("explore/*/result.json")
    found = json.loads(result.read_text())
    assert found["ended"] == "whole" and found["steps"] == 100 and len(found["deviations"]) == 21
    end = read(result.parent / "end.extxyz")
    begun = read(folder / "copper.extxyz")
    factor = (end.cell.volume / begun.cell.volume) ** (1 / 3)
    assert {"npt": 0.7 < factor < 1.3 and factor != 1, "compress": abs(factor - 0.9) < 1e-4,
            "nve": abs(factor - 1) < 1e-6}[kind]


def test_given_labels_need_energies(tmp_path):
    atoms = bulk("Cu", cubic=True)
    atoms.calc = SinglePointCalculator(atoms, energy=1.0)
    folder = make(tmp_path / "bare", CONFIG.replace("copies = 4", 'copies = 0\nlabelled = ["given.extxyz"]'))
    write(folder / "given.extxyz", atoms)
    refused(folder, "structure 1 has no energy or no forces")
