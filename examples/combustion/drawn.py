"""How wrong the models were in runs they were not trained on: python drawn.py CONFIG MODEL1 MODEL2 ... FOLDER

Draws atoms at random from the frames of all runs in FOLDER (of acetylene.py), cuts the cluster around each out of the gas,
molecules as a whole, has it labelled as CONFIG of `grapevine learn` says, and compares: energies and forces of the first
model, and the deviation of all with its error. drawn.txt, a table, and drawn.extxyz, the labelled clusters, in FOLDER.
"""

import sys
import tempfile
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.io import write
from grapevine.learn.config import read_config
from grapevine.learn.labelling import Workers, too_close
from grapevine.learn.selection import fragment
from grapevine.learn.training import judge

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]
from command_line import Failure, Parser, run_program  # noqa: E402
from hydrogen_pictures import format_rows  # noqa: E402
from species import read_frames  # noqa: E402

SKIPPED = 0.1  # of a run, at its beginning


def parse_arguments(arguments):
    parser = Parser(prog="drawn.py", description="Errors of models on clusters drawn from runs of acetylene.py.")
    add = parser.add_argument
    add("config", type=Path, metavar="CONFIG", help="of grapevine learn: its [label]")
    add("models", type=Path, nargs="+", metavar="MODEL", help="model files (.safetensors)")
    add("folder", type=Path, metavar="FOLDER", help="of acetylene.py")
    add("--number", type=int, default=50, metavar="N", help="clusters of each run (default: 50)")
    add("--radius", type=float, default=7.0, metavar="A", help="of a cluster, Angstrom (default: 7)")
    add("--workers", type=int, default=2, metavar="N", help="labels at a time (default: 2)")
    add("--seed", type=int, default=1, metavar="N", help="default: 1")
    options = parser.parse_args(arguments)
    for name, (low, high) in {"number": (1, 100000), "radius": (2, 15), "workers": (1, 1000)}.items():
        if not low <= getattr(options, name) <= high:
            raise Failure(f"--{name} {getattr(options, name):g}: it has to be from {low:g} to {high:g}")
    options.config = options.config.resolve()
    return options


def draw(dump, number, radius, random):
    """Clusters around atoms at random of frames at random."""
    frames = list(read_frames(dump))
    frames = frames[int(SKIPPED * len(frames)):]
    if not frames:
        raise Failure(f"{dump}: there is no whole frame in it")
    clusters = []
    for _ in range(number):
        frame = frames[random.integers(len(frames))]
        atoms = Atoms(frame.elements, frame.positions, cell=frame.lengths, pbc=True)
        centre = random.integers(len(atoms))
        atoms.arrays["deviation"] = (np.arange(len(atoms)) == centre).astype(float)
        cluster = fragment(around(atoms, centre, 2 * radius), radius)
        cluster.arrays.pop("deviation")
        cluster.info = {"from": dump.parent.name, "step": frame.step}
        clusters.append(cluster)
    return clusters


def around(atoms, centre, reach):
    """The part of a gas that a cluster is cut from: no copies of a whole box are needed."""
    near = atoms.get_distances(centre, range(len(atoms)), mic=True, vector=True)
    kept = np.abs(near).max(axis=1) < reach
    part = atoms[kept]
    part.positions = near[kept] + reach
    part.set_cell([2 * reach] * 3)
    part.pbc = False
    return part


def label(frames, config, workers):
    """The frames that could be labelled, in order, and how many could not."""
    options = read_config(config)
    with tempfile.TemporaryDirectory() as folder:
        jobs = {n: atoms for n, atoms in enumerate(frames) if not too_close(atoms, options.label)}
        answers = dict(Workers(options.label, workers, [str(config.parent)], Path(folder)).answers(jobs))
    good = [answers[n][0] for n in sorted(answers) if answers[n][0] is not None]
    return good, len(frames) - len(good)


def row_of(name, models, frames):
    first, committee = judge(models[:1], frames, 1), judge(models, frames, 1)
    if first is None:
        raise Failure(f"{models[0]}: it cannot tell the forces of these clusters")
    size = np.sqrt(np.mean(np.concatenate([atoms.get_forces().ravel() for atoms in frames]) ** 2))
    return [name, f"{len(frames)}", f"{np.mean([len(atoms) for atoms in frames]):.0f}", f"{1000 * first.energy:.1f}",
            f"{first.forces:.3f}", f"{size:.2f}", f"{np.median(committee.deviations):.2f}", f"{np.median(first.errors):.2f}"]


def main(arguments):
    options = parse_arguments(arguments)
    dumps = sorted(options.folder.glob("*/frames.lammpstrj"))
    if not dumps:
        raise Failure(f"{options.folder}: there are no runs of acetylene.py in it")
    random = np.random.default_rng(options.seed)
    rows = [["run", "clusters", "atoms each", "energy RMSE (meV/atom)", "force RMSE (eV/Å)", "force RMS (eV/Å)",
             "largest deviation, median (eV/Å)", "largest error, median (eV/Å)"]]
    everything, failed = [], 0
    for dump in dumps:
        good, bad = label(draw(dump, options.number, options.radius, random), options.config, options.workers)
        print(f"{dump.parent.name}: {len(good)} labelled, {bad} failed", file=sys.stderr)
        everything += good
        failed += bad
        rows += [row_of(dump.parent.name, options.models, good)] if good else []
    if not everything:
        raise Failure(f"none of {failed} clusters could be labelled")
    rows.append(row_of("all", options.models, everything))
    table = "\n".join([*format_rows(rows), "", f"labels that failed: {failed}"])
    (options.folder / "drawn.txt").write_text(table + "\n", encoding="utf-8")
    write(options.folder / "drawn.extxyz", everything, format="extxyz")
    print(table)


if __name__ == "__main__":
    run_program(main)
