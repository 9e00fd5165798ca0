// Messages of a block: the products of all paths, summed over the edges of each centre, and the way back.
#if defined(GRAPEVINE_EQUIVARIANT_MESSAGES_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef GRAPEVINE_EQUIVARIANT_MESSAGES_INL
#undef GRAPEVINE_EQUIVARIANT_MESSAGES_INL
#else
#define GRAPEVINE_EQUIVARIANT_MESSAGES_INL
#endif

#include <algorithm>
#include <cstddef>
#include <tuple>
#include <vector>

#include "engine/graph.hpp"
#include "models/equivariant/features-inl.hpp"
#include "models/equivariant/path.hpp"
#include "models/equivariant/path_kernels-inl.hpp"
#include "simd/aligned_vector.hpp"

HWY_BEFORE_NAMESPACE();
namespace grapevine::equivariant::HWY_NAMESPACE {

/// The edges of a block as the kernels of a pass want them.
template <class Real>
struct EdgeScratch {
  EdgeGeometry<Real> geometry;
  simd::AlignedVector<Real> couplings;  // [places of all couplings][edge stride]
  std::vector<std::ptrdiff_t> offset;   // [edges] of the neighbour's row
};

/// Features of all atoms that may be neighbours, and their gradients, as rows; no gradients are wanted if null.
template <class Real>
struct FeatureRows {
  const Real* features;
  Real* gradients;
};

/// The paths of one pass. `Weights` are those of products-inl.hpp; functions take weights_of(path).
template <class Real, class Weights>
class MessageKernel {
 public:
  MessageKernel(const IrrepsList& input, const std::vector<Path>& paths)
      : input_(input), messages_(equivariant::messages(input, paths)) {
    for (const Path& path : paths) add(path);
  }

  const Layout& input() const { return input_; }
  const Layout& messages() const { return messages_; }

  /// Geometry and harmonics of the block's edges.
  void prepare_geometry(const EdgeBlock<Real>& edges, EdgeScratch<Real>& scratch) const {
    compute_geometry(edges, highest_order_, scratch.geometry);
  }

  /// What all paths share; row_of(edge) is the row of features of an edge's neighbour. After prepare_geometry().
  template <class RowOf>
  void prepare_products(const RowOf& row_of, EdgeScratch<Real>& scratch) const {
    const EdgeGeometry<Real>& geometry = scratch.geometry;
    const auto size = static_cast<std::size_t>(places_ * geometry.stride);
    if (scratch.couplings.size() < size) scratch.couplings.resize(size);
    for (const PassCoupling& coupling : couplings_)
      coupling.kernel.couple(geometry, scratch.couplings.data() + coupling.places * geometry.stride);
    if (scratch.offset.size() < static_cast<std::size_t>(geometry.edges)) scratch.offset.resize(geometry.edges);
    for (int e = 0; e < geometry.edges; ++e) scratch.offset[e] = row_of(e) * input_.size();
  }

  // All centres of a block take a strip of channels before the next is begun: its part of the splines stays in cache.
  template <class WeightsOf>
  void sum(const EdgeBlock<Real>& edges, const FeatureRows<Real>& rows, const WeightsOf& weights_of,
           const EdgeScratch<Real>& scratch, const BlockFeatures<Real>& messages) const {
    for (int p = 0; p < static_cast<int>(paths_.size()); ++p) {
      const PassPath& path = paths_[p];
      const Neighbours<Real> from = neighbours(path.input, rows, scratch);
      const Weights weights = weights_of(p);
      const int row = messages_.channels(p);
      for_each_strip(row, path.kernel.sum, [&](int kind, int channel) {
        for (int c = 0; c < edges.centres(); ++c)
          path.kernel.sum[kind](edges_of(edges, c, path, scratch), from, weights, channel,
                                messages.of(p) + c * messages_.size(p), row);
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

  void add(const Path& path) {
    const int l1 = input_.irreps()[path.input].order;
    highest_order_ = std::max(highest_order_, path.edge_order);
    const std::tuple orders(l1, path.edge_order, path.order);
    auto coupling =
        std::find_if(couplings_.begin(), couplings_.end(), [&](const auto& c) { return c.orders == orders; });
    if (coupling == couplings_.end()) {
      const Kernel kernel = find_path_kernel<Real, Weights>(l1, path.edge_order, path.order);
      coupling = couplings_.insert(couplings_.end(), {orders, kernel, places_});
      places_ += kernel.places;
    }
    paths_.push_back({coupling->kernel, path.input, path.edge_order, coupling->places});
  }

  /// Calls function(strip kind, first channel) for all channels of a path, in strips as wide as the kernels go.
  template <class Functions, class Function>
  static void for_each_strip(int channels, const Functions& functions, const Function& function) {
    int channel = 0;
    for (int kind = strip_kinds - 1; kind >= 0; --kind) {
      const int strip = Register<Real>::lanes << kind;
      if (functions[kind] == nullptr) continue;
      for (; channel + strip <= channels; channel += strip) function(kind, channel);
    }
  }

  Neighbours<Real> neighbours(int input, const FeatureRows<Real>& rows, const EdgeScratch<Real>& scratch) const {
    const std::ptrdiff_t offset = input_.offset(input);
    return {rows.features + offset, rows.gradients == nullptr ? nullptr : rows.gradients + offset,
            scratch.offset.data(), input_.channels(input)};
  }

  static CentreEdges<Real> edges_of(const EdgeBlock<Real>& edges, int centre, const PassPath& path,
                                    const EdgeScratch<Real>& scratch) {
    const std::ptrdiff_t stride = scratch.geometry.stride;
    return {edges.first[centre], edges.first[centre + 1], scratch.couplings.data() + path.places * stride, stride};
  }

  Layout input_, messages_;
  std::vector<PassPath> paths_;
  std::vector<PassCoupling> couplings_;
  int places_ = 0;
  int highest_order_ = 0;
};

}  // namespace grapevine::equivariant::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
