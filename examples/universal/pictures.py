"""The table and the picture of rock_salt.py."""

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

COLOURS = ("tab:blue", "tab:orange", "tab:green", "tab:red", "tab:purple", "tab:brown")
MELTING = 1074  # K, experiment
LATTICE_CONSTANT = 5.640  # Angstrom at 298 K, x-ray diffraction
# Janz, J. Phys. Chem. Ref. Data 17, suppl. 2 (1988): density of the melt, g/cm3, T in K.
MELT_DENSITY = (2.1389, -0.5426e-3)
# Urakawa et al., Am. Mineral. 84, 341 (1999), x-ray diffraction. Numbers of neighbours differ from author to author.
MELT_PEAK = "about 2.7"


def make_table(found, liquid):
    experiment = MELT_DENSITY[0] + MELT_DENSITY[1] * liquid
    rows = [["", *found, "experiment"]]

    def add(name, value, known=""):
        rows.append([name, *(value(*it) for it in found.values()), known])

    add("at rest: lattice constant (Å)", lambda eos, run: f"{eos.lattice_constant:.4f}")
    add("  bulk modulus (GPa)", lambda eos, run: f"{eos.bulk_modulus:.1f}", "24 to 27")
    add("  energy (eV/atom, the model's zero)", lambda eos, run: f"{eos.energy:.4f}")
    add("crystal: temperature (K)", lambda eos, run: run.crystal.temperature.format(0))
    add("  lattice constant (Å)", lambda eos, run: run.lattice_constant.format(3), f"{LATTICE_CONSTANT:.3f} (298 K)")
    add("  energy above that at rest (eV/atom)", lambda eos, run: f"{run.crystal.energy.value - eos.energy:.4f}",
        "0.039 (3/2 kT)")
    add("melt: temperature (K)", lambda eos, run: run.melt.temperature.format(0))
    add("  density (g/cm³)", lambda eos, run: run.melt.density.format(3), f"{experiment:.3f} ({liquid:.0f} K)")
    add("  energy above that at rest (eV/atom)", lambda eos, run: f"{run.melt.energy.value - eos.energy:.3f}")
    add("  first peak Na-Cl (Å)", lambda eos, run: f"{run.melt.peak:.2f}", MELT_PEAK)
    add("  unlike neighbours", lambda eos, run: f"{run.melt.neighbours:.1f}")
    add("  displacement² of ions, end to end (Å²)", lambda eos, run: f"{run.melt.displacement:.1f}",
        "a crystal: below 1")
    add("  pressure (GPa)", lambda eos, run: run.melt.pressure.format(2), "0")
    add("µs per atom, step and core", lambda eos, run: f"{run.microseconds:.0f} ({run.ranks} ranks)")
    widths = [max(len(row[n]) for row in rows) for n in range(len(rows[0]))]
    return "\n".join("  ".join(word.ljust(width) for word, width in zip(row, widths)).rstrip() for row in rows)


def draw(path, found, liquid):
    figure, axes = plt.subplots(2, 2, figsize=(10, 7.6), constrained_layout=True)
    for (name, (state, run)), colour in zip(found.items(), COLOURS):
        draw_state(axes[0, 0], name, state, colour)
        axes[0, 1].plot(*run.heating, ".", markersize=2.5, color=colour, label=name)
        for axis, phase in ((axes[1, 0], run.crystal), (axes[1, 1], run.melt)):
            axis.plot(phase.distances, phase.unlike, color=colour, label=f"{name}, Na–Cl")
            axis.plot(phase.distances, phase.like, color=colour, linestyle="--", linewidth=1, label="like ions")
    axes[0, 0].axvline(LATTICE_CONSTANT, color="0.4", linewidth=0.8, linestyle=":", label="experiment, 298 K")
    axes[0, 0].set(xlabel="lattice constant (Å)", ylabel="energy above minimum (meV/atom)",
                   title="rock salt at rest, Birch–Murnaghan")
    axes[0, 1].axvline(MELTING, color="0.4", linewidth=0.8, linestyle=":", label="melting, experiment")
    axes[0, 1].set(xlabel="temperature (K)", ylabel="volume (Å³/atom)", title="heated without pressure")
    axes[1, 0].set(title="pair distribution, crystal at 300 K")
    axes[1, 1].set(title=f"pair distribution, melt at {liquid:.0f} K")
    for axis in axes[1]:
        axis.set(xlabel="distance (Å)", ylabel="g(r)", xlim=(1.5, None))
    for axis in axes.flat:
        axis.legend(frameon=False, fontsize=8)
    figure.savefig(path, dpi=150)
    plt.close(figure)


def draw_state(axis, name, state, colour):
    fine = np.linspace(state.constants[0], state.constants[-1], 200)
    axis.plot(state.constants, 1e3 * (state.energies - state.energy), "o", markersize=4, color=colour)
    axis.plot(fine, 1e3 * (state.curve(fine) - state.energy), color=colour, label=name)
