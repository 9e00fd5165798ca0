#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace grapevine {

/// SHA-256 of bytes that come piece by piece. Throws Error where OpenSSL has none.
class Sha256 {
 public:
  Sha256();
  ~Sha256();

  Sha256& add(std::span<const std::byte> bytes);
  Sha256& add(std::string_view text);

  /// The digest of all that was added, as 64 lower-case hexadecimal digits. Nothing can be added after it.
  std::string digits();

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

/// SHA-256 of `bytes` as 64 lower-case hexadecimal digits.
std::string sha256(std::span<const std::byte> bytes);

}  // namespace grapevine
