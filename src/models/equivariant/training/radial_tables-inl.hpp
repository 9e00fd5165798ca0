// Radial networks in training: tables that are made anew with every step, and the gradient of a loss by the networks.
#if defined(GRAPEVINE_EQUIVARIANT_RADIAL_TABLES_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef GRAPEVINE_EQUIVARIANT_RADIAL_TABLES_INL
#undef GRAPEVINE_EQUIVARIANT_RADIAL_TABLES_INL
#else
#define GRAPEVINE_EQUIVARIANT_RADIAL_TABLES_INL
#endif

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <memory>
#include <numeric>
#include <type_traits>
#include <utility>
#include <vector>

#include "models/equivariant/radial-inl.hpp"
#include "models/equivariant/training/dual_network-inl.hpp"
#include "support/error.hpp"
#include "threads/shares.hpp"

HWY_BEFORE_NAMESPACE();
namespace grapevine::equivariant::HWY_NAMESPACE {

/// Where the edges of a block are in the tables of a pass.
template <class Real>
struct EdgePlaces {
  int edges = 0;
  std::vector<int> interval;           // [edges] of all kinds of edges, one kind after another
  simd::AlignedVector<Real> position;  // [edges] x in the interval, from -1 to 1
  simd::AlignedVector<Real> scale;     // [edges] dx/dr, per Angstrom

  void fit(int count) {
    edges = count;
    const auto size = static_cast<std::size_t>(count);
    if (interval.size() >= size) return;
    interval.resize(size);
    position.resize(size);
    scale.resize(size);
  }
};

/// dE/d(weights) of a block's edges and how they change.
template <class Real>
struct EdgeWeightGradients {
  const Real* d;                    // [edges][padded channels of all paths], see RadialTables::first()
  const Real* d_change;             // likewise
  const Real* d_density = nullptr;  // [edges] of passes that have a density
  const Real* d_density_change = nullptr;
};

/// Polynomials of degree five that have the values and slopes of three knots at x = -1, 0, 1, as RadialSpline has them.
/// Knots are `stride` numbers from each other, and so are coefficients `row`; slopes are by x.
template <class P, class Real>
HWY_INLINE void fit_polynomials(const Real* value, const Real* slope, std::ptrdiff_t stride, Real* to,
                                std::ptrdiff_t row) {
  const P half = broadcast<P>(Real(0.5));
  const P middle = load<P>(value + stride);
  const P middle_slope = load<P>(slope + stride);
  const auto sum = [&](const Real* at) HWY_ATTR { return half * (load<P>(at + 2 * stride) + load<P>(at)); };
  const auto difference = [&](const Real* at) HWY_ATTR { return half * (load<P>(at + 2 * stride) - load<P>(at)); };
  const P even = sum(value) - middle;
  const P half_even_slope = half * difference(slope);
  const P odd = difference(value) - middle_slope;
  const P half_odd_slope = half * (sum(slope) - middle_slope);
  store(middle, to);
  store(middle_slope, to + row);
  store(even + even - half_even_slope, to + 2 * row);
  store(mul_add(broadcast<P>(Real(2.5)), odd, zero<P>() - half_odd_slope), to + 3 * row);
  store(half_even_slope - even, to + 4 * row);
  store(neg_mul_add(broadcast<P>(Real(1.5)), odd, half_odd_slope), to + 5 * row);
}

/// The way back: adds to the gradients by values and slopes of the knots.
template <class P, class Real>
HWY_INLINE void add_knot_gradients(const Real* from, std::ptrdiff_t row, Real* value, Real* slope,
                                   std::ptrdiff_t stride) {
  const P half = broadcast<P>(Real(0.5));
  P a[RadialSpline::coefficients];
  for (int k = 0; k < RadialSpline::coefficients; ++k) a[k] = load<P>(from + k * row);
  const P even = a[2] + a[2] - a[4];
  const P even_slope = half * (a[4] - a[2]);
  const P odd = mul_add(broadcast<P>(Real(2.5)), a[3], zero<P>() - broadcast<P>(Real(1.5)) * a[5]);
  const P odd_slope = half * (a[5] - a[3]);
  const auto add = [](const P& number, Real* to) HWY_ATTR { store(load<P>(to) + number, to); };
  add(half * (even - odd), value);
  add(a[0] - even, value + stride);
  add(half * (even + odd), value + 2 * stride);
  add(half * (odd_slope - even_slope), slope);
  add(a[1] - odd - odd_slope, slope + stride);
  add(half * (odd_slope + even_slope), slope + 2 * stride);
}

/// A number of intervals for which the error is about 1e-6 of the largest weight: 8 Bessel functions, a polynomial
/// cutoff and 64-64-64 silu give 2e-7 before training (80 intervals: 5e-7), published MACE models of such networks 4e-7
/// and 1.2e-6 (4.5e-6). More would mean nothing in float, whose rounding leaves 3e-7. There is a knot where XPLOR has
/// its onset, if some number of up to half as many again allows that: around it the error is a hundred times as large
/// otherwise.
inline int table_intervals(const RadialFamily& family) {
  constexpr int usual = 100;
  const auto fits = [](const RadialWeights& weights, int intervals) {
    const double knot = intervals * weights.basis.cutoff_onset / weights.basis.cutoff;
    return weights.basis.cutoff_kind != CutoffKind::xplor || std::abs(knot - std::round(knot)) < 1e-9 * intervals;
  };
  for (int intervals = usual; intervals <= usual * 3 / 2; ++intervals)
    if (std::all_of(family.passes.begin(), family.passes.end(),
                    [&](const RadialWeights& weights) { return fits(weights, intervals); }))
      return intervals;
  return usual;
}

/// The weights of all passes for all kinds of edges as piecewise polynomials of degree five in the distance, of the
/// form of RadialSpline on a fixed number of intervals, so that the cost of the radial networks does not depend on the
/// number of edges. On the knots, which are ends and middles of intervals, a network runs on the basis with its slopes
/// by the distance for changes; gradients by coefficients go back to values and slopes on the knots, and from there
/// through the network. Gradients are exact for the weights as they are interpolated.
template <class Real>
class RadialTables {
 public:
  /// The family says what the sizes are; table_intervals() has a number of intervals that will do. All weights are zero
  /// until assign().
  /// Throws Error if tables of that many kinds of edges do not fit into memory.
  RadialTables(const RadialFamily& family, int intervals) : family_(family), intervals_(intervals) {
    check_memory();
    for (const RadialWeights& weights : family_.passes) passes_.emplace_back(weights, family_.kinds(), intervals_);
  }

