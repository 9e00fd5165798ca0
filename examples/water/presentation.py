"""The table and the figure of liquid.py."""

import experiment
import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

COLOURS = ("tab:blue", "tab:red", "tab:green", "tab:purple", "tab:orange", "tab:brown")


def with_error(value, error):
    """A number with the error of its last digit in brackets, as experiments give it."""
    digits = max(0, -int(np.floor(np.log10(error) + 1e-9)))
    return f"{value:.{digits}f}({round(error * 10**digits)})"


def make_table(title, liquids):
    def row(name, value, measured=""):
        return [name, *(value(liquid) for liquid in liquids), measured]

    rows = [["", *(f"{liquid.temperature:g} K" for liquid in liquids), "experiment"]]
    rows.append(row("time evaluated (ps)", lambda it: f"{it.span:.1f}"))
    rows.append(row("whole molecules, worst frame", lambda it: f"{it.whole.min()} of {it.molecules}"))
    rows.append(row("frames with a broken one", lambda it: f"{np.count_nonzero(it.is_broken)} of {len(it.whole)}"))
    rows.append(row("first broken one after (ps)", lambda it: "never" if it.lasted is None else f"{it.lasted:.1f}"))
    rows.append(row("temperature (K)", lambda it: it.measured.format(1)))
    rows.append(row("pressure (MPa)", lambda it: it.pressure.format(0)))
    rows.append(row("drift of conserved energy (meV/atom/ns)", lambda it: it.drift.format(2)))
    for name, (position, height) in experiment.PAIR_DISTRIBUTION.items():
        rows.append(row(f"g_OO, {name} at (Å)", lambda it: it.features[name][0].format(3),
                        with_error(*position) + " *"))
        rows.append(row(f"g_OO, {name}", lambda it: it.features[name][1].format(2), with_error(*height) + " *"))
    rows.append(row(f"O within {experiment.NEIGHBOUR_DISTANCE} Å of an O", lambda it: it.neighbours.format(2),
                    with_error(*experiment.NEIGHBOURS)))
    rows.append(row("D in this box (1e-9 m²/s)", lambda it: it.in_box.format(2)))
    rows.append(row("  finite size", lambda it: f"+ {it.correction:.2f}" if np.isfinite(it.correction) else "no cube"))
    rows.append(row("D in an infinite box (1e-9 m²/s)", lambda it: it.corrected.format(2)))
    rows.append(row("D of experiment (1e-9 m²/s)",
                    lambda it: f"{experiment.diffusion_coefficient(it.temperature):.2f}"))

    widths = [max(map(len, column)) for column in zip(*rows)]
    lines = ["  ".join(f"{cell:<{width}}" for cell, width in zip(line, widths)).rstrip() for line in rows]
    return "\n".join([title, "-" * len(title), *lines, "* x-ray diffraction at 295 K"])


def describe_wholeness(liquid):
    if liquid.lasted is None:
        return f"{liquid.temperature:g} K: all {liquid.molecules} molecules whole in all {len(liquid.whole)} frames"
    return (f"{liquid.temperature:g} K: {liquid.whole.min()} of {liquid.molecules} molecules whole in the worst frame, "
            f"{np.count_nonzero(liquid.is_broken)} of {len(liquid.whole)} frames with a broken one, "
            f"the first after {liquid.lasted:.1f} ps")


def draw_g(axis, liquids, colours):
    for liquid, colour in zip(liquids, colours):
        axis.plot(liquid.distance, liquid.g, color=colour, label=f"{liquid.temperature:g} K")
    points = [(*position, *height) for position, height in experiment.PAIR_DISTRIBUTION.values()]
    position, position_error, height, height_error = np.transpose(points)
    axis.errorbar(position, height, height_error, position_error, "o", color="black", markersize=4, capsize=2, zorder=3,
                  label="x-ray, 295 K")
    axis.axhline(1, color="0.8", linewidth=0.8, zorder=0)
    axis.set_xlim(2, liquids[0].distance[-1])
    axis.set_ylim(bottom=0)
    axis.set_xlabel("distance (Å)")
    axis.set_ylabel("$g_{OO}$")


