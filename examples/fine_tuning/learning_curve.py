"""Fine-tuning against training from nothing: python examples/fine_tuning/learning_curve.py MODEL DATA FOLDER

MODEL is the universal model to start from, say SevenNet-0 as imported. From the silicon of DATA (folders of extended XYZ
files, docs/accuracy.md) COUNTS structures are drawn, and on each draw three models are trained: MODEL fine-tuned, the
same with replay of structures of metals that MODEL labels itself, and a MACE model from nothing. Errors on the test
structures of silicon, and those of forces in the metals, which were the starting model's own, go to FOLDER/curve.md,
curve.json and curve.png. What has been trained in FOLDER is not trained again.
"""

import argparse
import json
import random
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]
from command_line import Failure, Parser, find_grapevine, run_program  # noqa: E402
from frames import frames_of  # noqa: E402
from training_runs import errors_of, minutes_of, train  # noqa: E402

COUNTS = (50, 100, 200)
SEED = 1
NEW = ("silicon/train.extxyz", "silicon/test.extxyz")
# The old domain: what is replayed, and what is judged by. Energies have other zeros than the model's: forces alone.
OLD = {"molybdenum": 20, "lithium": 20, "alloy-NbMoTaW": 40}
OLD_TEST = "molybdenum/test.extxyz"
KINDS = {"fine-tuned": "tuned.toml", "fine-tuned, replay": "tuned.toml", "from nothing": "nothing.toml"}


def parse(arguments):
    parser = Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", metavar="MODEL", type=Path, help="to start from")
    parser.add_argument("data", metavar="DATA", type=Path, help="folder of the data sets")
    parser.add_argument("folder", metavar="FOLDER", type=Path, help="where everything is written")
    parser.add_argument("--counts", type=int, nargs="+", default=COUNTS, help=f"structures (default: {COUNTS})")
    parser.add_argument("--threads", type=int, default=2, help="of each training (default: 2)")
    parser.add_argument("--epochs", type=int, help="of every training, instead of those of the configurations")
    parser.add_argument("--grapevine", type=Path, help="the program (default: build/bin of the checkout, then PATH)")
    options = parser.parse_args(arguments)
    for file in [options.model, *(options.data / name for name in (*NEW, OLD_TEST))]:
        if not file.is_file():
            raise Failure(f"{file}: there is no such file")
    return options


def draw(path, count, target):
    """`count` structures of a file, by SEED; those of a smaller draw are among those of a larger one."""
    frames = frames_of(path)
    if count > len(frames):
        raise Failure(f"{path}: it has {len(frames)} structures, not {count}")
    random.Random(SEED).shuffle(frames)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text("".join(frames[:count]))


def draw_old(data, target):
    texts = []
    for name, count in OLD.items():
        part = target.with_suffix(f".{name}.extxyz")
        draw(data / name / "train.extxyz", count, part)
        texts.append(part.read_text())
        part.unlink()
    target.write_text("".join(texts))


def flags_of(kind, options):
    flags = ["--threads", options.threads]
    if options.epochs:
        flags += ["--epochs", options.epochs]
    if kind.startswith("fine-tuned"):
        flags += ["--start", options.model]
    if kind.endswith("replay"):
        flags += ["--replay", options.folder / "old.extxyz", "--replay-labels", "start"]
    return flags


def judge(grapevine, model, options):
    """Mean absolute errors on the new test structures in meV/atom and meV/Angstrom."""
    new = errors_of(grapevine, model, options.data / NEW[1])
    return {"energy": 1e3 * new["energy_per_atom"]["mae"], "forces": 1e3 * new["forces"]["mae"]}


def old_forces(grapevine, model, options):
    """Mean absolute error of forces in the old domain, meV/Angstrom."""
    return 1e3 * errors_of(grapevine, model, options.data / OLD_TEST)["forces"]["mae"]


def table(rows):
    lines = ["| structures | model | energy MAE (meV/atom) | force MAE (meV/Å) | minutes | force MAE in molybdenum (meV/Å) |",
             "| --- | --- | --- | --- | --- | --- |"]
    for row in rows:
        energy, minutes, old = (f"{row[key]:.{digits}f}" if key in row else ""
                                for key, digits in (("energy", 2), ("minutes", 1), ("old", 0)))
        lines.append(f"| {row['count'] or ''} | {row['kind']} | {energy} | {row['forces']:.1f} | {minutes} | {old} |")
    return "\n".join(lines) + "\n"


def picture(rows, path):
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, 2, figsize=(9, 4), layout="constrained")
    for axis, key, label in zip(axes, ("energy", "forces"), ("MAE of energies (meV/atom)", "MAE of forces (meV/Å)")):
        for kind in KINDS:
            points = [(row["count"], row[key]) for row in rows if row["kind"] == kind]
            axis.plot(*zip(*points), marker="o", label=kind)
        axis.set(xscale="log", xlabel="structures trained on", ylabel=label)
        counts = sorted({row["count"] for row in rows if row["count"]})
        axis.set_xticks(counts, [str(count) for count in counts])
        axis.minorticks_off()
        axis.grid(alpha=0.3)
    axes[0].legend()
    figure.savefig(path, dpi=150)


def run(arguments):
    options = parse(arguments)
    grapevine = find_grapevine(options.grapevine)
    for count in options.counts:
        draw(options.data / NEW[0], count, options.folder / str(count) / "train.extxyz")
    draw_old(options.data, options.folder / "old.extxyz")
    start = judge(grapevine, options.model, options)
    rows = [{"count": 0, "kind": "the model as it is", "forces": start["forces"],
             "old": old_forces(grapevine, options.model, options)}]
    for count in options.counts:
        place = options.folder / str(count)
        for kind, configuration in KINDS.items():
            model = place / kind.replace(", ", "-").replace(" ", "-") / "model.safetensors"
            train(grapevine, HERE / configuration, model, [place / "train.extxyz"], flags=flags_of(kind, options))
            row = {"count": count, "kind": kind, **judge(grapevine, model, options), "minutes": minutes_of(model)}
            if kind.startswith("fine-tuned"):
                row["old"] = old_forces(grapevine, model, options)
            rows.append(row)
            print(f"{count} structures, {kind}: {row['forces']:.1f} meV/Å", flush=True)
    (options.folder / "curve.json").write_text(json.dumps(rows, indent=1) + "\n")
    (options.folder / "curve.md").write_text(table(rows))
    picture(rows, options.folder / "curve.png")
    print(table(rows))


if __name__ == "__main__":
    run_program(run, "; what has been trained is kept")
