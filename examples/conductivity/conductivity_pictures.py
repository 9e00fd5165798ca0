"""The table and the pictures of conductivity.py."""

import silicon_experiment
import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.ticker import NullFormatter

UNIT = "W m$^{-1}$ K$^{-1}$"
NAMES = {"amorphous": "Amorphous silicon", "crystal": "Silicon crystal"}
BLUE, RED, GREY = "tab:blue", "tab:red", "0.75"


def measured(plan):
    """Lowest and highest of experiment, or None."""
    if plan.phase == "amorphous":
        return silicon_experiment.AMORPHOUS
    found = silicon_experiment.CRYSTAL.get(plan.temperature)
    return (found, found) if found else None


def with_error(estimate):
    """To the second digit of the error."""
    digits = int(np.clip(1 - np.floor(np.log10(max(estimate.error, 1e-9))), 0, 3))
    return estimate.format(digits)


def combined(first, second):
    """How many standard errors two estimates are apart."""
    return abs(first.value - second.value) / np.hypot(first.error, second.error)


def make_rows(found):
    it, plan = found.equilibrium, found.plan
    experiments = measured(plan)
    rows = [
        ("atoms", f"{len(found.structure.atoms)}"),
        ("density (g/cm³)", f"{found.structure.density:.3f}"),
        ("atoms with 3, 4, 5 neighbours", ", ".join(f"{found.structure.share(n):.1%}" for n in (3, 4, 5))),
        ("temperature (K)", it.temperature.format(1)),
        ("time at constant energy (ps)", f"{it.span:.0f}"),
        ("energy drift (meV/atom/ns)", f"{it.energy.drift:.3f} ± {it.energy.error:.3f}"),
        ("µs per atom, step and core", f"{cost(it, len(found.structure.atoms)):.2f} ({it.ranks} ranks)"),
        ("κ, cepstral analysis (W/m/K)", f"{with_error(it.cepstral)}"),
        ("  of the spectrum up to (THz)", f"{it.analysis['frequency']:.1f}"),
        ("  cepstral coefficients", f"{it.analysis['coefficients']}"),
        ("κ, block averages", f"{with_error(it.blocks)}"),
        ("  integral up to (ps)", f"{it.lags[len(it.lags) // 2]:.1f} .. {it.lags[-1]:.1f}"),
    ]
    for profile in found.profiles:
        rows.append((f"κ, direct, {profile.length:.1f} Å ({profile.atoms} atoms)", with_error(profile.conductivity)))
    if found.limit:
        apart = combined(found.limit.limit, it.cepstral)
        rows += [("κ, direct, extrapolated", with_error(found.limit.limit)),
                 ("  apart from cepstral analysis", f"{apart:.1f} standard errors")]
    if experiments:
        low, high = experiments
        rows.append(("κ, experiment", f"{low:g}" if low == high else f"{low:g} .. {high:g}"))
    return rows


def cost(run, atoms):
    return 1e6 * run.seconds_per_step * run.ranks / atoms


def make_table(title, all_found):
    lines = [title, "-" * len(title)]
    for found in all_found:
        rows = make_rows(found)
        width = max(len(name) for name, _ in rows)
        lines += ["", f"{NAMES[found.plan.phase]} at {found.plan.temperature:g} K"]
        lines += [f"  {name:<{width}}  {value}" for name, value in rows]
    return "\n".join(lines)


def band(axis, estimate, colour, label):
    axis.axhspan(estimate.value - estimate.error, estimate.value + estimate.error, color=colour, alpha=0.25, linewidth=0)
    axis.axhline(estimate.value, color=colour, linewidth=1, label=label)


def draw_experiment(axis, plan):
    experiments = measured(plan)
    if not experiments:
        return
    low, high = experiments
    if low == high:
        axis.axhline(low, color="black", linestyle=":", label="experiment")
    else:
        axis.axhspan(low, high, color="0.9", zorder=0, label="experiment, films")


def draw_integral(axis, found):
    it = found.equilibrium
    axis.fill_between(it.lags, it.integral - it.error, it.integral + it.error, color=BLUE, alpha=0.3, linewidth=0)
    axis.plot(it.lags, it.integral, color=BLUE, label="running integral, blocks")
    band(axis, it.cepstral, RED, f"cepstral: {with_error(it.cepstral)}")
    draw_experiment(axis, found.plan)
    axis.set(xlabel="lag (ps)", ylabel=f"κ ({UNIT})", xlim=(0, it.lags[-1]))
    axis.set_ylim(bottom=min(0, axis.get_ylim()[0]))
    axis.legend(frameon=False, fontsize="small", loc="lower right")


