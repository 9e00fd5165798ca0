"""REANN trained in PyTorch, for comparison with `grapevine train`: one core, energies and forces, timed.

    python bench/reann_training_torch.py TRAIN.extxyz [--batch 16] [--epochs 3] [--frames 100] [--precision single]
                                         [--start MODEL.safetensors] [--save MODEL.safetensors] [--grapevine PROGRAM]

By default T = 1, K = 8, L = 2, message networks 16-16, readout networks 32-32, cutoff 5 Angstrom, from random weights.
The model is that of reann_torch.py with the hot operations written for training: only the distinct products of
components, sums over neighbours as batched matrix products (all atoms padded to as many neighbours), gathers whose
derivatives are index_add, forces from derivatives by the edge vectors. --as-published takes the operations as they are
there and in REANN's own program. The frames of a batch are one graph; graphs are made before anything is timed. AdamW
on squares of energy errors per atom and of force errors.

After one epoch that is not counted, prints microseconds per atom and epoch (median), also of processor time, which other
programs disturb less, and a line of JSON with these, each epoch's, and the losses. With --grapevine, the trained model
is also evaluated by `grapevine evaluate`, on at most eight frames, and the largest differences are printed.
Needs PyTorch and NumPy.
"""

import argparse
import hashlib
import json
import math
import re
import statistics
import struct
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from reann_torch import ModelFile, Reann


@dataclass
class Frame:
    """One structure with its reference energy (eV) and forces (eV/Angstrom)."""

    symbols: list
    positions: np.ndarray
    cell: np.ndarray
    periodic: np.ndarray
    energy: float
    forces: np.ndarray


def read_extxyz(path, limit):
    """The first `limit` frames; energies called energy, forces called force or forces."""
    frames = []
    with open(path) as file:
        while len(frames) < limit and (count := file.readline().strip()):
            info = {m[1]: m[2] if m[2] is not None else m[3]
                    for m in re.finditer(r'(\w+)=(?:"([^"]*)"|(\S+))', file.readline())}
            rows = [file.readline().split() for _ in range(int(count))]
            first, columns = 0, {}
            kinds = info["Properties"].split(":")
            for name, _, width in zip(kinds[::3], kinds[1::3], kinds[2::3]):
                columns[name] = [row[first : first + int(width)] for row in rows]
                first += int(width)
            forces = columns.get("forces", columns.get("force"))
            frames.append(Frame([row[0] for row in columns["species"]], np.array(columns["pos"], dtype=float),
                                np.array(info.get("Lattice", "0 " * 9).split(), dtype=float).reshape(3, 3),
                                np.array([x in ("T", "True", "1") for x in info.get("pbc", "T T T").split()]),
                                float(info["energy"]), np.array(forces, dtype=float)))
    return frames


def write_extxyz(path, frames):
    """Species and positions with all digits."""
    lines = []
    for frame in frames:
        cell = " ".join(repr(float(x)) for x in frame.cell.ravel())
        periodic = " ".join("FT"[int(p)] for p in frame.periodic)
        lattice = f'Lattice="{cell}" ' if frame.cell.any() else ""
        lines += [str(len(frame.symbols)), f'{lattice}Properties=species:S:1:pos:R:3 pbc="{periodic}"']
        lines += [" ".join([symbol, *(repr(float(x)) for x in r)]) for symbol, r in zip(frame.symbols, frame.positions)]
    Path(path).write_text("\n".join(lines) + "\n")


def find_edges(frame, cutoff):
    """All i, j, shift with |r_i - r_j - shift| < cutoff, by trying every image that can be near enough."""
    reach = [0, 0, 0]
    if frame.periodic.any():
        heights = 1 / np.linalg.norm(np.linalg.inv(frame.cell), axis=0)
        fractional = frame.positions @ np.linalg.inv(frame.cell)
        spread = fractional.max(axis=0) - fractional.min(axis=0)
        reach = np.where(frame.periodic, np.ceil(cutoff / heights + spread), 0).astype(int)
    found = []
    for image in np.stack(np.meshgrid(*[np.arange(-n, n + 1) for n in reach], indexing="ij"), -1).reshape(-1, 3):
        shift = image @ frame.cell
        d = frame.positions[:, None, :] - frame.positions[None, :, :] - shift
        square = (d * d).sum(-1)
        i, j = np.nonzero((square < cutoff**2) & (square > 1e-12))
        found.append((i, j, d[i, j]))
    i, j, d = (np.concatenate(parts) for parts in zip(*found))
    order = np.argsort(i, kind="stable")
    return i[order], j[order], d[order]


