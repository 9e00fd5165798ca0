#pragma once

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "engine/evaluator.hpp"
#include "exchange/local/local_exchange.hpp"
#include "samples.hpp"

namespace grapevine::kernel_bench {

/// Numbers of all atoms, one array for each pass, and pointers to them as blocks want them.
template <class Real>
struct Arrays {
  std::vector<std::vector<Real>> of_pass;
  std::vector<Real*> pointers;

  void add(int rows, int stride, Real value) {
    of_pass.emplace_back(static_cast<std::size_t>(rows) * static_cast<std::size_t>(stride), value);
    pointers.push_back(of_pass.back().data());
  }
};

/// What an evaluator holds for one thread, and the edges of all blocks. Of a model with one exchange.
template <class Real>
class Passes {
 public:
  Passes(std::shared_ptr<const System> system, std::shared_ptr<const Model<Real>> model)
      : system_(std::move(system)),
        model_(std::move(model)),
        workspace_(model_->make_workspace()),
        energy_(static_cast<std::size_t>(model_->block_size())) {
    const ListGraph& graph = system_->graph;
    const int atoms = graph.own() + graph.ghosts();
    for (int t = 0; t <= model_->layers(); ++t) {
      features_.add(atoms, t == 0 ? 0 : model_->stride(t), Real(0.3));
      gradients_.add(atoms, t == 0 ? 0 : model_->stride(t), Real(1e-3));
      state_.add(graph.own(), model_->state_width(t), Real(0));
    }
    strip_all();
    forward();
  }

  void forward() {
    for_each_block([&](const Block<Real>& block) { model_->forward(0, block, *workspace_); });
  }
  void readout() {
    for_each_block([&](const Block<Real>& block) { model_->readout(block, *workspace_); });
  }
  void backward() {
    for_each_block([&](const Block<Real>& block) { model_->backward(0, block, *workspace_); });
  }

  double edge_count() const { return edge_count_; }

 private:
  void strip_all() {
    const BlockList blocks = system_->blocks(model_->block_size());
    for (int b = 0; b < blocks.blocks(); ++b) {
      EdgeBlock<Real>& edges = edges_.emplace_back();
      edges.species = blocks.species(b);
      system_->graph.edges(blocks.centres(b), edges);
      edge_count_ += edges.edges();
      edge_gradient_.resize(std::max(edge_gradient_.size(), 4 * static_cast<std::size_t>(edges.edges())));
    }
  }

  template <class Function>
  void for_each_block(const Function& function) {
    for (const EdgeBlock<Real>& edges : edges_)
      function(Block<Real>{edges, system_->graph.species(), features_.pointers, gradients_.pointers, state_.pointers,
                           energy_.data(), edge_gradient_.data()});
  }

  std::shared_ptr<const System> system_;
  std::shared_ptr<const Model<Real>> model_;
  std::unique_ptr<Workspace> workspace_;
  std::vector<EdgeBlock<Real>> edges_;
  double edge_count_ = 0;
  Arrays<Real> features_;
  Arrays<Real> gradients_;
  Arrays<Real> state_;
  std::vector<double> energy_;
  std::vector<Real> edge_gradient_;
};

/// A whole evaluation on one thread, without virial, as in most steps of a run.
template <class Real>
class Evaluation {
 public:
  Evaluation(std::shared_ptr<const System> system, std::shared_ptr<const Model<Real>> model)
      : system_(std::move(system)),
        evaluator_(std::move(model), 1),
        exchange_(system_->graph.own(), system_->graph.owner()),
        forces_(3 * static_cast<std::size_t>(system_->graph.own() + system_->graph.ghosts())) {
    output_.forces = forces_.data();
    output_.wants_virial = false;
  }

  void run() { evaluator_.evaluate(system_->graph, exchange_, output_); }

 private:
  std::shared_ptr<const System> system_;
  Evaluator<Real> evaluator_;
  LocalExchange<Real> exchange_;
  std::vector<double> forces_;
  Output output_;
};

}  // namespace grapevine::kernel_bench
