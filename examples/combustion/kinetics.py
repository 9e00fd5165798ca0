"""A gas of hydrogen and oxygen in a reactor of constant volume without losses, by rates of elementary reactions."""

from dataclasses import dataclass

import numpy as np

try:
    import cantera
except ImportError:
    cantera = None

MECHANISM = "h2o2.yaml"  # of Cantera: hydrogen of GRI-Mech 3.0


@dataclass
class Reactor:
    """Against time in ps: K, and molecules of each species for each H2 at the start."""

    time: np.ndarray
    temperature: np.ndarray
    species: dict

    def at(self, time, values):
        return np.interp(time, self.time, values)


def react(temperature, density, end, oxygen=0.5):
    """Burns a gas from a temperature (K) and density (g/cm3) until `end` (ps); None without Cantera.

    oxygen: molecules of O2 for each H2.
    """
    if cantera is None:
        return None
    gas = cantera.Solution(MECHANISM)
    gas.TDX = temperature, 1000 * density, {"H2": 1.0, "O2": oxygen}
    hydrogen = gas["H2"].concentrations[0]
    states = cantera.SolutionArray(gas, extra=["time"])
    reactor = cantera.IdealGasReactor(gas)
    network = cantera.ReactorNet([reactor])
    states.append(gas.state, time=0.0)
    while network.time < 1e-12 * end:
        network.step()
        states.append(gas.state, time=1e12 * network.time)
    names = [name for name in gas.species_names if set(gas.species(name).composition) <= {"H", "O"}]
    species = {name: np.array(states(name).concentrations[:, 0]) / hydrogen for name in names}
    return Reactor(np.array(states.time), np.array(states.T), species)
