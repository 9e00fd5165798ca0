"""The table and the pictures of diffusion.py."""

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from conduction import SLAB, conductivity
from report import Estimate, draw_drift

ROOM = 300.0  # K
COLOURS = ("tab:blue", "tab:orange", "tab:red", "tab:green", "tab:purple", "tab:brown")
SPECIES_COLOURS = {"Li": "tab:red", "P": "tab:purple", "S": "goldenrod", "Cl": "tab:green"}


def carriers(runs):
    """Li per cubic Angstrom in the run that is nearest to room temperature."""
    coldest = min(runs, key=lambda run: run.target)
    return coldest.ions / coldest.volume


def format_diffusion(found):
    """To the second digit of the error."""
    digits = int(np.clip(1 - np.floor(np.log10(max(found.error, 1e-9))), 0, 4))
    return Estimate(round(found.coefficient, digits) + 0.0, found.error).format(digits)  # 0.0: never -0.00


def describe_arrhenius(line, runs):
    """Lines of text: activation energy, and what it says of room temperature."""
    factor = np.exp(line.relative_error(ROOM))
    diffusion = line.diffusion(ROOM)
    sigma = conductivity(diffusion, ROOM, carriers(runs))
    return [
        f"activation energy: {line.energy:.3f} ± {line.error:.3f} eV",
        f"extrapolated to {ROOM:.0f} K, within a factor of {factor:.1f} (statistics of the line alone):",
        f"  D(Li) {diffusion:#.2g} × 10⁻⁹ m²/s, conductivity {sigma:.0f} mS/cm (Nernst-Einstein, uncorrelated ions)",
    ]


