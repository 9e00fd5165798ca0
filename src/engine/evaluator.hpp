#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "engine/block_list.hpp"
#include "engine/exchange.hpp"
#include "engine/graph.hpp"
#include "engine/model.hpp"
#include "engine/row_array.hpp"

namespace grapevine {

/// Where an evaluation leaves its results, in the host's unit of energy and Angstrom.
struct Output {
  double energy_unit = 1;          ///< one eV in the host's unit of energy
  double* forces = nullptr;        ///< [own + ghosts][3], added to; the ghosts' share is the host's to return
  double* energies = nullptr;      ///< [own], added to; may be null
  double* atom_virials = nullptr;  ///< [own + ghosts][9], added to, half of an edge to either end; may be null
  bool wants_virial = true;        ///< otherwise `virial` and `atom_virials` are left alone
  double energy = 0;               ///< sum over this rank's centres
  std::array<double, 9> virial{};  ///< row-major, this rank's edges: -sum d (x) dE/dd
  std::vector<int> non_finite;     ///< own atoms whose energy is not finite
};

/// Counts that prove the algorithm: each pass computes each centre once, and nothing else.
struct WorkTally {
  std::int64_t evaluations = 0;
  std::vector<std::int64_t> centres;  ///< [T + 1] centres computed in the forward direction of pass t
};

/// Runs a layered message passing model on one rank's part of a system. Only own atoms are computed, whatever the
/// number of layers; what neighbours on other ranks computed comes through the exchange.
/// Xia and Jiang, arXiv:2505.06711.
template <class Real>
class Evaluator {
 public:
  /// Up to `threads` threads share the centres, fewer where there are few centres; sums are formed in a fixed order, so
  /// that the same system on a given number of threads gives the same bits every time. Throws Error if there can be no
  /// such number of threads.
  Evaluator(std::shared_ptr<const Model<Real>> model, int threads);
  ~Evaluator();

  /// Collective over the ranks that share the graph. Throws AtomError, and Error if the threads cannot be started. Can
  /// be interrupted (see Interruptible); what it leaves in `output` then means nothing.
  void evaluate(const Graph& graph, Exchange<Real>& exchange, Output& output);

  const WorkTally& tally() const { return tally_; }
  double bytes() const;  ///< memory held between evaluations

 private:
  struct Share;
  /// What a pass gives besides features and their gradients.
  struct Results {
    bool energies = false;
    bool edge_gradient = false;
  };
  using BlockFunction = std::function<void(const Block<Real>&, Workspace&)>;

  void prepare(const Graph& graph, const Output& output);
  void forward(int t, const Graph& graph, const BlockList& blocks);
  void readout(const Graph& graph, const BlockList& blocks);
  void backward(int t, const Graph& graph, const BlockList& blocks);
  void collect(Output& output);
  Field<Real> features(int t);
  Field<Real> gradients(int t);

  void for_each_block(const Graph& graph, const BlockList& blocks, Results results, const BlockFunction& function);
  void one_block(const Graph& graph, const BlockList& blocks, int b, Results results, const BlockFunction& function,
                 Share& share);
  const EdgeBlock<Real>& edges_of(const Graph& graph, const BlockList& blocks, int b, Share& share);
  void clear_gradients(int t, const Graph& graph);
  void choose_shares();
  void prepare_share(std::size_t index, const Output& output);
  void sum_gradients_of_shares(int t);
  int summing_threads(std::size_t numbers) const;

  std::shared_ptr<const Model<Real>> model_;
  BlockList inner_;                        // centres that need nothing from other ranks
  BlockList boundary_;                     // those that wait for an exchange
  std::vector<RowArray<Real>> features_;   // [T + 1], x_t
  std::vector<RowArray<Real>> gradients_;  // [T + 1], dE/dx_t
  std::vector<RowArray<Real>> state_;      // [T + 1]
  std::vector<Real*> feature_pointers_;
  std::vector<Real*> state_pointers_;
  int threads_;
  std::vector<std::unique_ptr<Share>> shares_;  // as many as were ever needed
  std::size_t active_ = 1;                      // of them in the evaluation of the moment
  std::size_t atoms_ = 0;
  WorkTally tally_;
};

extern template class Evaluator<double>;
extern template class Evaluator<float>;

}  // namespace grapevine
