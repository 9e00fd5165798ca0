#pragma once

#include <cstddef>
#include <string>

namespace grapevine {

/// An array of trainable numbers among a potential's parameters: `count` of them from data on.
template <class Number>
struct ParameterArray {
  std::string name;
  std::string group;  ///< what --freeze knows it by
  Number* data;
  std::size_t rows, columns;
  bool decays;  ///< whether weight decay makes sense: for matrices, not for shifts, scales and shapes
  double unit;  ///< a typical size: the optimiser's weights are multiples of it

  std::size_t count() const { return rows * columns; }
};

}  // namespace grapevine
