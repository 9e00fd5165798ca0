"""Runs that are broken off, and runs that go on for long."""

import os
import re
import signal
import subprocess
import time

import numpy as np
import pytest
from lammps_run import (MEASURE, ROOT, VENV, dump, environment, fcc_mixture, relative_difference, setup,
                        thermal_velocities, write_data)

ELEMENTS = ["O", "C", "Ni"]
ATOMS = fcc_mixture(3, 3, 3)
ALLOY = ROOT / "models" / "nbmotaw.safetensors"


def start_in_background(folder, script, ranks):
    (folder / "in.broken").write_text(script)
    lmp = next(VENV.glob("lib/python3*/site-packages/lammps/lmp"))
    command = [VENV / "bin" / "mpiexec", "-n", str(ranks), lmp, "-in", "in.broken", "-log", "log.broken"]
    return subprocess.Popen(command, cwd=folder, env=environment(), stdout=subprocess.DEVNULL,
                            stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, start_new_session=True)


def wait_for(condition, seconds, what):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not happen in {seconds} s"
        time.sleep(0.01)


def children_of(pid):
    """All processes below one, the ranks of an mpiexec among them."""
    found, names = [], {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open(f"/proc/{entry}/stat") as file:
                    words = file.read().rsplit(")", 1)[1].split()
                names.setdefault(int(words[1]), []).append(int(entry))
            except (OSError, IndexError):
                pass
    todo = [pid]
    while todo:
        for child in names.get(todo.pop(), []):
            found.append(child)
            todo.append(child)
    return found


def test_a_killed_run_resumes_from_its_restart_file(lammps, tmp_path, three_layer):
    write_data(tmp_path / "data.test", ATOMS, ELEMENTS, thermal_velocities(ATOMS, 300))
    head = setup(three_layer, ELEMENTS)
    move = "neighbor 0.5 bin\ntimestep 0.0002\nfix move all nve\n"
    whole = lammps(head + move + MEASURE + dump(every=400) + "run 400\n", 2)

    broken = start_in_background(tmp_path, head + move + "restart 100 part.*.restart\nrun 1000000\n", 2)
    try:
        wait_for((tmp_path / "part.300.restart").exists, 120, "the third restart file")
    finally:
        for process in [*children_of(broken.pid), broken.pid]:
            os.kill(process, signal.SIGKILL)
        broken.wait()
    # The file of step 300 may have been cut short; that of step 200 is whole.
    again = f"read_restart part.200.restart\npair_style grapevine double\npair_coeff * * {three_layer} O C Ni\n"
    resumed = lammps(again + move + MEASURE + dump(every=400) + "run 200\n", 2)
    assert resumed.row["Step"] == whole.row["Step"] == 400
    last, reference = resumed.atoms(), whole.atoms()
    assert np.abs(reference["x"] - whole.atoms(frame=0)["x"]).max() > 0.2, "the atoms hardly moved"
    assert resumed.row["PotEng"] == pytest.approx(whole.row["PotEng"], rel=1e-12)
    # LAMMPS itself numbers atoms anew on reading: sums in another order.
    for name in ("x", "v", "f"):
        assert relative_difference(last[name], reference[name]) < 1e-11, name


def resident_megabytes(pid):
    with open(f"/proc/{pid}/status") as file:
        return int(re.search(r"VmRSS:\s+(\d+) kB", file.read()).group(1)) / 1024


def test_memory_does_not_grow(tmp_path):
    """4,000 steps with a neighbour list made anew in every other; bench/long_run.py goes on for 100,000."""
    script = f"""
units metal
lattice bcc 3.24
region box block 0 4 0 4 0 4
create_box 4 box
create_atoms 1 box
set type 1 type/ratio 2 0.25 5
mass * 120
velocity all create 2000 1
pair_style grapevine
pair_coeff * * {ALLOY} Nb Mo Ta W
neighbor 0.5 bin
neigh_modify every 2 delay 0 check no
fix move all nve
thermo 100
thermo_modify flush yes
run 4000
"""
    running = start_in_background(tmp_path, script, 2)

    def step():
        log = tmp_path / "log.broken"
        rows = re.findall(r"^ +(\d+) +\S+ +\S+ +\S+ +\S+ +\S+ *$", log.read_text(), re.M) if log.exists() else []
        return int(rows[-1]) if rows else -1

    def ranks():
        return [p for p in children_of(running.pid) if "lmp" in open(f"/proc/{p}/comm").read()]

    try:
        wait_for(lambda: step() >= 800, 120, "step 800")
        early = sum(map(resident_megabytes, ranks()))
        assert early > 0
        wait_for(lambda: step() >= 3500, 240, "step 3500")
        late = sum(map(resident_megabytes, ranks()))
    finally:
        for process in [*children_of(running.pid), running.pid]:
            os.kill(process, signal.SIGKILL)
        running.wait()
    assert late - early < 1.0, f"{early:.1f} MB at step 800, {late:.1f} MB at step 3500"
