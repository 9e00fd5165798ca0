"""Pictures of a run: errors, deviations, and what was selected."""

from __future__ import annotations

import base64
import io
from typing import Any

import matplotlib
import numpy as np
from ase import Atoms
from ase.visualize.plot import plot_atoms
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

matplotlib.use("Agg")

BLUE, RED, GREY, GREEN = "#3465a4", "#c4442c", "#8a8a8a", "#4a8f3c"


def embedded(figure: Figure) -> str:
    """The figure as an element of a page."""
    data = io.BytesIO()
    figure.savefig(data, dpi=110, format="png")
    return f'<img src="data:image/png;base64,{base64.b64encode(data.getvalue()).decode()}" alt="">'


def draw_errors(summaries: list[dict[str, Any]]) -> Figure:
    """Errors of energies and forces against the number of labelled structures."""
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    for axis, key, scale, unit in zip(figure.subplots(1, 2), ("forces", "energy"), (1, 1000), ("eV/Å", "meV/atom")):
        for name, colour, marker in (("validation", GREY, "o"), ("test", GREEN, "s")):
            points = [(one["data"], scale * one[name][key]) for one in summaries if one[name]]
            if points:
                axis.plot(*zip(*points), color=colour, marker=marker, markersize=4, label=name)
        points = [(one["data"] - one["labelled"], scale * one["before"][key]) for one in summaries if one["before"]]
        if points:
            axis.plot(*zip(*points), color=RED, marker="^", markersize=5, label="next round's new structures")
        axis.set_yscale("log")
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
        axis.set_xlabel("labelled structures")
        axis.set_ylabel(f"RMSE of {'forces' if key == 'forces' else 'energies'} ({unit})")
        axis.grid(alpha=0.3, which="both")
        if axis.get_legend_handles_labels()[0]:
            axis.legend(frameon=False, fontsize=8)
    return figure


def draw_deviations(summaries: list[dict[str, Any]]) -> Figure:
    """Distribution of the deviations met in each round, and the bounds."""
    explored = [one for one in summaries if one["runs"]]
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    axis = figure.subplots()
    every = [np.array([d for run in one["runs"].values() for d in run["deviations"]]) for one in explored]
    positive = np.concatenate([values[(values > 0) & (values < 1e8)] for values in every])
    low, high = (positive.min(), positive.max()) if len(positive) else (1e-3, 1)
    bins = np.geomspace(max(low, high * 1e-4), high * 1.01, 30)
    shades = matplotlib.colormaps["viridis"](np.linspace(0.9, 0.1, len(explored)))
    for one, values, shade in zip(explored, every, shades):
        share = np.histogram(np.clip(values, bins[0], bins[-1]), bins)[0] / max(1, len(values))
        axis.stairs(100 * share, bins, color=shade, linewidth=1.4, label=f"round {one['round']}")
    lower, upper = explored[-1]["bounds"]
    for bound, name in ((lower, "lower"), (upper, "upper")):
        axis.axvline(bound, color=RED, linestyle="--", linewidth=1)
        axis.annotate(f" {name} {bound:.2g}", (bound, 0.97), xycoords=("data", "axes fraction"), color=RED, fontsize=8,
                      va="top")
    axis.set_xscale("log")
    axis.set_xlabel("largest deviation of a force in a structure (eV/Å)")
    axis.set_ylabel("share of structures met (%)")
    axis.legend(frameon=False, fontsize=8, ncols=1 + len(explored) // 9)
    return figure


def draw_truth(summaries: list[dict[str, Any]]) -> Figure:
    """True error against deviation of structures that the committee had not been trained on."""
    judged = [one for one in summaries if one["before"]]
    figure = Figure(figsize=(4.8, 4.2), layout="constrained")
    axis = figure.subplots()
    shades = matplotlib.colormaps["viridis"](np.linspace(0.9, 0.1, len(judged)))
    ends = []
    for one, shade in zip(judged, shades):
        before = one["before"]
        axis.loglog(before["deviations"], before["errors"], "o", color=shade, markersize=4, alpha=0.8,
                    label=f"round {one['round']}")
        ends += [*before["deviations"], *before["errors"]]
    line = [max(1e-4, min(ends)), max(ends)]
    axis.loglog(line, line, color=GREY, linewidth=1)
    axis.set_xlabel("deviation (eV/Å)")
    axis.set_ylabel("true error (eV/Å)")
    axis.set_title("largest of a structure's forces, before training on it", fontsize=9)
    axis.legend(frameon=False, fontsize=8)
    return figure


def draw_structures(frames: list[Atoms], columns: int = 4) -> Figure:
    """Structures from the side."""
    rows = (len(frames) + columns - 1) // columns
    figure = Figure(figsize=(9, 2.6 * rows), layout="constrained")
    axes = np.atleast_1d(figure.subplots(rows, columns)).ravel()
    for axis in axes:
        axis.set_axis_off()
    for axis, atoms in zip(axes, frames):
        shown = atoms.copy()
        shown.wrap()
        plot_atoms(shown, axis, radii=0.45, rotation="8x,-10y,0z", show_unit_cell=2 if shown.pbc.any() else 0)
        axis.set_title(origin_of(atoms.info), fontsize=7)
    return figure


def origin_of(about: dict[str, Any]) -> str:
    if "condition" not in about:
        return str(about.get("from", ""))
    return f"{about['condition']}\nstep {about['step']}, {about['deviation']:.2f} eV/Å"