def make_table(title, runs, line):
    rows = [["", *(f"{run.target:g} K" for run in runs)]]

    def add(name, value):
        rows.append([name, *map(value, runs)])

    add("mean temperature (K)", lambda it: it.temperature.format(0))
    add("at constant energy (ps)", lambda it: f"{it.span:.1f}")
    add("lattice constant (Å)", lambda it: f"{it.lattice_constant:.3f}")
    add("pressure (GPa)", lambda it: it.pressure.format(2))
    add("energy drift (meV/atom/ns)", lambda it: f"{it.energy.drift:.2f} ± {it.energy.error:.2f}")
    add("ms per step", lambda it: f"{1e3 * it.seconds_per_step:.0f} on {it.ranks} rank{'s' * (it.ranks > 1)}")
    add("D of Li (10⁻⁹ m²/s)", lambda it: format_diffusion(it.diffusion["Li"]))
    add("  first, second half", lambda it: "{:.2f}, {:.2f}".format(*it.halves))
    add("  Li in another cage at the end", lambda it: f"{it.left:.0%}")
    for name in ("P", "S", "Cl"):
        add(f"D of {name}", lambda it: format_diffusion(it.diffusion[name]))
    add("longest lag (ps)", lambda it: f"{it.diffusion['Li'].lags[-1]:.1f}")
    for name in SPECIES_COLOURS:
        add(f"  displacement² of {name} (Å²)", lambda it: f"{it.diffusion[name].displacement[-1]:.2f}")
    add("conductivity (mS/cm)", lambda it: it.conductivity.format(0))

    widths = [max(map(len, column)) for column in zip(*rows)]
    lines = ["  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths)).rstrip() for row in rows]
    return "\n".join([title, "-" * len(title), *lines, *(describe_arrhenius(line, runs) if line else [])])


def draw_lithium(axis, runs):
    for run, colour in zip(runs, COLOURS):
        found, window = run.diffusion["Li"], np.array(run.diffusion["Li"].window)
        axis.plot(found.lags, found.displacement, color=colour, linewidth=2.2, alpha=0.6, label=f"{run.target:g} K")
        axis.plot(window, found.slope * window + found.intercept, "--", color="black", linewidth=1)
    axis.plot([], [], "--", color="black", linewidth=1, label="fit")
    axis.set_title("(a) Li", loc="left", fontsize="medium")


def draw_species(axis, run):
    for name, colour in SPECIES_COLOURS.items():
        axis.plot(run.diffusion[name].lags, run.diffusion[name].displacement, color=colour, label=name)
    axis.set_title(f"(b) Li beside the frame, {run.target:g} K", loc="left", fontsize="medium")


def draw_arrhenius(axis, runs, line):
    for run, colour in zip(runs, COLOURS):
        if run.lithium.value > 0:
            axis.errorbar(1e3 / run.temperature.value, run.lithium.value, run.lithium.error, fmt="o", color=colour,
                          capsize=3, label=f"{run.target:g} K")
    if line:
        inverse = np.linspace(0.9e3 / max(run.temperature.value for run in runs), 1e3 / ROOM, 100)
        middle = line.diffusion(1e3 / inverse)
        factor = np.exp([line.relative_error(1e3 / it) for it in inverse])
        axis.plot(inverse, middle, color="black", linewidth=1, label=f"{line.energy:.2f} ± {line.error:.2f} eV")
        axis.fill_between(inverse, middle / factor, middle * factor, color="0.85", linewidth=0)
        axis.axvline(1e3 / ROOM, color="0.6", linestyle=":", linewidth=1)
        axis.annotate("300 K", (1e3 / ROOM, 0.95), xycoords=("data", "axes fraction"), xytext=(-4, 0),
                      textcoords="offset points", ha="right", va="top", color="0.4")
    axis.set_yscale("log")
    axis.set_xlabel("1000 K / temperature")
    axis.set_ylabel("D of Li (10$^{-9}$ m²/s)")
    axis.set_title("(c) Arrhenius", loc="left", fontsize="medium")


def draw_energy(axis, run):
    draw_drift(axis, run.energy, run.energy.time[0])
    axis.set_xlabel("time at constant energy (ps)")
    axis.set_title("(c) energy", loc="left", fontsize="medium")


def draw_pairs(axis, runs):
    for name, style in (("S", "-"), ("Cl", "--")):
        for run, colour in zip(runs, COLOURS):
            axis.plot(run.distance, run.g[name], style, color=colour, linewidth=1.2,
                      label=f"Li–{name}, {run.target:g} K")
    axis.axhline(1, color="0.8", linewidth=0.8, zorder=0)
    axis.set_xlim(1.5, min(8.0, runs[0].distance[-1]))
    axis.set_ylim(bottom=0)
    axis.set_xlabel("distance (Å)")
    axis.set_ylabel("g(r)")
    axis.set_title("(d) pair distribution", loc="left", fontsize="medium")


def draw(path, title, runs, line):
    figure, axes = plt.subplots(2, 2, figsize=(10, 7.5), constrained_layout=True)
    draw_lithium(axes[0, 0], runs)
    draw_species(axes[0, 1], max(runs, key=lambda run: run.target))
    for axis in axes[0]:
        axis.set_xlabel("lag (ps)")
        axis.set_ylabel("mean square displacement (Å²)")
        axis.set_xlim(left=0)
        axis.set_ylim(bottom=0)
    if len(runs) > 1:
        draw_arrhenius(axes[1, 0], runs, line)
    else:
        draw_energy(axes[1, 0], runs[0])
    draw_pairs(axes[1, 1], runs)
    for axis in axes.flat:
        axis.legend(frameon=False, fontsize="small", loc="best")
    figure.suptitle(title, fontsize="medium")
    figure.savefig(path, dpi=100)
    plt.close(figure)


def draw_density(path, runs):
    """Where lithium is, in the plane of the centres of its cages."""
    figure, axes = plt.subplots(1, len(runs), figsize=(1.2 + 3.6 * len(runs), 4.4), constrained_layout=True,
                                squeeze=False)
    highest = np.percentile(max(runs, key=lambda run: run.density.max()).density, 99)
    for axis, run in zip(axes[0], runs):
        edge = run.lattice_constant
        image = axis.imshow(run.density, origin="lower", extent=(0, edge, 0, edge), cmap="magma", vmin=0, vmax=highest,
                            interpolation="bilinear")
        axis.plot(edge * np.array([0.25, 0.75]), edge * np.array([0.25, 0.75]), "+", color="deepskyblue", markersize=9)
        axis.set_xlabel("x (Å)")
        axis.set_title(f"{run.target:g} K", fontsize="medium")
    axes[0, 0].set_ylabel("y (Å)")
    figure.colorbar(image, ax=axes, label="Li per Å³", shrink=0.8, extend="max")
    figure.suptitle(f"Li within {SLAB:g} Å of z = a/4; + centre of a cage (4c)", fontsize="medium")
    figure.savefig(path, dpi=100)
    plt.close(figure)
