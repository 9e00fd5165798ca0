"""What mace-torch computes with a model: python mace_torch.py MODEL STRUCTURES RESULTS [--steps N] [--timestep FS]

STRUCTURES and RESULTS are files of ASE's (.extxyz, .traj). Writes energy, forces, atomic energies without those of
isolated atoms and, of periodic structures, virial (minus the derivative of the energy by strain, eV) of every structure,
in double precision. With --steps the first structure, which has velocities, is moved by velocity Verlet, and the results
are those of it and of all steps.

Runs in a Python that has mace-torch; water.py calls it.
"""

import argparse
import warnings

warnings.filterwarnings("ignore")

import ase.io
import torch
from ase import units
from ase.calculators.singlepoint import SinglePointCalculator
from ase.md.verlet import VelocityVerlet

torch.serialization.add_safe_globals([slice])

from mace.calculators import MACECalculator


def load(path):
    """The model; what mace-torch has as tensors today are plain numbers in files of 2022 and 2023."""
    model = torch.load(path, map_location="cpu", weights_only=False)
    for name, value in {"r_max": None, "atomic_numbers": None, "num_interactions": len(model.interactions)}.items():
        value = getattr(model, name, value)
        if not isinstance(value, torch.Tensor):
            vars(model).pop(name, None)
            model.register_buffer(name, torch.tensor(value))
    return model


def with_results(atoms, calculator):
    """A copy that holds the results, as ase.io.write takes them."""
    atoms.calc = calculator
    energy, forces = atoms.get_potential_energy(), atoms.get_forces()
    copy = atoms.copy()
    copy.calc = SinglePointCalculator(copy, energy=energy, forces=forces.copy())
    copy.arrays["node_energies"] = calculator.results["node_energy"].copy()
    if atoms.pbc.all():
        copy.info["virial"] = -atoms.get_stress(voigt=False) * atoms.get_volume()
    return copy


def dynamics(atoms, calculator, steps, timestep):
    atoms.calc = calculator
    motion = VelocityVerlet(atoms, timestep=timestep * units.fs)
    frames = []
    motion.attach(lambda: frames.append(with_results(atoms, calculator)))
    motion.run(steps)
    return frames


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("structures")
    parser.add_argument("results")
    parser.add_argument("--steps", type=int, default=0, help="of velocity Verlet from the first structure")
    parser.add_argument("--timestep", type=float, default=0.5, help="fs (default: 0.5)")
    options = parser.parse_args()
    torch.set_default_dtype(torch.float64)  # else parts of the repulsion are in single precision all the same
    structures = ase.io.read(options.structures, ":")
    calculator = MACECalculator(models=[load(options.model)], device="cpu", default_dtype="float64")
    if options.steps:
        results = dynamics(structures[0], calculator, options.steps, options.timestep)
    else:
        results = [with_results(atoms, calculator) for atoms in structures]
    ase.io.write(options.results, results)


if __name__ == "__main__":
    main()
