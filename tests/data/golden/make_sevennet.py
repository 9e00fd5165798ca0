"""Made the sevennet-* cases: SevenNet models with random weights and what the sevenn package computes with them.

    make_sevennet.py random FOLDER                            writes sevennet-<case>/ into FOLDER
    make_sevennet.py published CHECKPOINT STRUCTURES OUTPUT   energies, forces, virials of STRUCTURES (extended XYZ)

Needs torch, e3nn, ase and sevenn (0.13). All is computed in double precision with the weights as they are in the
checkpoint, which are single; constants of e3nn (coupling coefficients, scales of activations) are double. Virials are
minus the derivative of the energy by symmetric strain, eV.
"""

import argparse
import copy
import pathlib
import warnings

import ase.io
import numpy as np
import torch
from ase.neighborlist import primitive_neighbor_list

warnings.filterwarnings("ignore")

import sevenn
import sevenn._const as const
import sevenn._keys as KEY
from sevenn.checkpoint import SevenNetCheckpoint
from sevenn.model_build import build_E3_equivariant_model
from sevenn.nn.node_embedding import OnehotEmbedding
from sevenn.scripts.backward_compatibility import patch_state_dict_if_old
from sevenn.util import chemical_species_preprocess

# What every case has unless it says otherwise.
BASE = {
    KEY.CUTOFF: 4.0,
    KEY.NODE_FEATURE_MULTIPLICITY: 4,
    KEY.LMAX: 2,
    KEY.IS_PARITY: False,
    KEY.NUM_CONVOLUTION: 3,
    KEY.RADIAL_BASIS: {KEY.RADIAL_BASIS_NAME: "bessel", "bessel_basis_num": 5},
    KEY.CUTOFF_FUNCTION: {KEY.CUTOFF_FUNCTION_NAME: "XPLOR", "cutoff_on": 3.4},
    KEY.CONVOLUTION_WEIGHT_NN_HIDDEN_NEURONS: [7, 8],
    KEY.SELF_CONNECTION_TYPE: "linear",
    KEY.CONV_DENOMINATOR: 5.25,
}

CASES = {
    "so3": {"species": ["Si", "O", "H"], "config": {}},
    "parity": {
        "species": ["C", "H"],
        "config": {
            KEY.IS_PARITY: True,
            KEY.NUM_CONVOLUTION: 4,
            KEY.NODE_FEATURE_MULTIPLICITY: 3,
            KEY.SELF_CONNECTION_TYPE: "nequip",
            KEY.CUTOFF_FUNCTION: {KEY.CUTOFF_FUNCTION_NAME: "poly_cut", "poly_cut_p_value": 5},
            KEY.ACTIVATION_SCARLAR: {"e": "ssp", "o": "abs"},
        },
    },
    "lmax3": {
        "species": ["Cu", "Zr"],
        "config": {
            KEY.LMAX: 3,
            KEY.IRREPS_MANUAL: ["12x0e", "12x0e+6x1e+4x2e+4x3e", "9x0e+5x1e+3x2e+2x3e", "10x0e"],
            KEY.SELF_CONNECTION_TYPE: ["linear", "nequip", "linear"],
            KEY.CONV_DENOMINATOR: [5.5, 4.75, 6.125],
        },
    },
    "bias-fcn": {
        "species": ["Ni", "O"],
        "config": {
            KEY.LMAX: 1,
            KEY.LMAX_EDGE: 3,
            KEY.LMAX_NODE: 2,
            KEY.NUM_CONVOLUTION: 2,
            KEY.USE_BIAS_IN_LINEAR: True,
            KEY.READOUT_AS_FCN: True,
            KEY.READOUT_FCN_HIDDEN_NEURONS: [6, 5],
            KEY.READOUT_FCN_ACTIVATION: "silu",
            KEY.ACTIVATION_RADIAL: "ssp",
        },
        "shift": -2.5,
        "scale": 1.375,
    },
    "one-layer": {
        "species": ["O", "Na", "Cl"],
        "config": {
            KEY.NUM_CONVOLUTION: 1,
            KEY.NODE_FEATURE_MULTIPLICITY: 11,
            KEY.SELF_CONNECTION_TYPE: "nequip",
            KEY.CUTOFF_FUNCTION: {KEY.CUTOFF_FUNCTION_NAME: "poly_cut"},
        },
    },
    "modalities": {
        "species": ["Ti", "O"],
        "modality": "PBE",
        "config": {
            KEY.NUM_CONVOLUTION: 2,
            KEY.USE_BIAS_IN_LINEAR: True,
            KEY.USE_MODALITY: True,
            KEY.NUM_MODALITIES: 2,
            KEY.MODAL_MAP: {"SCAN": 0, "PBE": 1},
            KEY.USE_MODAL_NODE_EMBEDDING: True,
            KEY.USE_MODAL_SELF_INTER_INTRO: True,
            KEY.USE_MODAL_SELF_INTER_OUTRO: True,
            KEY.USE_MODAL_OUTPUT_BLOCK: True,
            KEY.USE_MODAL_WISE_SHIFT: True,
            KEY.USE_MODAL_WISE_SCALE: False,
        },
        "shift": {"SCAN": -3.5, "PBE": -2.25},
    },
    "old": {"species": ["Mg", "Al"], "config": {KEY.SELF_CONNECTION_TYPE: "linear", KEY._NORMALIZE_SPH: False}},
}

