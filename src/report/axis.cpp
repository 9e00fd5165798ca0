#include "report/axis.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace grapevine {
namespace {

// 1, 2 or 5 times a power of ten, so that there are four to seven ticks.
double round_step(double width) {
  const double raw = width / 5;
  const double power = std::pow(10, std::floor(std::log10(raw)));
  const double lead = raw / power;
  return power * (lead < 1.5 ? 1 : lead < 3.5 ? 2 : lead < 7.5 ? 5 : 10);
}

}  // namespace

Axis Axis::covering(double low, double high) {
  const double least = std::max(1e-9, 1e-6 * std::max(std::abs(low), std::abs(high)));
  const double margin = std::max(0.05 * (high - low), least);
  Axis axis{low - margin, high + margin, {}, {}};
  const double step = round_step(axis.high - axis.low);
  const int decimals = std::clamp(static_cast<int>(-std::floor(std::log10(step) + 1e-9)), 0, 12);
  const double first = std::ceil(axis.low / step);
  for (int n = 0; (first + n) * step <= axis.high && n < 20; ++n) {
    const double tick = (first + n) * step;
    axis.ticks.push_back(std::abs(tick) < 1e-9 * step ? 0 : tick);
    axis.labels.push_back(fmt::format("{:.{}f}", axis.ticks.back(), decimals));
    if (axis.labels.back().front() == '-') axis.labels.back().replace(0, 1, "\u2212");
  }
  return axis;
}

}  // namespace grapevine
