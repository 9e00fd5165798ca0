"""Measured properties of liquid water at atmospheric pressure, to compare a simulation with."""

LIQUID = (273.15, 373.15)  # K, where diffusion_coefficient() and viscosity() hold

# Oxygen-oxygen pair distribution function at 295 K by x-ray diffraction: Skinner, Huang, Schlesinger, Pettersson,
# Nilsson, Benmore, J. Chem. Phys. 138, 074506 (2013). (position in Angstrom, its error), (height, its error).
PAIR_DISTRIBUTION = {
    "first maximum": ((2.80, 0.01), (2.57, 0.05)),
    "first minimum": ((3.45, 0.04), (0.84, 0.02)),
    "second maximum": ((4.5, 0.1), (1.12, 0.01)),
}

# Oxygens within 3.3 Angstrom of one, the same from 254 to 366 K: Skinner, Benmore, Neuefeind, Parise, J. Chem. Phys.
# 141, 214507 (2014).
NEIGHBOUR_DISTANCE = 3.3
NEIGHBOURS = (4.3, 0.2)


def diffusion_coefficient(temperature):
    """Self diffusion of H2O in 1e-9 m2/s: Holz, Heil, Sacco, Phys. Chem. Chem. Phys. 2, 4740 (2000), good to 1 %."""
    return 16.35 * (temperature / 215.05 - 1.0) ** 2.063


def viscosity(temperature):
    """Shear viscosity of H2O in Pa s: Patek, Hruby, Klomfar et al., J. Phys. Chem. Ref. Data 38, 21 (2009)."""
    reduced = temperature / 300.0
    return 1e-6 * (280.68 * reduced**-1.9 + 511.45 * reduced**-7.7 + 61.131 * reduced**-19.6 + 0.45903 * reduced**-40.0)