  /// Makes the tables of a family of these sizes, on up to `threads` threads.
  void assign(const RadialFamily& family, int threads) {
    family_ = family;
    run_each(threads, passes_.size(),
             [&](std::size_t t) HWY_ATTR { passes_[t].network.assign(family_.passes[t].network.layers); });
    for_each_table(threads, [this](std::size_t t, Table& table, Scratch& scratch) { make(t, table, scratch); });
  }

  int intervals() const { return intervals_; }
  bool has_density(int t) const { return passes_[t].has_density; }
  /// [paths + 1] padded channels of the paths before.
  const std::vector<int>& first(int t) const { return passes_[t].first; }

  /// Coefficients of an interval, those of a path from offset() on as [6][padded channels].
  const Real* coefficients(int t, int interval) const {
    return passes_[t].coefficients.data() + interval * passes_[t].row;
  }
  std::ptrdiff_t offset(int t, int path) const {
    return static_cast<std::ptrdiff_t>(RadialSpline::coefficients) * passes_[t].first[path];
  }
  /// Where those of the density are.
  std::ptrdiff_t density(int t) const { return passes_[t].density(); }

  void locate(int t, const EdgeGeometry<Real>& geometry, EdgePlaces<Real>& places) const {
    places.fit(geometry.edges);
    const Real inverse_spacing = static_cast<Real>(1 / spacing(static_cast<std::size_t>(t)));
    const Real* distance = geometry.radial_distance();
    for (int e = 0; e < geometry.edges; ++e) {
      const Real at = std::min(distance[e] * inverse_spacing, static_cast<Real>(intervals_));
      const int interval = static_cast<int>(at);
      places.interval[e] = geometry.kind_of(e) * (intervals_ + 1) + interval;
      places.position[e] = Real(2) * (at - static_cast<Real>(interval)) - Real(1);
      places.scale[e] = Real(2) * inverse_spacing;
    }
  }

  /// Sums over edges of the gradient by all coefficients.
  class Gradient {
   public:
    explicit Gradient(const RadialTables& tables) {
      for (const Pass& pass : tables.passes_) sums_.emplace_back(pass.coefficients.size(), Real(0));
    }

    void clear() {
      for (auto& sums : sums_) std::fill(sums.begin(), sums.end(), Real(0));
    }
    void add(std::size_t t, const Gradient& other) {
      for (std::size_t n = 0; n < sums_[t].size(); ++n) sums_[t][n] += other.sums_[t][n];
    }

   private:
    friend class RadialTables;
    std::vector<simd::AlignedVector<Real>> sums_;  // [passes] as the coefficients
    std::vector<int> begin_, order_;               // edges by interval
    simd::AlignedVector<Real> factors_;            // [edges][factor_count] in this order
  };

