// Weights of a block's edges, by splines or by the radial networks themselves.
#if defined(GRAPEVINE_NEQUIP_RADIAL_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef GRAPEVINE_NEQUIP_RADIAL_INL
#undef GRAPEVINE_NEQUIP_RADIAL_INL
#else
#define GRAPEVINE_NEQUIP_RADIAL_INL
#endif

#include <algorithm>
#include <numeric>
#include <utility>
#include <vector>

#include "models/nequip/layout.hpp"
#include "models/nequip/node-inl.hpp"
#include "models/nequip/products-inl.hpp"
#include "models/nequip/radial_spline.hpp"

HWY_BEFORE_NAMESPACE();
namespace grapevine::nequip::HWY_NAMESPACE {

template <class Real>
class SplineRadial {
 public:
  using Weights = SplineWeights<Real>;
  static constexpr int block_atoms = 16;

  /// `splines` has one for each interaction.
  SplineRadial(const Parameters& parameters, const std::vector<RadialSpline>& splines) {
    for (std::size_t t = 0; t < splines.size(); ++t) add(parameters.interactions[t], splines[t]);
  }

  struct Scratch {
    std::vector<int> interval;
    simd::AlignedVector<Real> position;
  };

  void prepare(int t, const EdgeGeometry<Real>& geometry, Scratch& scratch) const {
    const Interaction& of = interactions_[t];
    if (scratch.interval.size() < geometry.distance.size()) {
      scratch.interval.resize(geometry.distance.size());
      scratch.position.resize(geometry.distance.size());
    }
    for (int e = 0; e < geometry.edges; ++e) {
      const Real at = geometry.distance[e] * of.inverse_spacing;
      const int interval = std::min(static_cast<int>(at), of.intervals - 1);
      scratch.interval[e] = interval;
      scratch.position[e] = Real(2) * (at - static_cast<Real>(interval)) - Real(1);
    }
  }

  Weights weights(int t, int path, const Scratch& scratch) const {
    const Interaction& of = interactions_[t];
    const Path& p = of.paths[path];
    return {p.table.data(), p.channels, scratch.interval.data(), scratch.position.data(), Real(2) * of.inverse_spacing};
  }

 private:
  struct Path {
    int channels;
    simd::AlignedVector<Real> table;  // [intervals][6][channels]
  };
  struct Interaction {
    Real inverse_spacing;
    int intervals;
    std::vector<Path> paths;
  };

  void add(const nequip::Interaction& interaction, const RadialSpline& spline) {
    Interaction& of = interactions_.emplace_back();
    of.inverse_spacing = static_cast<Real>(1 / spline.spacing);
    of.intervals = spline.intervals;
    const std::size_t rows = static_cast<std::size_t>(spline.intervals) * RadialSpline::coefficients;
    std::size_t first = 0;
    for (const Irreps& message : interaction.messages()) {
      Path& path = of.paths.emplace_back();
      path.channels = padded(message.channels);
      path.table.assign(rows * path.channels, Real(0));
      for (std::size_t n = 0; n < rows; ++n)
        for (int c = 0; c < message.channels; ++c)
          path.table[n * path.channels + c] =
              static_cast<Real>(spline.coefficient[n * spline.columns + first + c] / interaction.denominator);
      first += message.channels;
    }
  }

  std::vector<Interaction> interactions_;
};

/// The radial networks themselves, for all edges of a block at a time, with their slopes by the chain rule.
template <class Real>
class ExactRadial {
 public:
  using Weights = ExactWeights<Real>;
  static constexpr int block_atoms = 4;  // every edge needs memory for all its weights

  explicit ExactRadial(Parameters parameters) : parameters_(std::move(parameters)) {
    for (const Interaction& interaction : parameters_.interactions) networks_.emplace_back(interaction);
  }

  struct Scratch {
    simd::AlignedVector<Real> values, slopes;      // [edges][padded channels of all paths]
    simd::AlignedVector<Real> input, input_slope;  // [edges][inputs of a layer]
  };

  void prepare(int t, const EdgeGeometry<Real>& geometry, Scratch& scratch) const {
    const Network& network = networks_[t];
    compute_basis(geometry, network.layers.front().inputs(), scratch);
    for (std::size_t n = 0; n < network.layers.size(); ++n) {
      apply_layer(geometry.edges, network.layers[n], network.biases[n], scratch);
      if (n + 1 < network.layers.size())
        apply_activation(parameters_.interactions[t].radial.activation, geometry.edges * network.layers[n].outputs(),
                         scratch);
    }
    if (!parameters_.normalised_harmonics) multiply_by_power(geometry, network, scratch);
  }