# Coupling coefficients some versions of e3nn had with the other sign.
FLIPPED = ("_w3j_1_2_2", "_w3j_2_1_2", "_w3j_2_2_1")


def make_config(case, random):
    config = copy.deepcopy(const.DEFAULT_E3_EQUIVARIANT_MODEL_CONFIG)
    config.update(copy.deepcopy(BASE))
    config.update(copy.deepcopy(case["config"]))
    config.update(chemical_species_preprocess(case["species"]))
    species = len(case["species"])
    config[KEY.SHIFT] = case.get("shift", random.uniform(-3, -2, species).round(6).tolist())
    config[KEY.SCALE] = case.get("scale", random.uniform(0.7, 1.5, species).round(6).tolist())
    config.update({KEY.MODEL_TYPE: "E3_equivariant_model", KEY.DEVICE: torch.device("cpu"), KEY.DTYPE: "single"})
    config["version"] = sevenn.__version__
    return config


def randomise(model, random):
    with torch.no_grad():
        for name, tensor in model.named_parameters():
            if tensor.numel() == 0 or "denominator" in name or "rescale" in name:
                continue
            if "coeffs" in name:
                tensor *= torch.tensor(random.uniform(0.95, 1.05, tensor.shape))
            else:
                width = 0.3 if "bias" in name else 1.2
                tensor.copy_(torch.tensor(random.normal(0, width, tensor.shape)))


def as_old(config, state):
    """The layout of version 0.9.1: other names, no _normalize_sph, another order of convolution weights."""
    config = copy.deepcopy(config)
    count = config[KEY.NUM_CONVOLUTION]
    for key in (KEY._NORMALIZE_SPH, KEY.CONV_DENOMINATOR, KEY.TRAIN_DENOMINTAOR, KEY.USE_FLASH_TP, KEY.USE_OEQ,
                KEY.CUEQUIVARIANCE_CONFIG, *[key for key in config if key.startswith("use_modal")]):
        config.pop(key, None)
    config[KEY.CUTOFF_FUNCTION]["poly_cut_p_value"] = 6
    config.update({"version": "0.9.1", "avg_num_neigh": [27.5] * count, "train_avg_num_neigh": False,
                   "optimize_by_reduce": True, "readout_fcn_hidden_neurons": None, "readout_fcn_activation": None,
                   KEY.SHIFT: np.array(config[KEY.SHIFT]), KEY.SCALE: list(config[KEY.SCALE])})
    names = {"edge_embedding": "EdgeEmbedding", "reduce_input_to_hidden": "reducing nn input to hidden",
             "reduce_hidden_to_energy": "reducing nn hidden to energy",
             "rescale_atomic_energy": "rescale atomic energy"}
    for t in range(count):
        for part in ("self_connection_intro", "convolution", "self_interaction_2", "equivariant_gate"):
            names[f"{t}_{part}"] = f"{t} {part.replace('_', ' ')}"
    renamed = {}
    for key, tensor in state.items():
        module, _, rest = key.partition(".")
        if rest.endswith(FLIPPED):
            tensor = -tensor
        renamed[f"{names.get(module, module)}.{rest.replace('denominator', 'denumerator')}"] = tensor
    return config, renamed


