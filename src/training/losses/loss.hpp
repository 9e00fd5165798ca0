#pragma once

#include <span>
#include <vector>

#include "models/gradient_worker.hpp"
#include "training/data/prepared_frame.hpp"
#include "training/data/reference_counts.hpp"

namespace grapevine {

/// How errors enter the loss: with weights (see LossOptions), and linearly beyond a limit (Huber's loss).
struct LossWeights {
  double energy = 1, forces = 1, virial = 0;
  double energy_limit = 0, forces_limit = 0, virial_limit = 0;  ///< eV/atom, eV/Angstrom, eV/atom; 0: none
};

/// Sums from which a loss and errors follow.
struct LossSums {
  double loss = 0;
  double energy_squares = 0;  ///< (eV/atom)^2
  double force_squares = 0;   ///< (eV/Angstrom)^2
  double virial_squares = 0;  ///< (eV/atom)^2, mean over nine components
  double energies = 0, force_components = 0, virials = 0;

  LossSums& operator+=(const LossSums& other);
  double energy_rmse() const;  ///< 0 if there are none
  double force_rmse() const;
  double virial_rmse() const;
};

/// What a model says of the atoms of a batch.
struct BatchPrediction {
  std::vector<double> energies;  ///< [own] eV
  std::vector<double> forces;    ///< [own][3] eV/Angstrom
  std::vector<double> virials;   ///< [own][9] eV; empty if not wanted
};

/// The loss of a batch, or of a part of it: mean over energies, force components and virials of `counts`, which are
/// those of the whole batch, each times the weight of its structure. Errors are summed without these weights. Where
/// `slopes` is not null, it gets the loss's slopes.
LossSums loss_of(const FrameBatch& batch, const BatchPrediction& prediction, const LossWeights& weights,
                 const ReferenceCounts& counts, LossSlopes* slopes);

}  // namespace grapevine
