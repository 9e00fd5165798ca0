// Weights of a block's edges, by splines or by the radial networks themselves.
#if defined(GRAPEVINE_NEQUIP_RADIAL_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef GRAPEVINE_NEQUIP_RADIAL_INL
#undef GRAPEVINE_NEQUIP_RADIAL_INL
#else
#define GRAPEVINE_NEQUIP_RADIAL_INL
#endif

#include <algorithm>
#include <vector>

#include "models/nequip/layout.hpp"
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

template <class Real>
class ExactRadial {
 public:
  using Weights = ExactWeights<Real>;
  static constexpr int block_atoms = 4;  // every edge needs memory for all its weights

  explicit ExactRadial(Parameters parameters) : parameters_(std::move(parameters)) {
    for (const Interaction& interaction : parameters_.interactions) {
      std::vector<int>& first = first_.emplace_back(1, 0);
      for (const Irreps& message : interaction.messages()) first.push_back(first.back() + padded(message.channels));
    }
  }

  struct Scratch {
    std::vector<double> value;
    std::vector<double> slope;
    simd::AlignedVector<Real> values;  // [edges][padded channels of all paths]
    simd::AlignedVector<Real> slopes;
  };

  void prepare(int t, const EdgeGeometry<Real>& geometry, Scratch& scratch) const {
    const Interaction& interaction = parameters_.interactions[t];
    const IrrepsList messages = interaction.messages();
    const auto row = static_cast<std::size_t>(first_[t].back());
    const std::size_t size = row * static_cast<std::size_t>(geometry.edges);
    scratch.values.assign(size, Real(0));
    scratch.slopes.assign(size, Real(0));
    for (int e = 0; e < geometry.edges; ++e) {
      radial_weights(parameters_, t, static_cast<double>(geometry.distance[e]), scratch.value, scratch.slope);
      std::size_t from = 0;
      for (std::size_t path = 0; path < messages.size(); ++path)
        for (int c = 0; c < messages[path].channels; ++c, ++from) {
          const std::size_t to = e * row + first_[t][path] + c;
          scratch.values[to] = static_cast<Real>(scratch.value[from] / interaction.denominator);
          scratch.slopes[to] = static_cast<Real>(scratch.slope[from] / interaction.denominator);
        }
    }
  }

  Weights weights(int t, int path, const Scratch& scratch) const {
    const std::ptrdiff_t first = first_[t][path];
    return {scratch.values.data() + first, scratch.slopes.data() + first, first_[t].back()};
  }

 private:
  Parameters parameters_;
  std::vector<std::vector<int>> first_;  // [interactions][paths + 1] channels of the paths before
};

}  // namespace grapevine::nequip::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
