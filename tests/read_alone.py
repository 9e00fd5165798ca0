"""Reads every source of a build folder alone: tests/read_alone.py BUILD_DIR, with CMAKE_UNITY_BUILD=OFF.

Where several sources are compiled as one, a source can live on what another one includes. Kernels are left out, as they
are always compiled alone.
"""

import json
import os
import pathlib
import shlex
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

ROOT = pathlib.Path(__file__).resolve().parent.parent


def read(entry: dict) -> str:
    """What the compiler has to say about the source; empty if it is content."""
    arguments = shlex.split(entry["command"])
    output = arguments.index("-o")
    del arguments[output : output + 2]
    arguments += ["-fsyntax-only", "-O0"]
    result = subprocess.run(arguments, cwd=entry["directory"], capture_output=True, text=True)
    return result.stderr if result.returncode else ""


def main() -> int:
    build = pathlib.Path(sys.argv[1])
    entries = json.loads((build / "compile_commands.json").read_text())
    folders = tuple(f"{ROOT / folder}/" for folder in ("src", "lammps", "python"))
    entries = [entry for entry in entries if entry["file"].startswith(folders) and "-msse4.2" not in entry["command"]]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        faults = [text for text in pool.map(read, entries) if text]
    print("\n".join(faults), end="", file=sys.stderr)
    print(f"{len(entries)} sources read alone, {len(faults)} with errors")
    return 1 if faults or not entries else 0


if __name__ == "__main__":
    sys.exit(main())
