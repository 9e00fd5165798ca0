"""The table and the pictures of hydrogen.py."""

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from burning import BURNT, reached

SHOWN = {"H2": "tab:blue", "O2": "tab:red", "H2O": "black", "HO": "tab:orange", "H": "tab:cyan", "O": "tab:pink",
         "HO2": "tab:green", "H2O2": "tab:purple"}
CANTERA = {"HO": "OH"}  # names of its species where they are others
FREQUENT = 0.003  # share of atoms that gives a molecule a row of its own
LARGEST = 6  # atoms in a structure of the data
CROWDS = [(0, 5), (6, 9), (10, 14), (15, 1000)]  # neighbours of an atom


def mathematical(name):
    """A formula with its digits lowered."""
    return "".join(f"$_{letter}$" if letter.isdigit() else letter for letter in name)


def subscript(name):
    return name.translate(str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉"))


def format_time(value):
    return f"{value:.1f}" if np.isfinite(value) else "–"


def species_of(reactor, name):
    return reactor.species[CANTERA.get(name, name)]


def format_rows(rows):
    widths = [max(map(len, column)) for column in zip(*rows)]
    return ["  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths)).rstrip() for row in rows]


def make_table(title, runs, reactors):
    rows = [["", *(f"{run.target:g} K" for run in runs)]]

    def add(name, values):
        rows.append([name, *values])

    add("at constant energy (ps)", (f"{run.time[-1]:.0f}" for run in runs))
    if any(np.isfinite(run.ran_away) for run in runs):
        add("the models failed at (ps)", (format_time(run.ran_away) for run in runs))
    add(f"delay, until {BURNT:.0%} of the hydrogen is water (ps)", (format_time(run.delay) for run in runs))
    if all(reactors):
        add("  by the reactor", (format_time(reached(it.time, species_of(it, "H2O"))) for it in reactors))
    add("temperature at the end (K)", (f"{run.temperature[-len(run.temperature) // 20:].mean():.0f}" for run in runs))
    if all(reactors):
        add("  by the reactor", (f"{it.at(run.time[-1], it.temperature):.0f}" for it, run in zip(reactors, runs)))
    for name in SHOWN:
        add(f"{subscript(name)} at the end, for each H₂ at the start",
            (f"{np.mean(run.species.get(name, np.zeros(20))[-20:]):.3f}" for run in runs))
        if all(reactors):
            add("  by the reactor", (f"{it.at(run.time[-1], species_of(it, name)):.3f}" for it, run in zip(reactors, runs)))
    add("energy drift (meV/atom/ns)", (f"{run.energy.drift:.1f} ± {run.energy.error:.1f}" for run in runs))
    add("µs per atom, step and core", (f"{run.microseconds:.1f}" for run in runs))
    return "\n".join([title, "-" * len(title), *format_rows(rows), "", *describe_deviations(runs)])


def describe_deviations(runs):
    """Lines: where the committee is at odds, by the molecule of an atom and by the neighbours it has."""
    values = np.concatenate([run.deviations.values for run in runs])
    formulas = np.concatenate([run.deviations.formulas for run in runs])
    neighbours = np.concatenate([run.deviations.neighbours for run in runs])
    rows = [["deviation of forces (eV/Å), atoms in", "share", "median", "95 %", "99 %"]]

    def add(name, chosen):
        if chosen.any():
            middle, high, highest = np.percentile(values[chosen], [50, 95, 99])
            rows.append([name, f"{chosen.mean():.3%}", f"{middle:.3f}", f"{high:.2f}", f"{highest:.2f}"])

    found, numbers = np.unique(formulas, return_counts=True)
    others = [name for name in found[np.argsort(-numbers)] if name not in SHOWN]
    frequent = [name for name in others if np.mean(formulas == name) >= FREQUENT]
    for name in [*SHOWN, *frequent]:
        add(subscript(name), formulas == name)
    add("any other molecule", ~np.isin(formulas, [*SHOWN, *frequent]))
    for low, high in CROWDS:
        add(f"{low} to {high} neighbours" if high < 1000 else f"{low} neighbours and more",
            (neighbours >= low) & (neighbours <= high))
    add("all", np.ones(len(values), bool))
    return format_rows(rows)


def draw(path, title, runs, reactors):
    """Temperature, and species, of each run; dashed what the reactor says."""
    figure, axes = plt.subplots(2, len(runs), figsize=(1.5 + 4 * len(runs), 7), sharex="col", sharey="row", squeeze=False,
                                constrained_layout=True)
    figure.suptitle(title)
    for column, (run, reactor) in enumerate(zip(runs, reactors)):
        hot, gas = axes[:, column]
        hot.plot(run.thermo_time, run.temperature, color="tab:red")
        for name, colour in SHOWN.items():
            if name in run.species:
                gas.plot(run.time, run.species[name], color=colour, label=mathematical(name))
            if reactor:
                gas.plot(reactor.time, species_of(reactor, name), "--", color=colour, linewidth=1)
        if reactor:
            hot.plot(reactor.time, reactor.temperature, "--", color="black", linewidth=1, label="reactor")
            hot.legend(frameon=False, loc="upper left")
        if np.isfinite(run.delay):
            gas.axvline(run.delay, color="0.6", linewidth=0.8)
        hot.set_title(f"{run.target:g} K", fontsize="medium")
        gas.set_xlabel("time (ps)")
        gas.set_xlim(0, run.time[-1])
        hot.set_ylim(top=1.05 * max(run.temperature.max(), run.target))
    axes[0, 0].set_ylabel("temperature (K)")
    axes[1, 0].set_ylabel("molecules for each H$_2$ at the start")
    axes[1, -1].legend(frameon=False, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    figure.savefig(path, dpi=100)
    plt.close(figure)


def draw_deviations(path, runs):
    """Deviations of the committee against the neighbours of an atom, for all runs."""
    values = np.concatenate([run.deviations.values for run in runs])
    neighbours = np.concatenate([run.deviations.neighbours for run in runs])
    numbers = [n for n in range(neighbours.max() + 1) if np.count_nonzero(neighbours == n) >= 100]
    figure, axis = plt.subplots(figsize=(6.5, 4.5), constrained_layout=True)
    for share, style in ((50, "-"), (95, "--"), (99, ":")):
        axis.plot(numbers, [np.percentile(values[neighbours == n], share) for n in numbers], style, color="tab:blue",
                  label="median" if share == 50 else f"{share} % are below")
    axis.axvspan(-0.5, LARGEST - 0.5, color="0.92", zorder=0)
    axis.text(0, 0.98, f" in the data: up to\n {LARGEST - 1} neighbours", transform=axis.get_xaxis_transform(), va="top",
              fontsize="small", color="0.35")
    axis.set_xlim(-0.5, max(numbers) + 0.5)
    axis.set_ylim(0, 1.3 * axis.get_ylim()[1])
    axis.set_xlabel("neighbours within 5 Å")
    axis.set_ylabel("deviation of the force (eV/Å)")
    axis.legend(frameon=False, loc="upper right")
    figure.savefig(path, dpi=100)
    plt.close(figure)
