#include "engine/evaluator.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <exception>

#ifdef _OPENMP
#include <omp.h>
#endif

namespace grapevine {

namespace {

// Closer than this no potential of this kind was ever trained, and the direction of an edge loses its digits.
constexpr double smallest_distance = 0.01;

int this_thread() {
#ifdef _OPENMP
  return omp_get_thread_num();
#else
  return 0;
#endif
}

void check_distances(const EdgeBlock& edges) {
  for (int c = 0; c < edges.centres(); ++c)
    for (int e = edges.first[c]; e < edges.first[c + 1]; ++e) {
      const double* d = &edges.vector[3 * static_cast<std::size_t>(e)];
      const double square = d[0] * d[0] + d[1] * d[1] + d[2] * d[2];
      if (!(square >= smallest_distance * smallest_distance))
        throw AtomError(edges.centre[c], edges.neighbour[e], std::sqrt(square));
    }
}

template <class T>
double bytes_of(const std::vector<std::vector<T>>& arrays) {
  double sum = 0;
  for (const auto& array : arrays) sum += static_cast<double>(array.capacity() * sizeof(T));
  return sum;
}

}  // namespace

AtomError::AtomError(int first_atom, int second_atom, double distance_between)
    : Error(fmt::format("atoms {} and {} are {} Angstrom apart", first_atom, second_atom, distance_between)),
      first(first_atom),
      second(second_atom),
      distance(distance_between) {}

// What one thread needs for itself. Thread 0 adds to the evaluator's and the host's own arrays; the others to arrays
// of their own, which are summed in order of thread.
template <class Real>
struct Evaluator<Real>::Thread {
  std::unique_ptr<Workspace> workspace;
  EdgeBlock edges;
  std::vector<Real> edge_gradient;
  std::vector<std::vector<Real>> own_gradients;
  std::vector<double> own_forces;
  std::vector<double> own_atom_virials;
  std::vector<Real*> gradients;
  double energy_unit = 1;
  double* forces = nullptr;
  double* atom_virials = nullptr;
  std::array<double, 9> virial{};
  std::exception_ptr problem;

