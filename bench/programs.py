"""How benchmarks run programs: Grapevine's, and those it is compared with, as they come and at their best."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
GRAPEVINE = ROOT / "build" / "bin" / "grapevine"

# The C library keeps memory that is freed, instead of asking the kernel for new pages in every step: PyTorch, which gives
# back all of its large tensors in each, is up to twice as fast with it.
KEEP_MEMORY = {"MALLOC_MMAP_THRESHOLD_": "4294967296", "MALLOC_TRIM_THRESHOLD_": "17179869184"}
ENVIRONMENTS = {"as it comes": {}, "at its best": KEEP_MEMORY}


def run(command, **options):
    """What the command prints; ends this program if it fails."""
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, **options)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))} failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.stdout


def last_loop(output):
    """Seconds, steps and atoms of the last run in what LAMMPS printed."""
    seconds, steps, atoms = re.findall(r"Loop time of (\S+) on \d+ procs for (\d+) steps with (\d+) atoms", output)[-1]
    return float(seconds), int(steps), int(atoms)
