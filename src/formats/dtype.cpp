#include "formats/dtype.hpp"

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>

namespace grapevine {
namespace {

static_assert(std::endian::native == std::endian::little, "tensor bytes are read in place");

template <class T>
T load(const std::byte* bytes) {
  T value;
  std::memcpy(&value, bytes, sizeof value);
  return value;
}

double half_to_double(std::uint16_t bits) {
  const int exponent = (bits >> 10) & 0x1f;
  const int fraction = bits & 0x3ff;
  double magnitude = 0;
  if (exponent == 0x1f)
    magnitude = fraction ? std::numeric_limits<double>::quiet_NaN() : std::numeric_limits<double>::infinity();
  else if (exponent == 0)
    magnitude = std::ldexp(fraction, -24);
  else
    magnitude = std::ldexp(fraction + 1024, exponent - 25);
  return bits & 0x8000 ? -magnitude : magnitude;
}

}  // namespace

std::string_view dtype_name(DType dtype) {
  switch (dtype) {
    case DType::f16: return "F16";
    case DType::bf16: return "BF16";
    case DType::f32: return "F32";
    case DType::f64: return "F64";
    case DType::i8: return "I8";
    case DType::u8: return "U8";
    case DType::i16: return "I16";
    case DType::i32: return "I32";
    case DType::i64: return "I64";
    case DType::boolean: return "BOOL";
  }
  return "";
}

std::size_t element_size(DType dtype) {
  switch (dtype) {
    case DType::i8:
    case DType::u8:
    case DType::boolean: return 1;
    case DType::f16:
    case DType::bf16:
    case DType::i16: return 2;
    case DType::f32:
    case DType::i32: return 4;
    case DType::f64:
    case DType::i64: return 8;
  }
  return 0;
}

double element_to_double(DType dtype, const std::byte* bytes) {
  switch (dtype) {
    case DType::f16: return half_to_double(load<std::uint16_t>(bytes));
    case DType::bf16: return std::bit_cast<float>(std::uint32_t{load<std::uint16_t>(bytes)} << 16);
    case DType::f32: return load<float>(bytes);
    case DType::f64: return load<double>(bytes);
    case DType::i8: return load<std::int8_t>(bytes);
    case DType::u8: return load<std::uint8_t>(bytes);
    case DType::i16: return load<std::int16_t>(bytes);
    case DType::i32: return load<std::int32_t>(bytes);
    case DType::i64: return static_cast<double>(load<std::int64_t>(bytes));
    case DType::boolean: return load<std::uint8_t>(bytes) ? 1 : 0;
  }
  return 0;
}

std::vector<double> elements_to_doubles(DType dtype, std::span<const std::byte> bytes) {
  const std::size_t size = element_size(dtype);
  std::vector<double> values(bytes.size() / size);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = element_to_double(dtype, bytes.data() + i * size);
  return values;
}

}  // namespace grapevine
