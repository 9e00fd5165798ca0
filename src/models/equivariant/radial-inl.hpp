// Weights of a block's edges, by splines or by the radial networks themselves.
#if defined(GRAPEVINE_EQUIVARIANT_RADIAL_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef GRAPEVINE_EQUIVARIANT_RADIAL_INL
#undef GRAPEVINE_EQUIVARIANT_RADIAL_INL
#else
#define GRAPEVINE_EQUIVARIANT_RADIAL_INL
#endif

#include <algorithm>
#include <numeric>
#include <utility>
#include <vector>

#include "models/equivariant/gate-inl.hpp"
#include "models/equivariant/layout.hpp"
#include "models/equivariant/linear-inl.hpp"
#include "models/equivariant/products-inl.hpp"
#include "models/equivariant/radial_spline.hpp"

HWY_BEFORE_NAMESPACE();
namespace grapevine::equivariant::HWY_NAMESPACE {

template <class Real>
class SplineRadial {
 public:
  using Weights = SplineWeights<Real>;
  static constexpr int block_atoms = 16;

  /// A spline of each pass's weights.
  SplineRadial(const std::vector<RadialWeights>& weights, const std::vector<RadialSpline>& splines) {
    for (std::size_t t = 0; t < splines.size(); ++t) add(weights[t], splines[t]);
  }

  struct Scratch {
    std::vector<int> interval;
    simd::AlignedVector<Real> position;
  };

  void prepare(int t, const EdgeGeometry<Real>& geometry, Scratch& scratch) const {
    const Pass& of = passes_[t];
    if (scratch.interval.size() < geometry.distance.size()) {
      scratch.interval.resize(geometry.distance.size());
      scratch.position.resize(geometry.distance.size());
    }
    const Real* distance = geometry.radial_distance();
    for (int e = 0; e < geometry.edges; ++e) {
      const Real at = std::min(distance[e] * of.inverse_spacing, static_cast<Real>(of.intervals));
      const int interval = static_cast<int>(at);
      scratch.interval[e] = interval;
      scratch.position[e] = Real(2) * (at - static_cast<Real>(interval)) - Real(1);
    }
  }

  Weights weights(int t, int path, const Scratch& scratch) const {
    const Pass& of = passes_[t];
    const Path& p = of.paths[path];
    return {p.table.data(), p.channels, scratch.interval.data(), scratch.position.data(), Real(2) * of.inverse_spacing};
  }

 private:
  struct Path {
    int channels;
    simd::AlignedVector<Real> table;  // [intervals + 1][6][channels], the last for edges beyond the cutoff: zeros
  };
  struct Pass {
    Real inverse_spacing;
    int intervals;
    std::vector<Path> paths;
  };

  void add(const RadialWeights& weights, const RadialSpline& spline) {
    Pass& of = passes_.emplace_back();
    of.inverse_spacing = static_cast<Real>(1 / spline.spacing);
    of.intervals = spline.intervals;
    const std::size_t rows = static_cast<std::size_t>(spline.intervals) * RadialSpline::coefficients;
    std::size_t first = 0;
    for (const int channels : weights.channels) {
      Path& path = of.paths.emplace_back();
      path.channels = padded(channels);
      path.table.assign((rows + RadialSpline::coefficients) * path.channels, Real(0));
      for (std::size_t n = 0; n < rows; ++n)
        for (int c = 0; c < channels; ++c)
          path.table[n * path.channels + c] = static_cast<Real>(spline.coefficient[n * spline.columns + first + c]);
      first += channels;
    }
  }

  std::vector<Pass> passes_;
};

/// The radial networks themselves, for all edges of a block at a time, with their slopes by the chain rule.
template <class Real>
class ExactRadial {
 public:
  using Weights = ExactWeights<Real>;
  static constexpr int block_atoms = 4;  // every edge needs memory for all its weights

  explicit ExactRadial(std::vector<RadialWeights> weights) : weights_(std::move(weights)) {
    for (const RadialWeights& pass : weights_) networks_.emplace_back(pass);
  }

  struct Scratch {
    simd::AlignedVector<Real> values, slopes;      // [edges][padded channels of all paths]
    simd::AlignedVector<Real> input, input_slope;  // [edges][inputs of a layer]
  };