  /// Adds what the edges of a block contribute: with u = dE/dw and its change u', a coefficient of x^k gets
  /// x^k u' + k x^(k-1) x' u. `distance_change` is how distances change.
  void add_edge_gradients(int t, const EdgePlaces<Real>& places, const Real* distance_change,
                          const EdgeWeightGradients<Real>& d, Gradient& gradient) const {
    const Pass& pass = passes_[t];
    order_by_interval(places, gradient);
    compute_factors(places, distance_change, gradient);
    const auto intervals = static_cast<int>(gradient.begin_.size()) - 1;
    for (int n = 0; n < intervals; ++n) {
      const int begin = gradient.begin_[n];
      const int count = gradient.begin_[n + 1] - begin;
      if (count == 0 || n % (intervals_ + 1) == intervals_) continue;  // beyond the cutoff there is nothing to learn
      const Edges edges{count, gradient.order_.data() + begin, gradient.factors_.data() + begin * factor_count};
      add_interval(pass, edges, d, gradient.sums_[t].data() + n * pass.row);
    }
  }

  /// Adds the gradient by all parameters, on up to `threads` threads: to gradient[t].network.layers, .basis.frequency
  /// and .density, which have the shapes of the family's. Changes what assign() has left for it.
  void collect(const Gradient& sum, int threads, std::vector<RadialWeights>& gradient) {
    for_each_table(threads, [&](std::size_t t, Table& table, Scratch& scratch) {
      go_back(t, sum.sums_[t].data() + offset_of(t, table), table, scratch);
    });
    for (std::size_t t = 0; t < passes_.size(); ++t)
      for (const Table& table : passes_[t].tables) {
        table.gradient.add_to(gradient[t].network.layers);
        add_all(table.d_frequency, gradient[t].basis.frequency);
        add_all(table.d_density, gradient[t].density);
      }
  }

  /// The largest difference of a weight from what its network gives, over the largest weight of its table: the worst
  /// of all tables, beyond RadialSpline::least_distance. Rounding included.
  double interpolation_error() const {
    double worst = 0;
    for (std::size_t t = 0; t < passes_.size(); ++t)
      for (std::size_t kind = 0; kind < family_.kinds(); ++kind) worst = std::max(worst, error_of(t, kind));
    return worst;
  }

 private:
  /// Models of nearly all elements have thousands of kinds where distances are transformed by the pair of elements.
  void check_memory() const {
    constexpr double most = 2e9;  // bytes
    double numbers = 0;
    for (const RadialWeights& weights : family_.passes)
      numbers += static_cast<double>(weights.columns()) * RadialSpline::coefficients * intervals_;
    const double bytes = numbers * static_cast<double>(family_.kinds() * sizeof(Real));
    if (bytes > most)
      throw Error(
          fmt::format("a model with {} pairs of elements whose distances are transformed differently cannot be "
                      "trained: tables of its radial functions would take {:.0f} GB",
                      family_.kinds(), bytes / 1e9));
  }

  // Weights are not defined at zero, and no two atoms come so near.
  static constexpr double nearest = 1e-3;

  // Threads share the knots: four have as much to do as each other.
  static constexpr int pieces = 4;

  /// Some of the intervals of one pass and kind: what enters the network on their knots, and what goes back through it.
  /// The knot between two such pieces is in both.
  struct Table {
    std::size_t kind;
    int first, intervals;
    std::vector<double> frequency;      // that the basis was computed for
    std::vector<double> basis, slopes;  // [knots][functions]
    simd::AlignedVector<Real> inputs;   // the same as [2][knots][padded functions]
    typename DualNetwork<Real>::Tape tape;
    typename DualNetwork<Real>::Gradient gradient;
    std::vector<double> d_frequency, d_density;

    Table(const RadialWeights& weights, std::size_t of_kind, int first_interval, int interval_count)
        : kind(of_kind), first(first_interval), intervals(interval_count), gradient(weights.network.layers) {}

    int knots() const { return 2 * intervals + 1; }
  };

  /// What tables need one after another.
  struct Scratch {
    simd::AlignedVector<Real> knots;   // [2][knots][knot_row] values and slopes by x, or gradients by them
    simd::AlignedVector<Real> dy, dx;  // of the network
  };

  /// Rows of coefficients end with those of the density, in a cache line that is there in any case: rows of a power of
  /// two of lines would leave most of the first cache unused.
  struct Pass {
    Pass(const RadialWeights& weights, std::size_t kinds, int intervals)
        : network(weights.network.layers, weights.network.activation),
          first(1, 0),
          has_density(!weights.density.empty()) {
      for (const int channels : weights.channels) first.push_back(first.back() + padded(channels));
      row = static_cast<std::ptrdiff_t>(RadialSpline::coefficients) * first.back() + padded(1);
      coefficients.assign(kinds * static_cast<std::size_t>((intervals + 1) * row), Real(0));
      for (int piece = 0; piece < pieces; ++piece) {
        const auto begin = part_begin(static_cast<std::size_t>(intervals), pieces, piece);
        const auto end = part_begin(static_cast<std::size_t>(intervals), pieces, piece + 1);
        for (std::size_t kind = 0; kind < kinds; ++kind)
          tables.emplace_back(weights, kind, static_cast<int>(begin), static_cast<int>(end - begin));
      }
    }

