#include "formats/sha256.hpp"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <array>

#include "support/error.hpp"

namespace grapevine {
namespace {

void check(int status) {
  if (status != 1) throw Error("OpenSSL cannot compute SHA-256 on this machine");
}

}  // namespace

struct Sha256::Context {
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> state{EVP_MD_CTX_new(), EVP_MD_CTX_free};
};

Sha256::Sha256() : context_(std::make_unique<Context>()) {
  check(EVP_DigestInit_ex(context_->state.get(), EVP_sha256(), nullptr));
}

Sha256::~Sha256() = default;

Sha256& Sha256::add(std::span<const std::byte> bytes) {
  check(EVP_DigestUpdate(context_->state.get(), bytes.data(), bytes.size()));
  return *this;
}

Sha256& Sha256::add(std::string_view text) { return add(std::as_bytes(std::span(text))); }

std::string Sha256::digits() {
  std::array<unsigned char, 32> digest{};
  check(EVP_DigestFinal_ex(context_->state.get(), digest.data(), nullptr));
  return fmt::format("{:02x}", fmt::join(digest, ""));
}

std::string sha256(std::span<const std::byte> bytes) { return Sha256().add(bytes).digits(); }

}  // namespace grapevine
