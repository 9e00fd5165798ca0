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
  virtual FrameResult evaluate(const Frame& frame) = 0;
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
  ImplementationIn(const Potential& potential, int threads)
      : graph_(potential.species(), potential.cutoff(), threads), evaluator_(model_of<Real>(potential), threads) {}

  FrameResult evaluate(const Frame& frame) override {
    graph_.build(frame);
    const std::size_t own = frame.symbols.size();
    forces_.assign(3 * (own + static_cast<std::size_t>(graph_.ghosts())), 0.0);
    FrameResult result;
    result.energies.assign(own, 0.0);
    Output output;
    output.forces = forces_.data();
    output.energies = result.energies.data();
    run(frame, output);
    LocalExchange<double>(graph_.own(), graph_.owner()).scatter_add({forces_.data(), 3, 3});
    result.forces.assign(forces_.begin(), forces_.begin() + static_cast<std::ptrdiff_t>(3 * own));
    result.energy = output.energy;
    result.virial = output.virial;
    return result;
  }

 private:
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
  std::vector<double> forces_;
};

FrameEvaluator::FrameEvaluator(const Potential& potential, Precision precision, int threads) {
  if (precision == Precision::double_precision)
    implementation_ = std::make_unique<ImplementationIn<double>>(potential, threads);
  else
    implementation_ = std::make_unique<ImplementationIn<float>>(potential, threads);
}

FrameEvaluator::~FrameEvaluator() = default;

FrameResult FrameEvaluator::evaluate(const Frame& frame) { return implementation_->evaluate(frame); }

}  // namespace grapevine