    std::ptrdiff_t density() const { return row - padded(1); }
    std::ptrdiff_t knot_row() const { return first.back() + padded(1); }

    DualNetwork<Real> network;
    std::vector<int> first;
    bool has_density;
    std::ptrdiff_t row;
    // [kinds][intervals + 1][row], the last interval of a kind for edges beyond the cutoff: zeros
    simd::AlignedVector<Real> coefficients;
    std::vector<Table> tables;  // [pieces][kinds]
  };

  double spacing(std::size_t t) const { return family_.passes[t].basis.cutoff / intervals_; }
  double distance(std::size_t t, const Table& table, int knot) const {
    return std::max(0.5 * (2 * table.first + knot) * spacing(t), nearest);
  }
  /// Where the coefficients of a table begin in those of its pass.
  std::ptrdiff_t offset_of(std::size_t t, const Table& table) const {
    return (static_cast<std::ptrdiff_t>(table.kind) * (intervals_ + 1) + table.first) * passes_[t].row;
  }

  template <class Function>
  void for_each_table(int threads, const Function& function) {
    const std::size_t count = passes_.size() * family_.kinds() * pieces;
    const int parts = static_cast<int>(std::min(count, static_cast<std::size_t>(threads)));
    scratch_.resize(std::max(scratch_.size(), static_cast<std::size_t>(parts)));
    run_each(threads, static_cast<std::size_t>(parts), [&](std::size_t part) {
      const int of = static_cast<int>(part);
      for (std::size_t n = part_begin(count, parts, of); n < part_begin(count, parts, of + 1); ++n) {
        // A thread has the same piece of all passes, as passes differ in their widths.
        const std::size_t t = n / family_.kinds() % passes_.size();
        const std::size_t piece = n / (family_.kinds() * passes_.size());
        function(t, passes_[t].tables[piece * family_.kinds() + n % family_.kinds()], scratch_[part]);
      }
    });
  }

  void make(std::size_t t, Table& table, Scratch& scratch) {
    Pass& pass = passes_[t];
    compute_basis(t, table);
    pass.network.forward(table.knots(), table.inputs.data(), table.tape);
    scale_outputs(t, table, scratch);
    if (pass.has_density) compute_densities(t, table, scratch);
    fit_intervals(pass, table, scratch, pass.coefficients.data() + offset_of(t, table));
  }

  /// Only if it has changed: roots of Bessel functions may be trained, but mostly are not.
  void compute_basis(std::size_t t, Table& table) const {
    const RadialBasis basis = family_.basis(t, table.kind);
    if (!table.basis.empty() && table.frequency == basis.frequency) return;
    table.frequency = basis.frequency;
    table.basis.clear();
    table.slopes.clear();
    const int row = passes_[t].network.inputs();
    const std::ptrdiff_t plane = static_cast<std::ptrdiff_t>(table.knots()) * row;
    table.inputs.assign(static_cast<std::size_t>(2 * plane), Real(0));
    std::vector<double> value, slope;
    for (int knot = 0; knot < table.knots(); ++knot) {
      basis.evaluate(distance(t, table, knot), value, slope);
      table.basis.insert(table.basis.end(), value.begin(), value.end());
      table.slopes.insert(table.slopes.end(), slope.begin(), slope.end());
      for (std::size_t n = 0; n < value.size(); ++n) {
        table.inputs[knot * row + n] = static_cast<Real>(value[n]);
        table.inputs[plane + knot * row + n] = static_cast<Real>(slope[n]);
      }
    }
  }

  /// Calls function(factor, its slope by r over the factor, first in the network's row, first in that of the knots,
  /// channels) for all paths.
  template <class Function>
  void for_each_path(std::size_t t, const Table& table, int knot, const Function& function) const {
    const RadialWeights& weights = family_.passes[t];
    const double r = distance(t, table, knot);
    std::ptrdiff_t from = 0;
    for (std::size_t path = 0; path < weights.channels.size(); ++path) {
      const int power = weights.power[path];
      function(static_cast<Real>(std::pow(r, power) / weights.denominator), static_cast<Real>(power / r), from,
               std::ptrdiff_t{passes_[t].first[path]}, weights.channels[path]);
      from += weights.channels[path];
    }
  }

