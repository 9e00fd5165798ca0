#include "engine/evaluator.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "engine/edge_cache.hpp"
#include "engine/edge_forces.hpp"
#include "threads/shares.hpp"
#include "threads/thread_count.hpp"

namespace grapevine {

namespace {

// With less each, threads wait for each other longer than they help. Work is measured by the features of all layers, to
// which a pass without any adds about as much as eight.
constexpr double numbers_of_atom = 8;
constexpr double least_numbers_per_thread = 128;
constexpr double least_sums_per_thread = 8192;

template <class Array>
double bytes_of(const std::vector<Array>& arrays, std::size_t number) {
  double sum = 0;
  for (const auto& array : arrays) sum += static_cast<double>(array.capacity() * number);
  return sum;
}

}  // namespace

AtomError::AtomError(int first_atom, int second_atom, double distance_between)
    : Error(fmt::format("atoms {} and {} are {} Angstrom apart", first_atom + 1, second_atom + 1, distance_between)),
      first(first_atom),
      second(second_atom),
      distance(distance_between) {}

// What one share of the blocks needs for itself. Share 0 adds to the evaluator's and the host's own arrays; the others
// to arrays of their own, which are summed in order.
template <class Real>
struct Evaluator<Real>::Share {
  explicit Share(const Model<Real>& model)
      : workspace(model.make_workspace()), block_energies(static_cast<std::size_t>(model.block_size())) {
    const auto passes = static_cast<std::size_t>(model.layers()) + 1;
    gradients.resize(passes);
    own_gradients.resize(passes);
  }

  std::unique_ptr<Workspace> workspace;
  EdgeBlock<Real> uncached_edges;
  std::vector<Real> edge_gradient;
  EdgeCache<Real> inner_edges;
  EdgeCache<Real> boundary_edges;
  std::vector<double> block_energies;
  std::vector<RowArray<Real>> own_gradients;
  std::vector<double> own_forces;
  std::vector<double> own_atom_virials;
  std::vector<Real*> gradients;
  double energy_unit = 1;
  double* energies = nullptr;
  double* forces = nullptr;
  double* atom_virials = nullptr;
  bool wants_virial = false;
  double energy = 0;
  std::array<double, 9> virial{};
  std::vector<int> non_finite;

