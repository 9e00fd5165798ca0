#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "formats/dtype.hpp"

namespace grapevine {

/// One array as NumPy writes it (`.npy`, versions 1 to 3). Its elements stay where they are, in the file's bytes.
struct NpyArray {
  DType dtype = DType::f32;
  std::vector<std::uint64_t> shape;
  bool columns_first = false;  ///< fortran_order
  std::span<const std::byte> elements;

  std::size_t count() const { return elements.size() / element_size(dtype); }
  std::vector<double> to_doubles() const;  ///< row-major, whatever the order in the file
};

/// "(8, 64)", as NumPy writes it.
std::string shape_text(const std::vector<std::uint64_t>& shape);

/// Whether these are the first bytes of such an array.
bool is_numpy_array(std::span<const std::byte> bytes);

/// Arrays one after another up to the end, as repeated calls of numpy.save write them into one file. A line feed after
/// the last is allowed. Throws Error, starting with `name` and the array's place, counted from 0, for what is cut off
/// or malformed and for elements that are neither little-endian floating point numbers nor integers nor logical.
std::vector<NpyArray> parse_numpy_arrays(std::span<const std::byte> bytes, const std::string& name);

}  // namespace grapevine
