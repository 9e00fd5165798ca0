"""Makes the reference cases in this folder with SevenNet itself, in double precision: python make.py

Needs sevenn 0.13.0 with PyTorch. The weights are random. Each case is a folder with a checkpoint and structures whose
energies and forces SevenNet computed from it.
"""

import copy
from pathlib import Path

import ase
import numpy as np
import torch
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import write
from e3nn.o3 import wigner_3j

torch.Tensor.float = torch.Tensor.double  # the one-hot vectors, which SevenNet always makes in single precision

from sevenn._const import DEFAULT_E3_EQUIVARIANT_MODEL_CONFIG  # noqa: E402
from sevenn.model_build import build_E3_equivariant_model  # noqa: E402
from sevenn.util import chemical_species_preprocess, unlabeled_atoms_to_input  # noqa: E402

SPECIES = ["H", "O", "Si"]
COMMON = {
    "channel": 4, "cutoff": 4.0, "conv_denominator": 5.5, "shift": [-1.5, 0.25, 3.0], "scale": [4.0, 5.0, 6.0],
    "weight_nn_hidden_neurons": [6], "version": "0.13.0", "_model_type": "E3_equivariant_model",
    "radial_basis": {"radial_basis_name": "bessel", "bessel_basis_num": 4},
}
MODALITIES = {
    "use_modality": True, "_number_of_modalities": 2, "_modal_map": {"PBE": 1, "SCAN": 0},
    "use_modal_self_inter_intro": True, "use_modal_self_inter_outro": True, "use_modal_output_block": True,
    "use_modal_wise_shift": True, "use_modal_wise_scale": False, "scale": [4.0, 5.0, 6.0],
    "shift": {"PBE": -2.0, "SCAN": 7.0},
}
CASES = {
    "parity": {"lmax": 2, "num_convolution_layer": 4, "self_connection_type": "nequip", "use_bias_in_linear": True,
               "readout_as_fcn": True, "readout_fcn_hidden_neurons": [5], "readout_fcn_activation": "tanh"},
    "modalities": {"lmax": 3, "is_parity": False, "num_convolution_layer": 2, "self_connection_type": "linear",
                   "irreps_manual": ["4x0e", "4x0e+3x1e+2x2e+1x3e", "3x0e"], "act_radial": "ssp",
                   "cutoff_function": {"cutoff_function_name": "XPLOR", "cutoff_on": 3.0}, **MODALITIES},
    "not-normalised": {"lmax": 1, "lmax_edge": 2, "num_convolution_layer": 2, "_normalize_sph": False,
                       "self_connection_type": ["linear", "nequip"], "scale": 2.5},
}


def random_frames(count, atoms, generator):
    frames = []
    while len(frames) < count:
        cell = np.round(np.diag([5.4, 5.7, 6.1]) + generator.normal(0, 0.2, (3, 3)), 6)
        symbols = generator.choice(SPECIES, atoms)
        frame = ase.Atoms(symbols, positions=np.round(generator.random((atoms, 3)) @ cell, 6), cell=cell, pbc=True)
        distances = frame.get_all_distances(mic=True) + 10 * np.eye(atoms)
        if distances.min() > 1.4:
            frames.append(frame)
    return frames


def in_double_precision(model):
    model = model.double()
    for name, buffer in model.named_buffers():
        if "_w3j_" in name:
            orders = [int(word) for word in name.split("_w3j_")[1].split("_")]
            buffer.copy_(wigner_3j(*orders, dtype=torch.float64))
    model.eval()
    model.set_is_batch_data(False)
    return model


def label(model, frame, cutoff, modality):
    data = unlabeled_atoms_to_input(frame, cutoff)
    for key, value in data.to_dict().items():
        if torch.is_tensor(value) and value.is_floating_point():
            data[key] = value.detach().double()
    if modality:
        data["data_modality"] = modality
    i, j = data["edge_index"]
    positions, cell = torch.tensor(frame.positions), torch.tensor(frame.cell.array)
    direct = positions[j] - positions[i]
    images = torch.round((data["edge_vec"] - direct) @ torch.linalg.inv(cell))
    data["edge_vec"] = (direct + images @ cell).requires_grad_(True)
    result = model(data)
    frame.calc = SinglePointCalculator(frame, energy=result["atomic_energy"].sum().item(),
                                       forces=result["inferred_force"].detach().numpy())


def make(name, settings):
    torch.manual_seed(1)
    config = {**copy.deepcopy(DEFAULT_E3_EQUIVARIANT_MODEL_CONFIG), **copy.deepcopy(COMMON),
              **chemical_species_preprocess(SPECIES), **copy.deepcopy(settings)}
    model = build_E3_equivariant_model(config)
    with torch.no_grad():
        for parameter_name, parameter in model.named_parameters():
            if parameter_name.endswith("linear.bias") and parameter.numel():
                parameter.normal_(0, 0.3)
            if parameter_name.endswith("coeffs"):
                parameter.mul_(1.03)
    folder = Path(__file__).parent / name
    folder.mkdir(exist_ok=True)
    # A numpy array and a device, as real checkpoints have them.
    saved = {**config, "scale_cp": np.array([1.0, 2.0], dtype=np.float32), "device": torch.device("cpu"), "epoch": 1}
    torch.save({"model_state_dict": model.state_dict(), "config": saved, "epoch": 1}, folder / "checkpoint.pth")
    modality = "PBE" if config.get("use_modality") else None
    frames = random_frames(3, 8, np.random.default_rng(1))
    model = in_double_precision(model)
    for frame in frames:
        label(model, frame, config["cutoff"], modality)
    write(folder / "reference.extxyz", frames, format="extxyz")


for case, case_settings in CASES.items():
    make(case, case_settings)
