#include "formats/model_files/content_digest.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <string_view>

#include "formats/sha256.hpp"
#include "support/error.hpp"

namespace grapevine {
namespace {

/// Ended by a zero byte, so that no two lists of texts look the same.
void add_text(Sha256& digest, std::string_view text) {
  digest.add(text);
  digest.add(std::string_view("\0", 1));
}

}  // namespace

std::string content_digest(const std::map<std::string, std::string>& metadata,
                           const std::map<std::string, TensorView>& tensors) {
  Sha256 digest;
  for (const auto& [key, value] : metadata) {
    if (key == digest_key) continue;
    add_text(digest, key);
    add_text(digest, value);
  }
  for (const auto& [name, tensor] : tensors) {
    add_text(digest, name);
    add_text(digest, dtype_name(tensor.dtype));
    add_text(digest, fmt::format("{}", fmt::join(tensor.shape, ",")));
    digest.add(tensor.bytes);
  }
  return digest.digits();
}

void check_digest(const TensorFile& file) {
  const auto found = file.metadata().find(digest_key);
  if (found == file.metadata().end() || found->second == content_digest(file.metadata(), file.tensors())) return;
  throw Error(
      fmt::format("{}: damaged: its content is not what its {} was made of; fetch or make the file anew (if it was "
                  "edited on purpose, take {} out of its metadata)",
                  file.name(), digest_key, digest_key));
}

}  // namespace grapevine