def padded(i, j, d, atoms, cutoff):
    """[atoms, most neighbours of any]: j and d of every atom's edges. In empty places an atom is its own neighbour at
    the distance of the cutoff, where everything vanishes."""
    count = np.bincount(i, minlength=atoms)
    width = max(1, count.max(initial=0))
    place = np.arange(len(i)) - np.repeat(np.cumsum(count) - count, count)
    neighbour = np.repeat(np.arange(atoms)[:, None], width, axis=1)
    vector = np.tile(np.array([cutoff, 0.0, 0.0]), (atoms, width, 1))
    neighbour[i, place], vector[i, place] = j, d
    return neighbour, vector


@dataclass
class Graph:
    """Frames put together: of every atom the same number of edges i <- j with d = r_i - r_j, and what is to be learnt."""

    edges: tuple  # i, j, d as they are
    j: torch.Tensor  # [atoms * places]
    d: torch.Tensor  # [atoms * places, 3]
    species: torch.Tensor
    neighbour_species: torch.Tensor
    atoms_of: list  # [species] indices of its atoms
    frame: torch.Tensor  # [atoms]
    atoms: torch.Tensor  # [frames]
    energy: torch.Tensor  # [frames] without the energies of the atoms
    forces: torch.Tensor

    @staticmethod
    def of(parts, shift, count, cutoff, dtype):
        first = np.cumsum([0] + [len(species) for _, _, _, species, _ in parts])
        i = np.concatenate([i + n for (i, *_), n in zip(parts, first)])
        j = np.concatenate([j + n for (_, j, *_), n in zip(parts, first)])
        d = np.concatenate([d for _, _, d, *_ in parts])
        edges = torch.tensor(i), torch.tensor(j), torch.tensor(d, dtype=dtype)
        j, d = padded(i, j, d, first[-1], cutoff)
        species = torch.tensor(np.concatenate([species for _, _, _, species, _ in parts]))
        sizes = np.diff(first)
        energy = [frame.energy - shift[species].sum() for *_, species, frame in parts]
        j = torch.tensor(j).flatten()
        return Graph(edges, j, torch.tensor(d, dtype=dtype).reshape(-1, 3), species, species[j], [torch.nonzero(species == s).flatten() for s in range(count)],
                     torch.tensor(np.repeat(np.arange(len(parts)), sizes)), torch.tensor(sizes, dtype=dtype),
                     torch.tensor(energy, dtype=dtype),
                     torch.tensor(np.concatenate([frame.forces for *_, frame in parts]), dtype=dtype))