  /// The network's outputs by powers of the distance and over the denominator, each path's channels on whole lines.
  HWY_NOINLINE void scale_outputs(std::size_t t, const Table& table, Scratch& scratch) const {
    const Pass& pass = passes_[t];
    const std::ptrdiff_t row = pass.knot_row();
    const Real by_x = static_cast<Real>(0.5 * spacing(t));
    const int knots = table.knots();
    scratch.knots.assign(static_cast<std::size_t>(2 * knots * row), Real(0));
    for (int knot = 0; knot < knots; ++knot) {
      const Real* y = table.tape.y() + static_cast<std::ptrdiff_t>(knot) * pass.network.outputs();
      const Real* dy = y + static_cast<std::ptrdiff_t>(knots) * pass.network.outputs();
      Real* value = scratch.knots.data() + knot * row;
      Real* slope = value + knots * row;
      for_each_path(t, table, knot,
                    [&](Real factor, Real growth, std::ptrdiff_t from, std::ptrdiff_t to, int channels) HWY_ATTR {
                      for (int c = 0; c < channels; ++c) {
                        value[to + c] = factor * y[from + c];
                        slope[to + c] = by_x * factor * (dy[from + c] + growth * y[from + c]);
                      }
                    });
    }
  }

  void compute_densities(std::size_t t, const Table& table, Scratch& scratch) const {
    const std::ptrdiff_t row = passes_[t].knot_row();
    Real* to = scratch.knots.data() + passes_[t].first.back();
    for (int knot = 0; knot < table.knots(); ++knot) {
      const CutoffValue density =
          family_.passes[t].density_of(of_knot(table, table.basis, knot), of_knot(table, table.slopes, knot));
      to[knot * row] = static_cast<Real>(density.value);
      to[(table.knots() + knot) * row] = static_cast<Real>(0.5 * spacing(t) * density.slope);
    }
  }

  static std::vector<double> of_knot(const Table& table, const std::vector<double>& numbers, int knot) {
    const auto row = static_cast<std::ptrdiff_t>(numbers.size()) / table.knots();
    return {numbers.begin() + knot * row, numbers.begin() + (knot + 1) * row};
  }

  HWY_NOINLINE void fit_intervals(const Pass& pass, const Table& table, const Scratch& scratch, Real* to) const {
    using P = Line<Real>;
    const std::ptrdiff_t stride = pass.knot_row();
    for (int n = 0; n < table.intervals; ++n, to += pass.row) {
      const Real* value = scratch.knots.data() + 2 * n * stride;
      const Real* slope = value + table.knots() * stride;
      for (std::size_t path = 0; path + 1 < pass.first.size(); ++path) {
        const std::ptrdiff_t channels = pass.first[path + 1] - pass.first[path];
        Real* of_path = to + static_cast<std::ptrdiff_t>(RadialSpline::coefficients) * pass.first[path];
        for (std::ptrdiff_t c = 0; c < channels; c += P::lanes)
          fit_polynomials<P>(value + pass.first[path] + c, slope + pass.first[path] + c, stride, of_path + c, channels);
      }
      if (pass.has_density)
        fit_polynomials<Pack<Real, 1>>(value + pass.first.back(), slope + pass.first.back(), stride,
                                       to + pass.density(), 1);
    }
  }

  // Of an edge: x to x^5, then x' to (x^5)'.
  static constexpr int factor_count = 2 * (RadialSpline::coefficients - 1);

  /// Edges of one interval.
  struct Edges {
    int count;
    const int* edge;
    const Real* factors;  // [count][factor_count]
  };

  void order_by_interval(const EdgePlaces<Real>& places, Gradient& gradient) const {
    std::vector<int>& begin = gradient.begin_;
    begin.assign(family_.kinds() * static_cast<std::size_t>(intervals_ + 1) + 1, 0);
    for (int e = 0; e < places.edges; ++e) ++begin[places.interval[e]];
    std::partial_sum(begin.begin(), begin.end(), begin.begin());
    gradient.order_.resize(static_cast<std::size_t>(places.edges));
    for (int e = places.edges - 1; e >= 0; --e) gradient.order_[--begin[places.interval[e]]] = e;
  }

  void compute_factors(const EdgePlaces<Real>& places, const Real* distance_change, Gradient& gradient) const {
    constexpr int powers = factor_count / 2;
    gradient.factors_.resize(static_cast<std::size_t>(places.edges) * factor_count);
    Real* to = gradient.factors_.data();
    for (const int e : gradient.order_) {
      Real power = 1;
      const Real x = places.position[e];
      const Real change = places.scale[e] * distance_change[e];
      for (int k = 0; k < powers; ++k) {
        to[powers + k] = static_cast<Real>(k + 1) * power * change;
        power *= x;
        to[k] = power;
      }
      to += factor_count;
    }
  }

  static HWY_NOINLINE void add_interval(const Pass& pass, const Edges& edges, const EdgeWeightGradients<Real>& d,
                                        Real* to) {
    constexpr int lanes = Register<Real>::lanes;
    const std::ptrdiff_t d_row = pass.first.back();
    for (std::size_t path = 0; path + 1 < pass.first.size(); ++path) {
      const int end = pass.first[path + 1];
      const std::ptrdiff_t channels = end - pass.first[path];
      Real* of_path = to + static_cast<std::ptrdiff_t>(RadialSpline::coefficients) * pass.first[path];
      int c = pass.first[path];
      for (; c + 2 * lanes <= end; c += 2 * lanes, of_path += 2 * lanes)
        add_strip<2>(edges, d.d + c, d.d_change + c, d_row, of_path, channels);
      if (c < end) add_strip<1>(edges, d.d + c, d.d_change + c, d_row, of_path, channels);
    }
    if (pass.has_density) add_density(edges, d, to + pass.density());
  }

