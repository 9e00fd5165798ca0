"""Loads REANN.pth into modules named as in REANN's program and evaluates it; run by a Python that has PyTorch.

    python reann_checkpoint.py FOLDER STRUCTURES.json

FOLDER is what `grapevine export --to reann` wrote. STRUCTURES.json is a list of {positions, species, i, j, shifts}, the
edges i <- j with r_i - r_j - shift shorter than the cutoff. Prints a list of {energy, forces}. Every tensor has to be
there under its name and in its shape, and AdamW has to take the state of the optimiser and make a step.
"""

import ast
import json
import sys
from pathlib import Path

import torch
from torch import nn


def read_para(folder):
    values = {}
    for name in ("input_nn", "input_density"):
        for line in (folder / "para" / name).read_text().splitlines():
            text = line.strip().split("#")[0]
            if text:
                key, value = text.split("=")
                values[key.strip()] = ast.literal_eval(value.strip())
    return values


class ReluLike(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.alpha, self.beta = nn.Parameter(torch.ones(1, width)), nn.Parameter(torch.ones(1, width))

    def forward(self, x):
        return self.alpha * nn.functional.silu(x * self.beta)


class TanhLike(ReluLike):
    def forward(self, x):
        return self.alpha * x / torch.sqrt(1 + torch.square(x * self.beta))


class Block(nn.Module):
    def __init__(self, widths, activation, norm):
        super().__init__()
        steps = []
        for width, following in zip(widths, [*widths[1:], widths[0]]):
            steps += [activation(width), *([nn.LayerNorm(width)] if norm else []), nn.Linear(width, following)]
        self.resblock = nn.Sequential(*steps)

    def forward(self, x):
        return self.resblock(x) + x


class Networks(nn.Module):
    def __init__(self, para, prefix, outputs):
        super().__init__()
        widths, blocks = para[f"{prefix}nl"], para[f"{prefix}nblock"]
        activation = {"Relu_like": ReluLike, "Tanh_like": TanhLike}[para[f"{prefix}activate"]]
        self.register_buffer("initpot", torch.zeros(1))
        self.elemental_nets = nn.ModuleDict()
        for element in para["atomtype"]:
            self.elemental_nets[element] = nn.Sequential(
                nn.Linear(para["norbit"], widths[0]),
                *[Block(widths, activation, para[f"{prefix}table_norm"]) for _ in range(blocks)],
                activation(widths[0]),
                nn.Linear(widths[0], outputs),
            )

    def forward(self, density, species):
        every = torch.stack([network(density) for network in self.elemental_nets.values()])
        return every[species, torch.arange(len(species))]


class Density(nn.Module):
    def __init__(self, para):
        super().__init__()
        waves, orders, layers = para["nwave"], para["nipsin"] + 1, para["oc_loop"]
        for name in ("rs", "inta", "params"):
            setattr(self, name, nn.Parameter(torch.zeros(len(para["atomtype"]), waves)))
        self.hyper = nn.Parameter(torch.zeros(layers + 1, orders, waves, para["norbit"]))
        self.register_buffer("cutoff", torch.zeros(1))
        self.register_buffer("nipsin", torch.zeros(1, dtype=torch.long))
        self.register_buffer("index_para", torch.zeros(sum(3**order for order in range(orders)), dtype=torch.long))
        self.ocmod = nn.ModuleDict({f"memssage_{t}": Networks(para, "oc_", waves) for t in range(layers)})

    def forward(self, positions, species, i, j, shifts):
        d = positions[i] - positions[j] - shifts
        r = d.norm(dim=1)
        products = [(0.5 * torch.cos(torch.pi / self.cutoff * r) + 0.5)[:, None] ** 2]
        for _ in range(1, int(self.nipsin)):
            products.append((products[-1][:, :, None] * d[:, None, :]).flatten(1))
        radial = torch.exp(self.inta[species[j]] * (r[:, None] - self.rs[species[j]]) ** 2)
        edges = torch.cat(products, dim=1)[:, :, None] * radial[:, None, :]

        def density(t, coefficients):
            sums = torch.zeros(len(species), *edges.shape[1:], dtype=edges.dtype)
            sums = sums.index_add(0, i, edges * coefficients[j][:, None, :])
            return torch.einsum("apk,pkm->apm", sums, self.hyper[t][self.index_para]).square().sum(1)

        coefficients = self.params[species]
        for t, message in enumerate(self.ocmod.values()):
            coefficients = coefficients + message(density(t, coefficients), species)
        return density(len(self.ocmod), coefficients)


class Model(nn.Module):
    def __init__(self, para):
        super().__init__()
        self.density, self.nnmod = Density(para), Networks(para, "", 1)

    def forward(self, positions, species, i, j, shifts):
        density = self.density(positions, species, i, j, shifts)
        return (self.nnmod(density, species) + self.nnmod.initpot).sum()


def graph_of(structure):
    species, i, j = (torch.tensor(structure[key], dtype=torch.long) for key in ("species", "i", "j"))
    return species, i, j, torch.tensor(structure["shifts"]).reshape(-1, 3)


def main():
    folder, structures = Path(sys.argv[1]), json.loads(Path(sys.argv[2]).read_text())
    para = read_para(folder)
    checkpoint = torch.load(folder / "REANN.pth", map_location="cpu", weights_only=True)
    types = {str(t.dtype) for t in checkpoint["reannparam"].values() if t.is_floating_point()}
    assert types == {f"torch.{para['dtype']}"}, types
    torch.set_default_dtype(torch.float64)
    model = Model(para)
    model.load_state_dict(checkpoint["reannparam"])
    results = []
    for s in structures:
        positions = torch.tensor(s["positions"], requires_grad=True)
        energy = model(positions, *graph_of(s))
        (gradient,) = torch.autograd.grad(energy, positions)
        results.append({"energy": energy.item(), "forces": (-gradient).tolist()})

    optimiser = torch.optim.AdamW(model.parameters(), lr=1)
    optimiser.load_state_dict(checkpoint["optimizer"])
    assert optimiser.param_groups[0]["lr"] == para["start_lr"]
    assert para["start_table"] == para["table_init"] == 1
    model(torch.tensor(structures[0]["positions"]), *graph_of(structures[0])).backward()
    before = model.density.params.detach().clone()
    optimiser.step()
    assert (model.density.params != before).any()
    print(json.dumps(results))


if __name__ == "__main__":
    main()