  void fit_edge_gradient(int edges);
  void add_energies(const EdgeBlock<Real>& edges);
  void add_atom_virials(const EdgeBlock<Real>& edges);
};

template <class Real>
Evaluator<Real>::Evaluator(std::shared_ptr<const Model<Real>> model, int threads)
    : model_(std::move(model)), threads_(thread_count(std::max(1, threads))) {
  const auto passes = static_cast<std::size_t>(model_->layers()) + 1;
  features_.resize(passes);
  gradients_.resize(passes);
  state_.resize(passes);
  feature_pointers_.resize(passes);
  state_pointers_.resize(passes);
  tally_.centres.resize(passes);
}

template <class Real>
Evaluator<Real>::~Evaluator() = default;

// Every exchange flies while the centres that do not wait for it are computed.
template <class Real>
void Evaluator<Real>::evaluate(const Graph& graph, Exchange<Real>& exchange, Output& output) {
  const int layers = model_->layers();
  prepare(graph, output);

  for (int t = 0; t <= layers; ++t) {
    const auto pass = [&](const BlockList& blocks) { t < layers ? forward(t, graph, blocks) : readout(graph, blocks); };
    if (t > 0) exchange.gather_begin(features(t));
    pass(inner_);
    if (t > 0) exchange.gather_end();
    pass(boundary_);
  }
  for (int t = layers - 1; t >= 0; --t) {
    sum_gradients_of_shares(t + 1);
    exchange.scatter_add_begin(gradients(t + 1));
    backward(t, graph, inner_);
    exchange.scatter_add_end();
    backward(t, graph, boundary_);
  }

  collect(output);
}

template <class Real>
void Evaluator<Real>::forward(int t, const Graph& graph, const BlockList& blocks) {
  for_each_block(graph, blocks, {}, [&](const Block<Real>& block, Workspace& w) { model_->forward(t, block, w); });
  tally_.centres[t] += blocks.centre_count();
}

template <class Real>
void Evaluator<Real>::readout(const Graph& graph, const BlockList& blocks) {
  const int t = model_->layers();
  for_each_block(graph, blocks, {.energies = true, .edge_gradient = model_->gives_edge_gradient(t)},
                 [&](const Block<Real>& block, Workspace& w) { model_->readout(block, w); });
  tally_.centres[t] += blocks.centre_count();
}

template <class Real>
void Evaluator<Real>::backward(int t, const Graph& graph, const BlockList& blocks) {
  for_each_block(graph, blocks, {.edge_gradient = model_->gives_edge_gradient(t)},
                 [&](const Block<Real>& block, Workspace& w) { model_->backward(t, block, w); });
}

template <class Real>
Field<Real> Evaluator<Real>::features(int t) {
  return {features_[t].data(), model_->width(t), model_->stride(t)};
}

template <class Real>
Field<Real> Evaluator<Real>::gradients(int t) {
  return {gradients_[t].data(), model_->width(t), model_->stride(t)};
}

template <class Real>
void Evaluator<Real>::prepare(const Graph& graph, const Output& output) {
  const auto own = static_cast<std::size_t>(graph.own());
  atoms_ = own + static_cast<std::size_t>(graph.ghosts());
  sort_centres(graph, model_->block_size(), inner_, boundary_);
  choose_shares();
  for (int t = 0; t <= model_->layers(); ++t) {
    const std::size_t stride = t == 0 ? 0 : static_cast<std::size_t>(model_->stride(t));
    features_[t].resize(atoms_ * stride);
    gradients_[t].resize(atoms_ * stride);
    clear_gradients(t, graph);
    state_[t].resize(own * static_cast<std::size_t>(model_->state_width(t)));
    feature_pointers_[t] = features_[t].data();
    state_pointers_[t] = state_[t].data();
  }
  for (std::size_t i = 0; i < active_; ++i) prepare_share(i, output);
}

template <class Real>
void Evaluator<Real>::choose_shares() {
  const int threads = std::min(threads_, inner_.blocks() + boundary_.blocks());
  double numbers = numbers_of_atom;
  for (int t = 1; t <= model_->layers(); ++t) numbers += model_->stride(t);
  numbers *= static_cast<double>(inner_.centre_count() + boundary_.centre_count());
  active_ = static_cast<std::size_t>(threads_for(numbers, least_numbers_per_thread, threads));
  while (shares_.size() < active_) shares_.push_back(std::make_unique<Share>(*model_));
}

// Rows that nobody names are left alone: with wide features, clearing all ghosts takes longer than sending some.
template <class Real>
void Evaluator<Real>::clear_gradients(int t, const Graph& graph) {
  const auto stride = static_cast<std::size_t>(t == 0 ? 0 : model_->stride(t));
  const auto rows = graph.ghost_rows();
  Real* gradients = gradients_[t].data();
  // Shares add whole arrays to this one.
  if (!rows || active_ > 1) {
    std::fill_n(gradients, gradients_[t].size(), Real(0));
    return;
  }
  std::fill_n(gradients, static_cast<std::size_t>(graph.own()) * stride, Real(0));
  for (const int row : *rows) std::fill_n(gradients + static_cast<std::size_t>(row) * stride, stride, Real(0));
}

template <class Real>
void Evaluator<Real>::prepare_share(std::size_t index, const Output& output) {
  Share& share = *shares_[index];
  const bool first = index == 0;
  const bool by_atom = output.wants_virial && output.atom_virials != nullptr;
  share.energy_unit = output.energy_unit;
  share.energies = output.energies;
  share.wants_virial = output.wants_virial;
  share.energy = 0;
  share.non_finite.clear();
  share.virial.fill(0.0);
  share.inner_edges.start(inner_.blocks());
  share.boundary_edges.start(boundary_.blocks());
  if (!first) {
    share.own_forces.assign(3 * atoms_, 0.0);
    share.own_atom_virials.assign(by_atom ? 9 * atoms_ : 0, 0.0);
    for (std::size_t t = 0; t < gradients_.size(); ++t) {
      share.own_gradients[t].resize(gradients_[t].size());
      std::fill_n(share.own_gradients[t].data(), gradients_[t].size(), Real(0));
    }
  }
  share.forces = first ? output.forces : share.own_forces.data();
  share.atom_virials = !by_atom ? nullptr : first ? output.atom_virials : share.own_atom_virials.data();
  for (std::size_t t = 0; t < gradients_.size(); ++t)
    share.gradients[t] = first ? gradients_[t].data() : share.own_gradients[t].data();
}

template <class Real>
void Evaluator<Real>::for_each_block(const Graph& graph, const BlockList& blocks, Results results,
                                     const BlockFunction& function) {
  run_blocks(blocks, static_cast<int>(active_), [&](int part, int b) {
    one_block(graph, blocks, b, results, function, *shares_[static_cast<std::size_t>(part)]);
  });
}

template <class Real>
void Evaluator<Real>::one_block(const Graph& graph, const BlockList& blocks, int b, Results results,
                                const BlockFunction& function, Share& share) {
  const EdgeBlock<Real>& edges = edges_of(graph, blocks, b, share);
  if (results.edge_gradient) share.fit_edge_gradient(edges.edges());
  const Block<Real> block{edges,
                          graph.species(),
                          feature_pointers_,
                          share.gradients,
                          state_pointers_,
                          share.block_energies.data(),
                          share.edge_gradient.data()};
  function(block, *share.workspace);
  if (results.energies) share.add_energies(edges);
  if (results.edge_gradient) {
    add_edge_forces(edges, share.edge_gradient.data(), share.energy_unit, share.forces);
    if (share.wants_virial) add_edge_virial(edges, share.edge_gradient.data(), share.energy_unit, share.virial.data());
    if (share.atom_virials != nullptr) share.add_atom_virials(edges);
  }
}

template <class Real>
const EdgeBlock<Real>& Evaluator<Real>::edges_of(const Graph& graph, const BlockList& blocks, int b, Share& share) {
  EdgeCache<Real>& cache = &blocks == &inner_ ? share.inner_edges : share.boundary_edges;
  return cache.edges(graph, blocks, b, share.uncached_edges);
}

// With four zeros behind the last edge, as add_edge_virial wants it.
template <class Real>
void Evaluator<Real>::Share::fit_edge_gradient(int edges) {
  const std::size_t size = 4 * static_cast<std::size_t>(edges);
  if (edge_gradient.size() < size + 16) edge_gradient.resize(size + size / 8 + 16);
  std::fill_n(edge_gradient.begin() + static_cast<std::ptrdiff_t>(size), 16, Real(0));
}

template <class Real>
void Evaluator<Real>::Share::add_energies(const EdgeBlock<Real>& edges) {
  for (int c = 0; c < edges.centres(); ++c) {
    const double e = energy_unit * block_energies[c];
    energy += e;
    if (!std::isfinite(e)) non_finite.push_back(edges.centre[c]);
    if (energies != nullptr) energies[edges.centre[c]] += e;
  }
}

template <class Real>
void Evaluator<Real>::Share::add_atom_virials(const EdgeBlock<Real>& edges) {
  for (int c = 0; c < edges.centres(); ++c) {
    double* of_centre = atom_virials + 9 * static_cast<std::ptrdiff_t>(edges.centre[c]);
    for (int e = edges.first[c]; e < edges.first[c + 1]; ++e) {
      double* of_neighbour = atom_virials + 9 * static_cast<std::ptrdiff_t>(edges.neighbour[e]);
      const Real d[3] = {edges.x[e], edges.y[e], edges.z[e]};
      const Real* gradient = &edge_gradient[4 * static_cast<std::size_t>(e)];
      for (int n = 0; n < 9; ++n) {
        const double half = -0.5 * energy_unit * static_cast<double>(d[n / 3]) * static_cast<double>(gradient[n % 3]);
        of_centre[n] += half;
        of_neighbour[n] += half;
      }
    }
  }
}

template <class Real>
void Evaluator<Real>::sum_gradients_of_shares(int t) {
  if (active_ == 1) return;
  Real* sum = gradients_[t].data();
  const std::size_t count = gradients_[t].size();
  run_ranges(summing_threads(count), count, [&](std::size_t begin, std::size_t end) {
    for (std::size_t i = 1; i < active_; ++i) {
      const Real* own = shares_[i]->own_gradients[t].data();
      for (std::size_t n = begin; n < end; ++n) sum[n] += own[n];
    }
  });
  for (std::size_t i = 1; i < active_; ++i) shares_[i]->gradients[t] = sum;  // from here on complete, and only read
}

template <class Real>
int Evaluator<Real>::summing_threads(std::size_t numbers) const {
  return threads_for(static_cast<double>(numbers * active_), least_sums_per_thread, static_cast<int>(active_));
}

template <class Real>
void Evaluator<Real>::collect(Output& output) {
  if (active_ > 1)
    run_ranges(summing_threads(3 * atoms_), 3 * atoms_, [&](std::size_t begin, std::size_t end) {
      for (std::size_t i = 1; i < active_; ++i) {
        const double* own = shares_[i]->own_forces.data();
        for (std::size_t n = begin; n < end; ++n) output.forces[n] += own[n];
      }
    });
  output.virial.fill(0.0);
  output.energy = 0;
  output.non_finite.clear();
  for (std::size_t i = 0; i < active_; ++i) {
    const Share& share = *shares_[i];
    output.energy += share.energy;
    output.non_finite.insert(output.non_finite.end(), share.non_finite.begin(), share.non_finite.end());
    for (std::size_t n = 0; n < 9; ++n) output.virial[n] += share.virial[n];
    if (i > 0)
      for (std::size_t n = 0; n < share.own_atom_virials.size(); ++n)
        output.atom_virials[n] += share.own_atom_virials[n];
  }
  ++tally_.evaluations;
}

template <class Real>
double Evaluator<Real>::bytes() const {
  double sum = inner_.bytes() + boundary_.bytes();
  for (const auto* arrays : {&features_, &gradients_, &state_}) sum += bytes_of(*arrays, sizeof(Real));
  for (const auto& share : shares_)
    sum += bytes_of(share->own_gradients, sizeof(Real)) + share->inner_edges.bytes() + share->boundary_edges.bytes() +
           8.0 * static_cast<double>(share->own_forces.capacity() + share->own_atom_virials.capacity());
  return sum;
}

template class Evaluator<double>;
template class Evaluator<float>;

}  // namespace grapevine
