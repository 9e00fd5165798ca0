// Messages of a block: the products of all paths, summed over the edges of each centre, and the way back.
#if defined(GRAPEVINE_EQUIVARIANT_MESSAGES_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef GRAPEVINE_EQUIVARIANT_MESSAGES_INL
#undef GRAPEVINE_EQUIVARIANT_MESSAGES_INL
#else
#define GRAPEVINE_EQUIVARIANT_MESSAGES_INL
#endif

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <span>
#include <tuple>
#include <vector>

#include "engine/model.hpp"
#include "models/equivariant/features-inl.hpp"
#include "models/equivariant/path.hpp"
#include "models/equivariant/path_kernels-inl.hpp"
#include "simd/aligned_vector.hpp"
#include "support/error.hpp"

HWY_BEFORE_NAMESPACE();
namespace grapevine::equivariant::HWY_NAMESPACE {

/// The edges of a block as the kernels of a pass want them.
template <class Real>
struct EdgeScratch {
  EdgeGeometry<Real> geometry;
  simd::AlignedVector<Real> couplings;  // [planes][places of all couplings][edge stride]
  std::vector<std::ptrdiff_t> offset;   // [edges] of the neighbour's row
};

/// Features of all atoms that may be neighbours, and their gradients, as rows; no gradients are wanted if null. Where
/// features change, the rows of changes follow each row of features.
template <class Real>
struct FeatureRows {
  const Real* features;
  Real* gradients;
  bool change = false;
};

/// How the edge vectors of a block change.
template <class Real>
NoChange changes(const Block<Real>& /*block*/) {
  return {};
}
template <class Real>
const EdgeTangents<Real>& changes(const TangentBlock<Real>& block) {
  return block.tangents;
}

/// Those of pass t; `first` [species] are the features before pass 0, which never change.
template <class Real, class AnyBlock>
FeatureRows<Real> feature_rows(int t, const std::vector<Real>& first, const AnyBlock& block) {
  if (t == 0) return {first.data(), nullptr};
  if constexpr (directions<AnyBlock> == 0)
    return {block.features[t], block.gradients[t]};
  else
    return {block.features[t], nullptr, true};
}

/// A row of features and those of its changes. Features before pass 0 do not change, but training wants gradients by
/// them in planes.
template <class AnyBlock>
constexpr int planes_of_pass(int t) {
  return t == 0 && directions<AnyBlock> != 1 ? 1 : 1 + directions<AnyBlock>;
}

/// The paths of one pass. `Weights` are those of products-inl.hpp; functions take weights_of(path).
template <class Real, class Weights>
class MessageKernel {
 public:
  /// `in_duals` is for training. Throws Error if an order is above max_trained_order then.
  MessageKernel(const IrrepsList& input, const std::vector<Path>& paths, bool in_duals = false)
      : input_(input), messages_(equivariant::messages(input, paths)) {
    for (const Path& path : paths) add(path, in_duals);
    for (int p = 0; p < messages_.count(); ++p) weight_row_ += messages_.channels(p);
  }

  const Layout& input() const { return input_; }
  const Layout& messages() const { return messages_; }

  /// Geometry and harmonics of the block's edges, and how they change.
  template <class Changes>
  void prepare_geometry(const EdgeBlock<Real>& edges, const Changes& changes, EdgeScratch<Real>& scratch) const {
    compute_geometry(edges, changes, highest_order_, scratch.geometry);
  }