  /// The sums of V registers of channels for all coefficients stay in registers.
  template <int V>
  static HWY_INLINE void add_strip(const Edges& edges, const Real* d, const Real* d_change, std::ptrdiff_t d_row,
                                   Real* to, std::ptrdiff_t row) {
    using P = Register<Real>;
    constexpr int powers = factor_count / 2;
    P sum[RadialSpline::coefficients][V];
    for (int k = 0; k <= powers; ++k)
      for (int v = 0; v < V; ++v) sum[k][v] = load<P>(to + k * row + v * P::lanes);
    const Real* factors = edges.factors;
    for (int n = 0; n < edges.count; ++n, factors += factor_count) {
      const std::ptrdiff_t at = edges.edge[n] * d_row;
      P value[V], change[V];
      for (int v = 0; v < V; ++v) {
        value[v] = load<P>(d + at + v * P::lanes);
        change[v] = load<P>(d_change + at + v * P::lanes);
        sum[0][v] = sum[0][v] + change[v];
      }
      for (int k = 0; k < powers; ++k) {
        const P power = broadcast<P>(factors[k]);
        const P change_of_power = broadcast<P>(factors[powers + k]);
        for (int v = 0; v < V; ++v)
          sum[k + 1][v] = mul_add(change_of_power, value[v], mul_add(power, change[v], sum[k + 1][v]));
      }
    }
    for (int k = 0; k <= powers; ++k)
      for (int v = 0; v < V; ++v) store(sum[k][v], to + k * row + v * P::lanes);
  }

  static void add_density(const Edges& edges, const EdgeWeightGradients<Real>& d, Real* to) {
    constexpr int powers = factor_count / 2;
    const Real* factors = edges.factors;
    for (int n = 0; n < edges.count; ++n, factors += factor_count) {
      const Real value = d.d_density[edges.edge[n]];
      const Real change = d.d_density_change[edges.edge[n]];
      to[0] += change;
      for (int k = 0; k < powers; ++k) to[k + 1] += factors[k] * change + factors[powers + k] * value;
    }
  }

  /// From the gradient by the coefficients of a pass to that by the parameters of one of its tables.
  void go_back(std::size_t t, const Real* sums, Table& table, Scratch& scratch) {
    const Pass& pass = passes_[t];
    to_knots(pass, table, sums, scratch);
    undo_scaling(t, table, scratch);
    table.gradient.clear();
    scratch.dx.resize(table.inputs.size());
    pass.network.backward(table.knots(), scratch.dy.data(), table.tape, table.gradient, scratch.dx.data());
    differentiate_basis(t, scratch, table);
  }

  HWY_NOINLINE void to_knots(const Pass& pass, const Table& table, const Real* from, Scratch& scratch) const {
    using P = Line<Real>;
    const std::ptrdiff_t stride = pass.knot_row();
    scratch.knots.assign(static_cast<std::size_t>(2 * table.knots() * stride), Real(0));
    for (int n = 0; n < table.intervals; ++n, from += pass.row) {
      Real* value = scratch.knots.data() + 2 * n * stride;
      Real* slope = value + table.knots() * stride;
      for (std::size_t path = 0; path + 1 < pass.first.size(); ++path) {
        const std::ptrdiff_t channels = pass.first[path + 1] - pass.first[path];
        const Real* of_path = from + static_cast<std::ptrdiff_t>(RadialSpline::coefficients) * pass.first[path];
        for (std::ptrdiff_t c = 0; c < channels; c += P::lanes)
          add_knot_gradients<P>(of_path + c, channels, value + pass.first[path] + c, slope + pass.first[path] + c,
                                stride);
      }
      if (pass.has_density)
        add_knot_gradients<Pack<Real, 1>>(from + pass.density(), 1, value + pass.first.back(),
                                          slope + pass.first.back(), stride);
    }
  }

  /// Gradients by values are the changes of those that the network takes, and gradients by slopes the values.
  HWY_NOINLINE void undo_scaling(std::size_t t, const Table& table, Scratch& scratch) const {
    const Pass& pass = passes_[t];
    const std::ptrdiff_t row = pass.knot_row();
    const std::ptrdiff_t outputs = pass.network.outputs();
    const Real by_x = static_cast<Real>(0.5 * spacing(t));
    const int knots = table.knots();
    scratch.dy.assign(static_cast<std::size_t>(2 * knots * outputs), Real(0));
    for (int knot = 0; knot < knots; ++knot) {
      const Real* value = scratch.knots.data() + knot * row;
      const Real* slope = value + knots * row;
      Real* d = scratch.dy.data() + knot * outputs;
      Real* d_change = d + knots * outputs;
      for_each_path(t, table, knot,
                    [&](Real factor, Real growth, std::ptrdiff_t to, std::ptrdiff_t from, int channels) HWY_ATTR {
                      for (int c = 0; c < channels; ++c) {
                        d[to + c] = by_x * factor * slope[from + c];
                        d_change[to + c] = factor * value[from + c] + growth * d[to + c];
                      }
                    });
    }
  }

