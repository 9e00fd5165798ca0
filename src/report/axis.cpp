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

void add_linear_ticks(Axis& axis, double least_step = 0) {
  const double step = std::max(least_step, round_step(axis.high - axis.low));
  const int decimals = std::clamp(static_cast<int>(-std::floor(std::log10(step) + 1e-9)), 0, 12);
  const double first = std::ceil(axis.low / step);
  for (int n = 0; (first + n) * step <= axis.high && n < 20; ++n) {
    const double tick = (first + n) * step;
    axis.ticks.push_back(std::abs(tick) < 1e-9 * step ? 0 : tick);
    axis.labels.push_back(fmt::format("{:.{}f}", axis.ticks.back(), decimals));
    if (axis.labels.back().front() == '-') axis.labels.back().replace(0, 1, "\u2212");
  }
}

std::string superscript(int number) {
  constexpr const char* digits[] = {"\u2070", "\u00b9", "\u00b2", "\u00b3", "\u2074",
                                    "\u2075", "\u2076", "\u2077", "\u2078", "\u2079"};
  std::string text;
  for (const char c : fmt::format("{}", number)) text += c == '-' ? "\u207b" : digits[c - '0'];
  return text;
}

/// 10000 as "10k", 2000000 as "2M", 0.00002 with a power of ten: short enough to stand side by side.
std::string short_number(double value) {
  if (value >= 1e9) return fmt::format("{:.4g}G", value / 1e9);
  if (value >= 1e6) return fmt::format("{:.4g}M", value / 1e6);
  if (value >= 1e4) return fmt::format("{:.4g}k", value / 1e3);
  if (value < 0.999e-2) {
    const int power = static_cast<int>(std::floor(std::log10(value) + 1e-9));
    const std::string lead = fmt::format("{:.3g}", value / std::pow(10, power));
    return (lead == "1" ? "" : lead + "\u00b7") + "10" + superscript(power);
  }
  return fmt::format("{:.4g}", value);
}

/// Over less than a decade: at equal distances, since few of 1, 2 and 5 are among them.
void add_close_ticks(Axis& axis) {
  axis.ticks.clear();
  axis.labels.clear();
  add_linear_ticks(axis);
  for (std::size_t n = 0; n < axis.ticks.size(); ++n)
    if (axis.ticks[n] < 0.999e-2) axis.labels[n] = short_number(axis.ticks[n]);
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
  if (axis.ticks.size() < 2) add_close_ticks(axis);
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

Axis Axis::counting_to(double high) {
  Axis axis{0, std::max(high, 1.0), {}, {}};
  add_linear_ticks(axis, 1);
  return axis;
}

Axis Axis::between(double low, double high) {
  Axis axis{low, high, {}, {}};
  add_linear_ticks(axis);
  return axis;
}

Axis Axis::logarithmic_covering(double low, double high) {
  const double margin = std::max(std::pow(high / low, 0.06), 1.1);
  return logarithmic_between(low / margin, high * margin);
}

Axis Axis::logarithmic_between(double low, double high) {
  Axis axis{low, high, {}, {}, true};
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
