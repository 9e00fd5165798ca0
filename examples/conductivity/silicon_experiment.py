"""What was measured of silicon, to compare a simulation with."""

# Thermal conductivity of the crystal, W/m/K at K: Glassbrenner, Slack, Phys. Rev. 134, A1058 (1964), as in the tables of
# Ho, Powell, Liley, J. Phys. Chem. Ref. Data 1, 279 (1972).
CRYSTAL = {300.0: 148.0, 1000.0: 31.2}

# Thermal conductivity of amorphous films near 300 K, W/m/K, lowest and highest of films below a micrometre: Cahill, Katiyar,
# Abelson, Phys. Rev. B 50, 6077 (1994); Zink, Pietri, Hellman, Phys. Rev. Lett. 96, 055902 (2006).
AMORPHOUS = (1.0, 2.0)

# Amorphous silicon made by implantation: g/cm3, Custer et al., Appl. Phys. Lett. 64, 437 (1994); neighbours within the first
# shell as implanted and annealed, Laaziri et al., Phys. Rev. Lett. 82, 3460 (1999).
AMORPHOUS_DENSITY = 2.285
AMORPHOUS_NEIGHBOURS = (3.79, 3.88)
