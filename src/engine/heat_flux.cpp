#include "engine/heat_flux.hpp"

#include <algorithm>

#include "engine/edge_cache.hpp"
#include "threads/shares.hpp"
#include "threads/thread_count.hpp"

namespace grapevine {

namespace {

constexpr double least_atoms_per_thread = 16;

}  // namespace

template <class Real>
struct HeatFluxEvaluator<Real>::Share {
  explicit Share(const Model<Real>& model)
      : workspace(model.make_workspace()), block_energies(static_cast<std::size_t>(jet_size * model.block_size())) {}

  std::unique_ptr<Workspace> workspace;
  EdgeBlock<Real> uncached_edges;
  EdgeCache<Real> inner_edges;
  EdgeCache<Real> boundary_edges;
  EdgeTangents<Real> tangents;
  std::vector<double> block_energies;

  void add_energies(const EdgeBlock<Real>& edges, const HeatFluxTerms& terms) const {
    for (int c = 0; c < edges.centres(); ++c) {
      const double* jet = &block_energies[static_cast<std::size_t>(jet_size * c)];
      const auto i = static_cast<std::size_t>(edges.centre[c]);
      terms.energies[i] += terms.weight * jet[0];
      terms.power[i] += terms.weight * jet[1];
      for (std::size_t axis = 0; axis < 3; ++axis) terms.flux[3 * i + axis] += terms.weight * jet[2 + axis];
    }
  }
};

template <class Real>
HeatFluxEvaluator<Real>::HeatFluxEvaluator(std::shared_ptr<const Model<Real>> model, int threads)
    : model_(std::move(model)), threads_(thread_count(std::max(1, threads))) {
  const auto passes = static_cast<std::size_t>(model_->layers()) + 1;
  features_.resize(passes);
  state_.resize(passes);
  feature_pointers_.resize(passes);
  state_pointers_.resize(passes);
}

template <class Real>
HeatFluxEvaluator<Real>::~HeatFluxEvaluator() = default;

template <class Real>
void HeatFluxEvaluator<Real>::evaluate(const Graph& graph, Exchange<Real>& exchange, std::span<const double> velocities,
                                       const HeatFluxTerms& terms) {
  prepare(graph, velocities);
  exchange.gather({velocities_.data(), 3, 4});
  for (int t = 0; t <= model_->layers(); ++t) {
    if (t > 0) exchange.gather_begin(features(t));
    forward(t, graph, inner_, terms);
    if (t > 0) exchange.gather_end();
    forward(t, graph, boundary_, terms);
  }
}

template <class Real>
void HeatFluxEvaluator<Real>::prepare(const Graph& graph, std::span<const double> velocities) {
  const auto own = static_cast<std::size_t>(graph.own());
  const std::size_t atoms = own + static_cast<std::size_t>(graph.ghosts());
  sort_centres(graph, model_->block_size(), inner_, boundary_);
  velocities_.resize(4 * atoms);
  for (std::size_t i = 0; i < own; ++i)
    for (std::size_t a = 0; a < 3; ++a) velocities_.data()[4 * i + a] = static_cast<Real>(velocities[3 * i + a]);
  for (int t = 0; t <= model_->layers(); ++t) {
    const std::size_t stride = t == 0 ? 0 : static_cast<std::size_t>(jet_size * model_->stride(t));
    features_[t].resize(atoms * stride);
    state_[t].resize(own * static_cast<std::size_t>(jet_size * model_->state_width(t)));
    feature_pointers_[t] = features_[t].data();
    state_pointers_[t] = state_[t].data();
  }
  const int blocks = inner_.blocks() + boundary_.blocks();
  const auto centres = static_cast<double>(inner_.centre_count() + boundary_.centre_count());
  shares_.resize(static_cast<std::size_t>(threads_for(centres, least_atoms_per_thread, std::min(threads_, blocks))));
  for (std::unique_ptr<Share>& share : shares_) {
    if (!share) share = std::make_unique<Share>(*model_);
    share->inner_edges.start(inner_.blocks());
    share->boundary_edges.start(boundary_.blocks());
  }
}

template <class Real>
Field<Real> HeatFluxEvaluator<Real>::features(int t) {
  const int stride = jet_size * model_->stride(t);
  return {features_[t].data(), stride, stride};
}

template <class Real>
void HeatFluxEvaluator<Real>::forward(int t, const Graph& graph, const BlockList& blocks, const HeatFluxTerms& terms) {
  run_blocks(blocks, static_cast<int>(shares_.size()),
             [&](int part, int b) { one_block(t, graph, blocks, b, terms, *shares_[static_cast<std::size_t>(part)]); });
}

template <class Real>
void HeatFluxEvaluator<Real>::one_block(int t, const Graph& graph, const BlockList& blocks, int b,
                                        const HeatFluxTerms& terms, Share& share) {
  EdgeCache<Real>& cache = &blocks == &inner_ ? share.inner_edges : share.boundary_edges;
  const EdgeBlock<Real>& edges = cache.edges(graph, blocks, b, share.uncached_edges);
  share.tangents.set(edges, velocities_.data());
  const TangentBlock<Real> block{
      edges, share.tangents, graph.species(), feature_pointers_, state_pointers_, share.block_energies.data()};
  model_->forward_with_tangents(t, block, *share.workspace);
  if (t == model_->layers()) share.add_energies(edges, terms);
}

template <class Real>
double HeatFluxEvaluator<Real>::bytes() const {
  double sum = inner_.bytes() + boundary_.bytes() + static_cast<double>(velocities_.capacity() * sizeof(Real));
  for (const auto* arrays : {&features_, &state_})
    for (const RowArray<Real>& array : *arrays) sum += static_cast<double>(array.capacity() * sizeof(Real));
  for (const auto& share : shares_) sum += share->inner_edges.bytes() + share->boundary_edges.bytes();
  return sum;
}

template class HeatFluxEvaluator<double>;
template class HeatFluxEvaluator<float>;

}  // namespace grapevine
