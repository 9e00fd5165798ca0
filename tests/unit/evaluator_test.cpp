#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <limits>
#include <memory>
#include <numeric>
#include <set>
#include <stdexcept>
#include <thread>
#include <vector>

#include "engine/evaluator.hpp"
#include "exchange/local/local_exchange.hpp"
#include "models/reann/model.hpp"
#include "reann_reference.hpp"
#include "structures/evaluate_frame.hpp"
#include "test_files.hpp"
#include "threads/interruption.hpp"

namespace grapevine::test {
namespace {

using testing::ElementsAre;
using testing::ElementsAreArray;
using testing::HasSubstr;
using testing::IsEmpty;
using namespace std::chrono_literals;

/// Atoms that do not feel each other.
class LoneAtoms final : public Graph {
 public:
  explicit LoneAtoms(int atoms) : rows_(static_cast<std::size_t>(atoms)), species_(rows_.size(), 0) {
    std::iota(rows_.begin(), rows_.end(), 0);
  }

  int own() const override { return static_cast<int>(rows_.size()); }
  int ghosts() const override { return 0; }
  std::span<const int> centres() const override { return rows_; }
  std::span<const int> species() const override { return species_; }
  std::span<const unsigned char> at_boundary() const override { return {}; }
  void edges(std::span<const int> centres, EdgeBlock<float>& block) const override { fill(centres, block); }
  void edges(std::span<const int> centres, EdgeBlock<double>& block) const override { fill(centres, block); }

 private:
  template <class Real>
  static void fill(std::span<const int> centres, EdgeBlock<Real>& block) {
    block.clear();
    for (const int i : centres) block.close(i, 0);
  }

  std::vector<int> rows_;
  std::vector<int> species_;
};

/// Energies of one atom after another, slowly.
class SlowModel final : public Model<double> {
 public:
  explicit SlowModel(std::chrono::milliseconds per_atom) : per_atom_(per_atom) {}

  double cutoff() const override { return 1; }
  int layers() const override { return 0; }
  int width(int) const override { return 0; }
  int stride(int) const override { return 0; }
  int state_width(int) const override { return 0; }
  bool gives_edge_gradient(int) const override { return false; }
  int block_size() const override { return 1; }
  std::unique_ptr<Workspace> make_workspace() const override {
    ++workspaces;
    return std::make_unique<Workspace>();
  }
  void forward(int, const Block<double>&, Workspace&) const override {}
  void readout(const Block<double>& block, Workspace&) const override {
    ++atoms;
    std::this_thread::sleep_for(per_atom_);
    block.energy[0] = faulty.count(block.edges.centre[0]) > 0 ? std::numeric_limits<double>::quiet_NaN() : 1;
  }
  void backward(int, const Block<double>&, Workspace&) const override {}
  void forward_with_tangents(int, const TangentBlock<double>&, Workspace&) const override {}

  mutable std::atomic<int> atoms = 0;
  mutable std::atomic<int> workspaces = 0;
  std::set<int> faulty;  ///< atoms whose energy is not a number

 private:
  std::chrono::milliseconds per_atom_;
};

Output output_of(int atoms, const std::shared_ptr<SlowModel>& model, int threads) {
  const LoneAtoms graph(atoms);
  LocalExchange<double> exchange(atoms, {});
  std::vector<double> forces(static_cast<std::size_t>(3 * atoms));
  Output output;
  output.forces = forces.data();
  Evaluator<double>(model, threads).evaluate(graph, exchange, output);
  output.forces = nullptr;
  return output;
}

double energy_of(int atoms, const std::shared_ptr<SlowModel>& model, int threads) {
  return output_of(atoms, model, threads).energy;
}

class Stop : public std::runtime_error {
 public:
  Stop() : std::runtime_error("stop") {}
};

TEST(Evaluator, CanBeInterruptedWithinAnEvaluation) {
  for (const int threads : {1, 3}) {
    const auto model = std::make_shared<SlowModel>(10ms);
    const Interruptible interruptible([] { throw Stop(); });
    EXPECT_THROW(energy_of(3000, model, threads), Stop);
    EXPECT_LT(model->atoms, 1000) << threads << " threads";
  }
}

TEST(Evaluator, SmallSystemsUseFewThreads) {
  const auto model = std::make_shared<SlowModel>(0ms);
  EXPECT_EQ(energy_of(3, model, 4096), 3);
  EXPECT_EQ(model->workspaces, 1);
  EXPECT_EQ(energy_of(500, model, 2), 500);
  EXPECT_EQ(model->workspaces, 3);
}

TEST(Evaluator, AbsurdNumbersOfThreadsAreRefused) {
  EXPECT_THAT(error_of([] { energy_of(1, std::make_shared<SlowModel>(0ms), 100000); }), HasSubstr("100000 threads"));
}

TEST(Evaluator, AtomsWhoseEnergyIsNotFiniteAreNamed) {
  const auto model = std::make_shared<SlowModel>(0ms);
  EXPECT_THAT(output_of(500, model, 2).non_finite, IsEmpty());
  model->faulty = {3, 7, 499};
  for (const int threads : {1, 2}) EXPECT_THAT(output_of(500, model, threads).non_finite, ElementsAre(3, 7, 499));
}

TEST(Evaluator, TheSameNumberOfThreadsGivesTheSameBits) {
  const reann::ReannPotential potential(random_parameters({.layers = 2}, 7));
  const Frame frame = random_cluster(ReannSizes{}.species, 300, 20.0, 5);
  for (const Precision precision : {Precision::double_precision, Precision::mixed})
    for (const int threads : {2, 3, 8}) {
      const FrameResult first = FrameEvaluator(potential, precision, threads).evaluate(frame);
      for (int n = 0; n < 20; ++n) {
        const FrameResult again = FrameEvaluator(potential, precision, threads).evaluate(frame);
        ASSERT_EQ(again.energy, first.energy);
        ASSERT_EQ(again.virial, first.virial);
        ASSERT_THAT(again.forces, ElementsAreArray(first.forces));
      }
    }
}

TEST(Evaluator, ASmallStructureHasTheSameBitsOnAnyNumberOfThreads) {
  const reann::ReannPotential potential(random_parameters({.layers = 1}, 7));
  const Frame frame = random_cluster(ReannSizes{}.species, 6, 6.0, 5);
  const FrameResult one = FrameEvaluator(potential, Precision::double_precision, 1).evaluate(frame);
  const FrameResult many = FrameEvaluator(potential, Precision::double_precision, 64).evaluate(frame);
  EXPECT_EQ(many.energy, one.energy);
  EXPECT_THAT(many.forces, ElementsAreArray(one.forces));
}

}  // namespace
}  // namespace grapevine::test
