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

void add_linear_ticks(Axis& axis) {
  const double step = round_step(axis.high - axis.low);
  const int decimals = std::clamp(static_cast<int>(-std::floor(std::log10(step) + 1e-9)), 0, 12);
  const double first = std::ceil(axis.low / step);
  for (int n = 0; (first + n) * step <= axis.high && n < 20; ++n) {
    const double tick = (first + n) * step;
    axis.ticks.push_back(std::abs(tick) < 1e-9 * step ? 0 : tick);
    axis.labels.push_back(fmt::format("{:.{}f}", axis.ticks.back(), decimals));
    if (axis.labels.back().front() == '-') axis.labels.back().replace(0, 1, "\u2212");
  }
}

/// 10000 as "10k", 2000000 as "2M": short enough to stand side by side.
std::string short_number(double value) {
  if (value >= 1e9) return fmt::format("{:.4g}G", value / 1e9);
  if (value >= 1e6) return fmt::format("{:.4g}M", value / 1e6);
  if (value >= 1e4) return fmt::format("{:.4g}k", value / 1e3);
  return fmt::format("{:.4g}", value);
}

void add_logarithmic_ticks(Axis& axis) {
  const int first = static_cast<int>(std::floor(std::log10(axis.low)));
  const int last = static_cast<int>(std::ceil(std::log10(axis.high)));
  const double decades = std::log10(axis.high / axis.low);
  const int stride = std::max(1, static_cast<int>(std::ceil(decades / 8)));
  for (int decade = first; decade <= last; decade += stride)
    for (const double lead : {1.0, 2.0, 5.0}) {
      const double tick = lead * std::pow(10, decade);
      if ((lead > 1 && decades > 2.5) || tick < axis.low || tick > axis.high) continue;
      axis.ticks.push_back(tick);
      axis.labels.push_back(short_number(tick));
    }
}

}  // namespace

Axis Axis::covering(double low, double high) {
  const double least = std::max(1e-9, 1e-6 * std::max(std::abs(low), std::abs(high)));
  const double margin = std::max(0.05 * (high - low), least);
  Axis axis{low - margin, high + margin, {}, {}};
  add_linear_ticks(axis);
  return axis;
}

Axis Axis::from_zero(double high) {
  Axis axis{0, high > 0 ? 1.08 * high : 1, {}, {}};
  add_linear_ticks(axis);
  return axis;
}

Axis Axis::logarithmic_covering(double low, double high) {
  const double margin = std::max(std::pow(high / low, 0.06), 1.1);
  Axis axis{low / margin, high * margin, {}, {}, true};
  add_logarithmic_ticks(axis);
  return axis;
}

Axis Axis::logarithmic_at(const std::vector<double>& values) {
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  const double margin = std::max(std::pow(*high / *low, 0.06), 1.1);
  Axis axis{*low / margin, *high * margin, values, {}, true};
  for (const double value : values) axis.labels.push_back(short_number(value));
  return axis;
}

double Axis::fraction(double value) const {
  return logarithmic ? std::log(value / low) / std::log(high / low) : (value - low) / (high - low);
}

}  // namespace grapevine