def draw_displacement(axis, liquids, colours):
    for liquid, colour in zip(liquids, colours):
        found = liquid.diffusion
        window = np.array(found.window)
        axis.plot(found.lags, found.displacement, color=colour, linewidth=2.2, alpha=0.5,
                  label=f"{liquid.temperature:g} K")
        axis.plot(window, found.slope * window + found.intercept, "--", color="black", linewidth=1)
    axis.plot([], [], "--", color="black", linewidth=1, label="fit")
    axis.set_xlim(0, max(liquid.diffusion.lags[-1] for liquid in liquids))
    axis.set_ylim(bottom=0)
    axis.set_xlabel("lag (ps)")
    axis.set_ylabel("mean square displacement of O (Å²)")


def draw_diffusion(axis, liquids, colours):
    lowest, highest = (pick(liquid.temperature for liquid in liquids) for pick in (min, max))
    line = np.linspace(max(experiment.LIQUID[0], lowest - 15), min(experiment.LIQUID[1], highest + 15), 100)
    axis.plot(line, experiment.diffusion_coefficient(line), color="black", label="experiment")
    for liquid, colour in zip(liquids, colours):
        for found, fill in ((liquid.in_box, "white"), (liquid.corrected, colour)):
            axis.errorbar(liquid.temperature, found.value, found.error, fmt="o", color=colour, markerfacecolor=fill,
                          capsize=3)
    axis.plot([], [], "o", color="0.4", markerfacecolor="white", label="in this box")
    axis.plot([], [], "o", color="0.4", label="in an infinite box")
    axis.set_xlim(line[0], line[-1])
    axis.set_ylim(bottom=0)
    axis.set_xlabel("temperature (K)")
    axis.set_ylabel("self diffusion (10$^{-9}$ m²/s)")


def draw_energy(axis, liquids, colours):
    for liquid, colour in zip(liquids, colours):
        drift = liquid.drift.format(2).replace("-", "\u2212")
        axis.plot(liquid.time, liquid.conserved, color=colour, linewidth=0.7,
                  label=f"{liquid.temperature:g} K, drift {drift} meV/atom/ns")
        if liquid.lasted is not None:
            axis.axvline(liquid.lasted, color=colour, linestyle="--", linewidth=1.5)
    if any(liquid.lasted is not None for liquid in liquids):
        axis.plot([], [], "--", color="0.4", linewidth=1.5, label="first broken molecule")
    axis.set_xlim(0, max(liquid.time[-1] for liquid in liquids))
    low, high = axis.get_ylim()
    axis.set_ylim(low, high + 0.13 * (len(liquids) + 1) * (high - low))
    axis.set_xlabel("time (ps)")
    axis.set_ylabel("conserved energy $-$ mean (meV/atom)")


def draw(path, title, liquids):
    colours = [COLOURS[n % len(COLOURS)] for n in range(len(liquids))]
    figure, axes = plt.subplots(2, 2, figsize=(10, 7.5), constrained_layout=True)
    panels = (draw_g, draw_displacement, draw_diffusion, draw_energy)
    for axis, panel, letter in zip(axes.flat, panels, "abcd"):
        panel(axis, liquids, colours)
        axis.legend(frameon=False, loc="upper right" if panel in (draw_g, draw_energy) else "upper left")
        axis.set_title(f"({letter})", loc="left", fontsize="medium")
    sound = all(liquid.lasted is None for liquid in liquids)
    heading = "\n".join([title, *map(describe_wholeness, liquids)])
    figure.suptitle(heading, fontsize="medium", color="black" if sound else "darkred")
    figure.savefig(path, dpi=150)
    plt.close(figure)
