#include "training/run/trainer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <memory>
#include <numbers>
#include <numeric>
#include <optional>
#include <random>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "models/trainable.hpp"
#include "support/error.hpp"
#include "threads/interruption.hpp"
#include "threads/thread_count.hpp"
#include "training/core/choice.hpp"
#include "training/core/contacts.hpp"
#include "training/core/finished_model.hpp"
#include "training/core/remainder.hpp"
#include "training/core/strength.hpp"
#include "training/data/prepared_frame.hpp"
#include "training/losses/batch_gradient.hpp"
#include "training/optimisers/optimiser.hpp"
#include "training/report/predictions.hpp"
#include "training/run/checkpoint.hpp"
#include "training/run/early_stopping.hpp"
#include "training/run/initial_model.hpp"
#include "training/run/output_files.hpp"
#include "training/run/replay.hpp"
#include "training/run/training_identity.hpp"
#include "training/run/training_report.hpp"

namespace grapevine {
namespace {

using Clock = std::chrono::steady_clock;
using Frames = std::vector<const PreparedFrame*>;

constexpr std::chrono::seconds checkpoint_interval{60};

/// Thrown where work is to stop at once, on the way to where it is given up.
class Stopped : public std::runtime_error {
 public:
  Stopped() : std::runtime_error("stopped") {}
};

/// For ranks but the first, which is told for all: only asks another monitor whether to stop.
class SilentMonitor : public TrainingMonitor {
 public:
  explicit SilentMonitor(TrainingMonitor& asked) : asked_(asked) {}

  void data_read(const DataReport& /*report*/) override {}
  void core_chosen(const std::string& /*text*/) override {}
  void model_starts(int, int, const std::filesystem::path&, int) override {}
  void epoch_done(const EpochRecord&, int, double) override {}
  void stopped_early(int, int) override {}
  void model_done(const std::vector<SetResult>&, const std::filesystem::path&) override {}
  bool stop_requested() override { return asked_.stop_requested(); }

 private:
  TrainingMonitor& asked_;
};

double between(double from, double to, double progress) {
  if (from <= 0 || to <= 0) return from + (to - from) * progress;
  return from * std::pow(to / from, progress);
}

/// The frames in the order in which an epoch goes through them: of the seed and the epoch alone.
void shuffle(Frames& frames, std::uint64_t seed, int epoch) {
  std::seed_seq sequence{static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32),
                         static_cast<std::uint32_t>(epoch)};
  std::mt19937_64 random(sequence);
  for (std::size_t n = frames.size(); n > 1; --n) std::swap(frames[n - 1], frames[random() % n]);
}

/// Ranks of one machine share its cores.
int threads_of(const TrainingOptions& options, const Ranks& ranks) {
  return options.threads > 0 ? thread_count(options.threads) : std::max(1, thread_count(0) / ranks.neighbours());
}

/// The training of one model.
class Training {
 public:
  Training(const TrainingOptions& options, std::uint64_t seed, Trainable& model, Frames train, Frames valid,
           Ranks& ranks, TrainingIdentity identity, const CorePlan& core)
      : options_(options),
        seed_(seed),
        model_(model),
        train_(std::move(train)),
        valid_(std::move(valid)),
        ranks_(ranks),
        identity_(std::move(identity)),
        core_(core),
        checkpoint_(checkpoint_path(identity_.model)),
        threads_(threads_of(options, ranks)),
        batch_gradient_(model, threads_, ranks),
        optimiser_(make_optimiser(options.optimiser.method, model.parts(), options.optimiser.weight_decay, threads_)) {
    ReferenceCounts counts;
    for (const PreparedFrame* frame : valid_) counts.add(frame->reference, frame->weights);
    const LossWeights last = weights_at(1);
    can_validate_ = counts.weighed_by(last.energy, last.forces, last.virial);
    state_.weights = model.weights();
    state_.mean_weights = state_.weights;
    state_.best_weights = state_.weights;
    find_frozen();
    // Of a committee that was stopped, later members have not begun.
    if (options.resume && (options.committee == 1 || std::filesystem::exists(checkpoint_))) resume();
    model_.set_weights(state_.weights, threads_);
  }

  const TrainingState& state() const { return state_; }