class TrainedReann(Reann):
    """The model of reann_torch.py, with operations whose second derivatives are cheap."""

    def __init__(self, file):
        super().__init__(file)
        exponents = [(x, y, l - x - y) for l in range(self.max_order + 1)
                     for x in range(l, -1, -1) for y in range(l - x, -1, -1)]
        self.exponents = exponents
        # rho sums squares over all ordered products: each distinct one counts as often as it occurs.
        weight = [math.factorial(sum(e)) / math.prod(math.factorial(n) for n in e) for e in exponents]
        dtype = self.tensors["radial.centre"].dtype
        self.roots = torch.tensor(weight, dtype=dtype).sqrt()
        self.first_of_order = [l * (l + 1) * (l + 2) // 6 for l in range(self.max_order + 2)]

    def products(self, d):
        """Distinct products of components times the root of their weight: [edges, products]."""
        columns = {(0, 0, 0): torch.ones_like(d[:, 0])}
        for e in self.exponents[1:]:
            axis = next(a for a in range(3) if e[a] > 0)
            lower = tuple(n - (a == axis) for a, n in enumerate(e))
            columns[e] = columns[lower] * d[:, axis]
        return torch.stack([columns[e] for e in self.exponents], dim=1) * self.roots

    def radial(self, d, neighbour_species):
        r = d.square().sum(1).sqrt()
        cut = (0.5 * torch.cos(math.pi / self.cutoff * r) + 0.5).square()
        shifted = r[:, None] - self.tensors["radial.centre"].index_select(0, neighbour_species)
        exponent = self.tensors["radial.exponent"].index_select(0, neighbour_species)
        return cut[:, None] * torch.exp(exponent * shifted.square())

    def fast_density(self, t, products, radial, coefficients, graph):
        atoms = len(graph.species)
        weighted = radial * coefficients.index_select(0, graph.j)
        sums = products.view(atoms, -1, products.shape[1]).transpose(1, 2) @ weighted.view(atoms, -1, weighted.shape[1])
        density = 0
        for l, (first, last) in enumerate(zip(self.first_of_order, self.first_of_order[1:])):
            mixed = sums[:, first:last] @ self.tensors["orbitals.mixing"][t, l]
            density = density + mixed.square().sum(1)
        return density

    def atomic_energies(self, d, graph):
        products, radial = self.products(d), self.radial(d, graph.neighbour_species)
        coefficients = self.tensors["coefficients.initial"].index_select(0, graph.species)
        for t in range(self.layers):
            density = self.fast_density(t, products, radial, coefficients, graph)
            coefficients = coefficients + self.of_species(self.message[t], graph, density, coefficients.shape[1])
        density = self.fast_density(self.layers, products, radial, coefficients, graph)
        return self.of_species(self.readout, graph, density, 1)[:, 0]

    @staticmethod
    def of_species(networks, graph, density, width):
        if len(networks) == 1:
            return networks[0](density)
        result = density.new_zeros((len(density), width))
        for network, atoms in zip(networks, graph.atoms_of):
            if len(atoms) > 0:
                result = result.index_add(0, atoms, network(density.index_select(0, atoms)))
        return result

    def energies_and_forces(self, graph, training):
        d = graph.d.detach().requires_grad_()
        atomic = self.atomic_energies(d, graph)
        (slope,) = torch.autograd.grad(atomic.sum(), d, create_graph=training)
        forces = (-slope.view(len(graph.species), -1, 3).sum(1)).index_add(0, graph.j, slope)
        return atomic.new_zeros(len(graph.atoms)).index_add(0, graph.frame, atomic), forces


class PublishedReann(Reann):
    """The model of reann_torch.py as it is: edges, all ordered products, orbitals, as in REANN's own program."""

    def energies_and_forces(self, graph, training):
        i, j, d = graph.edges
        d = d.detach().requires_grad_()
        edge_numbers = self.edge_numbers(d, graph.species[j])
        coefficients = self.tensors["coefficients.initial"][graph.species]
        for t in range(self.layers):
            density = self.density(t, edge_numbers, coefficients, i, j)
            coefficients = coefficients + self.by_species(self.message[t], graph.atoms_of, density,
                                                          coefficients.shape[1])
        density = self.density(self.layers, edge_numbers, coefficients, i, j)
        atomic = self.by_species(self.readout, graph.atoms_of, density, 1)[:, 0]
        (slope,) = torch.autograd.grad(atomic.sum(), d, create_graph=training)
        forces = torch.zeros_like(graph.forces).index_add(0, i, -slope).index_add(0, j, slope)
        return atomic.new_zeros(len(graph.atoms)).index_add(0, graph.frame, atomic), forces


class RandomModel:
    """Sizes and random weights in the place of a model file."""

    def __init__(self, arguments, species, shift, dtype):
        waves, order, layers = arguments.waves, arguments.max_order, arguments.layers
        self.species, orbitals = species, waves * (waves + 1) // 2 * (order + 1)
        self.tensors = {}
        count = len(species)
        self.add("radial.exponent", -(torch.rand(count, waves) + 0.2))
        self.add("radial.centre", torch.rand(count, waves) * arguments.cutoff)
        self.add("coefficients.initial", torch.full((count, waves), 1 / 40))
        bound = math.sqrt(6 / (waves + orbitals))
        self.add("orbitals.mixing", (2 * torch.rand(layers + 1, order + 1, waves, orbitals) - 1) * bound)
        message, readout = self.structure(arguments.message_widths), self.structure(arguments.readout_widths)
        for element in species:
            for t in range(layers):
                self.add_network(f"message.{t}.{element}", message, orbitals, waves, 0.1)
            self.add_network(f"readout.{element}", readout, orbitals, 1, 1.0)
        self.add("energy.shift", torch.tensor(shift))
        self.tensors = {name: tensor.to(dtype if name != "energy.shift" else torch.float64)
                        for name, tensor in self.tensors.items()}
        self.hyperparameters = {"cutoff": arguments.cutoff, "waves": waves, "max_order": order, "orbitals": orbitals,
                                "layers": layers, "message": [message] * layers, "readout": readout}

    def add(self, name, tensor):
        self.tensors[name] = tensor

    @staticmethod
    def structure(widths):
        steps = [{"activation": "relu_like", "layer_norm": True, "outputs": n} for n in [*widths[1:], widths[0]]]
        return {"width": widths[0], "blocks": [steps], "activation": "relu_like"}

    def add_linear(self, name, inputs, outputs, scale=1.0):
        bound = scale * math.sqrt(6 / (inputs + outputs))
        self.add(f"{name}.weight", (2 * torch.rand(outputs, inputs) - 1) * bound)
        self.add(f"{name}.bias", torch.zeros(outputs))

    def add_network(self, name, structure, inputs, outputs, scale):
        width = structure["width"]
        self.add_linear(f"{name}.input", inputs, width)
        for s, step in enumerate(structure["blocks"][0]):
            prefix = f"{name}.block.0.step.{s}"
            for part in ("activation.alpha", "activation.beta", "norm.weight"):
                self.add(f"{prefix}.{part}", torch.ones(width))
            self.add(f"{prefix}.norm.bias", torch.zeros(width))
            self.add_linear(f"{prefix}.linear", width, step["outputs"])
            width = step["outputs"]
        self.add(f"{name}.activation.alpha", torch.ones(width))
        self.add(f"{name}.activation.beta", torch.ones(width))
        self.add_linear(f"{name}.output", width, outputs, scale)


def write_model(path, file):
    """A Grapevine model file (docs/model-file.md)."""
    tensors = sorted(file.tensors.items(), key=lambda item: (-item[1].element_size(), item[0]))
    provenance = {"source": Path(__file__).name, "source_sha256": hashlib.sha256(Path(__file__).read_bytes()).hexdigest(),
                  "source_kind": "PyTorch benchmark"}
    header = {"__metadata__": {"format": "grapevine", "format_version": "1", "architecture": "reann",
                               "species": " ".join(file.species),
                               "units": json.dumps({"energy": "eV", "length": "Angstrom"}),
                               "hyperparameters": json.dumps(file.hyperparameters),
                               "provenance": json.dumps(provenance)}}
    data = b""
    for name, tensor in tensors:
        numbers = tensor.detach().numpy().tobytes()
        header[name] = {"dtype": "F64" if tensor.dtype == torch.float64 else "F32", "shape": list(tensor.shape),
                        "data_offsets": [len(data), len(data) + len(numbers)]}
        data += numbers
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    Path(path).write_bytes(struct.pack("<Q", len(text)) + text + data)


def compare(arguments, file, graphs, frames, model, shift):
    """Largest differences from `grapevine evaluate`, in eV/atom and eV/Angstrom."""
    with tempfile.TemporaryDirectory() as folder:
        model_path, structures = Path(folder) / "model.safetensors", Path(folder) / "structures.extxyz"
        write_model(model_path, file)
        write_extxyz(structures, frames)
        command = [arguments.grapevine, "evaluate", model_path, structures, "--json", "--precision", "double"]
        done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"grapevine evaluate failed: {done.stderr.strip()}")
    energy_difference, force_difference, largest = 0.0, 0.0, 0.0
    for graph, frame, theirs in zip(graphs, frames, json.loads(done.stdout)["frames"]):
        energy, forces = model.energies_and_forces(graph, training=False)
        ours = energy.item() + sum(shift[file.species.index(x)] for x in frame.symbols)
        energy_difference = max(energy_difference, abs(ours - theirs["energy"]) / len(frame.symbols))
        expected = np.array(theirs["forces"])
        force_difference = max(force_difference, np.abs(forces.numpy() - expected).max())
        largest = max(largest, np.abs(expected).max())
    return {"energy_difference": energy_difference, "force_difference": float(force_difference),
            "largest_force": float(largest)}


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data")
    parser.add_argument("--frames", type=int, default=10**9, help="only the first so many")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--cutoff", type=float, default=5.0)
    parser.add_argument("--layers", type=int, default=1)
    parser.add_argument("--waves", type=int, default=8)
    parser.add_argument("--max-order", type=int, default=2)
    parser.add_argument("--message-widths", type=int, nargs="+", default=[16, 16])
    parser.add_argument("--readout-widths", type=int, nargs="+", default=[32, 32])
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    parser.add_argument("--precision", choices=["single", "double"], default="single")
    parser.add_argument("--as-published", action="store_true", help="operations as in reann_torch.py")
    parser.add_argument("--start", help="model file to go on from")
    parser.add_argument("--save", help="model file to write")
    parser.add_argument("--grapevine", help="the program grapevine, to compare with")
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


