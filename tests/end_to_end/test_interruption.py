"""Signals end whatever the program or the package is at, soon, and leave no file behind."""

import functools
import os
import signal
import subprocess
import sys
import time

import pytest
from python_helpers import ALLOY, run, tungsten

SIGNALS = [signal.SIGINT, signal.SIGTERM]


def start(command, folder, sent):
    # A test run in the background inherits SIGINT ignored, and then so does the program under test.
    listen = functools.partial(signal.signal, sent, signal.SIG_DFL)
    return subprocess.Popen([str(word) for word in command], cwd=folder, stdout=subprocess.DEVNULL,
                            stderr=subprocess.DEVNULL, preexec_fn=listen)


def open_for_writing(pipe, reader):
    """The pipe, when the reader has opened it."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and reader.poll() is None:
        try:
            return os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
        except OSError:
            time.sleep(0.01)
    pytest.fail("the program has not opened the pipe")


@pytest.mark.parametrize("sent", SIGNALS)
@pytest.mark.parametrize("command", [["evaluate", ALLOY, "pipe.extxyz", "-o", "results/out.extxyz"],
                                     ["train", "--train", "pipe.extxyz", "--cutoff", 4, "-o", "results/model.safetensors"]],
                         ids=lambda command: command[0])
def test_what_waits_for_a_pipe_ends(command, sent, grapevine, tmp_path):
    (tmp_path / "results").mkdir()
    os.mkfifo(tmp_path / "pipe.extxyz")
    running = start([grapevine, *command], tmp_path, sent)
    pipe = open_for_writing(tmp_path / "pipe.extxyz", running)
    os.write(pipe, b"2\n\nW 0 0 0\n")
    time.sleep(0.2)
    assert running.poll() is None
    running.send_signal(sent)
    try:
        assert running.wait(timeout=15) == -sent
    finally:
        running.kill()
        os.close(pipe)
    assert not any((tmp_path / "results").iterdir())


def test_what_waits_for_a_pipe_to_be_opened_ends(grapevine, tmp_path):
    os.mkfifo(tmp_path / "pipe.extxyz")
    running = start([grapevine, "evaluate", ALLOY, "pipe.extxyz"], tmp_path, signal.SIGTERM)
    time.sleep(0.5)
    running.send_signal(signal.SIGTERM)
    try:
        assert running.wait(timeout=15) == -signal.SIGTERM
    finally:
        running.kill()


PYTHON = """
import signal, sys, time
import grapevine
from ase.build import bulk
from grapevine.ase import Grapevine

class Alarm(Exception):
    pass

def ring(*_):
    raise Alarm

atoms = bulk("W", cubic=True, a=3.18) * (34, 34, 34)
atoms.rattle(0.05, seed=1)
model = grapevine.Model(grapevine.shipped_model("nbmotaw"))
atoms.calc = Grapevine(model, precision="double", threads=int(sys.argv[1]))

def forces():
    atoms.calc.reset()
    atoms.get_forces()

def results():
    grapevine.evaluate(model, [atoms], precision="double", threads=int(sys.argv[1]))

def seconds(work):
    start = time.monotonic()
    work()
    return time.monotonic() - start

signal.signal(signal.SIGALRM, ring)
for work in (forces, results):
    whole = seconds(work)
    signal.setitimer(signal.ITIMER_REAL, 0.1 * whole)
    start = time.monotonic()
    try:
        work()
        print("was not interrupted")
    except Alarm:
        if time.monotonic() - start > 0.9 * whole:
            print("was interrupted when it had ended")
    work()
"""


@pytest.mark.parametrize("threads", [1, 2])
def test_python_handles_signals_within_an_evaluation(threads, tmp_path):
    done = run([sys.executable, "-c", PYTHON, threads], tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""


# ---- numbers of threads


@pytest.fixture
def structure(tmp_path):
    tungsten((3, 3, 3), 0.05).write(tmp_path / "structure.extxyz")
    return tmp_path / "structure.extxyz"


@pytest.mark.parametrize("said", ["100000", "0", "many", "-1"])
def test_an_absurd_number_of_threads_is_one_clear_line(said, grapevine, structure, tmp_path):
    for command in ([grapevine, "evaluate", ALLOY, structure],
                    [grapevine, "train", "--train", structure, "--cutoff", 4, "-o", "model.safetensors"]):
        done = run(command, tmp_path, OMP_NUM_THREADS=said)
        assert done.returncode == 1
        assert len(done.stderr.splitlines()) == 1
        assert f"OMP_NUM_THREADS is '{said}'" in done.stderr
    assert not (tmp_path / "model.safetensors").exists()


def test_more_threads_than_the_system_allows_are_one_clear_line(grapevine, structure, tmp_path):
    tungsten((12, 12, 12), 0.05).write(tmp_path / "large.extxyz")
    command = f"ulimit -v 1000000; exec {grapevine} evaluate {ALLOY} large.extxyz --threads 4000"
    done = run(["sh", "-c", command], tmp_path)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert "threads cannot be started" in done.stderr or "not enough memory" in done.stderr
    few = run([grapevine, "evaluate", ALLOY, structure, "--threads", 4096], tmp_path)
    assert few.returncode == 0, few.stderr


def test_lammps_refuses_an_absurd_number_of_threads(lammps):
    refused = lammps(f"""
units metal
lattice bcc 3.18
region box block 0 3 0 3 0 3
create_box 1 box
create_atoms 1 box
mass 1 183.84
pair_style grapevine
pair_coeff * * {ALLOY} W
run 0
""", threads=5000, must="fail")
    assert "5000 threads are asked for, and there can be 4096 at most" in refused.output
