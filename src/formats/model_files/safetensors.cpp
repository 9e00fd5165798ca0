#include "formats/model_files/safetensors.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <set>
#include <utility>

#include "formats/known_formats.hpp"
#include "formats/mapped_file.hpp"
#include "formats/model_files/content_digest.hpp"
#include "formats/text/strict_json.hpp"
#include "support/atomic_file.hpp"
#include "support/error.hpp"

namespace grapevine {
namespace {

using nlohmann::json;

constexpr std::size_t length_bytes = 8;
constexpr std::uint64_t max_header = 16u << 20;
constexpr std::size_t max_rank = 16;
constexpr int header_depth = 3;
constexpr DType all_dtypes[] = {DType::f16, DType::bf16, DType::f32, DType::f64, DType::i8,
                                DType::u8,  DType::i16,  DType::i32, DType::i64, DType::boolean};

struct Extent {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};

/// Reads one entry of the header, `entry`, of the tensor called `where` in messages.
class EntryReader {
 public:
  EntryReader(const json& entry, std::string where) : entry_(entry), where_(std::move(where)) {
    if (!entry.is_object()) fail("its header entry is not an object");
    for (const auto& item : entry.items())
      if (item.key() != "dtype" && item.key() != "shape" && item.key() != "data_offsets")
        fail(fmt::format("unknown header key {}", json(item.key()).dump()));
  }

  DType dtype() const {
    const json& name = member("dtype");
    for (const DType dtype : all_dtypes)
      if (name == dtype_name(dtype)) return dtype;
    fail(fmt::format("unknown dtype {}", name.dump()));
  }

  std::vector<std::int64_t> shape() const {
    const json& sizes = member("shape");
    if (!sizes.is_array() || sizes.size() > max_rank)
      fail(fmt::format("its shape is not a list of up to {}", max_rank));
    std::vector<std::int64_t> shape;
    for (const json& size : sizes) {
      const std::uint64_t value = unsigned_number(size, "shape");
      if (value > std::numeric_limits<std::int64_t>::max()) fail("its shape overflows");
      shape.push_back(static_cast<std::int64_t>(value));
    }
    return shape;
  }

  Extent extent() const {
    const json& offsets = member("data_offsets");
    if (!offsets.is_array() || offsets.size() != 2) fail("its data_offsets are not a pair");
    return {unsigned_number(offsets[0], "data_offsets"), unsigned_number(offsets[1], "data_offsets")};
  }

  /// Bytes that `shape` needs.
  std::uint64_t size(const std::vector<std::int64_t>& shape, DType dtype) const {
    auto size = static_cast<std::int64_t>(element_size(dtype));
    for (const std::int64_t length : shape)
      if (__builtin_mul_overflow(size, length, &size)) fail("its size overflows");
    return static_cast<std::uint64_t>(size);
  }

  [[noreturn]] void fail(const std::string& what) const { throw Error(fmt::format("{}: {}", where_, what)); }

 private:
  const json& member(const char* key) const {
    const auto found = entry_.find(key);
    if (found == entry_.end()) fail(fmt::format("no {} in its header entry", key));
    return *found;
  }
  std::uint64_t unsigned_number(const json& value, const char* key) const {
    if (!value.is_number_unsigned()) fail(fmt::format("its {} has something that is not a whole number >= 0", key));
    return value.get<std::uint64_t>();
  }