  /// What all paths share, after prepare_geometry(). Features are by species in the first pass, then by atom; `planes`
  /// are those of their rows.
  template <int K = 0>
  void prepare_products(bool first_pass, int planes, const EdgeBlock<Real>& edges, std::span<const int> species,
                        EdgeScratch<Real>& scratch) const {
    const EdgeGeometry<Real>& geometry = scratch.geometry;
    const auto size = static_cast<std::size_t>((1 + K) * places_ * geometry.stride);
    if (scratch.couplings.size() < size) scratch.couplings.resize(size);
    for (int plane = 0; plane <= K; ++plane)
      for (const PassCoupling& coupling : couplings_)
        coupling.kernel.couple(geometry, plane,
                               scratch.couplings.data() + (plane * places_ + coupling.places) * geometry.stride);
    if (scratch.offset.size() < static_cast<std::size_t>(geometry.edges)) scratch.offset.resize(geometry.edges);
    for (int e = 0; e < geometry.edges; ++e) {
      const std::ptrdiff_t j = edges.neighbour[e];
      scratch.offset[e] = (first_pass ? species[j] : j) * planes * input_.size();
    }
  }

  /// Messages and their changes in K directions.
  // All centres of a block take a strip of channels before the next is begun: its part of the splines stays in cache.
  template <int K = 0, class WeightsOf>
  void sum(const EdgeBlock<Real>& edges, const FeatureRows<Real>& rows, const WeightsOf& weights_of,
           const EdgeScratch<Real>& scratch, const BlockFeatures<Real>& messages) const {
    for (int p = 0; p < static_cast<int>(paths_.size()); ++p) {
      const PassPath& path = paths_[p];
      const Neighbours<Real> from = neighbours(path.input, rows, scratch);
      const Weights weights = weights_of(p);
      const int row = messages_.channels(p);
      const auto& sums = path.kernel.template sums<K>();
      for_each_strip(row, sums, [&](int kind, int channel) {
        for (int c = 0; c < edges.centres(); ++c)
          sums[kind](edges_of<K>(edges, c, path, scratch), from, weights, channel,
                     {messages.of(p) + c * messages_.size(p), row, edges.centres() * messages_.size(p)});
      });
    }
  }

  /// Adds to gradients of the neighbours' features and leaves those of the geometry.
  template <class WeightsOf>
  void differentiate(const EdgeBlock<Real>& edges, const FeatureRows<Real>& rows, const WeightsOf& weights_of,
                     const BlockFeatures<Real>& d_messages, EdgeScratch<Real>& scratch) const {
    clear_geometry_gradient(highest_order_, scratch.geometry);
    for (int p = 0; p < static_cast<int>(paths_.size()); ++p) {
      const PassPath& path = paths_[p];
      const Neighbours<Real> from = neighbours(path.input, rows, scratch);
      const Weights weights = weights_of(p);
      const int row = messages_.channels(p);
      for_each_strip(row, path.kernel.gradient, [&](int kind, int channel) {
        for (int c = 0; c < edges.centres(); ++c)
          path.kernel.gradient[kind](edges_of(edges, c, path, scratch), from, weights, channel,
                                     d_messages.of(p) + c * messages_.size(p), row, scratch.geometry.d_distance.data(),
                                     scratch.geometry.d_harmonics(path.edge_order));
      });
    }
  }

  /// The way back in dual numbers, after prepare_products<1>(). Adds to gradients of the neighbours' features, which
  /// change; d_weights [2][edges][padded channels of all paths] gets those by the weights of the edges, and their
  /// changes.
  template <class WeightsOf>
  void differentiate_in_duals(const EdgeBlock<Real>& edges, const FeatureRows<Real>& rows, const WeightsOf& weights_of,
                              const BlockFeatures<Real>& d_messages, const EdgeScratch<Real>& scratch,
                              simd::AlignedVector<Real>& d_weights) const {
    const std::ptrdiff_t plane = edges.edges() * weight_row_;
    if (d_weights.size() < 2 * static_cast<std::size_t>(plane)) d_weights.resize(2 * static_cast<std::size_t>(plane));
    WeightGradient<Real> d_weight{d_weights.data(), plane, weight_row_};
    for (int p = 0; p < static_cast<int>(paths_.size()); ++p) {
      const PassPath& path = paths_[p];
      const Neighbours<Real> from = neighbours(path.input, rows, scratch);
      const Weights weights = weights_of(p);
      const int row = messages_.channels(p);
      for_each_strip(row, path.kernel.gradient_in_duals, [&](int kind, int channel) {
        for (int c = 0; c < edges.centres(); ++c)
          path.kernel.gradient_in_duals[kind](
              edges_of<1>(edges, c, path, scratch), from, weights, channel,
              {d_messages.of(p) + c * messages_.size(p), row, edges.centres() * messages_.size(p)}, d_weight);
      });
      d_weight.numbers += row;
    }
  }

