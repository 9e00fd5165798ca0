#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "formats/archives/pickle.hpp"

namespace grapevine {

// Plain data for a PyTorch file.

PickleValue make_pickle_text(std::string text);
PickleValue make_pickle_list(const std::vector<PickleValue>& items);
PickleValue make_pickle_tuple(const std::vector<PickleValue>& items);
PickleValue make_pickle_dict(const std::vector<std::pair<std::string, PickleValue>>& items);

/// A row-major tensor of f32, f64 or i64, to which the values are rounded. Throws std::invalid_argument for other types
/// and if there are not as many values as the shape has.
PickleValue make_torch_tensor(DType dtype, std::vector<std::int64_t> shape, const std::vector<double>& values);

/// The bytes of a file that torch.load (also with weights_only=True) and read_torch_archive read back to `root`, as
/// torch.save writes it. The same data give the same bytes. `folder` is the name of the folder inside the archive;
/// torch.save takes the file's name without extension. Throws as write_pickle and make_zip_archive do.
std::vector<std::byte> make_torch_archive(const PickleValue& root, std::string_view folder);

}  // namespace grapevine
