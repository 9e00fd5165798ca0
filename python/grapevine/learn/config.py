"""Configuration files: read, checked, and written with all options."""

from __future__ import annotations

import json
import sys
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

from grapevine import Error
from grapevine.learn import options as known
from grapevine.learn.options import Explore, Options, Train

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

EXAMPLE = {
    "start": {"mixture": [{"molecules": {"C2H2": 2, "O2": 2}, "density": 0.5}]},
    "label": {"calculator": "tblite.ase.TBLite", "keywords": {"method": "GFN2-xTB", "verbosity": 0},
              "multiplicity": "lowest"},
    "train": {"cutoff": 5.0, "epochs": 200},
}


def read_config(path: Path) -> Options:
    """The options of a file, with its paths made absolute. Error with one line, which names file and key."""
    try:
        with path.open("rb") as file:
            table = tomllib.load(file)
    except OSError as problem:
        raise Error(f"cannot read {path}: {problem.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
        raise Error(f"{path}: {problem}") from None
    try:
        options = options_of(table)
        check(options)
    except Error as problem:
        raise Error(f"{path}: {problem}") from None
    make_absolute(options, path.resolve().parent)
    return options


def options_of(table: dict[str, Any]) -> Options:
    """The options of a table of a file's kind."""
    plain = {key: value for key, value in table.items() if key not in known.SECTIONS and key not in known.LISTS}
    options = section_of(Options, plain, "")
    for name, section in known.SECTIONS.items():
        setattr(options, name, section_of(section, table_of(table, name), name))
    options.explore = [section_of(Explore, stage, "explore") for stage in tables_of(table, "explore", "explore")]
    return options


def section_of(section: type, table: dict[str, Any], where: str) -> Any:
    """A section from its table."""
    made = section()
    prefix = f"{where}." if where else ""
    for key, value in table.items():
        if section is known.Start and key == "mixture":
            made.mixture = [section_of(known.Mixture, one, "start.mixture")
                            for one in tables_of(table, key, "start.mixture")]
        elif key in known.names(section) and key not in known.SECTIONS:
            setattr(made, key, converted(value, getattr(made, key), prefix + key))
        elif section is Train:
            made.options[key.replace("_", "-")] = value
        else:
            raise Error(f"unknown key {prefix}{key}; there are {', '.join(known.names(section))}")
    return made


def table_of(table: dict[str, Any], name: str) -> dict[str, Any]:
    found = table.get(name, {})
    if not isinstance(found, dict):
        raise Error(f"{name} has to be a table, [{name}]")
    return found


def tables_of(table: dict[str, Any], name: str, where: str) -> list[dict[str, Any]]:
    found = table.get(name, [])
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise Error(f"{where} has to be a list of tables, [[{where}]]")
    return found


def converted(value: Any, default: Any, where: str) -> Any:
    """The value, if it is of the default's kind; Error if not."""
    if where == "label.multiplicity" and isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(default, bool) or isinstance(value, bool):
        good = isinstance(default, bool) and isinstance(value, bool)
    elif isinstance(default, float):
        good = isinstance(value, (int, float))
        value = float(value) if good else value
    elif isinstance(default, list):
        is_number = where.endswith(("temperatures", "pressures"))
        value = value if isinstance(value, list) else [value]
        good = all(isinstance(one, (int, float) if is_number else str) and not isinstance(one, bool) for one in value)
    else:
        good = isinstance(value, type(default))
    if not good:
        kind = {bool: "true or false", int: "a whole number", float: "a number", str: "text", dict: "a table"}
        expected = kind.get(type(default), "a list of numbers" if where.endswith("ures") else "a list of texts")
        if where.endswith("structures"):
            expected = "a list of texts"
        raise Error(f"{where} has to be {expected}, not {json.dumps(value, default=str)}")
    return value


def check(options: Options) -> None:
    """Error if options are out of range or do not fit together."""
    check_start(options)
    check_label(options)
    if not options.explore:
        raise Error("there is no [[explore]]: nothing would be learnt")
    for stage in options.explore:
        check_stage(stage)
    select, train, stop = options.select, options.train, options.stop
    at_least({"select.number": select.number, "train.committee - 1": train.committee - 1,
              "label.threads": options.label.threads}, 1)
    at_least({"seed": options.seed, "processes": options.processes, "select.lower": select.lower,
              "select.upper": select.upper, "select.fragment": select.fragment, "train.replay": train.replay,
              "stop.rounds": stop.rounds, "stop.hours": stop.hours, "stop.fraction": stop.fraction}, 0)
    one_of("select.method", select.method, known.METHODS)
    if select.upper and select.upper <= select.lower:
        raise Error(f"select.upper ({select.upper:g}) has to be larger than select.lower ({select.lower:g})")
    if not 0 <= train.validation < 1:
        raise Error(f"train.validation has to be at least 0 and below 1, not {train.validation:g}")
    if train.replay and not train.warm_start:
        raise Error("train.replay goes with train.warm_start")
    for key in ("train", "valid", "test", "output", "resume", "overwrite", "seed", "start", "committee", "threads"):
        if key in train.options:
            raise Error(f"train.{key} is set by grapevine learn itself")


def check_start(options: Options) -> None:
    start = options.start
    if not (start.structures or start.mixture):
        raise Error("start has neither structures nor a [[start.mixture]]: there is nothing to explore from")
    at_least({"start.copies": start.copies, "start.displacement": start.displacement, "start.strain": start.strain}, 0)
    for mixture in start.mixture:
        if not mixture.molecules:
            raise Error("start.mixture.molecules is missing, e.g. molecules = { C2H2 = 2, O2 = 3 }")
        for name, number in mixture.molecules.items():
            if not isinstance(number, int) or isinstance(number, bool) or number < 1:
                raise Error(f"start.mixture.molecules.{name} has to be a whole number of at least 1")
        if mixture.density <= 0:
            raise Error("start.mixture.density has to be given, in g/cm^3")
        at_least({"start.mixture.number": mixture.number}, 1)
    found = [name_of(mixture) for mixture in start.mixture]
    if len(set(found)) < len(found):
        raise Error("two of start.mixture have the same name")


def check_label(options: Options) -> None:
    label = options.label
    if bool(label.calculator) == bool(label.command):
        raise Error("label needs either a calculator or a command")
    if label.command and not ("{input}" in label.command and "{output}" in label.command):
        raise Error("label.command has to have {input} and {output} in it")
    spin = label.multiplicity
    if spin not in ("", "lowest") and not (isinstance(spin, int) and spin > 0):
        raise Error(f'label.multiplicity has to be "lowest" or a number of at least 1, not {json.dumps(spin)}')
    if label.time_limit <= 0 or label.largest_force <= 0 or label.energy_range <= 0:
        raise Error("label.time_limit, label.largest_force and label.energy_range have to be larger than 0")


def check_stage(stage: Explore) -> None:
    one_of("explore.kind", stage.kind, known.KINDS)
    at_least({"explore.every": stage.every, "explore.runs": stage.runs, "explore.ranks": stage.ranks}, 1)
    if not stage.temperatures or min(stage.temperatures) <= 0:
        raise Error("explore.temperatures have to be larger than 0")
    if stage.time <= 0 or stage.timestep <= 0:
        raise Error("explore.time and explore.timestep have to be larger than 0")
    if (stage.kind == "template") != bool(stage.template):
        raise Error('explore.template goes with explore.kind = "template"')
    if not 0 < stage.compression < 1.5 or not 0 <= stage.heat <= 1:
        raise Error("explore.compression has to be above 0 and below 1.5, explore.heat from 0 to 1")


def at_least(values: dict[str, float], least: float) -> None:
    for name, value in values.items():
        if value < least:
            name, _, offset = name.partition(" - ")
            raise Error(f"{name} has to be at least {least + int(offset or 0):g}, not {value + int(offset or 0):g}")


def one_of(name: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise Error(f"{name} has to be one of {', '.join(allowed)}, not {json.dumps(value)}")


def name_of(mixture: known.Mixture) -> str:
    """Name of the conditions that begin from it."""
    return mixture.name or "-".join(f"{number}{Path(name).stem}" for name, number in mixture.molecules.items())


def make_absolute(options: Options, folder: Path) -> None:
    """Paths of a file are relative to its folder."""
    for paths in (options.start.structures, options.start.labelled, options.start.test):
        paths[:] = [str(folder / path) for path in paths]
    for stage in options.explore:
        stage.template = str(folder / stage.template) if stage.template else ""
    for mixture in options.start.mixture:
        mixture.name = name_of(mixture)
        mixture.molecules = {str(folder / name) if (folder / name).is_file() else name: number
                             for name, number in mixture.molecules.items()}


# ---- written with all options


def commented_config() -> str:
    """A file with every option, its default and what it means, that runs as it is."""
    lines = ["# Configuration of grapevine learn. Paths are relative to the folder of this file.",
             *lines_of(Options, {}), ""]
    for name, section in known.SECTIONS.items():
        lines += [f"# {section.__doc__}", f"[{name}]", *lines_of(section, EXAMPLE.get(name, {})), ""]
        if name == "start":
            lines += ["[[start.mixture]]", *lines_of(known.Mixture, EXAMPLE["start"]["mixture"][0]), ""]
        if name == "label":
            lines += [f"# {Explore.__doc__}", "[[explore]]", *lines_of(Explore, {"temperatures": [1000.0]}), ""]
    return "\n".join(lines)


def lines_of(section: type, given: dict[str, Any]) -> list[str]:
    rows = []
    for item in fields(section):
        if item.name in {**known.SECTIONS, **known.LISTS} or (section is Train and item.name == "options"):
            continue
        default = item.default_factory() if item.default_factory is not MISSING else item.default
        rows.append((f"{item.name} = {toml(given.get(item.name, default))}", item.metadata["text"]))
    if section is Train:
        rows += [(f"{name} = {toml(value)}", "") for name, value in given.items()]
    width = min(44, max(len(row[0]) for row in rows))
    return [f"{row[0]:{width}}  # {row[1]}" if row[1] else row[0] for row in rows]


def toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {toml(one)}" for key, one in value.items()) + " }" if value else "{}"
    return json.dumps(value)
