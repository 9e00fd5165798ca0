#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <utility>

#include "equivariant_random.hpp"
#include "models/equivariant/features-inl.hpp"
#include "models/equivariant/layout.hpp"
#include "simd/aligned_vector.hpp"

/// Blocks of atoms for tests of kernels in double precision, with the instruction set that tests are compiled for.
namespace grapevine::test {

using equivariant::HWY_NAMESPACE::BlockFeatures;

struct NumbersOfBlock {
  equivariant::Layout layout;
  int atoms;
  simd::AlignedVector<double> numbers;

  NumbersOfBlock(equivariant::Layout of, int count)
      : layout(std::move(of)), atoms(count), numbers(static_cast<std::size_t>(layout.size()) * count) {}

  BlockFeatures<double> features() { return {&layout, atoms, numbers.data()}; }
  BlockFeatures<double> features() const { return {&layout, atoms, const_cast<double*>(numbers.data())}; }
  double* of(int irreps) { return numbers.data() + layout.offset(irreps) * atoms; }
  const double* of(int irreps) const { return numbers.data() + layout.offset(irreps) * atoms; }
};

/// Zero in the padding.
inline NumbersOfBlock random_block(const equivariant::Layout& layout, int atoms, Random& random) {
  NumbersOfBlock block(layout, atoms);
  for (int i = 0; i < layout.count(); ++i)
    for (std::ptrdiff_t row = 0; row < atoms * layout.size(i); row += layout.channels(i))
      for (int c = 0; c < layout.irreps()[i].channels; ++c) block.of(i)[row + c] = random(-1.5, 1.5);
  return block;
}

/// Values and changes as a block of twice as many atoms.
inline NumbersOfBlock with_changes(const NumbersOfBlock& value, const NumbersOfBlock& change) {
  NumbersOfBlock both(value.layout, 2 * value.atoms);
  for (int i = 0; i < value.layout.count(); ++i) {
    const std::ptrdiff_t plane = value.layout.size(i) * value.atoms;
    std::copy_n(value.of(i), plane, both.of(i));
    std::copy_n(change.of(i), plane, both.of(i) + plane);
  }
  return both;
}

/// The values (0) or changes (1) among both.
inline NumbersOfBlock plane_of(const NumbersOfBlock& both, int plane) {
  NumbersOfBlock one(both.layout, both.atoms / 2);
  for (int i = 0; i < both.layout.count(); ++i) {
    const std::ptrdiff_t size = both.layout.size(i) * one.atoms;
    std::copy_n(both.of(i) + plane * size, size, one.of(i));
  }
  return one;
}

inline NumbersOfBlock moved(NumbersOfBlock x, double by, const NumbersOfBlock& along) {
  for (std::size_t n = 0; n < x.numbers.size(); ++n) x.numbers[n] += by * along.numbers[n];
  return x;
}

/// Without the padding.
template <class Function>
void for_each_channel(const NumbersOfBlock& x, const Function& function) {
  for (int i = 0; i < x.layout.count(); ++i)
    for (std::ptrdiff_t row = 0; row < x.atoms * x.layout.size(i); row += x.layout.channels(i))
      for (int c = 0; c < x.layout.irreps()[i].channels; ++c)
        function(static_cast<std::size_t>(x.layout.offset(i) * x.atoms + row + c));
}

inline double dot(const NumbersOfBlock& x, const NumbersOfBlock& y) {
  double sum = 0;
  for_each_channel(x, [&](std::size_t n) { sum += x.numbers[n] * y.numbers[n]; });
  return sum;
}

inline double greatest_difference(const NumbersOfBlock& x, const NumbersOfBlock& y) {
  double most = 0;
  for_each_channel(x, [&](std::size_t n) { most = std::max(most, std::abs(x.numbers[n] - y.numbers[n])); });
  return most;
}

/// Derivative by `step` of a function whose values are blocks, at zero.
template <class Function>
NumbersOfBlock slope_of(const Function& function) {
  const double h = 1e-5;
  NumbersOfBlock up = function(h);
  const NumbersOfBlock down = function(-h);
  for (std::size_t n = 0; n < up.numbers.size(); ++n) up.numbers[n] = (up.numbers[n] - down.numbers[n]) / (2 * h);
  return up;
}

/// The same of a function whose values are numbers.
template <class Function>
double slope_of_number(const Function& function) {
  const double h = 1e-5;
  return (function(h) - function(-h)) / (2 * h);
}

}  // namespace grapevine::test
