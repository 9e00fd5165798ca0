"""grapevine lammps: finds LAMMPS, MPI and the plugin; the installed tree stands alone."""

import os
import shutil
import socket
import subprocess

import pytest
from lammps_run import BUILD, ROOT, VENV


def launch(program, *arguments, folder=None, **variables):
    env = {name: value for name, value in os.environ.items() if not name.startswith(("GRAPEVINE_L", "GRAPEVINE_M"))}
    for name in ("LAMMPS_POTENTIALS", "LAMMPS_PLUGIN_PATH", "LD_LIBRARY_PATH", "OMP_NUM_THREADS"):
        env.pop(name, None)
    env.update(variables)
    return subprocess.run([program, "lammps", *map(str, arguments)], env=env, cwd=folder, text=True,
                          capture_output=True, stdin=subprocess.DEVNULL, timeout=60)


def test_dry_run_names_the_real_program_its_libraries_and_the_plugin(grapevine):
    words = launch(grapevine, "--dry-run", "-np", 3, "-in", "in.x").stdout.split()
    assert f"LAMMPS_PLUGIN_PATH={BUILD}/lib" in words
    assert any(word.startswith("LD_LIBRARY_PATH=") and word.endswith(".venv/lib") for word in words)
    assert "OMP_NUM_THREADS=1" in words
    start = next(n for n, word in enumerate(words) if word.endswith("/mpiexec"))
    assert words[start + 1 : start + 3] == ["-n", "3"]
    assert words[start + 3].endswith("site-packages/lammps/lmp")
    assert words[start + 4 :] == ["-in", "in.x"]


def test_one_rank_needs_no_mpiexec(grapevine):
    assert "mpiexec" not in launch(grapevine, "--dry-run", "-in", "in.x").stdout


def test_arguments_reach_lammps_unchanged_and_in_order(grapevine, tmp_path):
    (tmp_path / "in.x").write_text('print "<${word}> <${number}>"\n')
    done = launch(grapevine, "-in", "in.x", "-var", "word", "import", "-log", "none", "-var", "number", "-1",
                  folder=tmp_path)
    assert done.returncode == 0
    assert "<import> <-1>" in done.stdout
    assert not (tmp_path / "log.lammps").exists()


def test_the_users_own_environment_is_kept(grapevine):
    line = launch(grapevine, "--dry-run", LAMMPS_PLUGIN_PATH="/mine", OMP_NUM_THREADS="4", LAMMPS_POTENTIALS="/p").stdout
    assert f"LAMMPS_PLUGIN_PATH={BUILD}/lib:/mine " in line
    assert "OMP_NUM_THREADS" not in line
    assert "LAMMPS_POTENTIALS" not in line


@pytest.mark.parametrize("ranks", [1, 2])
def test_exit_code_is_that_of_the_run(grapevine, tmp_path, ranks):
    (tmp_path / "in.quit").write_text("quit 3\n")
    assert launch(grapevine, "-np", ranks, "-in", "in.quit", folder=tmp_path).returncode == 3


def test_program_of_the_environment_variable_is_used(grapevine):
    done = launch(grapevine, "--dry-run", GRAPEVINE_LMP="/bin/true")
    assert done.stdout.split()[-1] == "/bin/true"


@pytest.mark.parametrize(
    "arguments, variables, told",
    [
        (["-np", "0"], {}, "-np 0"),
        (["-np", "2x"], {}, "-np 2x"),
        (["-in", "x", "-np"], {}, "-np"),
        ([], {"GRAPEVINE_LMP": "/no/such/lmp"}, "GRAPEVINE_LMP=/no/such/lmp"),
        (["-np", "2"], {"GRAPEVINE_MPIEXEC": "no-such-mpiexec"}, "GRAPEVINE_MPIEXEC=no-such-mpiexec"),
    ],
)
def test_a_mistake_is_told_in_one_line(grapevine, arguments, variables, told):
    done = launch(grapevine, *arguments, **variables)
    assert done.returncode == 1
    assert done.stderr.startswith("grapevine: error: ") and told in done.stderr
    assert done.stderr.count("\n") == 1 and not done.stdout


def test_a_missing_plugin_is_told(grapevine, tmp_path):
    (tmp_path / "bin").mkdir()
    alone = shutil.copy(grapevine, tmp_path / "bin")
    done = launch(alone, "-in", "x")
    assert done.returncode == 1
    assert f"{tmp_path}/lib/grapevineplugin.so" in done.stderr


def test_installed_program_uses_nothing_of_the_checkout(grapevine, tmp_path):
    subprocess.run(["cmake", "--install", BUILD, "--prefix", tmp_path], check=True, capture_output=True, timeout=60)
    program = tmp_path / "bin" / "grapevine"
    libraries = subprocess.run(["ldd", program], check=True, capture_output=True, text=True).stdout
    assert str(tmp_path) in libraries and "not found" not in libraries
    assert str(ROOT) not in libraries and str(VENV.resolve()) not in libraries
    info = subprocess.run([program, "info", tmp_path / "share/grapevine/models/nbmotaw.safetensors"], text=True,
                          capture_output=True, timeout=60)
    assert info.returncode == 0 and "W" in info.stdout
    assert f"LAMMPS_PLUGIN_PATH={tmp_path}/lib " in launch(program, "--dry-run").stdout


# As Slurm leaves them to what it starts, and a container passes them on without srun.
SLURM_JOB = {"SLURM_JOBID": "123", "SLURM_NODELIST": socket.gethostname(), "SLURM_NNODES": "1",
             "SLURM_TASKS_PER_NODE": "2", "PATH": "/usr/bin:/bin"}
needs_no_srun = pytest.mark.skipif(shutil.which("srun", path="/usr/bin:/bin") is not None, reason="srun is here")


@needs_no_srun
def test_two_ranks_start_in_a_slurm_job_without_srun(grapevine, tmp_path):
    (tmp_path / "in.x").write_text('print "hello from ${ranks}"\n')
    done = launch(grapevine, "-np", 2, "-in", "in.x", "-log", "none", "-var", "ranks", "two", folder=tmp_path, **SLURM_JOB)
    assert done.returncode == 0 and "hello from two" in done.stdout


@needs_no_srun
@pytest.mark.parametrize("launcher", ["HYDRA_LAUNCHER", "HYDRA_BOOTSTRAP"])
def test_a_launcher_that_the_user_names_is_kept(grapevine, launcher):
    line = launch(grapevine, "--dry-run", "-np", 2, **SLURM_JOB, **{launcher: "ssh"}).stdout
    assert "HYDRA_LAUNCHER=fork" not in line


def test_srun_is_used_where_it_is(grapevine, tmp_path):
    (tmp_path / "srun").write_text("#!/bin/sh\n")
    (tmp_path / "srun").chmod(0o755)
    variables = SLURM_JOB | {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    assert "HYDRA_LAUNCHER" not in launch(grapevine, "--dry-run", "-np", 2, **variables).stdout


@needs_no_srun
def test_several_nodes_without_srun_are_told(grapevine):
    done = launch(grapevine, "-np", 2, "-in", "in.x", **(SLURM_JOB | {"SLURM_NNODES": "3"}))
    assert done.returncode == 1 and done.stderr.count("\n") == 1
    for part in ("3 nodes", "srun", "HYDRA_LAUNCHER"):
        assert part in done.stderr
