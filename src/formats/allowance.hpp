#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "support/error.hpp"

namespace grapevine {

/// What may be made of an untrusted file: so much in proportion to its size, and no more.
class Allowance {
 public:
  /// `refusal` is the text of the Error that more than `amount` ends in.
  Allowance(std::uint64_t amount, std::string refusal) : left_(amount), refusal_(std::move(refusal)) {}

  void spend(std::uint64_t amount) {
    if (amount > left_) throw Error(refusal_);
    left_ -= amount;
  }

 private:
  std::uint64_t left_;
  std::string refusal_;
};

}  // namespace grapevine
