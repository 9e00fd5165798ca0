#include "formats/archives/numpy_arrays.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <string_view>
#include <utility>

#include "support/error.hpp"

namespace grapevine {
namespace {

using namespace std::string_view_literals;

constexpr auto magic = "\x93NUMPY"sv;
constexpr std::size_t max_dimensions = 16;

struct NamedType {
  std::string_view descr;
  DType dtype;
};

constexpr NamedType element_types[] = {{"<f2", DType::f16}, {"<f4", DType::f32}, {"<f8", DType::f64},
                                       {"|i1", DType::i8},  {"|u1", DType::u8},  {"<i2", DType::i16},
                                       {"<i4", DType::i32}, {"<i8", DType::i64}, {"|b1", DType::boolean}};

std::string_view text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// The header's Python dictionary of three keys: {'descr': '<f4', 'fortran_order': False, 'shape': (8, 64), }
class HeaderReader {
 public:
  HeaderReader(std::string_view text, const std::string& where) : text_(text), where_(where) {}

  void read(NpyArray& array) {
    expect('{');
    while (!accept('}')) {
      const std::string_view key = quoted();
      expect(':');
      if (key == "descr" && !std::exchange(has_type_, true))
        array.dtype = dtype();
      else if (key == "fortran_order" && !std::exchange(has_order_, true))
        array.columns_first = logical();
      else if (key == "shape" && !std::exchange(has_shape_, true))
        array.shape = shape();
      else
        fail(fmt::format("the key {} is not known or there twice", key.substr(0, 40)));
      if (!accept(',') && next() != '}') fail("a comma is missing");
    }
    if (next() != '\0') fail("something follows its dictionary");
    if (!has_type_ || !has_order_ || !has_shape_) fail("one of descr, fortran_order and shape is missing");
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw Error(fmt::format("{}: its header: {}", where_, what));
  }

  /// The next character that is not white space; 0 at the end.
  char next() {
    const std::size_t at = text_.find_first_not_of(" \n");
    text_.remove_prefix(std::min(at, text_.size()));
    return text_.empty() ? '\0' : text_.front();
  }
  bool accept(char wanted) {
    if (next() != wanted) return false;
    text_.remove_prefix(1);
    return true;
  }
  void expect(char wanted) {
    if (!accept(wanted)) fail(fmt::format("'{}' expected", wanted));
  }
  std::string_view take(std::size_t length) {
    const std::string_view taken = text_.substr(0, length);
    text_.remove_prefix(length);
    return taken;
  }

  std::string_view quoted() {
    expect('\'');
    const std::size_t end = text_.find('\'');
    if (end == std::string_view::npos) fail("a quote is not closed");
    const std::string_view inside = take(end);
    take(1);
    return inside;
  }

  DType dtype() {
    if (next() != '\'') fail("descr is not the name of one type");
    const std::string_view name = quoted();
    const auto* found = std::find_if(std::begin(element_types), std::end(element_types),
                                     [&](const auto& t) { return t.descr == name; });
    if (found == std::end(element_types))
      fail(fmt::format("elements of type '{}' are not supported", name.substr(0, 40)));
    return found->dtype;
  }

  bool logical() {
    next();
    for (const auto& [word, value] : {std::pair("True"sv, true), {"False"sv, false}})
      if (text_.starts_with(word)) {
        take(word.size());
        return value;
      }
    fail("fortran_order is neither True nor False");
  }

  std::vector<std::uint64_t> shape() {
    std::vector<std::uint64_t> lengths;
    expect('(');
    while (!accept(')')) {
      if (lengths.size() == max_dimensions) fail(fmt::format("more than {} dimensions", max_dimensions));
      next();
      std::uint64_t length = 0;
      const auto [end, error] = std::from_chars(text_.data(), text_.data() + text_.size(), length);
      if (error != std::errc()) fail("shape is not a tuple of whole numbers");
      take(static_cast<std::size_t>(end - text_.data()));
      lengths.push_back(length);
      if (!accept(',') && next() != ')') fail("shape is not a tuple of whole numbers");
    }
    return lengths;
  }

  std::string_view text_;
  const std::string& where_;
  bool has_type_ = false;
  bool has_order_ = false;
  bool has_shape_ = false;
};

/// Takes pieces off the front of the bytes.
class Pieces {
 public:
  Pieces(std::span<const std::byte> bytes, const std::string& name) : rest_(bytes), name_(name) {}

  bool at_end() const { return rest_.empty() || (!arrays_.empty() && text_of(rest_) == "\n"); }

  void take_array() {
    where_ = fmt::format("{}: array {}", name_, arrays_.size());
    if (!is_numpy_array(rest_)) fail("no array of NumPy begins here; is the file damaged?");
    take(magic.size(), "header");
    const std::uint64_t version = little_endian(1);
    little_endian(1);
    if (version < 1 || version > 3) fail(fmt::format("version {} of NumPy's format is not known", version));
    const std::uint64_t length = little_endian(version == 1 ? 2 : 4);
    NpyArray& array = arrays_.emplace_back();
    HeaderReader(text_of(take(length, "header")), where_).read(array);
    array.elements = take(bytes_of(array), "elements");
  }

  std::vector<NpyArray> arrays() && { return std::move(arrays_); }

 private:
  [[noreturn]] void fail(const std::string& what) const { throw Error(fmt::format("{}: {}", where_, what)); }

  std::span<const std::byte> take(std::uint64_t length, const char* what) {
    if (length > rest_.size())
      fail(fmt::format("its {} should have {} bytes, of which {} are there; is the file cut off?", what, length,
                       rest_.size()));
    const auto taken = rest_.first(length);
    rest_ = rest_.subspan(length);
    return taken;
  }

  std::uint64_t little_endian(std::size_t length) {
    std::uint64_t value = 0;
    const auto bytes = take(length, "header");
    for (std::size_t n = 0; n < length; ++n) value |= std::to_integer<std::uint64_t>(bytes[n]) << (8 * n);
    return value;
  }

  std::uint64_t bytes_of(const NpyArray& array) const {
    std::uint64_t size = element_size(array.dtype);
    for (const std::uint64_t length : array.shape)
      if (__builtin_mul_overflow(size, length, &size))
        fail(fmt::format("its shape {} overflows", shape_text(array.shape)));
    return size;
  }

  std::span<const std::byte> rest_;
  const std::string& name_;
  std::string where_;
  std::vector<NpyArray> arrays_;
};

}  // namespace

std::string shape_text(const std::vector<std::uint64_t>& shape) {
  return fmt::format("({}{})", fmt::join(shape, ", "), shape.size() == 1 ? "," : "");
}

bool is_numpy_array(std::span<const std::byte> bytes) { return text_of(bytes).starts_with(magic); }

std::vector<double> NpyArray::to_doubles() const {
  std::vector<double> stored = elements_to_doubles(dtype, elements);
  if (!columns_first || shape.size() < 2) return stored;
  std::vector<double> values(stored.size());
  std::vector<std::uint64_t> place(shape.size(), 0);  // of the stored element, whose first index runs fastest
  for (const double value : stored) {
    std::uint64_t at = 0;
    for (std::size_t n = 0; n < shape.size(); ++n) at = at * shape[n] + place[n];
    values[at] = value;
    for (std::size_t n = 0; n < shape.size() && ++place[n] == shape[n]; ++n) place[n] = 0;
  }
  return values;
}

std::vector<NpyArray> parse_numpy_arrays(std::span<const std::byte> bytes, const std::string& name) {
  Pieces pieces(bytes, name);
  while (!pieces.at_end()) pieces.take_array();
  return std::move(pieces).arrays();
}

}  // namespace grapevine
