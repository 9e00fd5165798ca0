"""The options of a run: what there is, and what each means."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any


def option(default: Any, text: str) -> Any:
    """A field of a section: its default, and what ``--init`` says of it."""
    made = {"default_factory": default.copy} if isinstance(default, (list, dict)) else {"default": default}
    return field(metadata={"text": text}, **made)


@dataclass
class Mixture:
    """Molecules packed at random into a cube."""

    molecules: dict[str, int] = option({}, "how many of each: names that ase.build.molecule knows, elements, or files")
    density: float = option(0.0, "g/cm^3")
    number: int = option(2, "packings to make")
    name: str = option("", "name of the conditions that begin from it; empty: its formula")
    distance: float = option(2.0, "shortest distance between atoms of different molecules, Angstrom")


@dataclass
class Start:
    """What there is at the beginning."""

    structures: list[str] = option([], "files of structures to label, and to explore from")
    mixture: list[Mixture] = option([], "molecules packed at random")
    copies: int = option(8, "copies of each structure to label too, displaced and strained at random")
    displacement: float = option(0.05, "of atoms in the copies, Angstrom (standard deviation of a component)")
    strain: float = option(0.03, "of cells in the copies (standard deviation of a component)")
    labelled: list[str] = option([], "files with energies and forces by the same label: not labelled again")
    trust_labels: bool = option(False, "take labelled files that do not say which label they have")
    test: list[str] = option([], "files with energies and forces that every committee is judged by, never trained on")


@dataclass
class Label:
    """Where energies and forces come from."""

    calculator: str = option("", "import path of an ASE calculator's class, or of a function that makes one")
    keywords: dict[str, Any] = option({}, "its keywords; a table with the key `import` is an object made likewise")
    command: str = option("", "instead of a calculator: a command that reads {input} and writes {output}, extended XYZ")
    multiplicity: str | int = option("", '"lowest" that the number of electrons allows, a number, or empty: not given')
    multiplicity_keyword: str = option("multiplicity", "keyword that takes it; empty: initial magnetic moments")
    definition: dict[str, Any] = option({}, "what else defines the label: kept beside the data")
    workers: int = option(0, "labels at a time; 0: as many as processes")
    threads: int = option(1, "threads of each (OMP_NUM_THREADS)")
    time_limit: float = option(600.0, "seconds for a label")
    shortest: float = option(0.5, "shortest distance allowed, of the sum of both covalent radii")
    largest_force: float = option(50.0, "largest force allowed on an atom, eV/Angstrom")
    energy_range: float = option(5.0, "energy allowed above or below what the elements explain, eV/atom")


@dataclass
class Explore:
    """A stage of molecular dynamics; all temperatures, pressures and beginnings are run side by side."""

    kind: str = option("heat-and-hold", "heat-and-hold, npt, compress, nve, or template")
    name: str = option("", "first part of the names of its runs; empty: its kind")
    temperatures: list[float] = option([300.0], "K")
    pressures: list[float] = option([], "bar, of npt (0 if there are none) and templates")
    time: float = option(2.0, "length of a run, ps")
    timestep: float = option(0.5, "fs")
    every: int = option(10, "steps from one look at the deviation to the next")
    runs: int = option(1, "runs of every condition, which differ in where they begin and in their velocities")
    begin: list[str] = option([], "names of mixtures or files to begin from; none: all")
    heat: float = option(0.2, "heat-and-hold: part of the time in which it is heated from 300 K")
    compression: float = option(0.8, "compress: edges of the cell at the end, of those at the beginning")
    template: str = option("", "LAMMPS input of a template")
    ranks: int = option(1, "MPI ranks of a run")


@dataclass
class Select:
    """Which of the structures that were met are labelled."""

    lower: float = option(0.0, "deviation of a force below which a structure is known, eV/Angstrom; 0: by the data")
    upper: float = option(0.0, "deviation at which a run is stopped and rewound, eV/Angstrom; 0: by the data")
    number: int = option(20, "most structures to label in a round")
    method: str = option("farthest", "farthest (from all surroundings in the data), deviation, or random")
    fragment: float = option(0.0, "radius of a cluster cut out around the worst atom, Angstrom; 0: whole cells")


@dataclass
class Train:
    """The committee. Further keys are options of grapevine train: cutoff, epochs, batch, architecture, ..."""

    committee: int = option(3, "models")
    warm_start: bool = option(True, "later rounds go on from the models of the round before")
    warm: dict[str, Any] = option({}, "options of grapevine train in warm starts: half the epochs, a third of lr")
    replay: int = option(0, "warm starts train on new structures and so many old ones; 0: on all")
    validation: float = option(0.1, "part of the structures that each model sets aside")
    final: bool = option(True, "train the committee anew on all data at the end")
    final_options: dict[str, Any] = option({}, "options of grapevine train for that")
    options: dict[str, Any] = option({}, "")


@dataclass
class Stop:
    """When the learning ends: at the first of these."""

    rounds: int = option(10, "")
    hours: float = option(0.0, "looked at between steps; 0: no limit")
    fraction: float = option(0.01, "part of the structures met above the lower bound, with no run stopped early")


@dataclass
class Options:
    """All of a configuration file."""

    seed: int = option(1, "of all that is random")
    processes: int = option(0, "processes at a time: ranks of LAMMPS, trainings, labels; 0: as many as cores")
    start: Start = field(default_factory=Start)
    label: Label = field(default_factory=Label)
    explore: list[Explore] = option([], "")
    select: Select = field(default_factory=Select)
    train: Train = field(default_factory=Train)
    stop: Stop = field(default_factory=Stop)


KINDS = ("heat-and-hold", "npt", "compress", "nve", "template")
METHODS = ("farthest", "deviation", "random")
SECTIONS = {"start": Start, "label": Label, "select": Select, "train": Train, "stop": Stop}
LISTS = {"mixture": Mixture, "explore": Explore}


def names(section: type) -> list[str]:
    """Keys of a section that a file may have."""
    return [item.name for item in fields(section) if not (section is Train and item.name == "options")]
