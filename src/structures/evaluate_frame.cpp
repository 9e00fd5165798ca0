#include "structures/evaluate_frame.hpp"

#include <type_traits>

#include "engine/evaluator.hpp"
#include "exchange/local/local_exchange.hpp"
#include "structures/frame_graph.hpp"
#include "support/error.hpp"

namespace grapevine {

class FrameEvaluator::Implementation {
 public:
  virtual ~Implementation() = default;
  virtual FrameResult evaluate(const Frame& frame, Wanted wanted) = 0;
  virtual std::size_t neighbour_searches() const = 0;
};

namespace {

template <class Real>
std::shared_ptr<const Model<Real>> model_of(const Potential& potential) {
  if constexpr (std::is_same_v<Real, double>)
    return potential.model_in_double();
  else
    return potential.model_in_mixed();
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
    return result;
  }

  std::size_t neighbour_searches() const override { return graph_.searches(); }

 private:
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
