"""CPU time per atom and step of a published model of Nequix by its own package on one core, as JSON on the last line.

    python bench/universal_jax.py MODEL.nqx STRUCTURE.extxyz [--steps 3]

By the package's ASE calculator with JAX on the CPU, compiled before the measurement, in the file's own float32.
Needs the packages nequix and ase.
"""

import os

os.environ["JAX_PLATFORMS"] = "cpu"
os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})

import warnings  # noqa: E402

warnings.filterwarnings("ignore")

import ase.io  # noqa: E402
import jax  # noqa: E402
from nequix.calculator import NequixCalculator  # noqa: E402
from one_core import parse, print_result  # noqa: E402


def main():
    arguments = parse(__doc__)
    atoms = ase.io.read(arguments.structure)
    atoms.calc = NequixCalculator(model_path=arguments.model, use_kernel=False)
    energy, forces = atoms.get_potential_energy(), atoms.get_forces()

    def step():
        atoms.positions[0, 0] += 1e-4  # the calculator keeps the results of a structure it has seen
        return atoms.get_forces()

    step()
    print_result(step, arguments.steps, len(atoms), version=f"JAX {jax.__version__}",
                 energy=float(energy), forces=forces.tolist())


if __name__ == "__main__":
    main()
