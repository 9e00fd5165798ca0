"""The program and the LAMMPS plugin in the package ``grapevine``, found without importing it.

``lmp`` asks for the plugin each time it starts, and ``grapevine`` is a program that has no use for Python.
"""

import os
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1] / "grapevine"


def plugin_folder() -> str:
    """Folder of the LAMMPS plugin, for the entry point ``lammps.plugins``: ``lmp`` then knows pair_style grapevine."""
    return str(FOLDER / "lib")


def main() -> None:
    """Become the program ``grapevine``, with the same arguments."""
    program = FOLDER / "bin" / "grapevine"
    try:
        os.execv(program, [str(program), *sys.argv[1:]])
    except OSError as problem:
        sys.exit(f"grapevine: error: cannot start {program}: {problem.strerror}")
