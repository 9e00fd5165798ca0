#include "models/reann/radial_table.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <numbers>

namespace grapevine::reann {

namespace {

constexpr int terms = RadialTable::terms;
using Polynomial = std::array<double, terms>;  // lowest power first

// Where interpolation is nearly as good as the best polynomial, on [-1/2, 1/2].
double node(int i) { return 0.5 * std::cos(std::numbers::pi * (i + 0.5) / terms); }

// Through `values` at the nodes, by Newton's divided differences.
Polynomial interpolate(Polynomial values) {
  for (int order = 1; order < terms; ++order)
    for (int i = terms - 1; i >= order; --i) values[i] = (values[i] - values[i - 1]) / (node(i) - node(i - order));
  Polynomial result{};
  for (int i = terms - 1; i >= 0; --i) {
    for (int power = terms - 1; power > 0; --power) result[power] = result[power - 1] - node(i) * result[power];
    result[0] = values[i] - node(i) * result[0];
  }
  return result;
}

double evaluate(const Polynomial& polynomial, double x) {
  double sum = 0;
  for (int i = terms - 1; i >= 0; --i) sum = sum * x + polynomial[i];
  return sum;
}

struct Fit {
  std::vector<Polynomial> intervals;
  double error = 0;    // largest deviation of the value
  double largest = 0;  // largest value
};

Fit fit(int intervals, double end, const std::function<double(double)>& value) {
  Fit result;
  const double width = end / intervals;
  for (int n = 0; n < intervals; ++n) {
    const auto at = [&](double f) { return value((n + 0.5 + f) * width); };
    Polynomial values;
    for (int i = 0; i < terms; ++i) values[i] = at(node(i));
    result.intervals.push_back(interpolate(values));
    for (const double f : {-0.5, -0.35, -0.1, 0.1, 0.35, 0.5}) {
      result.error = std::max(result.error, std::abs(evaluate(result.intervals.back(), f) - at(f)));
      result.largest = std::max(result.largest, std::abs(at(f)));
    }
  }
  return result;
}

// Derivatives lose about a factor of the number of intervals; with this much to spare they are still at rounding.
constexpr double tolerance = 2e-10;
// Beside a Gaussian's peak of 1: squares of anything less become denormal numbers, which are slow beyond measure. Waves
// that grow without bounds have their largest values where no neighbour is, and those say nothing.
constexpr double negligible = 1e-18;
constexpr int fewest = 32;
constexpr int most = 2048;
// Numbers of a table, of which eighty species with sixteen waves need half. Many waves of many species are few numbers
// in a file; computing them takes no more than the rest of such a model.
constexpr std::size_t largest_table = std::size_t{1} << 22;

bool has_room(int species, int stride, int intervals) {
  return static_cast<std::size_t>(species) * stride * terms * (intervals + 1) <= largest_table;
}

// 0 if no number of intervals is enough.
int intervals_for(int species, int count, int stride, double end,
                  const std::function<double(int, int, double)>& value) {
  for (int intervals = fewest; intervals <= most && has_room(species, stride, intervals); intervals *= 2) {
    bool good = true;
    for (int s = 0; s < species && good; ++s)
      for (int k = 0; k < count && good; ++k) {
        const Fit one = fit(intervals, end, [&](double r) { return value(s, k, r); });
        good = one.error <= tolerance * one.largest;
      }
    if (good) return intervals;
  }
  return 0;
}

}  // namespace

std::optional<RadialTable> RadialTable::make(int species, int count, int stride, double end,
                                             const std::function<double(int, int, double)>& value) {
  RadialTable table;
  table.intervals = intervals_for(species, count, stride, end, value);
  if (table.intervals == 0) return std::nullopt;
  table.per_angstrom = static_cast<float>(table.intervals / end);
  table.stride = stride;
  const auto rows = static_cast<std::size_t>(table.intervals + 1) * terms;
  table.coefficient.assign(species * rows * stride, 0.0f);
  for (int s = 0; s < species; ++s)
    for (int k = 0; k < count; ++k) {
      const Fit one = fit(table.intervals, end, [&](double r) { return value(s, k, r); });
      for (int n = 0; n < table.intervals; ++n)
        for (int i = 0; i < terms; ++i) {
          const std::size_t row = s * rows + static_cast<std::size_t>(n) * terms + static_cast<std::size_t>(i);
          const double coefficient = one.intervals[n][terms - 1 - i];
          if (std::abs(coefficient) > negligible * std::min(1.0, one.largest))
            table.coefficient[row * stride + k] = static_cast<float>(coefficient);
        }
    }
  return table;
}

}  // namespace grapevine::reann
