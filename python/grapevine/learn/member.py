"""One training of a committee: python -m grapevine.learn.member OPTIONS RESULT

OPTIONS is a file with options of grapevine.train, RESULT gets the errors when the training has ended.
"""

from __future__ import annotations

import sys
from pathlib import Path

import grapevine
from grapevine.learn.folder import read_json, write_json


def main(options: Path, result: Path) -> None:
    try:
        (trained,) = grapevine.train(**read_json(options))
    except (grapevine.Error, OSError) as problem:
        sys.exit(f"error: {problem}")
    write_json(result, trained["errors"])


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
