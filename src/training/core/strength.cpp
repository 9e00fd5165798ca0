#include "training/core/strength.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <optional>

#include "structures/evaluate_frame.hpp"
#include "training/core/remainder.hpp"
#include "training/data/prepared_frame.hpp"

namespace grapevine {
namespace {

constexpr double barrier = 5;                                   // eV
constexpr double distances[] = {1, 0.85, 0.7, 0.55, 0.4, 0.3};  // of the inner radius
constexpr double most_scale = 1000;
constexpr int largest_frame = 1000;  // atoms of structures that are looked at

Approach alone_in_space(const std::vector<std::string>& species, std::size_t a, std::size_t b) {
  Approach approach;
  approach.frame.symbols = {species[a], species[b]};
  approach.frame.positions.assign(6, 0.0);
  approach.moved = 1;
  approach.direction = {1, 0, 0};
  approach.a = a;
  approach.b = b;
  return approach;
}

/// Nothing for a pair that the data do not have, or that is an atom and its own image.
std::optional<Approach> in_the_data(const Contact& contact, std::span<const LabelledFrame> frames, std::size_t a,
                                    std::size_t b) {
  if (!std::isfinite(contact.distance) || contact.first == contact.second) return std::nullopt;
  const Frame& frame = frames[contact.frame].frame;
  if (frame.atoms() > largest_frame) return std::nullopt;
  Approach approach{frame, contact.second, {}, {}, a, b};
  for (std::size_t n = 0; n < 3; ++n) {
    approach.direction[n] = -contact.vector[n] / contact.distance;
    approach.at[n] = frame.positions[3 * static_cast<std::size_t>(contact.second) + n] + contact.vector[n];
  }
  return approach;
}

Frame frame_at(const Approach& approach, double distance) {
  Frame frame = approach.frame;
  for (std::size_t n = 0; n < 3; ++n)
    frame.positions[3 * static_cast<std::size_t>(approach.moved) + n] =
        approach.at[n] + distance * approach.direction[n];
  return frame;
}

/// Energies along an approach, the core as it is and changes of one scale of it apart.
class EnergyAlong {
 public:
  EnergyAlong(const Core& core, const Potential& potential, FrameEvaluator& evaluator)
      : core_(core), potential_(potential), evaluator_(evaluator) {}

  /// Nothing where the energy is not a number.
  std::optional<double> operator()(const Approach& approach, double distance) const {
    LabelledFrame labelled;
    labelled.frame = frame_at(approach, distance);
    try {
      const std::vector<PreparedFrame> prepared =
          prepare_frames({&labelled, 1}, potential_.species(), potential_.cutoff(), 1);
      return evaluator_.evaluate(labelled.frame, {.virial = false}).energy + core_terms(core_, prepared[0]).energy;
    } catch (const Error&) {
      return std::nullopt;  // another atom is in the way, or the model has no number for this
    }
  }

 private:
  const Core& core_;
  const Potential& potential_;
  FrameEvaluator& evaluator_;
};

/// How much of the pair's energy, with a scale of 1, is missing for a barrier.
double missing_scale(const Core& core, const Approach& approach, const EnergyAlong& energy) {
  const CorePair& pair = core.pair(approach.a, approach.b);
  const std::optional<double> start = energy(approach, pair.outer);
  if (!start) return 0;
  double missing = 0;
  for (const double part : distances) {
    const double distance = part * pair.inner;
    const std::optional<double> there = energy(approach, distance);
    if (!there) continue;
    const double of_scale = zbl(core.charge[approach.a], core.charge[approach.b], distance).energy;
    missing = std::max(missing, (*start + barrier - *there) / of_scale);
  }
  return missing;
}

}  // namespace

std::vector<Approach> find_approaches(const Core& core, const std::vector<std::string>& species,
                                      const Contacts& contacts, std::span<const LabelledFrame> frames,
                                      const std::vector<char>& settled) {
  std::vector<Approach> approaches;
  for (std::size_t a = 0; a < species.size(); ++a)
    for (std::size_t b = a; b < species.size(); ++b) {
      if (core.pair(a, b).outer == 0 || core.pair(a, b).inner == 0 || settled[a * species.size() + b]) continue;
      approaches.push_back(alone_in_space(species, a, b));
      if (auto found = in_the_data(contacts.pair(a, b), frames, a, b)) approaches.push_back(std::move(*found));
    }
  return approaches;
}

Core strengthened(Core core, const Potential& without_core, std::span<const Approach> approaches, int threads) {
  FrameEvaluator evaluator(without_core, Precision::double_precision, threads);
  const EnergyAlong energy(core, without_core, evaluator);
  for (const Approach& approach : approaches) {
    CorePair pair = core.pair(approach.a, approach.b);
    pair.scale = std::min(most_scale, pair.scale + missing_scale(core, approach, energy));
    core.set(approach.a, approach.b, pair);
  }
  return core;
}

}  // namespace grapevine
