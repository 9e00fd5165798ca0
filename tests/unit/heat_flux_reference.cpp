#include "heat_flux_reference.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <memory>
#include <span>

#include "engine/evaluator.hpp"
#include "exchange/local/local_exchange.hpp"
#include "structures/cell.hpp"
#include "structures/frame_graph.hpp"

namespace grapevine::test {
namespace {

/// A model whose energy is that of one atom.
class EnergyOfOneAtom final : public Model<double> {
 public:
  EnergyOfOneAtom(std::shared_ptr<const Model<double>> model, int atom) : model_(std::move(model)), atom_(atom) {}

  double cutoff() const override { return model_->cutoff(); }
  int layers() const override { return model_->layers(); }
  int width(int t) const override { return model_->width(t); }
  int stride(int t) const override { return model_->stride(t); }
  int state_width(int t) const override { return model_->state_width(t); }
  bool gives_edge_gradient(int t) const override { return model_->gives_edge_gradient(t); }
  int block_size() const override { return 1; }
  std::unique_ptr<Workspace> make_workspace() const override { return model_->make_workspace(); }

  void forward(int t, const Block<double>& block, Workspace& workspace) const override {
    model_->forward(t, block, workspace);
  }

  /// Of other atoms no energy is left, and nothing that has to do with its gradient.
  void readout(const Block<double>& block, Workspace& workspace) const override {
    const int atom = block.edges.centre[0];
    if (atom == atom_) {
      model_->readout(block, workspace);
      return;
    }
    block.energy[0] = 0;
    std::fill_n(block.edge_gradient, 4 * block.edges.edges(), 0.0);
    std::ranges::fill(state_of(layers(), block), 0.0);
  }

  /// What goes back is linear in what comes from behind, but for readouts before the last (of MACE), which add to it.
  /// Of other atoms than ours that share, which is what goes back when nothing comes, is taken off again.
  void backward(int t, const Block<double>& block, Workspace& workspace) const override {
    const std::vector<double> before = copy(state_of(t, block));
    model_->backward(t, block, workspace);
    if (block.edges.centre[0] == atom_) return;

    const std::vector<std::span<double>> results = results_of(t, block);
    std::vector<std::vector<double>> all;
    for (const std::span<double> numbers : results) all.push_back(copy(numbers));
    const std::vector<double> state = copy(state_of(t, block));
    std::ranges::copy(before, state_of(t, block).begin());
    std::ranges::fill(gradients_of(t + 1, block.edges.centre[0], block), 0.0);
    std::ranges::fill(state_of(t + 1, block), 0.0);
    std::fill_n(block.edge_gradient, 4 * block.edges.edges(), 0.0);
    model_->backward(t, block, workspace);
    // Gradients of features are added to; all else is written.
    for (std::size_t n = 0; n < results.size(); ++n)
      for (std::size_t k = 0; k < all[n].size(); ++k) results[n][k] = (n == 0 ? 1 : 2) * all[n][k] - results[n][k];
    for (std::size_t k = 0; k < state.size(); ++k) state_of(t, block)[k] = state[k] - state_of(t, block)[k];
  }

  void forward_with_tangents(int t, const TangentBlock<double>& block, Workspace& workspace) const override {
    model_->forward_with_tangents(t, block, workspace);
  }

 private:
  static std::vector<double> copy(std::span<const double> numbers) { return {numbers.begin(), numbers.end()}; }

  std::span<double> state_of(int t, const Block<double>& block) const {
    const auto width = static_cast<std::size_t>(state_width(t));
    return {block.state[static_cast<std::size_t>(t)] + static_cast<std::size_t>(block.edges.centre[0]) * width, width};
  }
  std::span<double> gradients_of(int t, int atom, const Block<double>& block) const {
    const auto width = static_cast<std::size_t>(t == 0 ? 0 : stride(t));
    return {block.gradients[static_cast<std::size_t>(t)] + static_cast<std::size_t>(atom) * width, width};
  }

