#pragma once

#include <stdexcept>

namespace grapevine {

/// An error a user can act on. Its text is one line: what was wrong, where, and what to do.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace grapevine