def draw_spectrum(axis, found):
    analysis = found.equilibrium.analysis
    axis.plot(analysis["measured"]["frequencies"], analysis["measured"]["spectrum"], color=GREY, linewidth=0.8,
              label="flux, 0.1 THz averages")
    axis.plot(analysis["smooth"]["frequencies"], analysis["smooth"]["spectrum"], color=RED, label="cepstral analysis")
    axis.errorbar([0], [found.equilibrium.cepstral.value], [found.equilibrium.cepstral.error], fmt="o", color=RED,
                  markersize=4, capsize=2, clip_on=False)
    axis.set(xlabel="frequency (THz)", ylabel=f"spectrum of the flux ({UNIT})", yscale="log",
             xlim=(0, analysis["measured"]["frequencies"][-1]))
    axis.yaxis.set_major_formatter("{x:g}")
    axis.yaxis.set_minor_formatter(NullFormatter())
    axis.legend(frameon=False, fontsize="small")


def draw_profile(axis, profile):
    axis.axvspan(0, profile.slab, color=RED, alpha=0.2, linewidth=0)
    axis.axvspan(profile.length, profile.length + profile.slab, color=BLUE, alpha=0.2, linewidth=0)
    axis.errorbar(profile.positions, profile.temperatures, profile.errors, fmt=".", color="0.5", markersize=4, linewidth=0.8)
    for part, line in zip(profile.fitted, profile.lines):
        axis.plot(profile.positions[part], profile.temperatures[part], ".", color="black")
        ends = profile.positions[part][[0, -1]]
        axis.plot(ends, np.polyval(line, ends), color="tab:orange", linewidth=1.6)
    axis.set(xlabel="z (Å)", ylabel="temperature (K)", xlim=(0, 2 * profile.length),
             title=f"{profile.atoms} atoms, {profile.span:.0f} ps")


def draw_extrapolation(axis, found):
    inverse = np.array([1 / it.length for it in found.profiles])
    resistance = np.array([1 / it.conductivity.value for it in found.profiles])
    errors = np.array([it.conductivity.error / it.conductivity.value**2 for it in found.profiles])
    line = np.linspace(0, 1.1 * inverse.max(), 100)
    if found.limit:
        fit, spread = found.limit.inverse + found.limit.slope * line, found.limit.error(line)
        axis.fill_between(line, fit - spread, fit + spread, color="tab:orange", alpha=0.25, linewidth=0)
        axis.plot(line, fit, color="tab:orange", label=f"extrapolated: {with_error(found.limit.limit)}")
    axis.errorbar(inverse, resistance, errors, fmt="o", color="black", markersize=4, capsize=2, label="direct")
    for estimate, marker, colour, label in ((found.equilibrium.cepstral, "s", RED, "Green-Kubo, cepstral"),
                                            (found.equilibrium.blocks, "D", BLUE, "Green-Kubo, blocks")):
        shift = -0.02 if marker == "s" else -0.04
        axis.errorbar([shift * line[-1]], [1 / estimate.value], [estimate.error / estimate.value**2], fmt=marker,
                      color=colour, markersize=5, capsize=2, label=label)
    axis.axvline(0, color="0.7", linewidth=0.8, zorder=0)
    axis.set(xlabel="1 / distance of the slabs (Å$^{-1}$)", ylabel="1/κ (m K W$^{-1}$)", xlim=(-0.07 * line[-1], line[-1]))
    axis.set_ylim(bottom=0)
    axis.legend(frameon=False, fontsize="small", loc="lower right")


def draw(path, found):
    rows = 2 if found.profiles else 1
    figure, axes = plt.subplots(rows, 2, figsize=(9.6, 4 * rows), constrained_layout=True, squeeze=False)
    draw_integral(axes[0, 0], found)
    draw_spectrum(axes[0, 1], found)
    if found.profiles:
        draw_profile(axes[1, 0], found.profiles[-1])
        draw_extrapolation(axes[1, 1], found)
    figure.suptitle(f"{NAMES[found.plan.phase]}, {found.equilibrium.temperature.value:.0f} K, {len(found.structure.atoms)} atoms in equilibrium")
    figure.savefig(path, dpi=150)
    plt.close(figure)
