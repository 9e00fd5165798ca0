#include "formats/sha256.hpp"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <array>

#include "support/error.hpp"

namespace grapevine {

std::string sha256(std::span<const std::byte> bytes) {
  std::array<unsigned char, 32> digest{};
  if (EVP_Digest(bytes.data(), bytes.size(), digest.data(), nullptr, EVP_sha256(), nullptr) != 1)
    throw Error("OpenSSL cannot compute SHA-256 on this machine");
  return fmt::format("{:02x}", fmt::join(digest, ""));
}

}  // namespace grapevine