  /// [paths + 1] padded channels of the paths before.
  const std::vector<int>& first(int t) const { return networks_[t].first; }

  Weights weights(int t, int path, const Scratch& scratch) const {
    const std::vector<int>& first = networks_[t].first;
    return {scratch.values.data() + first[path], scratch.slopes.data() + first[path], first.back()};
  }

 private:
  struct Network {
    explicit Network(const Interaction& interaction) : first(1, 0) {
      const IrrepsList messages = interaction.messages();
      for (const Irreps& message : messages) first.push_back(first.back() + padded(message.channels));
      for (const Path& path : interaction.paths) edge_order.push_back(path.edge_order);
      for (const Dense& dense : interaction.radial.layers) {
        const bool last = &dense == &interaction.radial.layers.back();
        add(last ? spread_columns(dense, messages, interaction.denominator) : dense);
      }
    }

    void add(const Dense& dense) {
      layers.emplace_back(dense.inputs, dense.outputs, dense.weight);
      std::vector<Real>& bias = biases.emplace_back(static_cast<std::size_t>(layers.back().outputs()), Real(0));
      std::transform(dense.bias.begin(), dense.bias.end(), bias.begin(),
                     [](double value) { return static_cast<Real>(value); });
    }

    /// Outputs where the kernels want each path's channels, and over the denominator.
    Dense spread_columns(const Dense& dense, const IrrepsList& messages, double denominator) const {
      Dense wide{dense.inputs, first.back(), {}, {}};
      const auto columns = static_cast<std::size_t>(first.back());
      wide.weight.resize(static_cast<std::size_t>(dense.inputs) * columns);
      if (!dense.bias.empty()) wide.bias.resize(columns);
      std::size_t from = 0;
      for (std::size_t path = 0; path < messages.size(); ++path)
        for (int c = 0; c < messages[path].channels; ++c, ++from) {
          const std::size_t to = static_cast<std::size_t>(first[path] + c);
          for (int i = 0; i < dense.inputs; ++i)
            wide.weight[i * columns + to] =
                dense.weight[static_cast<std::size_t>(i) * dense.outputs + from] / denominator;
          if (!dense.bias.empty()) wide.bias[to] = dense.bias[from] / denominator;
        }
      return wide;
    }

    std::vector<int> first;  // [paths + 1] padded channels of the paths before
    std::vector<int> edge_order;
    std::vector<PaddedMatrix<Real>> layers;
    std::vector<std::vector<Real>> biases;
  };

  /// Into scratch.input, as [edges][row].
  void compute_basis(const EdgeGeometry<Real>& geometry, int row, Scratch& scratch) const {
    const std::size_t size = static_cast<std::size_t>(geometry.edges) * row;
    scratch.input.assign(size, Real(0));
    scratch.input_slope.assign(size, Real(0));
    std::vector<double> value, slope;
    for (int e = 0; e < geometry.edges; ++e) {
      radial_basis(parameters_, static_cast<double>(geometry.distance[e]), value, slope);
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

  /// Harmonics of order l that are not normalised are r^l times as large.
  static void multiply_by_power(const EdgeGeometry<Real>& geometry, const Network& network, Scratch& scratch) {
    const std::ptrdiff_t row = network.first.back();
    for (int e = 0; e < geometry.edges; ++e)
      for (std::size_t path = 0; path < network.edge_order.size(); ++path) {
        const Real r = geometry.distance[e];
        Real power = 1;
        for (int l = 0; l < network.edge_order[path]; ++l) power *= r;
        for (std::ptrdiff_t n = e * row + network.first[path]; n < e * row + network.first[path + 1]; ++n) {
          scratch.slopes[n] =
              power * (scratch.slopes[n] + static_cast<Real>(network.edge_order[path]) * scratch.values[n] / r);
          scratch.values[n] *= power;
        }
      }
  }

  Parameters parameters_;
  std::vector<Network> networks_;
};

/// The radial networks themselves in the form of splines, an interval for each edge, so that the kernels of splines
/// run them: for networks that no spline of bearable size follows.
template <class Real>
class ExactSplineRadial {
 public:
  using Weights = SplineWeights<Real>;
  static constexpr int block_atoms = ExactRadial<Real>::block_atoms;

  explicit ExactSplineRadial(const Parameters& parameters) : exact_(parameters) {}

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

}  // namespace grapevine::nequip::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
