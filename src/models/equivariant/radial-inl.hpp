// Weights of a block's edges, by splines or by the radial networks themselves.
#if defined(GRAPEVINE_EQUIVARIANT_RADIAL_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef GRAPEVINE_EQUIVARIANT_RADIAL_INL
#undef GRAPEVINE_EQUIVARIANT_RADIAL_INL
#else
#define GRAPEVINE_EQUIVARIANT_RADIAL_INL
#endif

#include <algorithm>
#include <utility>
#include <vector>

#include "models/equivariant/gate-inl.hpp"
#include "models/equivariant/layout.hpp"
#include "models/equivariant/lazy.hpp"
#include "models/equivariant/linear-inl.hpp"
#include "models/equivariant/products-inl.hpp"
#include "models/equivariant/radial_splines.hpp"

HWY_BEFORE_NAMESPACE();
namespace grapevine::equivariant::HWY_NAMESPACE {

/// RadialWeights::density of a block's edges and its slope per Angstrom; [edges], only of passes that have one.
template <class Real>
struct EdgeDensities {
  simd::AlignedVector<Real> value, slope;

  void fit(int edges) {
    value.resize(static_cast<std::size_t>(edges));
    slope.resize(static_cast<std::size_t>(edges));
  }
};

template <class Real>
class SplineRadial {
 public:
  using Weights = SplineWeights<Real>;
  static constexpr int block_atoms = 16;

  explicit SplineRadial(RadialSplines splines) : splines_(std::move(splines)) {
    for (const RadialWeights& weights : splines_.family().passes) passes_.emplace_back(weights);
    for (Pass& pass : passes_) pass.tables = std::vector<Lazy<Table>>(splines_.family().kinds());
  }

  struct Scratch {
    std::vector<const Real*> interval;   // [edges] where the coefficients are
    simd::AlignedVector<Real> position;  // [edges] in the interval, from -1 to 1
    simd::AlignedVector<Real> scale;     // [edges] slope of the position, per Angstrom
    EdgeDensities<Real> densities;
  };

  void prepare(int t, const EdgeGeometry<Real>& geometry, Scratch& scratch) const {
    const Pass& of = passes_[t];
    const auto size = static_cast<std::size_t>(geometry.stride);
    if (scratch.interval.size() < size) {
      scratch.interval.resize(size);
      scratch.position.resize(size);
      scratch.scale.resize(size);
    }
    const Real* distance = geometry.radial_distance();
    for (int e = 0; e < geometry.edges; ++e) {
      const Table& table = this->table(t, geometry.kind_of(e));
      const Real at = std::min(distance[e] * table.inverse_spacing, static_cast<Real>(table.intervals));
      const int interval = static_cast<int>(at);
      scratch.interval[e] = table.coefficients.data() + interval * of.row;
      scratch.position[e] = Real(2) * (at - static_cast<Real>(interval)) - Real(1);
      scratch.scale[e] = Real(2) * table.inverse_spacing;
    }
    if (of.has_density) prepare_densities(of, geometry.edges, scratch);
  }

  Weights weights(int t, int path, const Scratch& scratch) const {
    const Path& p = passes_[t].paths[path];
    return {scratch.interval.data(), p.offset, p.channels, scratch.position.data(), scratch.scale.data()};
  }

  const EdgeDensities<Real>& densities(const Scratch& scratch) const { return scratch.densities; }

 private:
  struct Table {
    Real inverse_spacing;
    int intervals;
    // [intervals + 1][row], the last for edges beyond the cutoff: zeros
    simd::AlignedVector<Real> coefficients;
  };
  struct Path {
    std::ptrdiff_t offset;  // of its [6][channels]
    int channels;
  };

  /// A row of coefficients ends with those of the density, in a cache line that is there in any case: rows of a power
  /// of two of lines would leave most of the first cache unused.
  struct Pass {
    explicit Pass(const RadialWeights& weights) : has_density(!weights.density.empty()) {
      for (const int channels : weights.channels) {
        paths.push_back({row, padded(channels)});
        row += static_cast<std::ptrdiff_t>(RadialSpline::coefficients) * padded(channels);
      }
      row += padded(1);
    }