  /// False if it was asked to stop before the end.
  bool run(TrainingMonitor& monitor) {
    const auto start = Clock::now();
    const double seconds_before = state_.seconds;
    const auto steps_before = static_cast<double>(state_.steps);
    std::optional<Clock::time_point> last_checkpoint;
    while (!is_done()) {
      const bool ended = ends([&] { return run_epoch(monitor); });
      const std::chrono::duration<double> elapsed = Clock::now() - start;
      state_.seconds = seconds_before + elapsed.count();
      if (!ended || !ends([&] { return finish_epoch(); })) {
        save();
        return false;
      }
      monitor.epoch_done(state_.epochs.back(), options_.optimiser.epochs,
                         seconds_left(elapsed.count(), static_cast<double>(state_.steps) - steps_before));
      if (!last_checkpoint || Clock::now() - *last_checkpoint > checkpoint_interval) {
        save();
        last_checkpoint = Clock::now();
      }
    }
    if (state_.epoch < options_.optimiser.epochs) monitor.stopped_early(state_.epoch, options_.optimiser.patience);
    save();
    model_.set_weights(state_.best_weights, threads_);
    return true;
  }

 private:
  bool is_done() const {
    return state_.epoch >= options_.optimiser.epochs || is_out_of_patience(options_.optimiser, state_);
  }
  std::size_t steps_per_epoch() const {
    const auto batch = static_cast<std::size_t>(options_.optimiser.batch_frames);
    return (train_.size() + batch - 1) / batch;
  }
  double total_steps() const {
    return static_cast<double>(steps_per_epoch()) * static_cast<double>(options_.optimiser.epochs);
  }
  double progress() const { return std::min(1.0, static_cast<double>(state_.steps) / total_steps()); }

  /// At the pace of the `steps` since the start or the resumption, which took `seconds`; before there is an epoch of
  /// them, at that of the whole training.
  double seconds_left(double seconds, double steps) const {
    if (steps < static_cast<double>(steps_per_epoch())) {
      seconds = state_.seconds;
      steps = static_cast<double>(state_.steps);
    }
    return seconds / steps * (total_steps() - static_cast<double>(state_.steps));
  }

  void find_frozen() {
    std::size_t begin = 0;
    for (const ParameterPart& part : model_.parts()) {
      if (std::find(options_.freeze.begin(), options_.freeze.end(), part.group) != options_.freeze.end())
        frozen_.emplace_back(begin, part.count());
      begin += part.count();
    }
  }

  void resume() {
    state_ = read_checkpoint(checkpoint_, state_.weights.size(), identity_);
    optimiser_->restore(state_.optimiser);
  }

  /// Writes the checkpoint and the best model so far, so that a training that is stopped or killed leaves one.
  void save() {
    state_.optimiser = optimiser_->memory();
    if (ranks_.rank() != 0) return;
    const Interruptible not_while_saving(nullptr);
    write_checkpoint(checkpoint_, state_, identity_);
    if (saved_epoch_ == state_.best_epoch) return;
    model_.set_weights(state_.best_weights, threads_);
    write_finished_model(identity_.model, model_, core_, provenance_of(options_, state_, identity_.inputs.train),
                         threads_);
    model_.set_weights(state_.weights, threads_);
    saved_epoch_ = state_.best_epoch;
  }

  /// Warm-up in proportion to the steps, then a half cosine. Of a single epoch, half may be warm-up.
  double learning_rate() const {
    const OptimiserOptions& o = options_.optimiser;
    const double warm_up_epochs = o.epochs == 1 ? std::min(o.warm_up_epochs, 0.5) : o.warm_up_epochs;
    const double warm_up = std::max(1.0, warm_up_epochs * static_cast<double>(steps_per_epoch()));
    const double rise = std::min(1.0, static_cast<double>(state_.steps + 1) / warm_up);
    const double fall = 0.5 * (1 + std::cos(std::numbers::pi * progress()));
    return rise * (o.learning_rate_end + (o.learning_rate - o.learning_rate_end) * fall);
  }

