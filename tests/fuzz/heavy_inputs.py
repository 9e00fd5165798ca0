#!/usr/bin/env python3
"""Small files that once took gigabytes, tens of seconds or the whole stack: heavy_inputs.py FOLDER writes them as
FOLDER/<fuzz target>/heavy-<name>. Each is refused, or read in memory and time in proportion to its size."""

import io
import json
import struct
import sys
import zipfile
from pathlib import Path

PROTOCOL = b"\x80\x02"


def text(value):
    value = value.encode()
    return b"X" + struct.pack("<I", len(value)) + value


def number(value):
    return b"J" + struct.pack("<i", value)


def get(index):
    return b"j" + struct.pack("<I", index)


def put(index):
    return b"r" + struct.pack("<I", index)


def archive(pickle, storages=None):
    """A PyTorch file with this pickle and storages by key, compressed."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("archive/data.pkl", pickle)
        for key, content in (storages or {}).items():
            file.writestr(f"archive/data/{key}", content)
    return buffer.getvalue()


def tensor(shape, numbers):
    """Opcodes of a tensor of that shape, which is the beginning of a storage of `numbers` floats."""
    strides = [1]
    for length in reversed(shape[1:]):
        strides.insert(0, strides[0] * length)
    storage = b"(" + text("storage") + b"ctorch\nFloatStorage\n" + text("0") + text("cpu") + number(numbers) + b"tQ"
    sizes = b"(" + b"".join(map(number, shape)) + b"t(" + b"".join(map(number, strides)) + b"t"
    return b"ctorch._utils\n_rebuild_tensor_v2\n(" + storage + number(0) + sizes + b"\x89ccollections\nOrderedDict\n)RtR"


def shared_storage(elements, width, blocks):
    """A checkpoint of REANN in which one storage is all weights."""
    numbers = width * width
    kinds = [[width, width], [width], [width, 4], [1, width], [1]]
    pickle = PROTOCOL + b"".join(tensor(shape, numbers) + put(n) + b"0" for n, shape in enumerate(kinds, 100))
    names = [(name, tensor([elements, 4], numbers)) for name in ("density.rs", "density.inta", "density.params")]
    names += [("density.hyper", tensor([1, 4, 4], numbers)), ("density.cutoff", get(104)), ("nnmod.initpot", get(104))]
    for symbol in "H He Li Be B C N O".split()[:elements]:
        net = f"nnmod.elemental_nets.{symbol}."
        names += [(net + "0.weight", get(102)), (net + "0.bias", get(101))]
        for block in range(1, blocks + 1):
            inner = f"{net}{block}.res."
            names += [(inner + name, get(101)) for name in ("0.alpha", "0.beta", "1.bias")]
            names.append((inner + "1.weight", get(100)))
        names += [(f"{net}{blocks + 1}.{name}", get(101)) for name in ("alpha", "beta")]
        names += [(f"{net}{blocks + 2}.weight", get(103)), (f"{net}{blocks + 2}.bias", get(104))]
    pickle += b"}(" + text("reannparam") + b"}(" + b"".join(text(name) + value for name, value in names) + b"uu."
    return pickle, struct.pack("<f", 1.0) * numbers


def long_path():
    """An object whose attribute has a long name and holds thousands of others."""
    empty = get(0) + b")\x81"
    inner = empty + b"}(" + b"".join(text(str(n)) + empty for n in range(3000)) + b"ub"
    return PROTOCOL + b"c__torch__\nPES\n" + put(0) + b"0" + empty + b"}(" + text("b" * 500_000) + inner + b"ub."


def pickles():
    name = "__torch__." + "a" * 500_000
    recalled = put(0) + b"0" + text("x") + put(1) + b"0(" + (get(0) + get(1) + b"\x93") * 3000 + b"t."
    made = b"c" + name.encode() + b"\nx\n" + put(0) + b"0(" + (get(0) + b")\x81") * 3000 + b"t."
    return {
        "tuples": PROTOCOL + b")" * 900_000 + b".",
        "memoised-dicts": PROTOCOL + b"}\x94" * 450_000 + b".",
        "recalled-name": PROTOCOL + text(name) + recalled,
        "long-class": PROTOCOL + made,
        "long-path": long_path(),
    }


def safetensors(header, data=b""):
    head = json.dumps(header, separators=(",", ":")).encode()
    return struct.pack("<Q", len(head)) + head + data


def many_entries(count):
    return safetensors({f"t{n}": {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]} for n in range(count)})


def model(architecture, species, hyperparameters, tensors):
    """A model file; tensors are triples of name, shape and the value of all their numbers."""
    metadata = {
        "format": "grapevine",
        "format_version": "1",
        "architecture": architecture,
        "species": species,
        "units": '{"energy":"eV","length":"Angstrom"}',
        "provenance": '{"source":"x","source_sha256":"x","source_kind":"x"}',
        "hyperparameters": json.dumps(hyperparameters),
    }
    header = {"__metadata__": metadata}
    data = b""
    for name, shape, value in tensors:
        count = 1
        for length in shape:
            count *= length
        content = struct.pack("<f", value) * count
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [len(data), len(data) + len(content)]}
        data += content
    return safetensors(header, data)


def nequip_of_many_paths(channels=64, paths=1023, frequency=300.0):
    """Its radial functions vary so fast, and are so many, that tables of them would take gigabytes."""
    silu = {"function": "silu", "scale": 1.0}
    network = {"hidden": [], "bias": [False], "activation": silu}
    interaction = {
        "input": f"{channels}x0e",
        "mix_input_bias": False,
        "paths": [[0, 0, "0e"]] * paths,
        "radial": network,
        "denominator": 1.0,
        "mix_messages_bias": False,
        "self_connection": {"kind": "none", "bias": False},
        "gate": {
            "scalars": "1x0e",
            "scalar_activations": [silu],
            "gated": "",
            "gate_activations": [],
            "gate_parity": "even",
        },
    }
    hyperparameters = {
        "cutoff": 5.0,
        "cutoff_function": {"kind": "polynomial", "power": 6},
        "edge_order": 1,
        "odd_harmonics": False,
        "normalised_harmonics": True,
        "basis": 1,
        "basis_prefactor": 1.0,
        "interactions": [interaction],
        "readout": network,
    }
    tensors = [("radial.frequency", [1], frequency), ("embedding", [1, channels], 0.01)]
    tensors += [("interaction.0.mix_input.0.0", [channels, channels], 0.01)]
    tensors += [("interaction.0.radial.0.weight", [1, channels * paths], 0.01)]
    tensors += [(f"interaction.0.mix_messages.{n}.0", [channels, 1], 0.01) for n in range(paths)]
    tensors += [("readout.0.weight", [1, 1], 0.01), ("energy.scale", [1], 0.01), ("energy.shift", [1], 0.01)]
    return model("nequip", "W", hyperparameters, tensors)


def reann_of_many_waves(waves=256, width=16384):
    """One orbital of many waves: the first map would be run as a matrix of `width` times 32896 numbers."""
    network = {"width": width, "blocks": [], "activation": "relu_like"}
    hyperparameters = {
        "cutoff": 5.0,
        "waves": waves,
        "max_order": 0,
        "orbitals": 1,
        "layers": 0,
        "message": [],
        "readout": network,
    }
    tensors = [("radial.exponent", [1, waves], -1.0), ("radial.centre", [1, waves], 1.0)]
    tensors += [("coefficients.initial", [1, waves], 0.01), ("orbitals.mixing", [1, 1, waves, 1], 0.01)]
    tensors += [("readout.W.input.weight", [width, 1], 0.01), ("readout.W.input.bias", [width], 0.01)]
    tensors += [("readout.W.activation.alpha", [width], 0.01), ("readout.W.activation.beta", [width], 0.01)]
    tensors += [("readout.W.output.weight", [1, width], 0.01), ("readout.W.output.bias", [1], 0.01)]
    tensors += [("energy.shift", [1], 0.01)]
    return model("reann", "W", hyperparameters, tensors)


def heavy_inputs():
    """Contents by fuzz target and name."""
    shared, storage = shared_storage(4, 512, 32)
    archives = {name: archive(pickle) for name, pickle in pickles().items()}
    archives["shared-storage"] = archive(shared, {"0": storage})
    archives["many-tuples"] = archive(PROTOCOL + b")" * 3_999_990 + b".")
    dots = "a." * 300_000
    keys = " ".join(f"k{n}=1" for n in range(100_000))
    return {
        "safetensors": {"many-entries": many_entries(15_000)},
        "model_file": {
            "many-entries": many_entries(15_000),
            "many-paths": nequip_of_many_paths(),
            "many-waves": reann_of_many_waves(),
        },
        "pickle": pickles(),
        "torch_archive": archives,
        "training_config": {
            "dotted-table": f"[{dots}a]\nx = 1".encode(),
            "dotted-key": f"{dots}a = 1".encode(),
            "dotted-key-in-table": f"x = {{{dots}a = 1}}".encode(),
        },
        "extxyz": {
            "many-keys": f"1\n{keys} Properties=species:S:1:pos:R:3\nW 0 0 0\n".encode(),
            "wide": b"1\nProperties=species:S:1:pos:R:3:a:S:400000\nW 0 0 0" + b" a" * 400_000 + b"\n",
        },
        "para_file": {"lists": b"a = [" + b"[]," * 340_000 + b"]"},
    }


if __name__ == "__main__":
    for target, files in heavy_inputs().items():
        folder = Path(sys.argv[1]) / target
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            (folder / f"heavy-{name}").write_bytes(content)
