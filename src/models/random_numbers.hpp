#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <random>
#include <vector>

namespace grapevine {

/// Random numbers by the seed. The standard's distributions differ between libraries, its engines do not.
class RandomNumbers {
 public:
  explicit RandomNumbers(std::uint64_t seed) : engine_(seed) {}

  double operator()(double low, double high) {
    constexpr double unit = 1.0 / 9007199254740992.0;  // 2^-53
    return low + (high - low) * unit * static_cast<double>(engine_() >> 11);
  }

  std::vector<double> operator()(std::size_t count, double low, double high) {
    std::vector<double> values(count);
    for (double& value : values) value = (*this)(low, high);
    return values;
  }

  /// Of mean 0 and variance 1.
  double normal() {
    const double radius = std::sqrt(-2 * std::log(1 - (*this)(0, 1)));
    return radius * std::cos(2 * std::numbers::pi * (*this)(0, 1));
  }

 private:
  std::mt19937_64 engine_;
};

}  // namespace grapevine
