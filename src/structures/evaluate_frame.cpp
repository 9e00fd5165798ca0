#include "structures/evaluate_frame.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>
#include <type_traits>
#include <vector>

#include "engine/evaluator.hpp"
#include "exchange/local/local_exchange.hpp"
#include "structures/frame_graph.hpp"
#include "structures/model_of.hpp"
#include "support/error.hpp"
#include "support/finite.hpp"

namespace grapevine {

class FrameEvaluator::Implementation {
 public:
  virtual ~Implementation() = default;
  virtual FrameResult evaluate(const Frame& frame, Wanted wanted) = 0;
  virtual std::size_t neighbour_searches() const = 0;
};

namespace {

bool is_finite(const FrameResult& result) {
  return std::isfinite(result.energy) && all_finite(result.energies) && all_finite(result.forces) &&
         all_finite(result.virial) && all_finite(result.virials);
}

/// Atoms with an energy that is not finite or, where there are none, with such a force: these spread to neighbours.
std::vector<int> atoms_not_finite(const FrameResult& result) {
  std::vector<int> by_energy;
  std::vector<int> by_force;
  for (std::size_t i = 0; i < result.energies.size(); ++i) {
    if (!std::isfinite(result.energies[i])) by_energy.push_back(static_cast<int>(i));
    if (!all_finite(std::span(result.forces).subspan(3 * i, 3))) by_force.push_back(static_cast<int>(i));
  }
  return by_energy.empty() ? by_force : by_energy;
}

}  // namespace

template <class Real>
class FrameEvaluator::ImplementationIn final : public Implementation {
 public:
  ImplementationIn(const Potential& potential, int threads, double skin)
      : graph_(potential.species(), potential.cutoff(), threads, skin),
        evaluator_(model_of<Real>(potential), threads) {}

  FrameResult evaluate(const Frame& frame, Wanted wanted) override {
    graph_.build(frame);
    const std::size_t own = frame.symbols.size();
    const std::size_t all = own + static_cast<std::size_t>(graph_.ghosts());
    FrameResult result;
    result.energies.assign(own, 0.0);
    result.forces.assign(3 * all, 0.0);
    if (wanted.virials) result.virials.assign(9 * all, 0.0);
    Output output;
    output.forces = result.forces.data();
    output.energies = result.energies.data();
    output.wants_virial = wanted.virial;
    output.atom_virials = wanted.virials ? result.virials.data() : nullptr;
    run(frame, output);
    gather_ghosts(result.forces, 3);
    if (wanted.virials) gather_ghosts(result.virials, 9);
    result.energy = output.energy;
    result.virial = output.virial;
    if (!is_finite(result)) fail_not_finite(frame, result);
    return result;
  }

  std::size_t neighbour_searches() const override { return graph_.searches(); }

 private:
  [[noreturn]] void fail_not_finite(const Frame& frame, const FrameResult& result) const {
    const std::vector<int> atoms = atoms_not_finite(result);
    std::string text = "the model's energy, forces or virial are not finite";
    if (!atoms.empty())
      text += fmt::format(" at {} atom{}, first at atom {} ({}), whose nearest neighbour is {:.3g} Angstrom away",
                          atoms.size(), atoms.size() == 1 ? "" : "s", atoms[0] + 1,
                          frame.symbols[static_cast<std::size_t>(atoms[0])], nearest_neighbour(atoms[0]));
    throw NotFiniteError(text + (std::is_same_v<Real, float>
                                     ? "; double precision may give a result where mixed precision overflows"
                                     : "; move the atoms apart, or look whether the model is sound"));
  }

  /// Angstrom; infinite for an atom alone.
  double nearest_neighbour(int atom) const {
    EdgeBlock<Real> block;
    graph_.edges({&atom, 1}, block);
    double square = std::numeric_limits<double>::infinity();
    for (std::size_t e = 0; e < static_cast<std::size_t>(block.edges()); ++e)
      square = std::min(
          square, static_cast<double>(block.x[e] * block.x[e] + block.y[e] * block.y[e] + block.z[e] * block.z[e]));
    return std::sqrt(square);
  }

  void gather_ghosts(std::vector<double>& values, int width) const {
    LocalExchange<double>(graph_.own(), graph_.owner()).scatter_add({values.data(), width, width});
    values.resize(static_cast<std::size_t>(graph_.own()) * static_cast<std::size_t>(width));
  }

  void run(const Frame& frame, Output& output) {
    LocalExchange<Real> exchange(graph_.own(), graph_.owner());
    try {
      evaluator_.evaluate(graph_, exchange, output);
    } catch (const AtomError& problem) {
      throw graph_.describe(problem, frame);
    }
  }

  FrameGraph graph_;
  Evaluator<Real> evaluator_;
};

FrameEvaluator::FrameEvaluator(const Potential& potential, Precision precision, int threads, double skin) {
  if (precision == Precision::double_precision)
    implementation_ = std::make_unique<ImplementationIn<double>>(potential, threads, skin);
  else
    implementation_ = std::make_unique<ImplementationIn<float>>(potential, threads, skin);
}

FrameEvaluator::~FrameEvaluator() = default;

FrameResult FrameEvaluator::evaluate(const Frame& frame, Wanted wanted) {
  return implementation_->evaluate(frame, wanted);
}

std::size_t FrameEvaluator::neighbour_searches() const { return implementation_->neighbour_searches(); }

}  // namespace grapevine