  const json& entry_;
  std::string where_;
};

std::string printable(const std::string& text) {
  return json(text).dump(-1, ' ', true, json::error_handler_t::replace);
}

bool is_text(std::span<const std::byte> bytes) {
  constexpr std::size_t enough = 64;
  constexpr unsigned char largest_of_utf8 = 0xf4;
  return std::ranges::all_of(bytes.first(std::min(bytes.size(), enough)), [](std::byte byte) {
    const auto code = std::to_integer<unsigned char>(byte);
    return (code >= ' ' && code <= largest_of_utf8) || code == '\t' || code == '\n' || code == '\r';
  });
}

[[noreturn]] void fail_as_another_format(std::span<const std::byte> bytes, std::uint64_t length,
                                         const std::string& file) {
  const std::string_view format = known_format({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  if (format == zip_format || format == pickle_format)
    throw Error(
        fmt::format("{0}: a PyTorch checkpoint, not a Grapevine model; make one of it with: grapevine import {0} -o "
                    "model.safetensors (in Python grapevine.import_model)",
                    file));
  if (!format.empty() && format != safetensors_format)
    throw Error(fmt::format("{}: this is {}, not a model file", file, format));
  if (is_text(bytes)) throw Error(fmt::format("{}: not a safetensors file but a text", file));
  throw Error(fmt::format("{}: not a safetensors file, or cut off: its first 8 bytes announce a header of {} bytes",
                          file, length));
}

std::map<std::string, std::string> read_metadata(const json& object, const std::string& file) {
  if (!object.is_object()) throw Error(fmt::format("{}: __metadata__ is not an object", file));
  std::map<std::string, std::string> metadata;
  for (const auto& item : object.items()) {
    if (!item.value().is_string())
      throw Error(fmt::format("{}: metadata {} is not a string", file, printable(item.key())));
    metadata[item.key()] = item.value().get<std::string>();
  }
  return metadata;
}

/// Throws unless the extents, in any order, cover the data section exactly once.
void check_cover(std::vector<std::pair<Extent, std::string>> extents, std::uint64_t data_size,
                 const std::string& file) {
  std::sort(extents.begin(), extents.end(), [](const auto& a, const auto& b) {
    return std::pair(a.first.begin, a.first.end) < std::pair(b.first.begin, b.first.end);
  });
  std::uint64_t covered = 0;
  for (const auto& [extent, name] : extents) {
    if (extent.begin != covered)
      throw Error(fmt::format("{}: the bytes of tensor {} {}", file, printable(name),
                              extent.begin < covered ? "overlap another tensor's" : "come after a hole in the data"));
    covered = extent.end;
  }
  if (covered != data_size)
    throw Error(fmt::format("{}: {} bytes after the last tensor; is the file damaged?", file, data_size - covered));
}

bool fits_float(double value) {
  if (!std::isfinite(value)) return true;
  return std::abs(value) <= std::numeric_limits<float>::max() && static_cast<float>(value) == value;
}

DType storage_type(const NamedTensor& tensor) {
  return std::all_of(tensor.values.begin(), tensor.values.end(), fits_float) ? DType::f32 : DType::f64;
}

/// Throws unless names are unique and sizes agree: a writer's mistake, but one that would make an unreadable file.
void check_tensors(const std::filesystem::path& path, const std::vector<NamedTensor>& tensors) {
  std::set<std::string> names = {"__metadata__"};
  for (const NamedTensor& tensor : tensors) {
    std::int64_t count = 1;
    for (const std::int64_t length : tensor.shape)
      if (length < 0 || __builtin_mul_overflow(count, length, &count)) count = -1;
    if (!names.insert(tensor.name).second)
      throw Error(fmt::format("cannot write {}: the tensor name {} is used twice", path.string(), tensor.name));
    if (count < 0 || static_cast<std::size_t>(count) != tensor.values.size())
      throw Error(fmt::format("cannot write {}: tensor {} has {} values, its shape says {}", path.string(), tensor.name,
                              tensor.values.size(), count));
  }
}

/// Wide types first, so that every tensor is aligned to its element size.
std::vector<std::pair<DType, const NamedTensor*>> layout(const std::vector<NamedTensor>& tensors) {
  std::vector<std::pair<DType, const NamedTensor*>> order;
  for (const NamedTensor& tensor : tensors) order.emplace_back(storage_type(tensor), &tensor);
  std::sort(order.begin(), order.end(), [](const auto& a, const auto& b) {
    return std::pair(element_size(b.first), a.second->name) < std::pair(element_size(a.first), b.second->name);
  });
  return order;
}

std::string make_header(const std::map<std::string, std::string>& metadata,
                        const std::vector<std::pair<DType, const NamedTensor*>>& order) {
  nlohmann::ordered_json header;
  header["__metadata__"] = metadata;
  std::uint64_t offset = 0;
  for (const auto& [dtype, tensor] : order) {
    const std::uint64_t end = offset + tensor->values.size() * element_size(dtype);
    header[tensor->name] = {{"dtype", dtype_name(dtype)}, {"shape", tensor->shape}, {"data_offsets", {offset, end}}};
    offset = end;
  }
  std::string text = header.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');
  return text;
}

template <class Number>
std::vector<std::byte> bytes_of(const std::vector<Number>& values) {
  const auto bytes = std::as_bytes(std::span(values));
  return {bytes.begin(), bytes.end()};
}

std::vector<std::byte> bytes_of(DType dtype, const std::vector<double>& values) {
  if (dtype == DType::f64) return bytes_of(values);
  return bytes_of(std::vector<float>(values.begin(), values.end()));
}

}  // namespace

std::int64_t TensorView::count() const {
  std::int64_t count = 1;
  for (const std::int64_t length : shape) count *= length;
  return count;
}

std::vector<double> TensorView::to_doubles() const {
  if (dtype == DType::boolean) throw Error("a tensor of type BOOL was given where numbers are needed");
  return elements_to_doubles(dtype, bytes);
}

TensorFile TensorFile::read(const std::filesystem::path& path) {
  const auto mapping = std::make_shared<MappedFile>(path);
  TensorFile file;
  file.name_ = path.string();
  file.storage_ = mapping;
  file.parse_header(mapping->bytes());
  check_digest(file);
  return file;
}

TensorFile TensorFile::parse(std::span<const std::byte> bytes, std::string name) {
  const auto copy = std::make_shared<std::vector<std::byte>>(bytes.begin(), bytes.end());
  TensorFile file;
  file.name_ = std::move(name);
  file.storage_ = copy;
  file.parse_header(*copy);
  check_digest(file);
  return file;
}

void TensorFile::parse_header(std::span<const std::byte> bytes) {
  std::uint64_t length = 0;
  if (bytes.size() < length_bytes) throw Error(fmt::format("{}: too short for a safetensors file", name_));
  std::memcpy(&length, bytes.data(), length_bytes);
  if (length > bytes.size() - length_bytes || length > max_header) fail_as_another_format(bytes, length, name_);
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()) + length_bytes, length);
  const std::span<const std::byte> data = bytes.subspan(length_bytes + length);
  const json header = parse_strict_json(text, name_ + ": header", header_depth);
  if (!header.is_object()) throw Error(fmt::format("{}: the safetensors header is not a JSON object", name_));