  /// Gradients by the parameters of the basis and of the density, which the basis enters as well.
  void differentiate_basis(std::size_t t, const Scratch& scratch, Table& table) const {
    const RadialBasis basis = family_.basis(t, table.kind);
    table.d_frequency.assign(basis.frequency.size(), 0.0);
    table.d_density.assign(family_.passes[t].density.size(), 0.0);
    const int row = passes_[t].network.inputs();
    std::vector<double> d_value(static_cast<std::size_t>(basis.functions()));
    std::vector<double> d_slope(d_value.size());
    for (int knot = 0; knot < table.knots(); ++knot) {
      for (std::size_t n = 0; n < d_value.size(); ++n) {
        d_slope[n] = static_cast<double>(scratch.dx[knot * row + n]);
        d_value[n] = static_cast<double>(scratch.dx[(table.knots() + knot) * row + n]);
      }
      if (!table.d_density.empty()) differentiate_density(t, knot, scratch, table, d_value, d_slope);
      add_frequency_gradients(basis, distance(t, table, knot), d_value, d_slope, table.d_frequency);
    }
  }

  /// Of tanh( s^2 ) and its slope, with s the density's sum over the basis.
  void differentiate_density(std::size_t t, int knot, const Scratch& scratch, Table& table,
                             std::vector<double>& d_value, std::vector<double>& d_slope) const {
    const std::vector<double>& weight = family_.passes[t].density;
    const double* value = table.basis.data() + knot * weight.size();
    const double* slope = table.slopes.data() + knot * weight.size();
    const double s = std::inner_product(weight.begin(), weight.end(), value, 0.0);
    const double s_slope = std::inner_product(weight.begin(), weight.end(), slope, 0.0);
    const Real* d = scratch.knots.data() + knot * passes_[t].knot_row() + passes_[t].first.back();
    const auto d_density = static_cast<double>(d[0]);
    const double d_density_slope = 0.5 * spacing(t) * static_cast<double>(d[table.knots() * passes_[t].knot_row()]);
    const double density = std::tanh(s * s);
    const double steepness = 1 - density * density;
    const double d_s = steepness * (d_density * 2 * s + d_density_slope * (2 - 8 * s * s * density) * s_slope);
    const double d_s_slope = d_density_slope * steepness * 2 * s;
    for (std::size_t n = 0; n < weight.size(); ++n) {
      table.d_density[n] += d_s * value[n] + d_s_slope * slope[n];
      d_value[n] += d_s * weight[n];
      d_slope[n] += d_s_slope * weight[n];
    }
  }

  /// Of prefactor sin( k x ) / x times the cutoff function, and its slope.
  static void add_frequency_gradients(const RadialBasis& basis, double r, const std::vector<double>& d_value,
                                      const std::vector<double>& d_slope, std::vector<double>& d_frequency) {
    if (d_frequency.empty()) return;
    const CutoffValue cutoff = basis.cutoff_function(r);
    const CutoffValue x = transformed_distance(basis.transform, r);
    for (std::size_t n = 0; n < d_frequency.size(); ++n) {
      const double k = basis.frequency[n];
      const double cosine = basis.prefactor * std::cos(k * x.value);
      const double sine = basis.prefactor * std::sin(k * x.value);
      d_frequency[n] +=
          d_value[n] * cosine * cutoff.value + d_slope[n] * (cosine * cutoff.slope - k * sine * x.slope * cutoff.value);
    }
  }

  static void add_all(const std::vector<double>& numbers, std::vector<double>& to) {
    std::transform(numbers.begin(), numbers.end(), to.begin(), to.begin(), [](double a, double b) { return a + b; });
  }

