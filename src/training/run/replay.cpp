#include "training/run/replay.hpp"

#include <array>
#include <cstddef>
#include <memory>
#include <numeric>
#include <optional>
#include <utility>

#include "threads/shares.hpp"
#include "training/core/remainder.hpp"

namespace grapevine {
namespace {

/// What the model says of a structure; the virial only if it is wanted.
ReferenceValues values_by(GradientWorker& worker, const PreparedFrame& frame, bool with_virial) {
  FrameBatch batch;
  batch.add(frame);
  const auto own = static_cast<std::size_t>(batch.own());
  std::vector<double> energies(own), forces(3 * own), virials(with_virial ? 9 * own : 0);
  Output output;
  output.energies = energies.data();
  output.forces = forces.data();
  output.atom_virials = with_virial ? virials.data() : nullptr;
  output.wants_virial = with_virial;
  worker.evaluate(batch, output, 1);
  ReferenceValues values;
  values.energy = std::accumulate(energies.begin(), energies.end(), 0.0);
  values.forces = std::move(forces);
  if (with_virial) {
    values.virial.emplace();
    for (std::size_t n = 0; n < virials.size(); ++n) (*values.virial)[n % 9] += virials[n];
  }
  return values;
}

void label_by(const Trainable& model, bool with_virial, ReplaySet& replay, int threads) {
  run_shares(threads, [&](int share) {
    const std::unique_ptr<GradientWorker> worker = model.make_worker();
    const auto stride = static_cast<std::size_t>(threads);
    for (auto f = static_cast<std::size_t>(share); f < replay.frames.size(); f += stride)
      replay.labelled[f].reference = values_by(*worker, replay.frames[f], with_virial);
  });
}

void shift_energies(const Trainable& model, std::span<const double> start_energies, ReplaySet& replay) {
  const std::vector<double> energies = model.energy_shifts();
  for (std::size_t f = 0; f < replay.frames.size(); ++f) {
    std::optional<double>& energy = replay.labelled[f].reference.energy;
    if (!energy) continue;
    for (const int species : replay.frames[f].species) {
      const auto s = static_cast<std::size_t>(species);
      *energy += energies[s] - start_energies[s];
    }
  }
}

}  // namespace

void label_replay(const TrainingOptions& options, const Trainable& model, std::span<const LabelledFrame> own,
                  std::span<const double> start_energies, const std::optional<Core>& core, ReplaySet& replay,
                  int threads) {
  replay.labelled.assign(own.begin(), own.end());
  if (options.replay.labels == "start")
    label_by(model, options.loss.virial > 0, replay, threads);
  else
    shift_energies(model, start_energies, replay);
  for (std::size_t f = 0; f < replay.frames.size(); ++f) replay.frames[f].reference = replay.labelled[f].reference;
  if (!core) return;
  if (options.replay.labels == "start")
    put_on_core(*core, replay.frames, replay.labelled);
  else
    take_off_core(*core, replay.frames);
}

}  // namespace grapevine
