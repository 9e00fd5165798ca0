#include "models/reann/isolated_atoms.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <numeric>

#include "models/reann/input_scaling.hpp"
#include "models/reann/model.hpp"
#include "models/reann/trainable.hpp"
#include "reann_reference.hpp"
#include "structures/evaluate_frame.hpp"
#include "training/data/prepared_frame.hpp"

namespace grapevine::test {
namespace {

using reann::ActivationKind;
using reann::IsolatedAtoms;
using reann::Parameters;

constexpr double nickel = -4.5;
constexpr double oxygen = -432.125;

class IsolatedAtomsTest : public testing::TestWithParam<ReannSizes> {
 protected:
  IsolatedAtomsTest() : parameters(random_parameters(GetParam(), 7)) {
    std::vector<LabelledFrame> frames(2);
    frames[0].frame = random_cluster(parameters.species, 19, 8.0, 3);
    frames[1].frame = random_cluster(parameters.species, 12, 6.0, 5);
    prepared = prepare_frames(frames, parameters.species, parameters.cutoff, 1);
    for (const PreparedFrame& frame : prepared) batch.add(frame);
    scaling = reann::scaling_of_inputs(parameters, batch);
  }

  /// Atoms whose switches are off at `part` of the smallest density of their element in the structures.
  IsolatedAtoms atoms_off_at(double part) const {
    const std::vector<double> least = reann::least_densities(parameters, scaling, batch, batch.centres());
    IsolatedAtoms atoms{{nickel, oxygen}, {}};
    for (std::size_t s = 0; s < 2; ++s) {
      auto& row = atoms.input_weight.emplace_back();
      for (const double mean : scaling.of.back()[s].mean)
        row.push_back(reann::switched_off(GetParam().activation) / (part * least[s] * mean * parameters.orbitals));
    }
    return atoms;
  }

  static double energy_alone(const Parameters& p, const std::string& symbol, Precision precision) {
    Frame frame;
    frame.symbols = {symbol};
    frame.positions = {0.1, 0.2, 0.3};
    const reann::ReannPotential potential(p);
    return FrameEvaluator(potential, precision, 1).evaluate(frame).energy;
  }

  FrameResult of_cluster(const Parameters& p) const {
    const reann::ReannPotential potential(p);
    return FrameEvaluator(potential, Precision::double_precision, 1).evaluate(random_cluster(p.species, 19, 8.0, 3));
  }