  /// Gradients of edges, then those of features of the centre and its neighbours, which in a cluster are all different.
  std::vector<std::span<double>> results_of(int t, const Block<double>& block) const {
    const auto edges = static_cast<std::size_t>(block.edges.edges());
    std::vector<std::span<double>> results{{block.edge_gradient, 4 * edges}};
    if (t == 0) return results;
    results.push_back(gradients_of(t, block.edges.centre[0], block));
    for (std::size_t e = 0; e < edges; ++e) results.push_back(gradients_of(t, block.edges.neighbour[e], block));
    return results;
  }

  std::shared_ptr<const Model<double>> model_;
  int atom_;
};

/// All images within reach of an atom, which comes first.
struct Cluster {
  Frame frame;
  std::vector<std::size_t> original;  ///< [atoms] whose image each is
};

void add_images(const Frame& frame, const SearchBox& box, std::size_t i, std::size_t j, double reach,
                Cluster& cluster) {
  const Vector3 from = box.fractional(&frame.positions[3 * i]);
  const Vector3 to = box.fractional(&frame.positions[3 * j]);
  int first[3] = {};
  int last[3] = {};
  for (std::size_t k = 0; k < 3; ++k) {
    if (!box.periodic[k]) continue;
    first[k] = static_cast<int>(std::ceil(from[k] - to[k] - reach / box.height(k)));
    last[k] = static_cast<int>(std::floor(from[k] - to[k] + reach / box.height(k)));
  }
  for (int a = first[0]; a <= last[0]; ++a)
    for (int b = first[1]; b <= last[1]; ++b)
      for (int c = first[2]; c <= last[2]; ++c) {
        Vector3 d{};
        for (std::size_t k = 0; k < 3; ++k)
          d[k] = frame.positions[3 * j + k] - frame.positions[3 * i + k] + a * box.vectors[k] + b * box.vectors[3 + k] +
                 c * box.vectors[6 + k];
        const bool itself = i == j && a == 0 && b == 0 && c == 0;
        if (itself || dot(d, d) > reach * reach) continue;
        cluster.frame.symbols.push_back(frame.symbols[j]);
        cluster.frame.positions.insert(cluster.frame.positions.end(), d.begin(), d.end());
        cluster.original.push_back(j);
      }
}

Cluster cluster_around(const Frame& frame, std::size_t i, double reach) {
  const SearchBox box = SearchBox::of(frame.cell, frame.periodic);
  Cluster cluster;
  cluster.frame.symbols = {frame.symbols[i]};
  cluster.frame.positions = {0, 0, 0};
  cluster.original = {i};
  for (std::size_t j = 0; j < frame.symbols.size(); ++j) add_images(frame, box, i, j, reach, cluster);
  return cluster;
}

}  // namespace

HeatFluxReference heat_flux_by_unfolding(const Potential& potential, const Frame& frame,
                                         const std::vector<double>& velocities) {
  const std::size_t atoms = frame.symbols.size();
  HeatFluxReference result{{}, std::vector<double>(atoms, 0.0), std::vector<double>(3 * atoms, 0.0)};
  Evaluator<double> evaluator(std::make_shared<EnergyOfOneAtom>(potential.model_in_double(), 0), 1);
  FrameGraph graph(potential.species(), potential.cutoff(), 1);
  for (std::size_t i = 0; i < atoms; ++i) {
    const Cluster cluster = cluster_around(frame, i, (potential.layers() + 1) * potential.cutoff());
    graph.build(cluster.frame);
    std::vector<double> forces(cluster.frame.positions.size(), 0.0);
    LocalExchange<double> exchange(graph.own(), graph.owner());
    Output output;
    output.forces = forces.data();
    evaluator.evaluate(graph, exchange, output);
    result.energies.push_back(output.energy);
    for (std::size_t n = 0; n < cluster.original.size(); ++n) {
      double power = 0;
      for (std::size_t k = 0; k < 3; ++k) power -= forces[3 * n + k] * velocities[3 * cluster.original[n] + k];
      result.power[i] += power;
      for (std::size_t a = 0; a < 3; ++a) result.flux[3 * i + a] -= cluster.frame.positions[3 * n + a] * power;
    }
  }
  return result;
}

}  // namespace grapevine::test
