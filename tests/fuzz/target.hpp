#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "support/error.hpp"

namespace grapevine::fuzz {

inline std::span<const std::byte> bytes_of(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const std::byte*>(data), size};
}

inline std::string_view text_of(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

/// Runs `action`; an Error is the right answer to a bad file, any other exception ends the fuzzer as a finding.
template <class Action>
int accept_errors(const Action& action) {
  try {
    action();
  } catch (const Error&) {
  }
  return 0;
}

}  // namespace grapevine::fuzz
