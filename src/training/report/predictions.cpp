#include "training/report/predictions.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>
#include <utility>

#include "report/sample.hpp"
#include "structures/evaluate_batch.hpp"
#include "structures/evaluate_frame.hpp"
#include "support/error.hpp"
#include "training/report/comparison.hpp"

namespace grapevine {
namespace {

constexpr std::size_t sample_size = 200000;
constexpr std::size_t worst_count = 5;
constexpr double shortest_dimer = 0.6;  // Angstrom
constexpr double dimer_step = 0.02;     // Angstrom

/// Elements in order of appearance, e.g. Mo53W.
std::string formula_of(const Frame& frame) {
  std::vector<std::pair<std::string, int>> counts;
  for (const std::string& symbol : frame.symbols) {
    const auto found = std::find_if(counts.begin(), counts.end(), [&](const auto& c) { return c.first == symbol; });
    if (found != counts.end())
      ++found->second;
    else
      counts.emplace_back(symbol, 1);
  }
  std::string formula;
  for (const auto& [symbol, count] : counts) formula += count == 1 ? symbol : fmt::format("{}{}", symbol, count);
  return formula;
}

void keep_if_worst(std::vector<WorstFrame>& worst, const WorstFrame& frame) {
  const auto larger = [](const WorstFrame& a, const WorstFrame& b) { return std::abs(a.error) > std::abs(b.error); };
  worst.insert(std::upper_bound(worst.begin(), worst.end(), frame, larger), frame);
  if (worst.size() > worst_count) worst.pop_back();
}

class SetJudge {
 public:
  SetJudge(const std::string& name, const Potential& potential)
      : species_(potential.species()), comparison_(potential.species()) {
    result_.name = name;
  }

  void add(const LabelledFrame& labelled, const FrameResult& predicted) {
    const Frame& frame = labelled.frame;
    const ReferenceValues& reference = labelled.reference;
    comparison_.add(result_.frames, frame, reference, predicted);
    if (reference.energy) add_energy(labelled, (predicted.energy - *reference.energy) / frame.atoms());
    if (reference.forces) add_forces(labelled, predicted.forces);
    if (reference.virial)
      for (std::size_t n = 0; n < 9; ++n)
        virial_errors_.add((predicted.virial[n] - (*reference.virial)[n]) / frame.atoms());
    ++result_.frames;
    result_.atoms += frame.symbols.size();
  }

  SetResult finish() && {
    result_.errors = comparison_.errors();
    std::sort(result_.errors.forces_of.begin(), result_.errors.forces_of.end(),
              [this](const auto& a, const auto& b) { return rank_of(a.first) < rank_of(b.first); });
    for (const ParityPanel& panel : comparison_.panels())
      if (panel.errors().count() > 0) result_.panels.push_back(panel);
    result_.force_errors = std::move(force_errors_).take();
    result_.virial_errors = std::move(virial_errors_).take();
    return std::move(result_);
  }

 private:
  void add_energy(const LabelledFrame& labelled, double error) {
    result_.energy_errors.push_back(error);
    keep_if_worst(result_.worst_energies, {labelled.place, formula_of(labelled.frame), error, -1});
  }

  void add_forces(const LabelledFrame& labelled, const std::vector<double>& predicted) {
    const std::vector<double>& reference = *labelled.reference.forces;
    WorstFrame worst{labelled.place, formula_of(labelled.frame), 0, 0};
    for (std::size_t n = 0; n < reference.size(); ++n) {
      const double error = predicted[n] - reference[n];
      force_errors_.add(error);
      if (std::abs(error) <= std::abs(worst.error)) continue;
      worst.error = error;
      worst.atom = static_cast<int>(n / 3);
    }
    keep_if_worst(result_.worst_forces, worst);
  }

  std::size_t rank_of(const std::string& symbol) const {
    return static_cast<std::size_t>(std::find(species_.begin(), species_.end(), symbol) - species_.begin());
  }

