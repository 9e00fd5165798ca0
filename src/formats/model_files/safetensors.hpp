#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "formats/dtype.hpp"

namespace grapevine {

/// A tensor inside a TensorFile: row-major, little-endian, not owned.
struct TensorView {
  DType dtype;
  std::vector<std::int64_t> shape;
  std::span<const std::byte> bytes;

  std::int64_t count() const;  ///< product of the shape

  /// The values as double, whatever numeric type is stored. Throws Error for types that are not numbers.
  std::vector<double> to_doubles() const;
};

/// A safetensors file: named tensors and string metadata, read without trusting a byte of it.
class TensorFile {
 public:
  /// Maps the file into memory. Throws Error (naming the file) if it cannot be opened or is not valid safetensors:
  /// header larger than the file, tensors that overlap, leave holes, overflow or share a name, or a wrong digest.
  static TensorFile read(const std::filesystem::path& path);

  /// The same from bytes already in memory (copied); `name` stands for the file in messages.
  static TensorFile parse(std::span<const std::byte> bytes, std::string name);

  const std::string& name() const { return name_; }
  const std::map<std::string, std::string>& metadata() const { return metadata_; }
  const std::map<std::string, TensorView>& tensors() const { return tensors_; }

  /// Throws Error naming file and tensor if there is none of that name.
  const TensorView& tensor(const std::string& name) const;
  /// Throws Error naming file and key if there is none of that name.
  const std::string& metadata(const std::string& key) const;

 private:
  TensorFile() = default;
  void parse_header(std::span<const std::byte> bytes);

  std::string name_;
  std::shared_ptr<const void> storage_;  // keeps the mapping or the copy alive
  std::map<std::string, std::string> metadata_;
  std::map<std::string, TensorView> tensors_;
};

/// A tensor to be written. Stored as f32 if `values` all survive the round trip, else as f64.
struct NamedTensor {
  std::string name;
  std::vector<std::int64_t> shape;
  std::vector<double> values;
};

/// Writes a safetensors file (to a temporary, then renamed), with a digest of its content. Throws Error if it cannot.
void write_tensor_file(const std::filesystem::path& path, const std::map<std::string, std::string>& metadata,
                       const std::vector<NamedTensor>& tensors);

}  // namespace grapevine
