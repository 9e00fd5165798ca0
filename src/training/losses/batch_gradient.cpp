#include "training/losses/batch_gradient.hpp"

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

double load_of(std::span<const PreparedFrame* const> frames) {
  return std::accumulate(frames.begin(), frames.end(), 0.0,
                         [](double sum, const PreparedFrame* frame) { return sum + load_of(*frame); });
}

// Largest first, each to whoever has least: all ranks come to the same division without a word.
std::vector<std::vector<const PreparedFrame*>> divide(std::span<const PreparedFrame* const> frames, int parts) {
  std::vector<const PreparedFrame*> order(frames.begin(), frames.end());
  std::stable_sort(order.begin(), order.end(), [](const PreparedFrame* a, const PreparedFrame* b) {
    return a->neighbour.size() > b->neighbour.size();
  });
  std::vector<std::vector<const PreparedFrame*>> divided(static_cast<std::size_t>(parts));
  std::vector<double> load(divided.size());
  for (const PreparedFrame* frame : order) {
    const auto least = static_cast<std::size_t>(std::min_element(load.begin(), load.end()) - load.begin());
    load[least] += load_of(*frame);
    divided[least].push_back(frame);
  }
  return divided;
}

// Whether threads with structures of their own would wait longer for the last of them than for each other after every
// pass, where all work on the same structures.
bool is_uneven(const std::vector<std::vector<const PreparedFrame*>>& of_threads) {
  constexpr double bearable = 1.05;
  double all = 0;
  double most = 0;
  for (const auto& frames : of_threads) {
    const double load = load_of(frames);
    all += load;
    most = std::max(most, load);
  }
  return most * static_cast<double>(of_threads.size()) > bearable * all;
}

}  // namespace

struct BatchGradient::Share {
  FrameBatch batch;
  BatchPrediction prediction;
  LossSlopes slopes;
  LossSums sums;

  /// `helpers` take part on threads of their own.
  void run(GradientWorker& worker, std::span<GradientWorker* const> helpers, const LossWeights& weights,
           const ReferenceCounts& counts, bool with_gradient) {
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
    worker.evaluate(batch, output, static_cast<int>(helpers.size()) + 1);
    check_finite(batch, prediction);
    sums = loss_of(batch, prediction, weights, counts, with_gradient ? &slopes : nullptr);
    if (with_gradient) worker.add_gradient(batch, slopes, helpers);
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
  for (const PreparedFrame* frame : frames) counts.add(frame->reference, frame->weights);
  const Division division = share_out(frames);
  if (with_gradient)
    run_each(static_cast<int>(workers_.size()), workers_.size(), [&](std::size_t i) { workers_[i]->clear(); });
  run_shares(division.shares, [&](int i) {
    shares_[static_cast<std::size_t>(i)].run(*workers_[static_cast<std::size_t>(i)], division.helpers, weights, counts,
                                             with_gradient);
  });
  LossSums sums;
  for (int i = 0; i < division.shares; ++i) sums += shares_[static_cast<std::size_t>(i)].sums;
  return sum_over_ranks(sums);
}

BatchGradient::Division BatchGradient::share_out(std::span<const PreparedFrame* const> frames) {
  const int threads = threads_for(load_of(frames) / ranks_.size(), least_per_thread, static_cast<int>(shares_.size()));
  const std::vector<std::vector<const PreparedFrame*>> of_ranks = divide(frames, ranks_.size());
  const std::vector<const PreparedFrame*>& mine = of_ranks[static_cast<std::size_t>(ranks_.rank())];
  const std::vector<std::vector<const PreparedFrame*>> of_threads = divide(mine, threads);
  for (Share& share : shares_) share.batch.clear();
  if (is_uneven(of_threads)) {
    for (const PreparedFrame* frame : mine) shares_.front().batch.add(*frame);
    Division together{1, {}};
    for (int i = 1; i < threads; ++i) together.helpers.push_back(workers_[static_cast<std::size_t>(i)].get());
    return together;
  }
  for (std::size_t i = 0; i < of_threads.size(); ++i)
    for (const PreparedFrame* frame : of_threads[i]) shares_[i].batch.add(*frame);
  return {threads, {}};
}

LossSums BatchGradient::sum_over_ranks(LossSums sums) {
  std::array<double, 7> numbers{sums.loss,     sums.energy_squares,   sums.force_squares, sums.virial_squares,
                                sums.energies, sums.force_components, sums.virials};
  ranks_.sum(numbers);
  return {numbers[0], numbers[1], numbers[2], numbers[3], numbers[4], numbers[5], numbers[6]};
}

}  // namespace grapevine