  /// dE/dd of all edges, [edges][4], from the gradients of the geometry.
  void finish(const EdgeScratch<Real>& scratch, Real* edge_gradient) const {
    edge_gradients(highest_order_, scratch.geometry, edge_gradient);
  }

 private:
  using Kernel = PathKernel<Real, Weights>;

  /// A path, ready to run.
  struct PassPath {
    Kernel kernel;
    int input;  // irreps of the neighbours
    int edge_order;
    int places;  // before those of its coupling
  };
  struct PassCoupling {
    std::tuple<int, int, int> orders;
    Kernel kernel;
    int places;
  };

  void add(const Path& path, bool in_duals) {
    const int l1 = input_.irreps()[path.input].order;
    highest_order_ = std::max(highest_order_, path.edge_order);
    const std::tuple orders(l1, path.edge_order, path.order);
    auto coupling =
        std::find_if(couplings_.begin(), couplings_.end(), [&](const auto& c) { return c.orders == orders; });
    if (coupling == couplings_.end()) {
      Kernel kernel = find_path_kernel<Real, Weights>(l1, path.edge_order, path.order);
      if (in_duals) {
        if (std::max({l1, path.edge_order, path.order}) > max_trained_order)
          throw Error(
              fmt::format("potentials with orders up to {} can be trained; this one has more", max_trained_order));
        add_dual_kernels<Real, Weights>(l1, path.edge_order, path.order, kernel);
      }
      coupling = couplings_.insert(couplings_.end(), {orders, kernel, places_});
      places_ += kernel.places;
    }
    paths_.push_back({coupling->kernel, path.input, path.edge_order, coupling->places});
  }

  /// Calls function(strip kind, first channel) for all channels of a path, in strips as wide as the kernels go.
  template <class Kernels, int kinds, class Function>
  static void for_each_strip(int channels, const Kernels (&functions)[kinds], const Function& function) {
    int channel = 0;
    for (int kind = kinds - 1; kind >= 0; --kind) {
      const int strip = Register<Real>::lanes << kind;
      if (functions[kind] == nullptr) continue;
      for (; channel + strip <= channels; channel += strip) function(kind, channel);
    }
  }

  Neighbours<Real> neighbours(int input, const FeatureRows<Real>& rows, const EdgeScratch<Real>& scratch) const {
    const std::ptrdiff_t offset = input_.offset(input);
    return {rows.features + offset, rows.gradients == nullptr ? nullptr : rows.gradients + offset,
            scratch.offset.data(), input_.channels(input), rows.change ? input_.size() : 0};
  }

  template <int K = 0>
  CentreEdges<Real, K> edges_of(const EdgeBlock<Real>& edges, int centre, const PassPath& path,
                                const EdgeScratch<Real>& scratch) const {
    const std::ptrdiff_t stride = scratch.geometry.stride;
    const CentreEdges<Real> values{edges.first[centre], edges.first[centre + 1],
                                   scratch.couplings.data() + path.places * stride, stride};
    if constexpr (K == 0)
      return values;
    else
      return {values,
              places_ * stride,
              scratch.geometry.radial_distance(1),
              {edges.x.data(), edges.y.data(), edges.z.data()}};
  }

  Layout input_, messages_;
  std::vector<PassPath> paths_;
  std::vector<PassCoupling> couplings_;
  std::ptrdiff_t weight_row_ = 0;  // channels of all paths, padded
  int places_ = 0;
  int highest_order_ = 0;
};

}  // namespace grapevine::equivariant::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
