// A worker of a training of equivariant models.
#if defined(GRAPEVINE_EQUIVARIANT_DUAL_WORKER_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef GRAPEVINE_EQUIVARIANT_DUAL_WORKER_INL
#undef GRAPEVINE_EQUIVARIANT_DUAL_WORKER_INL
#else
#define GRAPEVINE_EQUIVARIANT_DUAL_WORKER_INL
#endif

#include <cstddef>
#include <span>
#include <vector>

#include "engine/block_list.hpp"
#include "exchange/local/local_exchange.hpp"
#include "models/equivariant/messages-inl.hpp"
#include "models/evaluator_on_threads.hpp"
#include "models/gradient_worker.hpp"
#include "models/shared_rows.hpp"
#include "models/worker_team.hpp"

HWY_BEFORE_NAMESPACE();
namespace grapevine::equivariant::HWY_NAMESPACE {

/// What all passes over a block share, kept from its first pass to its last.
template <class Real>
struct DualBlock {
  EdgeBlock<Real> edges;
  EdgeChanges<Real> changes;
  std::span<const int> species;      // [own]
  std::vector<double> energy_slope;  // [centres] of the loss, by the energy of the atom's structure
};
template <class Real>
const EdgeChanges<Real>& changes(const DualBlock<Real>& block) {
  return block.changes;
}

/// dE/d(readout) of a block's atoms, where energies are `scale` times readouts.
template <class Real, int most>
struct EnergySeeds {
  Real value[most], change[most];

  EnergySeeds(double scale, const std::vector<double>& energy_slope) {
    for (std::size_t n = 0; n < energy_slope.size(); ++n) {
      value[n] = static_cast<Real>(-scale);
      change[n] = static_cast<Real>(scale * energy_slope[n]);
    }
  }
};

/// Two passes in dual numbers (see MatrixGradient) over blocks of a graph without ghosts. `Kernels` are an
/// architecture's, with
///   Tape     derived from DualBlock<Real>: what the passes over a block leave for their way back
///   Sums     gradients by all weights
///   Scratch  memory of one thread
///   model()  the model with the weights of the moment, always the same object
/// and the steps over one block: forward(t), readout, backward(t).
template <class Real, class Kernels>
class DualWorker final : public GradientWorker {
 public:
  explicit DualWorker(const Kernels& kernels)
      : sums(kernels.make_sums()),
        rows(kernels.model()->layers()),
        kernels_(kernels),
        scratch_(kernels.make_scratch()) {}

  void evaluate(const Graph& graph, Output& output, int threads) override {
    LocalExchange<Real> exchange(graph.own(), {});
    evaluator_.on(kernels_.model(), threads).evaluate(graph, exchange, output);
  }

  void clear() override { sums.clear(); }

  void add_gradient(const Graph& graph, const LossSlopes& slopes, std::span<GradientWorker* const> helpers) override {
    const WorkerTeam<DualWorker> team(*this, helpers);
    start(graph, slopes, team);
    for (int t = 0; t < layers(); ++t)
      for_each_tape(team,
                    [&](DualWorker& of, Tape& tape) { kernels_.forward(t, tape, of.rows, of.sums, of.scratch_); });
    for_each_tape(team, [&](DualWorker& of, Tape& tape) { kernels_.readout(tape, of.rows, of.sums, of.scratch_); });
    for (int t = layers() - 1; t >= 0; --t) {
      team.sum_gradients(t + 1);
      for_each_tape(team,
                    [&](DualWorker& of, Tape& tape) { kernels_.backward(t, tape, of.rows, of.sums, of.scratch_); });
    }
  }

  typename Kernels::Sums sums;
  SharedRows<Real> rows;  // [own][2][stride], values before changes

 private:
  using Tape = typename Kernels::Tape;

  int layers() const { return kernels_.model()->layers(); }

  template <class Step>
  void for_each_tape(const WorkerTeam<DualWorker>& team, const Step& step) {
    team.run(blocks_, [&](DualWorker& of, int b) HWY_ATTR { step(of, tapes_[static_cast<std::size_t>(b)]); });
  }

  void start(const Graph& graph, const LossSlopes& slopes, const WorkerTeam<DualWorker>& team) {
    for (int t = 1; t <= layers(); ++t)
      team.start_rows(t, 2 * static_cast<std::size_t>(graph.own()) * kernels_.model()->stride(t));
    const std::span<const int> centres = graph.centres();
    blocks_.start(Kernels::block_atoms, centres);
    for (std::size_t n = 0; n < centres.size(); ++n)
      blocks_.add(n, graph.species()[static_cast<std::size_t>(centres[n])]);
    blocks_.finish();
    while (tapes_.size() < static_cast<std::size_t>(blocks_.blocks())) tapes_.push_back(kernels_.make_tape());
    team.run(blocks_,
             [&](const DualWorker& /*of*/, int b) { start(graph, slopes, b, tapes_[static_cast<std::size_t>(b)]); });
  }

  void start(const Graph& graph, const LossSlopes& slopes, int b, Tape& tape) const {
    tape.edges.species = blocks_.species(b);
    graph.edges(blocks_.centres(b), tape.edges);
    tape.changes.set(tape.edges, slopes);
    tape.energy_slope.clear();
    for (const int i : tape.edges.centre) tape.energy_slope.push_back(slopes.energy[static_cast<std::size_t>(i)]);
    tape.species = graph.species();
  }

  const Kernels& kernels_;
  EvaluatorOnThreads<Real> evaluator_;
  BlockList blocks_;
  std::vector<Tape> tapes_;
  typename Kernels::Scratch scratch_;
};

}  // namespace grapevine::equivariant::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
