"""Made the nequix-* cases: Nequix models with random weights and what the nequix package computes with them.

    make_nequix.py FOLDER [CASE...]     writes nequix-<case>/model.nqx and reference.extxyz into FOLDER

Needs ase, jax, e3nn_jax, equinox, jraph and nequix (0.4). All is computed in double precision, positions too, with the
weights as they are in the file, which are single. Virials are minus the derivative of the energy by symmetric
strain, eV.
"""

import argparse
import pathlib

import equinox as eqx
import jax

jax.config.update("jax_enable_x64", True)

import jax.numpy as jnp
import numpy as np
from ase import Atoms
from ase.neighborlist import neighbor_list

from nequix.model import Nequix, save_model

BASE = {"cutoff": 4.0, "atomic_numbers": [29, 1, 8], "lmax": 2, "hidden_irreps": "8x0e + 4x1o + 3x2e", "n_layers": 3,
        "radial_basis_size": 5, "radial_mlp_size": 7, "radial_mlp_layers": 2, "radial_polynomial_p": 6.0,
        "mlp_init_scale": 4.0, "index_weights": False, "layer_norm": True, "shift": 0.3, "scale": 0.9,
        "avg_n_neighbors": 11.5}

CASES = {
    "norm": {},
    "bare": {"layer_norm": False, "radial_mlp_layers": 1},
    "indexed": {"index_weights": True, "layer_norm": False, "hidden_irreps": "6x0e + 5x1o", "lmax": 1, "n_layers": 2},
    "indexed-norm": {"index_weights": True, "hidden_irreps": "7x0e + 3x2e", "lmax": 3, "radial_polynomial_p": 2.0},
    "lmax3": {"lmax": 3, "hidden_irreps": "8x0e + 4x1o + 3x2e + 2x3o", "n_layers": 4},
    "lmax4": {"lmax": 4, "hidden_irreps": "5x0e + 4x1o + 3x2e + 2x3o + 2x4e", "radial_mlp_layers": 0},
    "unsorted": {"hidden_irreps": "3x2e + 2x0e + 6x0e + 4x1o", "lmax": 3, "n_layers": 2},
    "one-layer": {"n_layers": 1},
}


def make_model(config, random):
    own = ("cutoff", "lmax", "hidden_irreps", "n_layers", "radial_basis_size", "radial_mlp_size", "radial_mlp_layers",
           "radial_polynomial_p", "mlp_init_scale", "index_weights", "layer_norm", "shift", "scale", "avg_n_neighbors")
    species = len(config["atomic_numbers"])
    model = Nequix(jax.random.key(0), n_species=species, **{key: config[key] for key in own})

    def randomise(leaf):
        if not eqx.is_array(leaf):
            return leaf
        around = 1 if leaf.ndim == 1 else 0  # norms
        width = 0.3 if leaf.ndim == 1 else float(jnp.std(leaf))
        return jnp.asarray(random.normal(around, width, leaf.shape), dtype=jnp.float32)

    return jax.tree.map(randomise, model)


def place_atoms(count, cell, random):
    """Positions at least 1.2 Angstrom apart, images included."""
    images = np.array(np.meshgrid(*3 * [[-1, 0, 1]])).reshape(3, -1).T @ cell
    positions = np.zeros((0, 3))
    while len(positions) < count:
        new = random.random(3) @ cell
        distances = np.linalg.norm(positions[:, None] - new + images[None], axis=-1)
        if distances.min(initial=9) > 1.2:
            positions = np.vstack([positions, new])
    return positions.round(8)


def structures(config, random):
    for count, periodic in ((7, True), (5, False)):
        cell = (4.3 * np.eye(3) + random.normal(0, 0.4, (3, 3))).round(8)
        numbers = random.choice(config["atomic_numbers"], count)
        yield Atoms(numbers, positions=place_atoms(count, cell, random), cell=cell, pbc=periodic)


def evaluate(model, config, atoms):
    """Energy, atomic energies, forces and virial."""
    centre, neighbour, shift = neighbor_list("ijS", atoms, config["cutoff"])
    species = jnp.array([config["atomic_numbers"].index(number) for number in atoms.numbers])

    @jax.jit
    def total(positions, strain):
        move = jnp.eye(3) + (strain + strain.T) / 2
        edges = (positions[neighbour] - positions[centre] + shift @ atoms.cell.array) @ move
        energies = model.node_energies(edges, species, jnp.array(neighbour), jnp.array(centre))[:, 0]
        return energies.sum(), energies

    derivatives = jax.value_and_grad(total, argnums=(0, 1), has_aux=True)
    (energy, energies), (gradient, strain) = derivatives(jnp.array(atoms.positions), jnp.zeros((3, 3)))
    assert energies.dtype == jnp.float64
    return float(energy), np.array(energies), -np.array(gradient), -np.array(strain)


def frame_text(atoms, energy, energies, forces, virial):
    def words(numbers, digits):
        return " ".join(f"{number:.{digits}f}" for number in np.ravel(numbers))

    lines = [f"{len(atoms)}",
             f'Lattice="{words(atoms.cell.array, 8)}" Properties=species:S:1:pos:R:3:forces:R:3:energies:R:1 '
             f'energy={energy:.12f} virial="{words(virial, 12)}" pbc="{" ".join("FT"[int(p)] for p in atoms.pbc)}"']
    for symbol, position, force, share in zip(atoms.symbols, atoms.positions, forces, energies):
        lines.append(f"{symbol} {words(position, 8)} {words(force, 12)} {share:.12f}")
    return "\n".join(lines) + "\n"


def write_case(folder, name):
    random = np.random.default_rng(sum(name.encode()))
    config = {**BASE, **CASES[name]}
    model = make_model(config, random)
    folder.mkdir(parents=True, exist_ok=True)
    save_model(folder / "model.nqx", model, config)
    double = jax.tree.map(lambda leaf: leaf.astype(jnp.float64) if eqx.is_array(leaf) else leaf, model)
    frames = [frame_text(atoms, *evaluate(double, config, atoms)) for atoms in structures(config, random)]
    (folder / "reference.extxyz").write_text("".join(frames))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("cases", nargs="*", choices=[[], *CASES], default=[])
    arguments = parser.parse_args()
    for case in arguments.cases or CASES:
        write_case(arguments.folder / f"nequix-{case}", case)
