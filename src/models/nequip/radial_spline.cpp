#include "models/nequip/radial_spline.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>

namespace grapevine::nequip {
namespace {

constexpr int most_intervals = 512;
constexpr int fewest_intervals = 50;

// What all tables of a potential may take together, so that a small file cannot ask for gigabytes. Where not even the
// fewest intervals have room, the spline has none and an infinite error.
constexpr double free_bytes = 128 << 20;
constexpr double bytes_per_parameter = 64;

/// As many intervals as the share of one interaction has room for, and no more than are allowed.
int room_for(const Parameters& p, int columns) {
  const double all = free_bytes + bytes_per_parameter * static_cast<double>(p.count());
  const double interval = static_cast<double>(columns) * RadialSpline::coefficients * sizeof(double);
  return static_cast<int>(
      std::min<double>(most_intervals, all / static_cast<double>(p.interactions.size()) / interval));
}

/// The fewest intervals for which there is a knot where the cutoff function has a kink; any multiple will do as well.
/// Ten, if there is no kink or no such number below 256: then the spline is less exact around it.
int knots_at_kinks(const Parameters& p) {
  constexpr int usual = 10;
  if (p.cutoff_kind != CutoffKind::xplor) return usual;
  for (int count = usual; count <= most_intervals / 2; ++count) {
    const double knot = count * p.cutoff_onset / p.cutoff;
    if (std::abs(knot - std::round(knot)) < 1e-9 * count) return count;
  }
  return usual;
}

/// Value and slope of all weights, in the variable x of an interval.
struct Sample {
  std::vector<double> value;
  std::vector<double> slope;
};

class Fit {
 public:
  Fit(const Parameters& p, int t, int intervals) : p_(p), t_(t), h_(p.cutoff / intervals) {
    spline_.spacing = h_;
    spline_.intervals = intervals;
    spline_.columns = channels(p.interactions[static_cast<std::size_t>(t)].messages());
    spline_.coefficient.resize(static_cast<std::size_t>(intervals) * RadialSpline::coefficients *
                               static_cast<std::size_t>(spline_.columns));
    for (int n = 0; n < intervals; ++n) fit_interval(n);
    measure();
  }

  RadialSpline take() { return std::move(spline_); }

 private:
  // Weights are not defined at zero; nothing asks for the first interval but atoms on top of each other.
  static constexpr double nearest = 1e-3;
  // Just off the ends, where the cutoff function may have a kink, and where it belongs to the interval.
  static constexpr double off_the_end = 1e-9;

  Sample sample(int n, double x) const {
    const double r = (n + 0.5 * (x * (1 - off_the_end) + 1)) * h_;
    Sample s;
    radial_weights(p_, t_, std::max(r, nearest), s.value, s.slope);
    for (double& slope : s.slope) slope *= 0.5 * h_;
    return s;
  }

  double* row(int n, int k) {
    return spline_.coefficient.data() +
           (static_cast<std::size_t>(n) * RadialSpline::coefficients + static_cast<std::size_t>(k)) *
               static_cast<std::size_t>(spline_.columns);
  }

  // With the sums s and differences of values and slopes at -1 and 1 the even and the odd part separate.
  void fit_interval(int n) {
    const Sample left = sample(n, -1);
    const Sample middle = sample(n, 0);
    const Sample right = sample(n, 1);
    for (std::size_t c = 0; c < static_cast<std::size_t>(spline_.columns); ++c) {
      const double even = 0.5 * (right.value[c] + left.value[c]) - middle.value[c];
      const double even_slope = 0.5 * (right.slope[c] - left.slope[c]);
      const double odd = 0.5 * (right.value[c] - left.value[c]) - middle.slope[c];
      const double odd_slope = 0.5 * (right.slope[c] + left.slope[c]) - middle.slope[c];
      const std::array<double, RadialSpline::coefficients> a = {middle.value[c],
                                                                middle.slope[c],
                                                                2 * even - 0.5 * even_slope,
                                                                2.5 * odd - 0.5 * odd_slope,
                                                                0.5 * even_slope - even,
                                                                0.5 * odd_slope - 1.5 * odd};
      for (int k = 0; k < RadialSpline::coefficients; ++k) row(n, k)[c] = a[static_cast<std::size_t>(k)];
    }
  }

  double value(int n, double x, std::size_t c) {
    double sum = 0;
    for (int k = RadialSpline::coefficients - 1; k >= 0; --k) sum = sum * x + row(n, k)[c];
    return sum;
  }

  void measure() {
    double largest = 0;
    double difference = 0;
    for (int n = 0; n < spline_.intervals; ++n) {
      if (n * h_ < RadialSpline::least_distance) continue;
      for (const double x : {-0.58, 0.58}) {  // where polynomials with these nodes are farthest off
        const Sample exact = sample(n, x);
        for (std::size_t c = 0; c < exact.value.size(); ++c) {
          largest = std::max(largest, std::abs(exact.value[c]));
          difference = std::max(difference, std::abs(exact.value[c] - value(n, x, c)));
        }
      }
    }
    spline_.error = largest > 0 ? difference / largest : 0;
  }

  const Parameters& p_;
  int t_;
  double h_;
  RadialSpline spline_;
};

}  // namespace

RadialSpline RadialSpline::fit(const Parameters& parameters, int t, double tolerance) {
  // The error falls with the sixth power of the spacing; a little less is hoped for, so that two fits mostly do.
  constexpr double order = 5.5;
  const int step = knots_at_kinks(parameters);
  const int most = room_for(parameters, channels(parameters.interactions[static_cast<std::size_t>(t)].messages()));
  RadialSpline best;
  best.error = std::numeric_limits<double>::infinity();
  for (int intervals = (fewest_intervals + step - 1) / step * step; intervals <= most;) {
    RadialSpline spline = Fit(parameters, t, intervals).take();
    if (spline.error < best.error) best = std::move(spline);
    if (best.error <= tolerance) break;
    const double wanted = intervals * std::pow(best.error / tolerance, 1 / order);
    const int next = static_cast<int>(std::min<double>(most - step, wanted)) / step * step + step;
    intervals = std::max(intervals + step, next);
  }
  return best;
}

}  // namespace grapevine::nequip