    std::ptrdiff_t density() const { return row - padded(1); }

    std::ptrdiff_t row = 0;
    std::vector<Path> paths;
    bool has_density;
    mutable std::vector<Lazy<Table>> tables;  // [kinds]
  };

  const Table& table(int t, int kind) const {
    return passes_[t].tables[kind].get([&] { return make(t, static_cast<std::size_t>(kind)); });
  }

  Table make(int t, std::size_t kind) const {
    const Pass& of = passes_[t];
    const std::vector<int>& channels = splines_.family().passes[t].channels;
    const RadialSpline spline = splines_.take(static_cast<std::size_t>(t), kind);
    Table table{static_cast<Real>(1 / spline.spacing), spline.intervals, {}};
    table.coefficients.assign(static_cast<std::size_t>((spline.intervals + 1) * of.row), Real(0));
    const double* from = spline.coefficient.data();
    for (int n = 0; n < spline.intervals; ++n)
      for (int k = 0; k < RadialSpline::coefficients; ++k) {
        Real* row = table.coefficients.data() + n * of.row;
        for (std::size_t p = 0; p < channels.size(); ++p)
          for (int c = 0; c < channels[p]; ++c)
            row[of.paths[p].offset + k * of.paths[p].channels + c] = static_cast<Real>(*from++);
        if (of.has_density) row[of.density() + k] = static_cast<Real>(*from++);
      }
    return table;
  }

  static void prepare_densities(const Pass& of, int edges, Scratch& scratch) {
    scratch.densities.fit(edges);
    for (int e = 0; e < edges; ++e) {
      const Real* a = scratch.interval[e] + of.density();
      const Real x = scratch.position[e];
      Real value = 0;
      Real slope = 0;
      for (int k = RadialSpline::coefficients - 1; k >= 0; --k) {
        slope = slope * x + value;
        value = value * x + a[k];
      }
      scratch.densities.value[e] = value;
      scratch.densities.slope[e] = slope * scratch.scale[e];
    }
  }

  mutable RadialSplines splines_;  // changed where a table is made, which takes its own spline
  std::vector<Pass> passes_;
};

/// The radial networks themselves, for all edges of a block at a time, with their slopes by the chain rule.
template <class Real>
class ExactRadial {
 public:
  using Weights = ExactWeights<Real>;
  static constexpr int block_atoms = 4;  // every edge needs memory for all its weights

  explicit ExactRadial(RadialFamily family) : family_(std::move(family)) {
    for (const RadialWeights& pass : family_.passes) networks_.emplace_back(pass);
  }

  struct Scratch {
    simd::AlignedVector<Real> values, slopes;      // [edges][padded channels of all paths]
    simd::AlignedVector<Real> input, input_slope;  // [edges][inputs of a layer]
    EdgeDensities<Real> densities;
  };

  void prepare(int t, const EdgeGeometry<Real>& geometry, Scratch& scratch) const {
    const Network& network = networks_[t];
    const RadialWeights& weights = family_.passes[t];
    compute_basis(weights, geometry, network.layers.front().inputs(), scratch);
    for (std::size_t n = 0; n < network.layers.size(); ++n) {
      apply_layer(geometry.edges, network.layers[n], network.biases[n], scratch);
      if (n + 1 < network.layers.size())
        apply_activation(weights.network.activation, geometry.edges * network.layers[n].outputs(), scratch);
    }
    multiply_by_powers(geometry, weights.power, network, scratch);
  }

  /// [paths + 1] padded channels of the paths before.
  const std::vector<int>& first(int t) const { return networks_[t].first; }

  Weights weights(int t, int path, const Scratch& scratch) const {
    const std::vector<int>& first = networks_[t].first;
    return {scratch.values.data() + first[path], scratch.slopes.data() + first[path], first.back()};
  }

  const EdgeDensities<Real>& densities(const Scratch& scratch) const { return scratch.densities; }