  LossWeights weights_at(double at) const {
    const LossOptions& o = options_.loss;
    LossWeights weights{between(o.energy, o.energy_end, at), between(o.forces, o.forces_end, at),
                        between(o.virial, o.virial_end, at)};
    if (o.huber > 0 && !state_.epochs.empty()) {
      const EpochRecord& last = state_.epochs.back();
      weights.energy_limit = o.huber * last.train_energy;
      weights.forces_limit = o.huber * last.train_forces;
      weights.virial_limit = o.huber * last.train_virial;
    }
    return weights;
  }

  /// False if it was asked to stop; what has been done by then can be gone on from.
  template <class Work>
  static bool ends(const Work& work) {
    try {
      return work();
    } catch (const Stopped&) {
      return false;
    }
  }

  bool run_epoch(TrainingMonitor& monitor) {
    Frames order = train_;
    shuffle(order, seed_, state_.epoch);
    const std::size_t batch = static_cast<std::size_t>(options_.optimiser.batch_frames);
    for (; state_.step < steps_per_epoch(); ++state_.step, ++state_.steps) {
      if (stop_requested(monitor)) return false;
      const std::size_t begin = state_.step * batch;
      state_.epoch_sums += step(std::span(order).subspan(begin, std::min(batch, order.size() - begin)));
    }
    return true;
  }

  /// What one rank is asked all do, at the same step.
  bool stop_requested(TrainingMonitor& monitor) {
    double requests = monitor.stop_requested() ? 1 : 0;
    if (ranks_.size() > 1) ranks_.sum({&requests, 1});
    return requests > 0;
  }

  LossSums step(std::span<const PreparedFrame* const> batch) {
    gradient_.assign(state_.weights.size(), 0.0);
    const LossSums sums = batch_gradient_.add_gradient(batch, weights_at(progress()), gradient_);
    const Interruptible not_within_a_step(nullptr);
    for (const auto& [begin, count] : frozen_)
      std::fill_n(gradient_.begin() + static_cast<std::ptrdiff_t>(begin), count, 0.0);
    check_finite(sums.loss);
    clip();
    const std::vector<double> before = frozen_.empty() ? std::vector<double>() : state_.weights;
    optimiser_->step(state_.weights, gradient_, learning_rate());
    for (const auto& [begin, count] : frozen_)
      std::copy_n(before.begin() + static_cast<std::ptrdiff_t>(begin), count,
                  state_.weights.begin() + static_cast<std::ptrdiff_t>(begin));
    for (const double weight : state_.weights) check_finite(weight);
    average();
    model_.set_weights(state_.weights, threads_);
    return sums;
  }

  /// Of the loss, its gradient or a weight.
  void check_finite(double value) const {
    if (std::isfinite(value)) return;
    throw Error(
        fmt::format("the loss has grown beyond all bounds in epoch {}: take a lower learning rate (now {:.2g}), "
                    "and look for structures with absurd energies or forces",
                    state_.epoch + 1, options_.optimiser.learning_rate));
  }

  void clip() {
    const double norm = std::sqrt(std::inner_product(gradient_.begin(), gradient_.end(), gradient_.begin(), 0.0));
    check_finite(norm);
    double scale = 1;
    double kept = norm;
    if (options_.optimiser.clip > 0 && state_.gradient_norm > 0) {
      kept = std::min(norm, options_.optimiser.clip * state_.gradient_norm);
      if (kept < norm) scale = kept / norm;
    }
    state_.gradient_norm = state_.gradient_norm > 0 ? 0.99 * state_.gradient_norm + 0.01 * kept : norm;
    if (scale < 1)
      for (double& g : gradient_) g *= scale;
  }

  /// The mean forgets its beginning faster while it is short.
  void average() {
    const auto n = static_cast<double>(state_.steps);
    const double decay = std::min(options_.optimiser.ema, (1 + n) / (10 + n));
    for (std::size_t i = 0; i < state_.weights.size(); ++i)
      state_.mean_weights[i] += (1 - decay) * (state_.weights[i] - state_.mean_weights[i]);
  }