  double error_of(std::size_t t, std::size_t kind) const {
    RadialWeights weights = family_.passes[t];
    weights.basis = family_.basis(t, kind);
    double largest = 0;
    double difference = 0;
    std::vector<double> value, slope;
    for (int n = 0; n < intervals_; ++n) {
      if (n * spacing(t) < RadialSpline::least_distance) continue;
      const Real* row = coefficients(static_cast<int>(t), static_cast<int>(kind) * (intervals_ + 1) + n);
      for (const double x : {-0.58, 0.58}) {  // where polynomials with these knots are farthest off
        weights.evaluate((n + 0.5 * (x + 1)) * spacing(t), value, slope);
        std::size_t column = 0;
        const auto compare = [&](const Real* a, std::ptrdiff_t stride) {
          double sum = 0;
          for (int k = RadialSpline::coefficients - 1; k >= 0; --k) sum = sum * x + static_cast<double>(a[k * stride]);
          largest = std::max(largest, std::abs(value[column]));
          difference = std::max(difference, std::abs(sum - value[column++]));
        };
        for (std::size_t path = 0; path < weights.channels.size(); ++path)
          for (int c = 0; c < weights.channels[path]; ++c)
            compare(row + offset(static_cast<int>(t), static_cast<int>(path)) + c, padded(weights.channels[path]));
        if (passes_[t].has_density) compare(row + passes_[t].density(), 1);
      }
    }
    return largest > 0 ? difference / largest : 0;
  }

  RadialFamily family_;
  int intervals_;
  std::vector<Pass> passes_;
  std::vector<Scratch> scratch_;  // [threads], kept: allocating it takes as long as a network
};

/// Weights of a block's edges by such tables. The kernels of paths take splines in float; in double they take what the
/// tables give for every edge.
template <class Real>
class TableRadial {
  static constexpr bool by_splines = std::is_same_v<Real, float>;

 public:
  using Weights = std::conditional_t<by_splines, SplineWeights<Real>, ExactWeights<Real>>;
  static constexpr int block_atoms = by_splines ? 16 : 4;

  explicit TableRadial(std::shared_ptr<const RadialTables<Real>> tables) : tables_(std::move(tables)) {}

  struct Scratch {
    EdgePlaces<Real> places;
    std::vector<const Real*> interval;         // [edges] where the coefficients are
    simd::AlignedVector<Real> values, slopes;  // [edges][padded channels of all paths], for kernels that take them
    EdgeDensities<Real> densities;
  };

  const RadialTables<Real>& tables() const { return *tables_; }

  void prepare(int t, const EdgeGeometry<Real>& geometry, Scratch& scratch) const {
    tables_->locate(t, geometry, scratch.places);
    const auto edges = static_cast<std::size_t>(geometry.edges);
    if (scratch.interval.size() < edges) scratch.interval.resize(edges);
    for (std::size_t e = 0; e < edges; ++e) scratch.interval[e] = tables_->coefficients(t, scratch.places.interval[e]);
    if constexpr (!by_splines) interpolate(t, scratch);
    if (tables_->has_density(t)) interpolate_densities(t, scratch);
  }

  Weights weights(int t, int path, const Scratch& scratch) const {
    const std::vector<int>& first = tables_->first(t);
    if constexpr (by_splines)
      return splines(t, path, scratch);
    else
      return {scratch.values.data() + first[path], scratch.slopes.data() + first[path], first.back()};
  }

  const EdgeDensities<Real>& densities(const Scratch& scratch) const { return scratch.densities; }

 private:
  SplineWeights<Real> splines(int t, int path, const Scratch& scratch) const {
    const std::vector<int>& first = tables_->first(t);
    return {scratch.interval.data(), tables_->offset(t, path), first[path + 1] - first[path],
            scratch.places.position.data(), scratch.places.scale.data()};
  }

  HWY_NOINLINE void interpolate(int t, Scratch& scratch) const {
    using P = Line<Real>;
    const std::vector<int>& first = tables_->first(t);
    const std::ptrdiff_t row = first.back();
    const auto size = static_cast<std::size_t>(scratch.places.edges * row);
    scratch.values.resize(size);
    scratch.slopes.resize(size);
    P value, slope;
    for (std::size_t path = 0; path + 1 < first.size(); ++path) {
      const SplineWeights<Real> weights = splines(t, static_cast<int>(path), scratch);
      for (int e = 0; e < scratch.places.edges; ++e)
        for (int c = 0; c < first[path + 1] - first[path]; c += P::lanes) {
          const std::ptrdiff_t at = e * row + first[path] + c;
          weights.value_and_slope(e, c, value, slope);
          store(value, scratch.values.data() + at);
          store(broadcast<P>(weights.slope_scale(e)) * slope, scratch.slopes.data() + at);
        }
    }
  }

  void interpolate_densities(int t, Scratch& scratch) const {
    const EdgePlaces<Real>& places = scratch.places;
    scratch.densities.fit(places.edges);
    const SplineWeights<Real> density{scratch.interval.data(), tables_->density(t), 1, places.position.data(),
                                      places.scale.data()};
    Pack<Real, 1> value, slope;
    for (int e = 0; e < places.edges; ++e) {
      density.value_and_slope(e, 0, value, slope);
      store(value, scratch.densities.value.data() + e);
      store(broadcast<Pack<Real, 1>>(places.scale[e]) * slope, scratch.densities.slope.data() + e);
    }
  }

  std::shared_ptr<const RadialTables<Real>> tables_;
};

}  // namespace grapevine::equivariant::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