 private:
  struct Network {
    explicit Network(const RadialWeights& weights) : first(1, 0) {
      for (const int channels : weights.channels) first.push_back(first.back() + padded(channels));
      for (const Dense& dense : weights.network.layers) {
        const bool last = &dense == &weights.network.layers.back();
        add(last ? spread_columns(dense, weights.channels, weights.denominator) : dense);
      }
    }

    void add(const Dense& dense) {
      layers.emplace_back(dense.inputs, dense.outputs, dense.weight);
      std::vector<Real>& bias = biases.emplace_back(static_cast<std::size_t>(layers.back().outputs()), Real(0));
      std::transform(dense.bias.begin(), dense.bias.end(), bias.begin(),
                     [](double value) { return static_cast<Real>(value); });
    }

    /// Outputs where the kernels want each path's channels, and over the denominator.
    Dense spread_columns(const Dense& dense, const std::vector<int>& channels, double denominator) const {
      Dense wide{dense.inputs, first.back(), {}, {}};
      const auto columns = static_cast<std::size_t>(first.back());
      wide.weight.resize(static_cast<std::size_t>(dense.inputs) * columns);
      if (!dense.bias.empty()) wide.bias.resize(columns);
      std::size_t from = 0;
      for (std::size_t path = 0; path < channels.size(); ++path)
        for (int c = 0; c < channels[path]; ++c, ++from) {
          const std::size_t to = static_cast<std::size_t>(first[path] + c);
          for (int i = 0; i < dense.inputs; ++i)
            wide.weight[i * columns + to] =
                dense.weight[static_cast<std::size_t>(i) * dense.outputs + from] / denominator;
          if (!dense.bias.empty()) wide.bias[to] = dense.bias[from] / denominator;
        }
      return wide;
    }

    std::vector<int> first;  // [paths + 1] padded channels of the paths before
    std::vector<PaddedMatrix<Real>> layers;
    std::vector<std::vector<Real>> biases;
  };

  /// Into scratch.input, as [edges][row]; densities, if there are any, into theirs.
  void compute_basis(const RadialWeights& weights, const EdgeGeometry<Real>& geometry, int row,
                     Scratch& scratch) const {
    const std::size_t size = static_cast<std::size_t>(geometry.edges) * row;
    scratch.input.assign(size, Real(0));
    scratch.input_slope.assign(size, Real(0));
    if (!weights.density.empty()) scratch.densities.fit(geometry.edges);
    RadialBasis basis = weights.basis;
    std::vector<double> value, slope;
    for (int e = 0; e < geometry.edges; ++e) {
      if (!family_.lengths.empty()) basis.transform.length = family_.lengths[geometry.kind_of(e)];
      basis.evaluate(static_cast<double>(geometry.radial_distance()[e]), value, slope);
      for (std::size_t n = 0; n < value.size(); ++n) {
        scratch.input[static_cast<std::size_t>(e) * row + n] = static_cast<Real>(value[n]);
        scratch.input_slope[static_cast<std::size_t>(e) * row + n] = static_cast<Real>(slope[n]);
      }
      if (weights.density.empty()) continue;
      const CutoffValue density = weights.density_of(value, slope);
      scratch.densities.value[e] = static_cast<Real>(density.value);
      scratch.densities.slope[e] = static_cast<Real>(density.slope);
    }
  }

  /// From scratch.input to scratch.values and scratch.slopes.
  static void apply_layer(int edges, const PaddedMatrix<Real>& layer, const std::vector<Real>& bias, Scratch& scratch) {
    const std::size_t size = static_cast<std::size_t>(edges) * layer.outputs();
    scratch.values.resize(size);
    scratch.slopes.assign(size, Real(0));
    for (int e = 0; e < edges; ++e)
      std::copy(bias.begin(), bias.end(), scratch.values.begin() + static_cast<std::ptrdiff_t>(e) * layer.outputs());
    layer.add(edges, scratch.input.data(), scratch.values.data());
    layer.add(edges, scratch.input_slope.data(), scratch.slopes.data());
  }

