#!/usr/bin/env python3
"""Memory and time of a model at constant pressure against the number of atoms, on two ranks.

    .venv/bin/python bench/constant_pressure.py MODEL.safetensors [--system water] [--ranks 2] [--steps 100] [--output bench-results]

Random fcc CrCoNi at 1200 K, up to 10,976 atoms, or liquid water at 300 K from a lattice of molecules, up to 10,125 atoms,
both at zero pressure. Peak resident memory is that of the largest process, LAMMPS, MPI and the neighbour list included.
Prints a table and leaves constant_pressure.csv and constant_pressure.png.
"""

import argparse
import csv
import subprocess
import sys
import time
from pathlib import Path

import ase.io
import numpy as np
from long_run import rank_memory
from programs import GRAPEVINE, last_loop
from universal_speed import water

ALLOY = """units metal
boundary p p p
lattice fcc 3.56
region box block 0 {cells} 0 {cells} 0 {cells}
create_box 3 box
create_atoms 1 box
set type 1 type/ratio 2 0.3333 11
set type 1 type/ratio 3 0.5 12
mass 1 51.9961
mass 2 58.9332
mass 3 58.6934
displace_atoms all random 0.05 0.05 0.05 5
pair_style grapevine mixed
pair_coeff * * {model} Cr Co Ni
velocity all create 1200 7
timestep 0.002
fix move all npt temp 1200 1200 0.1 iso 0 0 1
thermo 10
thermo_style custom step temp pe press vol density
run {steps}
"""

WATER = """units metal
boundary p p p
read_data water-{cells}.data
mass 1 1.008
mass 2 15.999
pair_style grapevine mixed
pair_coeff * * {model} H O
neighbor 1.0 bin
minimize 0 0.5 50 100
reset_timestep 0
velocity all create 300 7
timestep 0.0005
fix move all npt temp 300 300 0.05 iso 0 0 0.5
thermo 10
thermo_style custom step temp pe press vol density
run {steps}
"""

# Input, and edges in unit cells of four atoms or in molecules of three.
SYSTEMS = {"CrCoNi": (ALLOY, [6, 10, 14]), "water": (WATER, [6, 10, 15])}


def measure(folder, system, cells, model, ranks, steps):
    """Seconds per step, peak bytes, atoms."""
    name = f"{system}-{cells}"
    if system == "water":
        ase.io.write(folder / f"water-{cells}.data", water(cells), format="lammps-data", specorder=["H", "O"])
    script = SYSTEMS[system][0].format(cells=cells, model=model, steps=steps)
    (folder / f"in.{name}").write_text(script + "shell sleep 1\n")  # it waits to be seen
    command = [GRAPEVINE, "lammps", "-np", str(ranks), "-in", f"in.{name}", "-log", f"log.{name}"]
    peak = 0.0
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL) as running:
        while running.poll() is None:
            peak = max(peak, *rank_memory(running.pid, "VmHWM"), 0.0)
            time.sleep(0.2)
    if running.returncode != 0:
        sys.exit(f"the run failed; see {folder / f'log.{name}'}")
    seconds, taken, atoms = last_loop((folder / f"log.{name}").read_text())
    return {"atoms": atoms, "steps": taken, "ms per step": 1e3 * seconds / taken, "bytes": 2**20 * peak}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--system", choices=SYSTEMS, default="CrCoNi", help="default: CrCoNi")
    parser.add_argument("--ranks", type=int, default=2)
    parser.add_argument("--steps", type=int, default=100, help="of the largest system; a tenth of them for the others")
    parser.add_argument("--cells", type=int, nargs="+", help="edges in unit cells of four atoms, or in molecules")
    parser.add_argument("--output", type=Path, default=Path("bench-results"))
    arguments = parser.parse_args()
    folder = (arguments.output / "constant-pressure").resolve()
    folder.mkdir(parents=True, exist_ok=True)
    sizes = sorted(arguments.cells or SYSTEMS[arguments.system][1])
    rows = []
    for cells in sizes:
        steps = arguments.steps if cells == sizes[-1] else max(1, arguments.steps // 10)
        rows.append(measure(folder, arguments.system, cells, arguments.model.resolve(), arguments.ranks, steps))
        row = rows[-1]
        print(f"{row['atoms']:>8} atoms  {row['steps']:>4} steps  {row['ms per step']:>9.1f} ms per step  "
              f"{row['bytes'] / 1e9:6.3f} GB per rank", flush=True)
    if len(rows) > 1:
        slope = np.polyfit([row["atoms"] / arguments.ranks for row in rows], [row["bytes"] for row in rows], 1)[0]
        print(f"{slope:.0f} bytes per own atom of a rank, its share of ghosts included")
    with open(arguments.output / "constant_pressure.csv", "w", newline="") as file:
        table = csv.DictWriter(file, rows[0])
        table.writeheader()
        table.writerows(rows)
    title = f"{arguments.model.stem}, {arguments.system} at constant pressure"
    draw(rows, arguments.ranks, title, arguments.output / "constant_pressure.png")


def draw(rows, ranks, title, path):
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(5, 3.4), layout="constrained")
    axes.plot([row["atoms"] for row in rows], [row["bytes"] / 1e9 for row in rows], "o-", color="#0072B2")
    axes.set(xlabel="atoms", ylabel=f"peak memory of each of {ranks} ranks (GB)", xlim=0, ylim=0,
             title=title)
    axes.grid(alpha=0.3)
    figure.savefig(path, dpi=150)


if __name__ == "__main__":
    main()
