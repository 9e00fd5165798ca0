"""Uses an installed wheel as one would: Python, LAMMPS and training on two ranks. Anything that is wrong ends it."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import grapevine
from ase.build import bulk
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import read, write
from grapevine.ase import Grapevine

PACKAGE = Path(grapevine.__file__).parent
ENVIRONMENT = Path(sys.prefix)
MODEL = grapevine.shipped_model("nbmotaw")
# Of glibc and the compiler, and what every Linux with Python has.
SYSTEM = r"(ld-linux.*|lib(c|m|dl|rt|pthread|util|resolv|gcc_s|stdc\+\+|z|expat))\.so\.\d+"

INPUT = f"""
units metal
lattice bcc 3.19
region all block 0 6 0 4 0 4
create_box 1 all
create_atoms 1 box
mass 1 183.84
pair_style grapevine
pair_coeff * * {MODEL} W
velocity all create 600 4711
fix move all nve
thermo 10
run 20
"""


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout


def check_surroundings():
    for tool in ("c++", "g++", "gcc", "cc", "cmake", "ninja", "dpkg"):
        assert shutil.which(tool) is None, tool
    assert PACKAGE.is_relative_to(ENVIRONMENT)


def check_libraries():
    """Every library that the package's files load is in the environment, or the system's own."""
    files = [PACKAGE / "bin" / "grapevine", *PACKAGE.rglob("*.so*")]
    assert {"grapevineplugin.so", "grapevinepair.so"} <= {file.name for file in files}
    for file in files:
        for line in run("ldd", file).splitlines():
            assert "not found" not in line, f"{file}: {line}"
            if "=>" in line:
                name, path = line.split("=>")[0].strip(), line.split("=>")[1].split()[0]
                inside = Path(path).resolve().is_relative_to(ENVIRONMENT)
                assert inside or re.fullmatch(SYSTEM, name), f"{file.name} needs {name}, found in {path}"


def check_calculator():
    atoms = bulk("W", cubic=True) * (2, 2, 2)
    atoms.rattle(0.1, seed=1)
    atoms.calc = Grapevine(MODEL, threads=1)
    energy = atoms.get_potential_energy()
    write("atoms.extxyz", atoms, columns=["symbols", "positions"], write_results=False)
    run("grapevine", "evaluate", MODEL, "atoms.extxyz", "-o", "results.extxyz")
    assert abs(read("results.extxyz").get_potential_energy() - energy) < 1e-4


def check_dynamics():
    Path("in.tungsten").write_text(INPUT)
    for command in (("grapevine", "lammps", "-np", "2"), ("mpirun", "-np", "2", "lmp")):
        output = run(*command, "-in", "in.tungsten", "-log", "none")
        assert re.search(r"2 by 1 by 1 MPI processor grid", output), output
        assert "Grapevine: atoms computed per layer" in output


def check_training():
    frames = []
    for seed in range(6):
        atoms = bulk("W", cubic=True) * (2, 1, 1)
        atoms.rattle(0.1, seed=seed)
        atoms.calc = Grapevine(MODEL, threads=1)
        labels = {"energy": atoms.get_potential_energy(), "forces": atoms.get_forces()}
        atoms.calc = SinglePointCalculator(atoms, **labels)
        frames.append(atoms)
    write("train.extxyz", frames)
    words = ("grapevine", "train", "--train", "train.extxyz", "--cutoff", "4", "--waves", "5", "--message-widths", "8,8",
             "--readout-widths", "8,8", "--epochs", "2", "-o", "trained.safetensors")
    output = run("mpirun", "-np", "2", *words)
    assert output.count("report: trained.report.html") == 1, output  # two programs that know nothing of each other: 2
    assert grapevine.info("trained.safetensors")["species"] == ["W"]
    code = """
import grapevine
grapevine.train(train="train.extxyz", cutoff=4, waves=5, epochs=2, output="by_python.safetensors")
print(open("/proc/self/maps").read())
"""
    maps = run("mpirun", "-np", "2", sys.executable, "-c", code)
    (library,) = set(re.findall(r"/\S*libmpi\.so\S*", maps))
    assert Path(library).is_relative_to(ENVIRONMENT), library
    assert Path("by_python.safetensors").exists()


def check_learning():
    """The program finds the package beside it, and all of it is there."""
    run("grapevine", "learn", "--init", "mine.toml")
    assert "[[explore]]" in Path("mine.toml").read_text()
    assert (PACKAGE / "learn" / "inputs" / "in.heat-and-hold").is_file()


for check in (check_surroundings, check_libraries, check_calculator, check_dynamics, check_training, check_learning):
    check()
    print(f"   {check.__name__.removeprefix('check_')}: passed")
