#include "models/equivariant/radial_spline.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>

namespace grapevine::equivariant {
namespace {

constexpr int most_intervals = 512;
constexpr int fewest_intervals = 50;

/// As many intervals as there is room for, and no more than are allowed.
int room_for(int columns, double most_bytes) {
  const double interval = static_cast<double>(columns) * RadialSpline::coefficients * sizeof(double);
  return static_cast<int>(std::min<double>(most_intervals, most_bytes / interval));
}

/// The fewest intervals for which there is a knot where the cutoff function has a kink; any multiple will do as well.
/// Ten, if there is no kink or no such number below 256: then the spline is less exact around it.
int knots_at_kinks(const RadialBasis& basis) {
  constexpr int usual = 10;
  if (basis.cutoff_kind != CutoffKind::xplor) return usual;
  for (int count = usual; count <= most_intervals / 2; ++count) {
    const double knot = count * basis.cutoff_onset / basis.cutoff;
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
  Fit(const RadialWeights& weights, int intervals) : weights_(weights), h_(weights.basis.cutoff / intervals) {
    spline_.spacing = h_;
    spline_.intervals = intervals;
    spline_.columns = weights.columns();
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
    weights_.evaluate(std::max(r, nearest), s.value, s.slope);
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

  const RadialWeights& weights_;
  double h_;
  RadialSpline spline_;
};

}  // namespace

RadialSpline RadialSpline::fit(const RadialWeights& weights, double tolerance, double most_bytes) {
  // The error falls with the sixth power of the spacing; a little less is hoped for, so that two fits mostly do.
  constexpr double order = 5.5;
  const int step = knots_at_kinks(weights.basis);
  const int most = room_for(weights.columns(), most_bytes);
  RadialSpline best;
  best.error = std::numeric_limits<double>::infinity();
  for (int intervals = (fewest_intervals + step - 1) / step * step; intervals <= most;) {
    RadialSpline spline = Fit(weights, intervals).take();
    if (spline.error < best.error) best = std::move(spline);
    if (best.error <= tolerance) break;
    const double wanted = intervals * std::pow(best.error / tolerance, 1 / order);
    const int next = static_cast<int>(std::min<double>(most - step, wanted)) / step * step + step;
    intervals = std::max(intervals + step, next);
  }
  return best;
}

}  // namespace grapevine::equivariant