  Parameters parameters;
  std::vector<PreparedFrame> prepared;
  FrameBatch batch;
  reann::InputScaling scaling;
};

TEST_P(IsolatedAtomsTest, EnergyOfAnAtomAloneIsThatOfTheModel) {
  for (int s = 0; s < 2; ++s)
    EXPECT_NEAR(reann::isolated_atom_energy(parameters, s),
                energy_alone(parameters, parameters.species[static_cast<std::size_t>(s)], Precision::double_precision),
                1e-12);
}

TEST_P(IsolatedAtomsTest, EnergiesAreHeldInBothPrecisions) {
  hold(parameters, atoms_off_at(0.1));
  for (const Precision precision : {Precision::double_precision, Precision::mixed}) {
    EXPECT_NEAR(energy_alone(parameters, "Ni", precision), nickel, 1e-9);
    EXPECT_NEAR(energy_alone(parameters, "O", precision), oxygen, 1e-9);
  }
}

TEST_P(IsolatedAtomsTest, AtomsOfTheDataFeelNothing) {
  Parameters without = parameters;
  reann::clear_switches(without);
  hold(parameters, atoms_off_at(0.1));
  const FrameResult held = of_cluster(parameters);
  const FrameResult expected = of_cluster(without);
  EXPECT_NEAR(held.energy, expected.energy, 2e-7);
  for (std::size_t n = 0; n < held.forces.size(); ++n) EXPECT_NEAR(held.forces[n], expected.forces[n], 2e-7);
}

TEST_P(IsolatedAtomsTest, HeldAtomsAreFoundAndReleased) {
  EXPECT_FALSE(reann::held_atoms(parameters));
  Parameters before = parameters;
  reann::clear_switches(before);
  const IsolatedAtoms atoms = atoms_off_at(0.1);
  hold(parameters, atoms);
  const auto found = reann::held_atoms(parameters);
  ASSERT_TRUE(found);
  EXPECT_NEAR(found->energy.at(0).value(), nickel, 1e-9);
  EXPECT_NEAR(found->energy.at(1).value(), oxygen, 1e-9);
  EXPECT_EQ(found->input_weight, atoms.input_weight);
  reann::release(parameters);
  EXPECT_FALSE(reann::held_atoms(parameters));
  EXPECT_NEAR(of_cluster(parameters).energy, of_cluster(before).energy, 1e-9);
}

TEST_P(IsolatedAtomsTest, AnElementMayBeLeftFree) {
  IsolatedAtoms atoms = atoms_off_at(0.1);
  atoms.energy[0] = std::nullopt;
  Parameters without = parameters;
  reann::clear_switches(without);
  hold(parameters, atoms);
  EXPECT_NEAR(energy_alone(parameters, "O", Precision::double_precision), oxygen, 1e-9);
  EXPECT_EQ(reann::held_atoms(parameters)->energy[0], std::nullopt);
  EXPECT_NEAR(energy_alone(parameters, "Ni", Precision::mixed),
              energy_alone(parameters, "Ni", Precision::double_precision), 1e-9);
}

/// Squares of the energies of all structures, and its gradient.
double loss_of(GradientWorker& worker, const FrameBatch& batch, LossSlopes& slopes) {
  const auto own = static_cast<std::size_t>(batch.own());
  std::vector<double> energies(own), forces(3 * own);
  Output output;
  output.energies = energies.data();
  output.forces = forces.data();
  worker.evaluate(batch, output, 1);
  slopes = {std::vector<double>(own), std::vector<double>(3 * own), {}};
  double loss = 0;
  for (std::size_t f = 0; f < batch.frames().size(); ++f) {
    const auto begin = static_cast<std::size_t>(batch.first_atom(f));
    const auto end = static_cast<std::size_t>(batch.first_atom(f + 1));
    const double energy = std::accumulate(energies.begin() + static_cast<std::ptrdiff_t>(begin),
                                          energies.begin() + static_cast<std::ptrdiff_t>(end), 2.0);
    loss += 1e-3 * energy * energy;
    std::fill(slopes.energy.begin() + static_cast<std::ptrdiff_t>(begin),
              slopes.energy.begin() + static_cast<std::ptrdiff_t>(end), 2e-3 * energy);
  }
  for (std::size_t n = 0; n < forces.size(); ++n) {
    loss += 1e-2 * forces[n] * forces[n];
    slopes.forces[n] = 2e-2 * forces[n];
  }
  return loss;
}

// With switches that are half on, amplitudes that follow from the weights are in the gradient.
TEST_P(IsolatedAtomsTest, GradientKnowsThatAmplitudesFollow) {
  const IsolatedAtoms atoms = atoms_off_at(GetParam().activation == ActivationKind::tanh_like ? 3000 : 6);
  const auto model = reann::make_trainable(parameters, {false, true, scaling, atoms});
  const std::vector<double> weights = model->weights();
  std::vector<std::unique_ptr<GradientWorker>> workers;
  workers.push_back(model->make_worker());
  LossSlopes slopes;
  loss_of(*workers.front(), batch, slopes);
  workers.front()->clear();
  workers.front()->add_gradient(batch, slopes, {});
  std::vector<double> gradient(weights.size());
  model->collect(workers, gradient);
  const double scale = std::sqrt(std::inner_product(gradient.begin(), gradient.end(), gradient.begin(), 0.0) /
                                 static_cast<double>(gradient.size()));
  ASSERT_GT(scale, 0);
  const auto loss_at = [&](std::size_t n, double h) {
    std::vector<double> moved = weights;
    moved[n] += h;
    model->set_weights(moved, 1);
    LossSlopes ignored;
    return loss_of(*workers.front(), batch, ignored);
  };
  std::size_t begin = 0;
  for (const ParameterPart& part : model->parts()) {
    for (const std::size_t n : {begin, begin + part.count() / 2, begin + part.count() - 1}) {
      constexpr double h = 5e-5;
      const double slope = (8 * (loss_at(n, h) - loss_at(n, -h)) - (loss_at(n, 2 * h) - loss_at(n, -2 * h))) / (12 * h);
      EXPECT_NEAR(gradient[n], slope, 5e-6 * (scale + std::abs(slope))) << part.name << "[" << n - begin << "]";
    }
    begin += part.count();
  }
}

TEST_P(IsolatedAtomsTest, AreHeldWhateverTheWeights) {
  const auto model = reann::make_trainable(parameters, {false, true, scaling, atoms_off_at(0.1)});
  std::vector<double> weights = model->weights();
  for (int step = 0; step < 3; ++step) {
    for (std::size_t n = 0; n < weights.size(); ++n) weights[n] += 0.02 * std::sin(static_cast<double>(7 * n) + step);
    model->set_weights(weights, 1);
    Frame frame;
    frame.symbols = {"O"};
    frame.positions = {0, 0, 0};
    const auto potential = model->potential();
    EXPECT_NEAR(FrameEvaluator(*potential, Precision::mixed, 1).evaluate(frame).energy, oxygen, 1e-8);
  }
}

INSTANTIATE_TEST_SUITE_P(Networks, IsolatedAtomsTest,
                         testing::Values(ReannSizes{}, ReannSizes{.layers = 0, .norm = false},
                                         ReannSizes{.layers = 1, .activation = ActivationKind::tanh_like},
                                         ReannSizes{.layers = 1, .widths = {7}, .blocks = 0}));

}  // namespace
}  // namespace grapevine::test