  const std::vector<std::string>& species_;
  SetResult result_;
  Comparison comparison_;
  Sample<double> force_errors_{sample_size};
  Sample<double> virial_errors_{sample_size};
};

/// Those structures from the first on that are evaluated in one call.
std::vector<Frame> next_batch(std::span<const LabelledFrame> frames, const BatchEvaluator& evaluator) {
  std::vector<Frame> batch;
  std::size_t atoms = 0;
  while (batch.size() < frames.size() && !evaluator.is_batch(batch.size(), atoms)) {
    batch.push_back(frames[batch.size()].frame);
    atoms += batch.back().symbols.size();
  }
  return batch;
}

void check(const BatchEvaluator::Item& item, const LabelledFrame& labelled) {
  try {
    if (item.problem) std::rethrow_exception(item.problem);
  } catch (const NotFiniteError& error) {
    throw Error(fmt::format("{}: {}; or train again with a smaller learning rate", labelled.place, error.what()));
  } catch (const Error& error) {
    throw Error(fmt::format("{}: {}", labelled.place, error.what()));
  }
}

Frame atoms_on_a_line(std::vector<std::string> symbols, double distance) {
  Frame frame;
  frame.positions.assign(3 * symbols.size(), 0.0);
  for (std::size_t n = 0; n < symbols.size(); ++n) frame.positions[3 * n] = static_cast<double>(n) * distance;
  frame.symbols = std::move(symbols);
  return frame;
}

std::optional<double> finite_energy(FrameEvaluator& evaluator, const Frame& frame) {
  try {
    return evaluator.evaluate(frame).energy;
  } catch (const NotFiniteError&) {
    return std::nullopt;
  }
}

}  // namespace

SetResult judge_set(const std::string& name, const Potential& potential, std::span<const LabelledFrame> frames,
                    int threads, const std::function<void()>& after_batch) {
  // The evaluator lives no longer than this call, so the potential needs no owner here.
  const std::shared_ptr<const Potential> borrowed(std::shared_ptr<const Potential>(), &potential);
  BatchEvaluator evaluator(borrowed, Precision::double_precision, threads);
  SetJudge judge(name, potential);
  while (!frames.empty()) {
    const std::vector<Frame> batch = next_batch(frames, evaluator);
    const std::vector<BatchEvaluator::Item> items = evaluator.evaluate(batch);
    for (std::size_t f = 0; f < items.size(); ++f) {
      check(items[f], frames[f]);
      judge.add(frames[f], items[f].result);
    }
    frames = frames.subspan(batch.size());
    if (after_batch) after_batch();
  }
  return std::move(judge).finish();
}

std::vector<DimerCurve> dimer_curves(const Potential& potential, const std::vector<std::string>& species) {
  FrameEvaluator evaluator(potential, Precision::double_precision, 1);
  std::vector<double> alone;
  for (const std::string& symbol : species) alone.push_back(evaluator.evaluate(atoms_on_a_line({symbol}, 0)).energy);

  std::vector<double> distances;
  for (int n = 0; shortest_dimer + n * dimer_step < potential.cutoff(); ++n)
    distances.push_back(shortest_dimer + n * dimer_step);
  distances.push_back(potential.cutoff());

  std::vector<DimerCurve> curves;
  for (std::size_t a = 0; a < species.size(); ++a)
    for (std::size_t b = a; b < species.size(); ++b) {
      DimerCurve curve{species[a], species[b], {}, {}, 0};
      for (const double distance : distances)
        if (const auto energy = finite_energy(evaluator, atoms_on_a_line({species[a], species[b]}, distance))) {
          curve.distances.push_back(distance);
          curve.energies.push_back(*energy - alone[a] - alone[b]);
        }
      curve.left_out = distances.size() - curve.distances.size();
      curves.push_back(std::move(curve));
    }
  return curves;
}

}  // namespace grapevine