  std::vector<std::pair<Extent, std::string>> extents;
  for (const auto& item : header.items()) {
    if (item.key() == "__metadata__") {
      metadata_ = read_metadata(item.value(), name_);
      continue;
    }
    const EntryReader entry(item.value(), fmt::format("{}: tensor {}", name_, printable(item.key())));
    TensorView view{entry.dtype(), entry.shape(), {}};
    const Extent extent = entry.extent();
    if (extent.begin > extent.end || extent.end > data.size())
      entry.fail("its data_offsets run past the end of the file");
    if (extent.end - extent.begin != entry.size(view.shape, view.dtype))
      entry.fail("its data_offsets do not match its shape and dtype");
    view.bytes = data.subspan(extent.begin, extent.end - extent.begin);
    extents.emplace_back(extent, item.key());
    tensors_.emplace(item.key(), std::move(view));
  }
  check_cover(std::move(extents), data.size(), name_);
}

const TensorView& TensorFile::tensor(const std::string& name) const {
  const auto found = tensors_.find(name);
  if (found == tensors_.end()) throw Error(fmt::format("{}: the tensor {} is missing", name_, name));
  return found->second;
}

const std::string& TensorFile::metadata(const std::string& key) const {
  const auto found = metadata_.find(key);
  if (found == metadata_.end())
    throw Error(fmt::format("{}: no \"{}\" in its metadata; was it written by grapevine?", name_, key));
  return found->second;
}

void write_tensor_file(const std::filesystem::path& path, const std::map<std::string, std::string>& metadata,
                       const std::vector<NamedTensor>& tensors) {
  check_tensors(path, tensors);
  const auto order = layout(tensors);
  std::vector<std::vector<std::byte>> content;
  std::map<std::string, TensorView> views;
  for (const auto& [dtype, tensor] : order) {
    content.push_back(bytes_of(dtype, tensor->values));
    views[tensor->name] = {dtype, tensor->shape, content.back()};
  }
  std::map<std::string, std::string> complete = metadata;
  complete[digest_key] = content_digest(metadata, views);
  std::string header;
  try {
    header = make_header(complete, order);
  } catch (const json::exception&) {
    throw Error(fmt::format("cannot write {}: a name or metadata value is not UTF-8 text", path.string()));
  }
  if (header.size() > max_header)
    throw Error(fmt::format("cannot write {}: its header would be larger than {} bytes", path.string(), max_header));
  const std::uint64_t length = header.size();
  AtomicFile file(path);
  file.write(std::as_bytes(std::span(&length, 1)));
  file.write(header);
  for (const std::vector<std::byte>& bytes : content) file.write(bytes);
  file.commit();
}

}  // namespace grapevine