  bool finish_epoch() {
    const LossSums valid = validate();
    EpochRecord record;
    record.epoch = ++state_.epoch;
    record.seconds = state_.seconds;
    record.learning_rate = learning_rate();
    record.train_loss = state_.epoch_sums.loss / static_cast<double>(steps_per_epoch());
    record.train_energy = state_.epoch_sums.energy_rmse();
    record.train_forces = state_.epoch_sums.force_rmse();
    record.train_virial = state_.epoch_sums.virial_rmse();
    record.valid_loss = valid.loss;
    record.valid_energy = valid.energy_rmse();
    record.valid_forces = valid.force_rmse();
    record.valid_virial = valid.virial_rmse();
    state_.epochs.push_back(record);
    if (state_.best_epoch == 0 || !can_validate_ || valid.loss < state_.best_loss) {
      state_.best_loss = valid.loss;
      state_.best_epoch = state_.epoch;
      state_.best_weights = state_.mean_weights;
    }
    state_.step = 0;
    state_.epoch_sums = {};
    return true;
  }

  /// With the loss as it is at the end, so that epochs can be compared.
  LossSums validate() {
    LossWeights weights = weights_at(1);
    weights.energy_limit = weights.forces_limit = weights.virial_limit = 0;
    model_.set_weights(state_.mean_weights, threads_);
    const LossSums sums = batch_gradient_.evaluate(valid_, weights);
    check_finite(sums.loss);
    model_.set_weights(state_.weights, threads_);
    return sums;
  }

