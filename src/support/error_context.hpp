#pragma once

#include <string>

#include "support/error.hpp"

namespace grapevine {

/// What function() gives; an Error that it throws gets `where` and a colon in front.
template <class Function>
decltype(auto) with_context(const std::string& where, const Function& function) {
  try {
    return function();
  } catch (const Error& problem) {
    throw Error(where + ": " + problem.what());
  }
}

}  // namespace grapevine
