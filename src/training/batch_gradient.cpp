#include "training/batch_gradient.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "support/error.hpp"
#include "support/finite.hpp"
#include "threads/shares.hpp"
#include "threads/thread_count.hpp"

namespace grapevine {
namespace {

// Edges, about, with less of which each, threads wait for each other longer than they help.
constexpr double least_per_thread = 300;

double load_of(const PreparedFrame& frame) {
  return static_cast<double>(frame.neighbour.size() + 30 * frame.species.size());
}

void check_finite(const FrameBatch& batch, const BatchPrediction& prediction) {
  const std::size_t virial = prediction.virials.empty() ? 0 : 9;
  for (std::size_t f = 0; f < batch.frames().size(); ++f) {
    const auto begin = static_cast<std::size_t>(batch.first_atom(f));
    const auto end = static_cast<std::size_t>(batch.first_atom(f + 1));
    for (std::size_t i = begin; i < end; ++i)
      if (!std::isfinite(prediction.energies[i]) || !all_finite(std::span(prediction.forces).subspan(3 * i, 3)) ||
          !all_finite(std::span(prediction.virials).subspan(virial * i, virial)))
        throw Error(
            fmt::format("{}: the model's energy, force or virial of atom {} is not finite; take a lower learning rate, "
                        "and look whether atoms are too close to each other there",
                        batch.frames()[f]->place, i - begin + 1));
  }
}

}  // namespace

struct BatchGradient::Share {
  FrameBatch batch;
  BatchPrediction prediction;
  LossSlopes slopes;
  LossSums sums;

  void run(GradientWorker& worker, const LossWeights& weights, const ReferenceCounts& counts, bool with_gradient) {
    const auto own = static_cast<std::size_t>(batch.own());
    const bool with_virial = weights.virial > 0 && counts.virials > 0;
    prediction.energies.assign(own, 0.0);
    prediction.forces.assign(3 * own, 0.0);
    prediction.virials.assign(with_virial ? 9 * own : 0, 0.0);
    Output output;
    output.energies = prediction.energies.data();
    output.forces = prediction.forces.data();
    output.atom_virials = with_virial ? prediction.virials.data() : nullptr;
    output.wants_virial = with_virial;
    worker.evaluate(batch, output);
    check_finite(batch, prediction);
    sums = loss_of(batch, prediction, weights, counts, with_gradient ? &slopes : nullptr);
    if (with_gradient) worker.add_gradient(batch, slopes);
  }
};

BatchGradient::BatchGradient(const Trainable& model, int threads, Ranks& ranks)
    : model_(model), ranks_(ranks), shares_(static_cast<std::size_t>(threads)) {
  for (int i = 0; i < threads; ++i) workers_.push_back(model.make_worker());
}

BatchGradient::~BatchGradient() = default;

LossSums BatchGradient::add_gradient(std::span<const PreparedFrame* const> frames, const LossWeights& weights,
                                     std::span<double> gradient) {
  const LossSums sums = run(frames, weights, true);
  model_.collect(workers_, gradient);
  ranks_.sum(gradient);
  return sums;
}

LossSums BatchGradient::evaluate(std::span<const PreparedFrame* const> frames, const LossWeights& weights) {
  return run(frames, weights, false);
}

LossSums BatchGradient::run(std::span<const PreparedFrame* const> frames, const LossWeights& weights,
                            bool with_gradient) {
  ReferenceCounts counts;
  for (const PreparedFrame* frame : frames) counts.add(*frame);
  const std::size_t threads = share_out(frames);
  run_shares(static_cast<int>(threads), [&](int i) {
    GradientWorker& worker = *workers_[static_cast<std::size_t>(i)];
    if (with_gradient) worker.clear();
    shares_[static_cast<std::size_t>(i)].run(worker, weights, counts, with_gradient);
  });
  LossSums sums;
  for (std::size_t i = 0; i < threads; ++i) sums += shares_[i].sums;
  if (with_gradient)
    for (std::size_t i = threads; i < workers_.size(); ++i) workers_[i]->clear();
  return sum_over_ranks(sums);
}

// Largest first, each to whoever has least: all ranks come to the same division without a word.
std::size_t BatchGradient::share_out(std::span<const PreparedFrame* const> frames) {
  double all = 0;
  for (const PreparedFrame* frame : frames) all += load_of(*frame);
  const auto threads =
      static_cast<std::size_t>(threads_for(all / ranks_.size(), least_per_thread, static_cast<int>(shares_.size())));
  const auto mine = threads * static_cast<std::size_t>(ranks_.rank());
  std::vector<double> load(threads * static_cast<std::size_t>(ranks_.size()));
  std::vector<std::size_t> order(frames.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return frames[a]->neighbour.size() > frames[b]->neighbour.size();
  });
  for (Share& share : shares_) share.batch.clear();
  for (const std::size_t f : order) {
    const auto least = static_cast<std::size_t>(std::min_element(load.begin(), load.end()) - load.begin());
    load[least] += load_of(*frames[f]);
    if (least >= mine && least < mine + threads) shares_[least - mine].batch.add(*frames[f]);
  }
  return threads;
}

LossSums BatchGradient::sum_over_ranks(LossSums sums) {
  std::array<double, 7> numbers{sums.loss,     sums.energy_squares,   sums.force_squares, sums.virial_squares,
                                sums.energies, sums.force_components, sums.virials};
  ranks_.sum(numbers);
  return {numbers[0], numbers[1], numbers[2], numbers[3], numbers[4], numbers[5], numbers[6]};
}

}  // namespace grapevine