def write_checkpoint(path, name, case):
    random = np.random.default_rng(sum(name.encode()))
    config = make_config(case, random)
    model = build_E3_equivariant_model(copy.deepcopy(config))
    randomise(model, random)
    state = model.state_dict()
    if name == "old":
        config, state = as_old(config, state)
    torch.save({"model_state_dict": state, "config": config, "epoch": 1, "time": "2024-01-01 00:00", "hash": "0" * 32},
               path)


def load_double(path, modality=None):
    """The model of a checkpoint in double precision, all that follows the atomic energies left out."""
    checkpoint = SevenNetCheckpoint(path)
    # Compatibility code compares coupling coefficients, in single precision.
    single = build_E3_equivariant_model(checkpoint.config)
    state = patch_state_dict_if_old(checkpoint.model_state_dict, checkpoint.config, single)
    single.load_state_dict(state, strict=True)

    torch.set_default_dtype(torch.float64)
    model = build_E3_equivariant_model(checkpoint.config)
    weights = {key: tensor for key, tensor in state.items() if "_w3j_" not in key}
    missing, unused = model.load_state_dict(weights, strict=False)
    assert not unused and all("_w3j_" in key for key in missing)
    for name, tensor in model.named_buffers():
        assert "_w3j_" not in name or tensor.dtype == torch.float64
    torch.set_default_dtype(torch.float32)
    model = model.double()
    for module in model:
        if isinstance(module, OnehotEmbedding):
            module.register_forward_hook(one_hot_to_double)
    model.delete_module_by_key("force_output")
    model.delete_module_by_key("reduce_total_enegy")
    model.key_grad = None
    model.set_is_batch_data(False)
    if modality:
        model.prepare_modal_deploy(modality)
    model.eval()
    return model, checkpoint.config


def one_hot_to_double(module, inputs, data):
    for key in (module.key_output, module.key_additional_output):
        if key is not None:
            data[key] = data[key].double()
    return data


def evaluate(model, cutoff, atoms):
    """Atomic energies, forces and virial as arrays."""
    first, second, shift = primitive_neighbor_list("ijS", atoms.pbc, np.array(atoms.cell), atoms.positions, cutoff)
    positions = torch.tensor(atoms.positions, requires_grad=True)
    strain = torch.zeros(3, 3, dtype=torch.float64, requires_grad=True)
    deformation = torch.eye(3, dtype=torch.float64) + 0.5 * (strain + strain.T)
    edges = positions[second] - positions[first] + torch.tensor(shift @ np.array(atoms.cell), dtype=torch.float64)
    numbers = torch.tensor(atoms.numbers, dtype=torch.int64)
    data = model({
        KEY.ATOMIC_NUMBERS: numbers, KEY.NODE_FEATURE: numbers, KEY.EDGE_VEC: edges @ deformation,
        KEY.EDGE_IDX: torch.tensor(np.array([first, second]), dtype=torch.int64),
        KEY.NUM_ATOMS: torch.tensor(len(atoms)),
    })
    energies = data[KEY.ATOMIC_ENERGY].squeeze(1)
    assert energies.dtype == torch.float64
    by_position, by_strain = torch.autograd.grad(energies.sum(), [positions, strain])
    return energies.detach().numpy(), -by_position.numpy(), -by_strain.numpy()