  /// And back to scratch.input.
  static HWY_NOINLINE void apply_activation(const Activation& activation, int numbers, Scratch& scratch) {
    using P = Line<Real>;
    scratch.input.resize(static_cast<std::size_t>(numbers));
    scratch.input_slope.resize(static_cast<std::size_t>(numbers));
    P value, slope;
    for (int n = 0; n < numbers; n += P::lanes) {
      activate<P, Real>(activation, load<P>(scratch.values.data() + n), value, slope);
      store(value, scratch.input.data() + n);
      store(slope * load<P>(scratch.slopes.data() + n), scratch.input_slope.data() + n);
    }
  }

  /// Each path's weights by its power of the distance.
  static void multiply_by_powers(const EdgeGeometry<Real>& geometry, const std::vector<int>& powers,
                                 const Network& network, Scratch& scratch) {
    const std::ptrdiff_t row = network.first.back();
    for (std::size_t path = 0; path < powers.size(); ++path) {
      if (powers[path] == 0) continue;
      for (int e = 0; e < geometry.edges; ++e) {
        const Real r = geometry.radial_distance()[e];
        Real power = 1;
        for (int l = 0; l < powers[path]; ++l) power *= r;
        for (std::ptrdiff_t n = e * row + network.first[path]; n < e * row + network.first[path + 1]; ++n) {
          scratch.slopes[n] = power * (scratch.slopes[n] + static_cast<Real>(powers[path]) * scratch.values[n] / r);
          scratch.values[n] *= power;
        }
      }
    }
  }

  RadialFamily family_;
  std::vector<Network> networks_;
};

/// The radial networks themselves in the form of splines, an interval for each edge, so that the kernels of splines
/// run them: for networks that no spline of bearable size follows.
template <class Real>
class ExactSplineRadial {
 public:
  using Weights = SplineWeights<Real>;
  static constexpr int block_atoms = ExactRadial<Real>::block_atoms;

  explicit ExactSplineRadial(RadialFamily family) : exact_(std::move(family)) {}

  struct Scratch {
    typename ExactRadial<Real>::Scratch exact;
    std::vector<const Real*> interval;   // [edges] the edge itself
    simd::AlignedVector<Real> position;  // [edges] zero, the middle of it
    simd::AlignedVector<Real> scale;     // [edges] one
    simd::AlignedVector<Real> table;     // [edges][paths][6][channels] value, slope, zeros
  };

  void prepare(int t, const EdgeGeometry<Real>& geometry, Scratch& scratch) const {
    exact_.prepare(t, geometry, scratch.exact);
    const std::vector<int>& first = exact_.first(t);
    const auto edges = static_cast<std::size_t>(geometry.edges);
    scratch.interval.resize(edges);
    scratch.position.assign(edges, Real(0));
    scratch.scale.assign(edges, Real(1));
    scratch.table.assign(edges * static_cast<std::size_t>(offset(first.back())), Real(0));
    for (std::size_t e = 0; e < edges; ++e) {
      Real* row = scratch.table.data() + static_cast<std::ptrdiff_t>(e) * offset(first.back());
      scratch.interval[e] = row;
      for (std::size_t path = 0; path + 1 < first.size(); ++path) {
        const std::ptrdiff_t channels = first[path + 1] - first[path];
        const std::ptrdiff_t from = static_cast<std::ptrdiff_t>(e) * first.back() + first[path];
        Real* to = row + offset(first[path]);
        std::copy_n(scratch.exact.values.begin() + from, channels, to);
        std::copy_n(scratch.exact.slopes.begin() + from, channels, to + channels);
      }
    }
  }

  Weights weights(int t, int path, const Scratch& scratch) const {
    const std::vector<int>& first = exact_.first(t);
    return {scratch.interval.data(), offset(first[path]), first[path + 1] - first[path], scratch.position.data(),
            scratch.scale.data()};
  }

  const EdgeDensities<Real>& densities(const Scratch& scratch) const { return scratch.exact.densities; }

 private:
  static std::ptrdiff_t offset(int channels_before) {
    return static_cast<std::ptrdiff_t>(channels_before) * RadialSpline::coefficients;
  }

  ExactRadial<Real> exact_;
};

}  // namespace grapevine::equivariant::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