  void prepare(int t, const EdgeGeometry<Real>& geometry, Scratch& scratch) const {
    const Network& network = networks_[t];
    compute_basis(weights_[t].basis, geometry, network.layers.front().inputs(), scratch);
    for (std::size_t n = 0; n < network.layers.size(); ++n) {
      apply_layer(geometry.edges, network.layers[n], network.biases[n], scratch);
      if (n + 1 < network.layers.size())
        apply_activation(weights_[t].network.activation, geometry.edges * network.layers[n].outputs(), scratch);
    }
    multiply_by_powers(geometry, weights_[t].power, network, scratch);
  }

  /// [paths + 1] padded channels of the paths before.
  const std::vector<int>& first(int t) const { return networks_[t].first; }

  Weights weights(int t, int path, const Scratch& scratch) const {
    const std::vector<int>& first = networks_[t].first;
    return {scratch.values.data() + first[path], scratch.slopes.data() + first[path], first.back()};
  }

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

  /// Into scratch.input, as [edges][row].
  static void compute_basis(const RadialBasis& basis, const EdgeGeometry<Real>& geometry, int row, Scratch& scratch) {
    const std::size_t size = static_cast<std::size_t>(geometry.edges) * row;
    scratch.input.assign(size, Real(0));
    scratch.input_slope.assign(size, Real(0));
    std::vector<double> value, slope;
    for (int e = 0; e < geometry.edges; ++e) {
      basis.evaluate(static_cast<double>(geometry.radial_distance()[e]), value, slope);
      for (std::size_t n = 0; n < value.size(); ++n) {
        scratch.input[static_cast<std::size_t>(e) * row + n] = static_cast<Real>(value[n]);
        scratch.input_slope[static_cast<std::size_t>(e) * row + n] = static_cast<Real>(slope[n]);
      }
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

  std::vector<RadialWeights> weights_;
  std::vector<Network> networks_;
};

/// The radial networks themselves in the form of splines, an interval for each edge, so that the kernels of splines
/// run them: for networks that no spline of bearable size follows.
template <class Real>
class ExactSplineRadial {
 public:
  using Weights = SplineWeights<Real>;
  static constexpr int block_atoms = ExactRadial<Real>::block_atoms;

  explicit ExactSplineRadial(std::vector<RadialWeights> weights) : exact_(std::move(weights)) {}

  struct Scratch {
    typename ExactRadial<Real>::Scratch exact;
    std::vector<int> interval;           // [edges] the edge itself
    simd::AlignedVector<Real> position;  // [edges] zero, the middle of it
    simd::AlignedVector<Real> table;     // [paths][edges][6][channels] value, slope, zeros
    int edges = 0;
  };

  void prepare(int t, const EdgeGeometry<Real>& geometry, Scratch& scratch) const {
    exact_.prepare(t, geometry, scratch.exact);
    const std::vector<int>& first = exact_.first(t);
    const auto edges = static_cast<std::size_t>(geometry.edges);
    scratch.edges = geometry.edges;
    scratch.interval.resize(edges);
    std::iota(scratch.interval.begin(), scratch.interval.end(), 0);
    scratch.position.assign(edges, Real(0));
    scratch.table.assign(edges * RadialSpline::coefficients * static_cast<std::size_t>(first.back()), Real(0));
    for (std::size_t path = 0; path + 1 < first.size(); ++path) {
      const std::ptrdiff_t row = first[path + 1] - first[path];
      Real* to = scratch.table.data() + table_of(first[path], geometry.edges);
      for (int e = 0; e < geometry.edges; ++e, to += RadialSpline::coefficients * row) {
        const std::ptrdiff_t from = static_cast<std::ptrdiff_t>(e) * first.back() + first[path];
        std::copy_n(scratch.exact.values.begin() + from, row, to);
        std::copy_n(scratch.exact.slopes.begin() + from, row, to + row);
      }
    }
  }

  Weights weights(int t, int path, const Scratch& scratch) const {
    const std::vector<int>& first = exact_.first(t);
    return {scratch.table.data() + table_of(first[path], scratch.edges), first[path + 1] - first[path],
            scratch.interval.data(), scratch.position.data(), Real(1)};
  }

 private:
  static std::ptrdiff_t table_of(int channels_before, int edges) {
    return static_cast<std::ptrdiff_t>(channels_before) * edges * RadialSpline::coefficients;
  }

  ExactRadial<Real> exact_;
};

}  // namespace grapevine::equivariant::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
