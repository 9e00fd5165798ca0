"""python -m grapevine.learn: what ``grapevine learn`` starts."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ase.data import chemical_symbols
from grapevine import Error
from grapevine.learn import labelling
from grapevine.learn.checks import checked, labelled_structures
from grapevine.learn.config import commented_config, read_config
from grapevine.learn.learning import folder_of, learn
from grapevine.learn.start import first_structures


def main(words: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="grapevine learn")
    parser.add_argument("config", nargs="?")
    parser.add_argument("--folder")
    parser.add_argument("--init", action="store_true")
    parser.add_argument("--dry-run", action="store_true")
    given = parser.parse_args(words)
    if given.init:
        write_example(given.config)
    elif given.dry_run:
        rehearse(Path(given.config), given.folder)
    else:
        learn(given.config, folder=given.folder)


def write_example(path: str | None) -> None:
    if path is None:
        print(commented_config())
        return
    try:
        with open(path, "x") as file:
            file.write(commented_config() + "\n")
    except FileExistsError:
        raise Error(f"{path} exists already; --init writes a new file only") from None


def rehearse(config: Path, folder: str | None) -> None:
    """Checks all that can be checked and tells what would be done."""
    options = read_config(config)
    begin, conditions = checked(options, config)
    frames = first_structures(begin, options.start, options.seed)
    given = labelled_structures([*options.start.labelled, *options.start.test])
    symbols = sorted({symbol for atoms in [*frames, *given] for symbol in atoms.symbols}, key=chemical_symbols.index)
    where = folder_of(config, folder)
    state = "goes on there" if (where / "log.jsonl").exists() else "is new"
    print(f"folder         {where} ({state})")
    print(f"elements       {' '.join(symbols)}")
    print(f"first labels   {len(frames)} structures of {min(map(len, frames))} to {max(map(len, frames))} atoms")
    print(f"label          {options.label.calculator or options.label.command} ({labelling.tag(options.label)})")
    print(f"committee      {options.train.committee} models")
    print(f"rounds         at most {options.stop.rounds}, {options.select.number} labels each")
    print(f"exploration    {len(conditions)} runs a round")
    for one in conditions:
        ranks = f", {one.stage.ranks} ranks" if one.stage.ranks > 1 else ""
        print(f"  {one.name}: {one.steps} steps of {one.stage.timestep:g} fs{ranks}")
    if options.select.fragment:
        print("warning: fragments have surfaces, whose atoms are labelled and trained on as they are")
    print("\nall is well: without --dry-run the learning would start")


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except (Error, OSError) as problem:
        sys.exit("grapevine: error: " + " ".join(str(problem).split()))
    except KeyboardInterrupt:
        print("\ngrapevine: interrupted; the same command goes on", file=sys.stderr)
        sys.exit(130)
