#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

namespace grapevine {

/// Element types of tensors in files.
enum class DType { f16, bf16, f32, f64, i8, u8, i16, i32, i64, boolean };

/// Name in a safetensors header, e.g. "F32".
std::string_view dtype_name(DType dtype);

std::size_t element_size(DType dtype);  ///< bytes

/// The little-endian elements of `bytes` as double; boolean as 0 and 1. A rest shorter than one element is ignored.
std::vector<double> elements_to_doubles(DType dtype, std::span<const std::byte> bytes);

/// The one little-endian element that starts at `bytes`.
double element_to_double(DType dtype, const std::byte* bytes);

}  // namespace grapevine