  void add_edges();
};

template <class Real>
Evaluator<Real>::Evaluator(std::shared_ptr<const Model<Real>> model, int threads) : model_(std::move(model)) {
  const auto passes = static_cast<std::size_t>(model_->layers()) + 1;
  features_.resize(passes);
  gradients_.resize(passes);
  state_.resize(passes);
  feature_pointers_.resize(passes);
  state_pointers_.resize(passes);
  tally_.centres.resize(passes);
  for (int i = 0; i < std::max(1, threads); ++i) {
    threads_.push_back(std::make_unique<Thread>());
    threads_.back()->workspace = model_->make_workspace();
    threads_.back()->gradients.resize(passes);
    threads_.back()->own_gradients.resize(passes);
  }
}

template <class Real>
Evaluator<Real>::~Evaluator() = default;

template <class Real>
void Evaluator<Real>::evaluate(const Graph& graph, Exchange<Real>& exchange, Output& output) {
  const int layers = model_->layers();
  prepare(graph, output);

  for (int t = 0; t < layers; ++t) {
    forward(t, graph);
    exchange.gather({features_[t + 1].data(), model_->width(t + 1), model_->width(t + 1)});
  }
  readout(graph);
  for (int t = layers - 1; t >= 0; --t) {
    exchange.scatter_add({gradients_[t + 1].data(), model_->width(t + 1), model_->width(t + 1)});
    backward(t, graph);
  }

  collect(output);
}

template <class Real>
void Evaluator<Real>::forward(int t, const Graph& graph) {
  for_each_block(graph, false, [&](const Block<Real>& block, Workspace& w) { model_->forward(t, block, w); });
  tally_.centres[t] += graph.centres();
}

template <class Real>
void Evaluator<Real>::readout(const Graph& graph) {
  const int t = model_->layers();
  for_each_block(graph, model_->gives_edge_gradient(t),
                 [&](const Block<Real>& block, Workspace& w) { model_->readout(block, w); });
  sum_gradients_of_threads(t);
  tally_.centres[t] += graph.centres();
}

template <class Real>
void Evaluator<Real>::backward(int t, const Graph& graph) {
  for_each_block(graph, model_->gives_edge_gradient(t),
                 [&](const Block<Real>& block, Workspace& w) { model_->backward(t, block, w); });
  sum_gradients_of_threads(t);
}

template <class Real>
void Evaluator<Real>::prepare(const Graph& graph, const Output& output) {
  const auto own = static_cast<std::size_t>(graph.own());
  atoms_ = own + static_cast<std::size_t>(graph.ghosts());
  for (int t = 0; t <= model_->layers(); ++t) {
    const std::size_t width = t == 0 ? 0 : static_cast<std::size_t>(model_->width(t));
    features_[t].resize(atoms_ * width);
    gradients_[t].assign(atoms_ * width, Real(0));
    state_[t].resize(own * static_cast<std::size_t>(model_->state_width(t)));
    feature_pointers_[t] = features_[t].data();
    state_pointers_[t] = state_[t].data();
  }
  energies_.assign(own, 0.0);

  for (std::size_t i = 0; i < threads_.size(); ++i) {
    Thread& thread = *threads_[i];
    thread.virial.fill(0.0);
    thread.energy_unit = output.energy_unit;
    thread.problem = nullptr;
    if (i > 0) {
      thread.own_forces.assign(3 * atoms_, 0.0);
      thread.own_atom_virials.assign(output.atom_virials != nullptr ? 9 * atoms_ : 0, 0.0);
      for (std::size_t t = 0; t < gradients_.size(); ++t) thread.own_gradients[t].assign(gradients_[t].size(), Real(0));
    }
    thread.forces = i == 0 ? output.forces : thread.own_forces.data();
    thread.atom_virials = output.atom_virials == nullptr ? nullptr
                          : i == 0                       ? output.atom_virials
                                                         : thread.own_atom_virials.data();
    for (std::size_t t = 0; t < gradients_.size(); ++t)
      thread.gradients[t] = i == 0 ? gradients_[t].data() : thread.own_gradients[t].data();
  }
}

template <class Real>
void Evaluator<Real>::for_each_block(const Graph& graph, bool with_edge_gradient, const BlockFunction& function) {
  const int size = model_->block_size();
  const int blocks = (graph.centres() + size - 1) / size;
#pragma omp parallel for schedule(static) num_threads(static_cast <int>(threads_.size())) if (threads_.size() > 1)
  for (int b = 0; b < blocks; ++b) {
    Thread& thread = *threads_[static_cast<std::size_t>(this_thread())];
    if (thread.problem) continue;
    try {
      one_block(graph, {b * size, std::min((b + 1) * size, graph.centres())}, with_edge_gradient, function, thread);
    } catch (...) {
      thread.problem = std::current_exception();
    }
  }
  for (const auto& thread : threads_)
    if (thread->problem) std::rethrow_exception(thread->problem);
}

template <class Real>
void Evaluator<Real>::one_block(const Graph& graph, CentreRange range, bool with_edge_gradient,
                                const BlockFunction& function, Thread& thread) {
  graph.edges(range, thread.edges);
  check_distances(thread.edges);
  if (with_edge_gradient) thread.edge_gradient.resize(3 * static_cast<std::size_t>(thread.edges.edges()));
  const Block<Real> block{thread.edges,    graph.species(),  feature_pointers_,          thread.gradients,
                          state_pointers_, energies_.data(), thread.edge_gradient.data()};
  function(block, *thread.workspace);
  if (with_edge_gradient) thread.add_edges();
}

// Force on i is minus the gradient of d = r_i - r_j; j gets the opposite, ghost or not.
template <class Real>
void Evaluator<Real>::Thread::add_edges() {
  for (int c = 0; c < edges.centres(); ++c) {
    const std::size_t i = static_cast<std::size_t>(edges.centre[c]);
    for (int e = edges.first[c]; e < edges.first[c + 1]; ++e) {
      const std::size_t j = static_cast<std::size_t>(edges.neighbour[e]);
      const double* d = &edges.vector[3 * static_cast<std::size_t>(e)];
      double gradient[3];
      for (int x = 0; x < 3; ++x) {
        gradient[x] = energy_unit * static_cast<double>(edge_gradient[3 * static_cast<std::size_t>(e) + x]);
        forces[3 * i + x] -= gradient[x];
        forces[3 * j + x] += gradient[x];
      }
      for (int x = 0; x < 3; ++x)
        for (int y = 0; y < 3; ++y) {
          const double w = -d[x] * gradient[y];
          virial[3 * x + y] += w;
          if (atom_virials != nullptr) {
            atom_virials[9 * i + 3 * x + y] += 0.5 * w;
            atom_virials[9 * j + 3 * x + y] += 0.5 * w;
          }
        }
    }
  }
}

template <class Real>
void Evaluator<Real>::sum_gradients_of_threads(int t) {
  for (std::size_t i = 1; i < threads_.size(); ++i) {
    for (std::size_t n = 0; n < gradients_[t].size(); ++n) gradients_[t][n] += threads_[i]->own_gradients[t][n];
    threads_[i]->gradients[t] = gradients_[t].data();  // from here on complete, and only read
  }
}

template <class Real>
void Evaluator<Real>::collect(Output& output) {
  for (std::size_t i = 1; i < threads_.size(); ++i) {
    const Thread& thread = *threads_[i];
    for (std::size_t n = 0; n < thread.own_forces.size(); ++n) output.forces[n] += thread.own_forces[n];
    for (std::size_t n = 0; n < thread.own_atom_virials.size(); ++n)
      output.atom_virials[n] += thread.own_atom_virials[n];
  }
  output.virial.fill(0.0);
  for (const auto& thread : threads_)
    for (std::size_t n = 0; n < 9; ++n) output.virial[n] += thread->virial[n];
  output.energy = 0;
  for (double& energy : energies_) output.energy += energy *= output.energy_unit;
  if (output.energies != nullptr)
    for (std::size_t n = 0; n < energies_.size(); ++n) output.energies[n] += energies_[n];
  ++tally_.evaluations;
}

template <class Real>
double Evaluator<Real>::bytes() const {
  double sum =
      bytes_of(features_) + bytes_of(gradients_) + bytes_of(state_) + 8.0 * static_cast<double>(energies_.size());
  for (const auto& thread : threads_)
    sum += bytes_of(thread->own_gradients) +
           8.0 * static_cast<double>(thread->own_forces.capacity() + thread->own_atom_virials.capacity());
  return sum;
}

template class Evaluator<double>;
template class Evaluator<float>;

}  // namespace grapevine
