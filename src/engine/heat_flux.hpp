#pragma once

#include <memory>
#include <span>
#include <vector>

#include "engine/block_list.hpp"
#include "engine/exchange.hpp"
#include "engine/graph.hpp"
#include "engine/model.hpp"
#include "engine/row_array.hpp"
#include "engine/tangents.hpp"

namespace grapevine {

/// The terms of a heat flux for each own atom i, in the host's unit of energy, Angstrom and the host's unit of time.
/// With U_i the energy of atom i (the model's reference energy included):
///
///   potential part of the flux    sum_i flux_i          = sum_ij (r_i - r_j) (dU_i/dr_j . v_j)
///   convective part of the flux   sum_i v_i (kinetic energy of i + energies_i)
///   a check                       sum_i power_i         = dU/dt = -sum_i F_i . v_i
///
/// All are added to, times `weight`.
struct HeatFluxTerms {
  double weight = 1;           ///< one eV in the host's unit of energy, times the model's share in a mean
  double* energies = nullptr;  ///< [own] U_i
  double* power = nullptr;     ///< [own] dU_i/dt
  double* flux = nullptr;      ///< [own][3]
};

/// Exact heat flux of a layered message passing model with ghosts of one cutoff, whatever the number of layers, from
/// one forward pass with tangents (docs/heat-flux.md). Each layer exchanges jet_size numbers for every one of an
/// evaluation.
template <class Real>
class HeatFluxEvaluator {
 public:
  /// Up to `threads` threads share the centres; the numbers do not depend on how many. Throws Error if there can be no
  /// such number of threads.
  HeatFluxEvaluator(std::shared_ptr<const Model<Real>> model, int threads);
  ~HeatFluxEvaluator();

  /// Collective over the ranks that share the graph. `velocities` is [own][3]; those of ghosts are gathered here.
  /// Throws AtomError, and Error if the threads cannot be started. Can be interrupted (see Interruptible).
  void evaluate(const Graph& graph, Exchange<Real>& exchange, std::span<const double> velocities,
                const HeatFluxTerms& terms);

  double bytes() const;  ///< memory held between evaluations

 private:
  struct Share;

  void prepare(const Graph& graph, std::span<const double> velocities);
  void forward(int t, const Graph& graph, const BlockList& blocks, const HeatFluxTerms& terms);
  void one_block(int t, const Graph& graph, const BlockList& blocks, int b, const HeatFluxTerms& terms, Share& share);
  Field<Real> features(int t);

  std::shared_ptr<const Model<Real>> model_;
  int threads_;
  BlockList inner_;                       // centres that need nothing from other ranks
  BlockList boundary_;                    // those that wait for an exchange
  RowArray<Real> velocities_;             // [own + ghosts][4]
  std::vector<RowArray<Real>> features_;  // [T + 1], jets of x_t
  std::vector<RowArray<Real>> state_;     // [T + 1]
  std::vector<Real*> feature_pointers_;
  std::vector<Real*> state_pointers_;
  std::vector<std::unique_ptr<Share>> shares_;
};

extern template class HeatFluxEvaluator<double>;
extern template class HeatFluxEvaluator<float>;

}  // namespace grapevine