def write_frame(stream, atoms, energies, forces, virial):
    join = lambda values, form: " ".join(form % value for value in np.ravel(values))
    flags = " ".join("FT"[int(flag)] for flag in atoms.pbc)
    print(len(atoms), file=stream)
    print(f'Lattice="{join(np.array(atoms.cell), "%.10f")}" Properties=species:S:1:pos:R:3:forces:R:3:energies:R:1 '
          f'energy={energies.sum():.12f} virial="{join(virial, "%.12f")}" pbc="{flags}"', file=stream)
    for symbol, position, row in zip(atoms.symbols, atoms.positions, np.column_stack([forces, energies])):
        print(symbol, join(position, "%.10f"), join(row, "%.12f"), file=stream)


def write_reference(path, checkpoint, frames, modality=None):
    model, config = load_double(checkpoint, modality)
    results = []
    with open(path, "w") as stream:
        for atoms in frames:
            atoms.positions = atoms.positions.round(10)
            atoms.cell = np.array(atoms.cell).round(10)
            results.append(evaluate(model, config[KEY.CUTOFF], atoms))
            write_frame(stream, atoms, *results[-1])
    return results


def random_atoms(species, count, cell, periodic, distance, random):
    """Atoms at random places, no two closer than `distance`, images included."""
    atoms = ase.Atoms(cell=cell, pbc=periodic)
    while len(atoms) < count:
        more = atoms.copy()
        more.append(ase.Atom(species[len(atoms) % len(species)], random.uniform(0, 1, 3) @ np.array(cell)))
        if len(primitive_neighbor_list("i", more.pbc, np.array(more.cell), more.positions, distance)) == 0:
            atoms = more
    return atoms


def structures(species, seed):
    """A disordered rock-salt lattice, a cell smaller than the cutoff, a free cluster, a triclinic cell."""
    random = np.random.default_rng(seed)
    lattice = np.array([(a, b, c) for a in range(2) for b in range(2) for c in range(2)])
    atoms = ase.Atoms([species[sum(site) % 2] for site in lattice], lattice * 2.2, cell=[4.4] * 3, pbc=True)
    atoms = atoms.repeat((2, 1, 1))
    atoms.symbols[3] = species[-1]
    atoms.positions += random.normal(0, 0.15, atoms.positions.shape)
    small = random_atoms(species, 3, np.diag([2.9, 3.3, 3.1]) + random.normal(0, 0.1, (3, 3)), True, 1.6, random)
    free = random_atoms(species, 9, np.diag([6.0, 5.5, 5.0]), False, 1.5, random)
    free.positions -= 3
    free.cell = np.diag([20.0, 20.0, 20.0])
    skewed = random_atoms(species, 11, [[6.5, 0, 0], [2.1, 5.8, 0], [-1.4, 1.9, 5.2]], True, 1.5, random)
    skewed.positions[::3] += np.array(skewed.cell[1])
    return [atoms, small, free, skewed]


def make_random(folder):
    for name, case in CASES.items():
        path = folder / f"sevennet-{name}"
        path.mkdir(parents=True, exist_ok=True)
        write_checkpoint(path / "checkpoint.pth", name, case)
        frames = structures(case["species"], len(name))
        results = write_reference(path / "reference.extxyz", path / "checkpoint.pth", frames, case.get("modality"))
        for energies, forces, _ in results:
            print(f"{name:10} energies {energies.min():8.3f} to {energies.max():8.3f}, forces to {abs(forces).max():.3f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("random").add_argument("folder", type=pathlib.Path)
    published = commands.add_parser("published")
    for name in ("checkpoint", "structures", "output"):
        published.add_argument(name, type=pathlib.Path)
    arguments = parser.parse_args()
    if arguments.command == "random":
        make_random(arguments.folder)
    else:
        write_reference(arguments.output, arguments.checkpoint, ase.io.read(arguments.structures, ":"))


if __name__ == "__main__":
    main()