def least_squares_shift(frames, species):
    counts = np.array([[frame.symbols.count(element) for element in species] for frame in frames], dtype=float)
    return np.linalg.lstsq(counts, np.array([frame.energy for frame in frames]), rcond=None)[0]


def train_epoch(model, optimiser, batches):
    """One pass; the sum of the batches' losses."""
    total = 0.0
    for graph in batches:
        optimiser.zero_grad(set_to_none=True)
        energy, forces = model.energies_and_forces(graph, training=True)
        loss = ((energy - graph.energy) / graph.atoms).square().mean() + (forces - graph.forces).square().mean()
        loss.backward()
        optimiser.step()
        total += loss.item()
    return total / len(batches)


def main():
    arguments = parse_arguments()
    torch.set_num_threads(1)
    torch.manual_seed(arguments.seed)
    dtype = torch.float32 if arguments.precision == "single" else torch.float64
    frames = read_extxyz(arguments.data, arguments.frames)
    if arguments.start:
        file = ModelFile(arguments.start, dtype)
        shift = file.tensors["energy.shift"].double().numpy()
    else:
        species = sorted({symbol for frame in frames for symbol in frame.symbols})
        shift = least_squares_shift(frames, species)
        file = RandomModel(arguments, species, shift, dtype)
    model = PublishedReann(file) if arguments.as_published else TrainedReann(file)
    weights = [tensor.requires_grad_() for name, tensor in file.tensors.items() if name != "energy.shift"]
    optimiser = torch.optim.AdamW(weights, lr=arguments.learning_rate)

    parts = []
    for frame in frames:
        index = np.array([file.species.index(symbol) for symbol in frame.symbols])
        parts.append((*find_edges(frame, model.cutoff), index, frame))
    order = np.random.default_rng(arguments.seed).permutation(len(parts))
    batches = [Graph.of([parts[n] for n in order[first : first + arguments.batch]], shift, len(file.species), model.cutoff, dtype)
               for first in range(0, len(parts), arguments.batch)]
    atoms, edges = sum(len(graph.species) for graph in batches), sum(len(graph.edges[0]) for graph in batches)

    losses = [train_epoch(model, optimiser, batches)]
    per_atom, processor = [], []
    for _ in range(arguments.epochs):
        start, processor_start = time.perf_counter(), time.process_time()
        losses.append(train_epoch(model, optimiser, batches))
        per_atom.append(1e6 * (time.perf_counter() - start) / atoms)
        processor.append(1e6 * (time.process_time() - processor_start) / atoms)
    result = {"torch": torch.__version__, "frames": len(frames), "atoms": atoms, "neighbours": edges / atoms,
              "as_published": arguments.as_published, "batch": arguments.batch, "precision": arguments.precision,
              "parameters": sum(weight.numel() for weight in weights), "epochs": arguments.epochs,
              "us_per_atom_epoch": statistics.median(per_atom), "us_per_atom_epoch_all": per_atom,
              "us_of_processor": statistics.median(processor), "losses": losses}
    if arguments.grapevine:
        few = range(min(8, len(parts)))
        graphs = [Graph.of([parts[n]], shift, len(file.species), model.cutoff, dtype) for n in few]
        result |= compare(arguments, file, graphs, frames[: len(graphs)], model, shift)
    if arguments.save:
        write_model(arguments.save, file)
    print(f"{result['us_per_atom_epoch']:.1f} us per atom and epoch, {result['us_of_processor']:.1f} of processor time")
    print(json.dumps(result))


if __name__ == "__main__":
    main()
