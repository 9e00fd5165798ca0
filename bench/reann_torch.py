"""REANN in PyTorch, for comparison with Grapevine: energy and forces of one structure, timed.

    python bench/reann_torch.py MODEL.safetensors ATOMS.dump [--repeats 3] [--precision single|double] [--threads 1]

Reads a Grapevine model file (docs/model-file.md) and a LAMMPS dump with the columns id type x y z, and fx fy fz if
forces are to be compared; type n is the model's n-th species. Follows docs/reann.md as published: every ordered
product of components, orbitals, squares and networks one by one, forces by automatic differentiation. The neighbour
list is made beforehand and not timed. Prints one line of JSON. Needs PyTorch and NumPy.
"""

import argparse
import json
import math
import struct
import time

import numpy as np
import torch


class ModelFile:
    """Tensors and metadata of a safetensors file."""

    def __init__(self, path, dtype):
        with open(path, "rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            header = json.loads(file.read(length))
            data = file.read()
        self.metadata = header.pop("__metadata__")
        self.hyperparameters = json.loads(self.metadata["hyperparameters"])
        self.species = self.metadata["species"].split()
        self.tensors = {}
        for name, entry in header.items():
            begin, end = entry["data_offsets"]
            numbers = np.frombuffer(data[begin:end], dtype={"F32": "<f4", "F64": "<f8"}[entry["dtype"]])
            self.tensors[name] = torch.tensor(numbers.reshape(entry["shape"]), dtype=dtype)


class Network(torch.nn.Module):
    """One species' network: linear map, residual blocks, activation, linear map."""

    def __init__(self, tensors, name, structure):
        super().__init__()
        self.tensors, self.name, self.structure = tensors, name, structure

    def linear(self, x, name):
        return torch.nn.functional.linear(x, self.tensors[f"{name}.weight"], self.tensors[f"{name}.bias"])

    def activate(self, x, kind, name):
        alpha, beta = self.tensors[f"{name}.alpha"], self.tensors[f"{name}.beta"]
        if kind == "relu_like":
            return alpha * torch.nn.functional.silu(beta * x)
        return alpha * x / torch.sqrt(1 + (beta * x) ** 2)

    def forward(self, density):
        x = self.linear(density, f"{self.name}.input")
        for b, steps in enumerate(self.structure["blocks"]):
            y = x
            for s, step in enumerate(steps):
                name = f"{self.name}.block.{b}.step.{s}"
                y = self.activate(y, step["activation"], f"{name}.activation")
                if step["layer_norm"]:
                    weight, bias = self.tensors[f"{name}.norm.weight"], self.tensors[f"{name}.norm.bias"]
                    y = torch.nn.functional.layer_norm(y, y.shape[-1:], weight, bias, 1e-5)
                y = self.linear(y, f"{name}.linear")
            x = x + y
        x = self.activate(x, self.structure["activation"], f"{self.name}.activation")
        return self.linear(x, f"{self.name}.output")


class Reann(torch.nn.Module):
    """Energy of a structure from its edges i <- j."""

    def __init__(self, file):
        super().__init__()
        self.tensors, sizes = file.tensors, file.hyperparameters
        self.cutoff, self.layers, self.max_order = sizes["cutoff"], sizes["layers"], sizes["max_order"]
        self.message = [[Network(self.tensors, f"message.{t}.{el}", structure) for el in file.species]
                        for t, structure in enumerate(sizes["message"])]
        self.readout = [Network(self.tensors, f"readout.{el}", sizes["readout"]) for el in file.species]
        self.order_of_product = torch.tensor([l for l in range(self.max_order + 1) for _ in range(3**l)])

    def edge_numbers(self, d, species):
        """All ordered products of components times radial waves: [edges, products, waves]."""
        r = d.norm(dim=1)
        cut = (0.5 * torch.cos(math.pi / self.cutoff * r) + 0.5) ** 2
        shifted = r[:, None] - self.tensors["radial.centre"][species]
        radial = cut[:, None] * torch.exp(self.tensors["radial.exponent"][species] * shifted**2)
        products = [torch.ones_like(r)[:, None]]
        for _ in range(self.max_order):
            products.append((products[-1][:, :, None] * d[:, None, :]).flatten(1))
        return torch.cat(products, dim=1)[:, :, None] * radial[:, None, :]

    def density(self, t, edge_numbers, coefficients, i, j):
        """rho of every atom in layer t: [atoms, orbitals]."""
        weighted = edge_numbers * coefficients[j][:, None, :]
        sums = weighted.new_zeros((len(coefficients), *weighted.shape[1:])).index_add(0, i, weighted)
        mixing = self.tensors["orbitals.mixing"][t][self.order_of_product]
        return torch.einsum("apk,pkm->apm", sums, mixing).square().sum(dim=1)

    @staticmethod
    def by_species(networks, atoms_of, density, width):
        result = density.new_zeros((len(density), width))
        for network, atoms in zip(networks, atoms_of):
            result = result.index_add(0, atoms, network(density[atoms]))
        return result

    def forward(self, positions, shifts, i, j, species):
        edge_numbers = self.edge_numbers(positions[i] - positions[j] - shifts, species[j])
        atoms_of = [torch.nonzero(species == s).flatten() for s in range(len(self.readout))]
        coefficients = self.tensors["coefficients.initial"][species]
        for t in range(self.layers):
            density = self.density(t, edge_numbers, coefficients, i, j)
            coefficients = coefficients + self.by_species(self.message[t], atoms_of, density, coefficients.shape[1])
        density = self.density(self.layers, edge_numbers, coefficients, i, j)
        energies = self.by_species(self.readout, atoms_of, density, 1)[:, 0]
        return (energies.double() + self.tensors["energy.shift"][species].double()).sum()


def read_dump(path):
    """The last frame: columns by name, lower corner and edges of an orthogonal periodic box."""
    with open(path) as file:
        lines = file.read().splitlines()
    start = max(n for n, line in enumerate(lines) if line.startswith("ITEM: TIMESTEP"))
    count = int(lines[start + 3])
    if "pp pp pp" not in lines[start + 4]:
        raise SystemExit("the box has to be orthogonal and periodic")
    bounds = np.array([line.split() for line in lines[start + 5 : start + 8]], dtype=float)
    names = lines[start + 8].split()[2:]
    rows = np.array([line.split() for line in lines[start + 9 : start + 9 + count]], dtype=float)
    return {name: rows[:, n] for n, name in enumerate(names)}, bounds[:, 0], bounds[:, 1] - bounds[:, 0]


def find_edges(positions, edges, cutoff):
    """Pairs i, j with |r_i - r_j - shift| < cutoff, all periodic images counted.

    The atoms and their images within one cutoff of the box are sorted into cells at least one cutoff wide.
    """
    reach = np.ceil(cutoff / edges).astype(int)
    images = np.stack(np.meshgrid(*[np.arange(-n, n + 1) for n in reach], indexing="ij"), axis=-1).reshape(-1, 3)
    points, owners, shifts = [], [], []
    for image in images:
        moved = positions + image * edges
        near = np.flatnonzero(((moved > -cutoff) & (moved < edges + cutoff)).all(axis=1))
        points.append(moved[near])
        owners.append(near)
        shifts.append(np.broadcast_to(image * edges, (len(near), 3)))
    points, owners, shifts = np.concatenate(points), np.concatenate(owners), np.concatenate(shifts)

    grid = np.floor((edges + 2 * cutoff) / cutoff).astype(int) + 2
    place = np.floor((points + cutoff) / cutoff).astype(int) + 1
    cell = np.ravel_multi_index(place.T, grid + 2)
    order = np.argsort(cell, kind="stable")
    sorted_cells = cell[order]
    own = np.floor((positions + cutoff) / cutoff).astype(int) + 1
    i_list, p_list = [], []
    for offset in np.stack(np.meshgrid(*[[-1, 0, 1]] * 3, indexing="ij"), axis=-1).reshape(-1, 3):
        wanted = np.ravel_multi_index((own + offset).T, grid + 2)
        first = np.searchsorted(sorted_cells, wanted, "left")
        count = np.searchsorted(sorted_cells, wanted, "right") - first
        i = np.repeat(np.arange(len(positions)), count)
        within = np.arange(len(i)) - np.repeat(np.cumsum(count) - count, count)
        p = order[np.repeat(first, count) + within]
        d = positions[i] - points[p]
        square = (d * d).sum(axis=1)
        keep = (square < cutoff * cutoff) & (square > 0)
        i_list.append(i[keep])
        p_list.append(p[keep])
    i, p = np.concatenate(i_list), np.concatenate(p_list)
    by_centre = np.argsort(i, kind="stable")
    i, p = i[by_centre], p[by_centre]
    return i, owners[p], shifts[p]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("dump")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--precision", choices=["single", "double"], default="single")
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()

    torch.set_num_threads(arguments.threads)
    dtype = torch.float32 if arguments.precision == "single" else torch.float64
    file = ModelFile(arguments.model, dtype)
    model = Reann(file)
    columns, corner, edges = read_dump(arguments.dump)
    # Atoms that have left the box since the last neighbour list are moved back in.
    positions = (np.stack([columns[x] for x in "xyz"], axis=1) - corner) % edges
    i, j, shifts = find_edges(positions, edges, model.cutoff)
    species = torch.tensor(columns["type"].astype(np.int64) - 1)
    i, j, shifts = torch.tensor(i), torch.tensor(j), torch.tensor(shifts, dtype=dtype)

    def compute():
        x = torch.tensor(positions, dtype=dtype, requires_grad=True)
        energy = model(x, shifts, i, j, species)
        (gradient,) = torch.autograd.grad(energy, x)
        return energy.item(), -gradient

    energy, forces = compute()
    start = time.perf_counter()
    for _ in range(arguments.repeats):
        compute()
    seconds = time.perf_counter() - start
    result = {"torch": torch.__version__, "atoms": len(positions), "edges": len(i), "repeats": arguments.repeats,
              "seconds": seconds, "us_per_atom_step": 1e6 * seconds / arguments.repeats / len(positions),
              "energy": energy}
    if "fx" in columns:
        theirs = np.stack([columns[f"f{x}"] for x in "xyz"], axis=1)
        result["largest_force"] = float(np.abs(theirs).max())
        result["force_difference"] = float(np.abs(forces.double().numpy() - theirs).max())
    print(json.dumps(result))


if __name__ == "__main__":
    main()
