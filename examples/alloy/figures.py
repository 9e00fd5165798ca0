"""The pictures of the validation."""

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from report import draw_drift

COLOURS = {"model": "tab:orange", "dft": "tab:blue", "other": "tab:cyan", "experiment": "0.45"}
DPI = 150


def panels(count, width, height):
    """A figure of at most two columns, and as many axes as asked for."""
    columns = min(2, count)
    rows = -(-count // columns)
    figure, axes = plt.subplots(rows, columns, figsize=(width * columns, height * rows), squeeze=False,
                                constrained_layout=True)
    for axis in axes.flat[count:]:
        axis.remove()
    return figure, axes.flat[:count]


def legend_below(figure, axis):
    """One legend for all panels, with what the first one shows."""
    handles, labels = axis.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), frameon=False, fontsize="small")


def save(figure, path):
    figure.savefig(path, dpi=DPI)
    plt.close(figure)


def draw_equations_of_state(path, crystals, tables, names):
    """Energy against volume, with the volumes of DFT's and experiment's lattice constants. Arguments: as below."""
    figure, axes = panels(len(crystals), 4.0, 3.2)
    for axis, crystal in zip(axes, crystals):
        equation = crystal.equation_of_state
        smooth = np.linspace(equation.volumes[0], equation.volumes[-1], 200)
        fitted, computed = (1e3 * (e - equation.lowest) for e in (equation.energy(smooth), equation.energies))
        axis.plot(smooth, fitted, color=COLOURS["model"], linewidth=1.2, label="Birch–Murnaghan")
        axis.plot(equation.volumes, computed, ".", color="black", markersize=4, label="model")
        for source, style in (("dft", "--"), ("experiment", ":")):
            volume = tables[crystal.element][source]["a"] ** 3 / 2
            axis.axvline(volume, color=COLOURS[source], linestyle=style, linewidth=1.2, label=names[source])
        axis.set_title(crystal.element)
        axis.set_xlabel("volume (Å$^3$/atom)")
        axis.set_ylabel("energy $-$ minimum (meV/atom)")
    legend_below(figure, axes[0])
    save(figure, path)


def draw_elastic_constants(path, crystals, tables, names):
    """Bars for each quantity in GPa. tables: element to source to quantity; names: source to what the legend says."""
    quantities = ("B", "C11", "C12", "C44")
    figure, axes = panels(len(crystals), 4.4, 3.2)
    width = 0.8 / len(names)
    for axis, crystal in zip(axes, crystals):
        for n, (source, name) in enumerate(names.items()):
            heights = [tables[crystal.element][source][quantity] for quantity in quantities]
            places = np.arange(len(quantities)) + (n - (len(names) - 1) / 2) * width
            axis.bar(places, heights, width, color=COLOURS[source], label=name)
        axis.axhline(0, color="black", linewidth=0.6)
        axis.set_xticks(range(len(quantities)), ["B", "C$_{11}$", "C$_{12}$", "C$_{44}$"])
        axis.set_title(crystal.element)
        axis.set_ylabel("GPa")
    legend_below(figure, axes[0])
    save(figure, path)


def draw_runs(path, runs):
    """Total energy and temperature against time at constant energy, a column for each run."""
    figure, axes = plt.subplots(2, len(runs), figsize=(5.2 * len(runs), 5.6), squeeze=False, sharex="col",
                                constrained_layout=True)
    for (energy, temperature), run in zip(axes.T, runs):
        nve = run.energy
        draw_drift(energy, nve, nve.time[0])
        energy.set_title(f"NbMoTaW, {nve.atoms} atoms, {run.target:g} K")
        temperature.plot(nve.time - nve.time[0], nve.temperature, color="tab:red", linewidth=0.5)
        temperature.axhline(nve.temperature.mean(), color="black", linewidth=1.0,
                            label=f"mean {nve.temperature.mean():.0f} K")
        temperature.margins(x=0, y=0.2)
        temperature.set_ylabel("temperature (K)")
        temperature.set_xlabel("time at constant energy (ps)")
        temperature.legend(loc="upper left", frameon=False)
    figure.align_ylabels(axes[:, 0])
    save(figure, path)
