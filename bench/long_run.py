#!/usr/bin/env python3
"""Does memory grow in a long run? 100,000 steps of a small alloy on two ranks; resident memory against step.

    .venv/bin/python bench/long_run.py [--steps 100000] [--output bench-results]

Leaves long_run.png and long_run.csv in the output folder and prints memory at a tenth of the run and at its end.
"""

import argparse
import csv
import os
import re
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

SCRIPT = """
units metal
lattice bcc 3.24
region box block 0 6 0 6 0 6
create_box 4 box
create_atoms 1 box
set type 1 type/ratio 2 0.25 5
set type 1 type/ratio 3 0.333 6
set type 1 type/ratio 4 0.5 7
mass 1 92.9
mass 2 95.95
mass 3 180.95
mass 4 183.84
velocity all create 2000 1
pair_style grapevine
pair_coeff * * {model} Nb Mo Ta W
neighbor 0.5 bin
neigh_modify every 5 delay 0 check yes
fix move all nve
timestep 0.002
thermo {every}
thermo_modify flush yes
run {steps}
"""


def descendants(pid):
    children = {}
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            parent = int(Path(f"/proc/{entry}/stat").read_text().rsplit(")", 1)[1].split()[1])
        except (OSError, IndexError):
            continue
        children.setdefault(parent, []).append(int(entry))
    found, todo = [], [pid]
    while todo:
        below = children.get(todo.pop(), [])
        found += below
        todo += below
    return found


def rank_memory(pid, kind="VmRSS"):
    """Resident MB of each LAMMPS process: `pid`, which one rank may be itself, and those below it. VmHWM: at its peak."""
    sizes = []
    for process in [pid, *descendants(pid)]:
        try:
            if "lmp" in Path(f"/proc/{process}/comm").read_text():
                kilobytes = re.search(rf"{kind}:\s+(\d+)", Path(f"/proc/{process}/status").read_text())
                sizes.append(int(kilobytes.group(1)) / 1024)
        except (OSError, AttributeError):
            pass
    return sizes


def last_step(log):
    rows = re.findall(r"^ +(\d+)(?: +\S+){5} *$", log.read_text(), re.M) if log.exists() else []
    return int(rows[-1]) if rows else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=100_000)
    parser.add_argument("--ranks", type=int, default=2)
    parser.add_argument("--output", type=Path, default=Path("bench-results"))
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True, exist_ok=True)
    log = arguments.output / "long_run.log"
    log.unlink(missing_ok=True)
    script = arguments.output / "in.long_run"
    model = ROOT / "models" / "nbmotaw.safetensors"
    script.write_text(SCRIPT.format(model=model, steps=arguments.steps, every=max(1, arguments.steps // 1000)))
    command = [ROOT / "build" / "bin" / "grapevine", "lammps", "-np", str(arguments.ranks), "-in", script, "-log", log]
    samples = []
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as running:
        while running.poll() is None:
            sizes = rank_memory(running.pid)
            if len(sizes) == arguments.ranks:
                samples.append((last_step(log), *sizes))
            time.sleep(0.5)
    if running.returncode != 0 or not samples:
        sys.exit(f"the run failed; see {log}")
    with open(arguments.output / "long_run.csv", "w", newline="") as file:
        csv.writer(file).writerows([("step", *(f"rank_{n}_MB" for n in range(arguments.ranks))), *samples])
    draw(samples, arguments.output / "long_run.png")
    early = next(sample for sample in samples if sample[0] >= arguments.steps / 10)
    print(f"{last_step(log)} steps on {arguments.ranks} ranks; resident MB in all: {sum(early[1:]):.2f} at step {early[0]}, "
          f"{sum(samples[-1][1:]):.2f} at step {samples[-1][0]}")


def draw(samples, path):
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(6, 3.5), layout="constrained")
    steps = [sample[0] for sample in samples]
    for rank in range(1, len(samples[0])):
        axes.plot(steps, [sample[rank] for sample in samples], label=f"rank {rank - 1}")
    axes.set(xlabel="step", ylabel="resident memory (MB)", ylim=(0, None))
    axes.legend()
    figure.savefig(path, dpi=150)


if __name__ == "__main__":
    main()
