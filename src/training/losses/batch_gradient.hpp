#pragma once

#include <memory>
#include <span>
#include <vector>

#include "models/trainable.hpp"
#include "parallel/ranks.hpp"
#include "training/data/prepared_frame.hpp"
#include "training/losses/loss.hpp"

namespace grapevine {

/// Losses of batches and their gradients, with the structures of a batch shared out to ranks, and on each to threads:
/// each has its own structures, or where there are too few for that, its part of the atoms of all. The result does not
/// depend on the number of ranks and threads but for rounding, and is the same to the bit on all ranks.
class BatchGradient {
 public:
  /// `model` and `ranks` have to outlive this; up to `threads` on every rank, fewer for small batches.
  BatchGradient(const Trainable& model, int threads, Ranks& ranks);
  ~BatchGradient();

  /// Adds the gradient of the batch's loss by the model's weights to `gradient`. Collective over the ranks, all of
  /// which name the same frames. Throws Error, naming frame and atom, where what the model predicts is not finite.
  LossSums add_gradient(std::span<const PreparedFrame* const> frames, const LossWeights& weights,
                        std::span<double> gradient);

  /// The loss alone; throws likewise.
  LossSums evaluate(std::span<const PreparedFrame* const> frames, const LossWeights& weights);

 private:
  struct Share;
  struct Division {
    int shares;                            // at work side by side, each of its structures
    std::vector<GradientWorker*> helpers;  // of the only share, if there is one
  };

  LossSums run(std::span<const PreparedFrame* const> frames, const LossWeights& weights, bool with_gradient);
  Division share_out(std::span<const PreparedFrame* const> frames);
  LossSums sum_over_ranks(LossSums sums);

  const Trainable& model_;
  Ranks& ranks_;
  std::vector<std::unique_ptr<GradientWorker>> workers_;
  std::vector<Share> shares_;
};

}  // namespace grapevine
