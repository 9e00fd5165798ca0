"""Model files as metadata and tensors."""

import json
import struct

import numpy as np

TYPES = {"F64": np.float64, "F32": np.float32, "I32": np.int32, "I64": np.int64, "U8": np.uint8}


def read_model(path):
    """Metadata and tensors, to be changed: without the digest that says what they were."""
    content = path.read_bytes()
    start = 8 + struct.unpack("<Q", content[:8])[0]
    header = json.loads(content[8:start])
    metadata = header.pop("__metadata__")
    metadata.pop("sha256", None)
    tensors = {}
    for name, entry in header.items():
        first, last = (start + place for place in entry["data_offsets"])
        tensors[name] = np.frombuffer(content[first:last], TYPES[entry["dtype"]]).reshape(entry["shape"]).copy()
    return metadata, tensors


def write_model(path, metadata, tensors):
    header, data = {"__metadata__": metadata}, b""
    for name, tensor in sorted(tensors.items(), key=lambda item: (-item[1].itemsize, item[0])):  # doubles first: aligned
        dtype = next(key for key, kind in TYPES.items() if kind == tensor.dtype)
        content = np.ascontiguousarray(tensor).tobytes()
        header[name] = {"dtype": dtype, "shape": tensor.shape, "data_offsets": [len(data), len(data) + len(content)]}
        data += content
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)