  const TrainingOptions& options_;
  std::uint64_t seed_;
  Trainable& model_;
  Frames train_;
  Frames valid_;
  Ranks& ranks_;
  TrainingIdentity identity_;
  const CorePlan& core_;
  std::filesystem::path checkpoint_;
  int threads_;
  int saved_epoch_ = 0;  // whose model has been written
  BatchGradient batch_gradient_;
  std::unique_ptr<Optimiser> optimiser_;
  std::vector<std::pair<std::size_t, std::size_t>> frozen_;  // begin and count
  TrainingState state_;
  std::vector<double> gradient_;
  bool can_validate_ = false;  // otherwise the last epoch counts as the best
};

/// Every frame of `frames`, or those at `indices`.
Frames pointers(const std::vector<PreparedFrame>& frames) {
  Frames result;
  for (const PreparedFrame& frame : frames) result.push_back(&frame);
  return result;
}
Frames pointers(const std::vector<PreparedFrame>& frames, const std::vector<std::size_t>& indices) {
  Frames result;
  for (const std::size_t n : indices) result.push_back(&frames[n]);
  return result;
}

std::vector<LabelledFrame> picked(const std::vector<LabelledFrame>& frames, const std::vector<std::size_t>& indices) {
  std::vector<LabelledFrame> result;
  for (const std::size_t n : indices) result.push_back(frames[n]);
  return result;
}

/// Structures as the models are trained on them: without what their core makes of them.
struct PreparedData {
  std::vector<PreparedFrame> train;
  std::vector<PreparedFrame> valid;
  ReplaySet replay;
  CorePlan core;
};

PreparedData prepare_data(const TrainingOptions& options, const TrainingData& data, TrainingMonitor& monitor,
                          int threads) {
  const auto prepare = [&](const std::vector<LabelledFrame>& frames) {
    return prepare_frames(frames, data.report.species, options.model.cutoff, threads);
  };
  PreparedData prepared{prepare(data.train), prepare(data.valid), {{}, prepare(data.replay)}, {}};
  const std::vector<std::string>& species = data.report.species;
  const Contacts contacts = find_contacts(prepared.train, species.size());
  // Of all structures, so that no reference of a new model has anything to do with its core.
  Contacts of_all = shorter_of(contacts, find_contacts(prepared.valid, species.size()));
  of_all = shorter_of(of_all, find_contacts(prepared.replay.frames, species.size()));
  CoreChoice choice = choose_core(options, species, of_all, core_of_start(options));
  monitor.core_chosen(choice.text);
  if (!choice.core) return prepared;
  std::vector<char> settled = take_off_core(*choice.core, prepared.train);
  const std::vector<char> in_valid = take_off_core(*choice.core, prepared.valid);
  for (std::size_t p = 0; p < settled.size(); ++p) settled[p] |= in_valid[p];
  prepared.core.approaches = find_approaches(*choice.core, species, contacts, data.train, settled);
  prepared.core.core = std::move(choice.core);
  return prepared;
}

/// With the references of the prepared ones.
std::vector<LabelledFrame> without_core(const std::vector<LabelledFrame>& frames,
                                        const std::vector<PreparedFrame>& prepared) {
  std::vector<LabelledFrame> result = frames;
  for (std::size_t f = 0; f < result.size(); ++f) result[f].reference = prepared[f].reference;
  return result;
}

std::unique_ptr<Trainable> make_model(const TrainingOptions& options, const TrainingData& data,
                                      const PreparedData& prepared, std::uint64_t seed, int threads) {
  const std::vector<std::string>& species = data.report.species;
  if (!prepared.core.core) return make_initial_model(options, species, data.train, prepared.train, seed, threads);
  return make_initial_model(options, species, without_core(data.train, prepared.train), prepared.train, seed, threads);
}

/// Trains model number `n` of a committee; false if it was asked to stop.
bool train_one(const TrainingOptions& options, int n, const TrainingData& data, const InputDigests& inputs,
               PreparedData& prepared, TrainingMonitor& monitor, Ranks& ranks) {
  const int threads = threads_of(options, ranks);
  const std::uint64_t seed = options.seed + static_cast<std::uint64_t>(n);
  const std::filesystem::path output = member_path(options, n);
  const bool splits = data.valid.empty();
  const FrameSplit split = splits ? split_frames(data.train, options.data.split, seed) : FrameSplit{};
  const auto model = make_model(options, data, prepared, seed, threads);
  std::optional<SetResult> replay_before;
  if (!data.replay.empty()) {
    label_replay(options, *model, data.replay, starting_energies(options), prepared.core.core, prepared.replay,
                 threads);
    if (ranks.rank() == 0)
      replay_before = judge_set("replay", *finish_model(*model, prepared.core, threads).potential,
                                prepared.replay.labelled, threads);
  }
  Frames trained_on = splits ? pointers(prepared.train, split.train) : pointers(prepared.train);
  for (const PreparedFrame& frame : prepared.replay.frames) trained_on.push_back(&frame);
  Training training(options, seed, *model, std::move(trained_on),
                    splits ? pointers(prepared.train, split.valid) : pointers(prepared.valid), ranks,
                    identity_of(options, seed, output, inputs, split), prepared.core);
  std::error_code ignored;
  if (ranks.rank() == 0) std::filesystem::remove(report_path(output), ignored);  // of another model from now on
  monitor.model_starts(n, options.committee, output, training.state().epoch);
  if (!training.run(monitor)) return false;
  if (ranks.rank() == 0) {
    const FinishedModel finished = write_finished_model(
        output, *model, prepared.core, provenance_of(options, training.state(), inputs.train), threads);
    const JudgedSets sets{splits ? picked(data.train, split.train) : data.train,
                          splits ? picked(data.train, split.valid) : data.valid, data.test, prepared.replay.labelled,
                          replay_before};
    const TrainingSummary summary = write_report(options, output, *model, finished, training.state(), sets, threads);
    monitor.model_done(summary.sets, report_path(output));
  }
  return true;
}

void train_all(const TrainingOptions& options, TrainingMonitor& monitor, Ranks& ranks) {
  const int threads = threads_of(options, ranks);
  SilentMonitor silent(monitor);
  TrainingMonitor& told = ranks.rank() == 0 ? monitor : silent;
  TrainingOptions complete = options;
  const std::vector<std::string> start_species = adopt_start(complete);
  const TrainingData data = read_training_data(complete, start_species);
  complete.isolated_atoms = data.report.isolated_atoms;
  told.data_read(data.report);
  const InputDigests inputs = digest_inputs(options);
  PreparedData prepared = prepare_data(complete, data, told, threads);
  for (int n = 0; n < options.committee; ++n)
    if (!train_one(complete, n, data, inputs, prepared, told, ranks)) return;
}

}  // namespace

// Several ranks stop together, between steps.
void train(const TrainingOptions& options, TrainingMonitor& monitor, Ranks& ranks) {
  std::optional<Interruptible> interruptible;
  if (ranks.size() == 1)
    interruptible.emplace([&monitor] {
      if (monitor.stop_requested()) throw Stopped();
    });
  try {
    train_all(options, monitor, ranks);
  } catch (const Stopped&) {
    // What it was stopped in leaves nothing to go on from but what the last checkpoint has.
  }
}

}  // namespace grapevine
