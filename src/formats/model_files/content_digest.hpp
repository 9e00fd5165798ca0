#pragma once

#include <map>
#include <string>

#include "formats/model_files/safetensors.hpp"

namespace grapevine {

/// Key of the metadata under which a safetensors file keeps the digest of its content.
constexpr const char* digest_key = "sha256";

/// SHA-256 of all that a safetensors file says, however it is laid out: of key and value of each metadata but the
/// digest, in the order of keys, and then of name, dtype, shape and bytes of each tensor, in the order of names.
/// docs/model-file.md has it to the byte.
std::string content_digest(const std::map<std::string, std::string>& metadata,
                           const std::map<std::string, TensorView>& tensors);

/// Throws Error if the file has a digest, and another content than that says. Older files have none.
void check_digest(const TensorFile& file);

}  // namespace grapevine
