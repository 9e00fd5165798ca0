#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "formats/archives/pickle.hpp"

namespace grapevine {

/// Keeps the bytes of a storage and says under which key.
using StorageKeeper = std::function<std::string(const TorchStorage& storage)>;

/// The pickle (protocol 2) that read_pickle reads back to `root`: None, True and False, numbers, text, lists, tuples,
/// dicts and tensors, these as torch.save describes them. Values that are shared are written each time. Throws
/// std::invalid_argument for values of other kinds.
std::vector<std::byte> write_pickle(const PickleValue& root, const StorageKeeper& keep);

}  // namespace grapevine
