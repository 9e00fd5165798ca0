#include "training/report/predictions.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "models/reann/model.hpp"
#include "models/registry.hpp"
#include "reann_reference.hpp"
#include "structures/evaluate_frame.hpp"
#include "test_files.hpp"

namespace grapevine {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::shared_ptr<const Potential> water() { return load_potential(test::source_folder() / "models/water.safetensors"); }

/// A molecule, its bonds longer by `stretch`.
Frame molecule(double stretch) {
  Frame frame;
  frame.symbols = {"O", "H", "H"};
  frame.positions = {0, 0, 0, 0.96 + stretch, 0, 0, -0.24, 0.93 + stretch, 0};
  return frame;
}

/// Labelled with what the potential itself says.
LabelledFrame labelled(const Potential& potential, double stretch, const std::string& place) {
  LabelledFrame frame{molecule(stretch), {}, place};
  const FrameResult result = FrameEvaluator(potential, Precision::double_precision, 1).evaluate(frame.frame);
  frame.reference = {result.energy, result.forces, result.virial};
  return frame;
}

std::vector<LabelledFrame> ten_frames(const Potential& potential) {
  std::vector<LabelledFrame> frames;
  for (int n = 0; n < 10; ++n) frames.push_back(labelled(potential, 0.01 * n, "frame " + std::to_string(n)));
  return frames;
}

TEST(JudgeSet, FindsNoErrorWhereThereIsNone) {
  const auto potential = water();
  for (const int threads : {1, 2}) {
    const SetResult set = judge_set("test", *potential, ten_frames(*potential), threads);
    EXPECT_EQ(set.name, "test");
    EXPECT_EQ(set.frames, 10u);
    EXPECT_EQ(set.atoms, 30u);
    EXPECT_EQ(set.errors.energy_per_atom.count(), 10u);
    EXPECT_EQ(set.errors.forces.count(), 90u);
    EXPECT_EQ(set.errors.virial_per_atom.count(), 90u);
    EXPECT_LT(set.errors.energy_per_atom.maximum(), 1e-9);
    EXPECT_LT(set.errors.forces.maximum(), 1e-9);
    EXPECT_EQ(set.panels.size(), 3u);
  }
}

TEST(JudgeSet, FindsTheErrorsThereAre) {
  const auto potential = water();
  std::vector<LabelledFrame> frames = ten_frames(*potential);
  *frames[3].reference.energy += 0.3;
  (*frames[7].reference.forces)[5] -= 0.5;
  (*frames[8].reference.virial)[1] += 0.6;
  const SetResult set = judge_set("test", *potential, frames, 1);
  EXPECT_NEAR(set.energy_errors[3], -0.1, 1e-9);
  EXPECT_NEAR(set.errors.energy_per_atom.root_mean_square(), 0.1 / std::sqrt(10), 1e-9);
  EXPECT_NEAR(set.errors.virial_per_atom.maximum(), 0.2, 1e-9);
  EXPECT_EQ(set.force_errors.size(), 90u);
  EXPECT_EQ(set.virial_errors.size(), 90u);
  ASSERT_EQ(set.worst_energies.size(), 5u);
  EXPECT_EQ(set.worst_energies[0].place, "frame 3");
  EXPECT_EQ(set.worst_energies[0].formula, "OH2");
  EXPECT_NEAR(set.worst_energies[0].error, -0.1, 1e-9);
  EXPECT_EQ(set.worst_forces[0].place, "frame 7");
  EXPECT_NEAR(set.worst_forces[0].error, 0.5, 1e-9);
  EXPECT_EQ(set.worst_forces[0].atom, 1);
}

TEST(JudgeSet, ComparesOnlyWhatIsKnown) {
  const auto potential = water();
  std::vector<LabelledFrame> frames = ten_frames(*potential);
  frames.resize(2);
  for (LabelledFrame& frame : frames) frame.reference.virial.reset();
  frames[1].reference.energy.reset();
  const SetResult set = judge_set("one", *potential, frames, 1);
  EXPECT_EQ(set.energy_errors.size(), 1u);
  EXPECT_EQ(set.errors.forces.count(), 18u);
  EXPECT_EQ(set.panels.size(), 2u);
  EXPECT_TRUE(set.virial_errors.empty());
  const SetResult nothing = judge_set("none", *potential, {}, 2);
  EXPECT_EQ(nothing.frames, 0u);
  EXPECT_TRUE(nothing.panels.empty());
}

TEST(JudgeSet, SubtractsReferenceEnergiesWhereCompositionsDiffer) {
  const auto potential = water();
  std::vector<LabelledFrame> frames = ten_frames(*potential);
  const auto largest = [](const ParityPanel& panel) {
    double most = 0;
    for (const ParityPanel::Point& point : panel.points()) most = std::max(most, std::abs(point.reference));
    return most;
  };
  EXPECT_EQ(judge_set("test", *potential, frames, 1).panels[0].title(), "Energy per atom");
  for (std::size_t n = 0; n < 5; ++n) {
    frames[n].frame.symbols = {"O", "O", "H"};
    frames[n].reference.energy =
        FrameEvaluator(*potential, Precision::double_precision, 1).evaluate(frames[n].frame).energy;
  }
  const SetResult mixed = judge_set("test", *potential, frames, 1);
  EXPECT_EQ(mixed.panels[0].title(), "Energy per atom \u2212 reference energies");
  EXPECT_LT(largest(mixed.panels[0]), 5);
  EXPECT_LT(mixed.panels[0].errors().maximum(), 1e-9);
  frames.resize(5);
  const SetResult few = judge_set("test", *potential, frames, 1);
  EXPECT_GT(largest(few.panels[0]), 50) << "five structures of one composition";
}

TEST(JudgeSet, ListsSpeciesInTheModelsOrder) {
  const auto potential = water();
  LabelledFrame frame = labelled(*potential, 0, "frame");
  std::swap(frame.frame.symbols[0], frame.frame.symbols[2]);
  frame.reference.forces->assign(9, 0.0);
  const SetResult set = judge_set("test", *potential, {&frame, 1}, 1);
  std::vector<std::string> names;
  for (const auto& [symbol, errors] : set.errors.forces_of) names.push_back(symbol);
  EXPECT_EQ(names, potential->species());
  EXPECT_EQ(set.panels[1].series(), potential->species());
}

TEST(JudgeSet, NamesTheStructureThatCannotBeEvaluated) {
  const auto potential = water();
  std::vector<LabelledFrame> frames = ten_frames(*potential);
  frames[4].frame.symbols[0] = "Xe";
  const std::string error = test::error_of([&] { judge_set("test", *potential, frames, 2); });
  EXPECT_THAT(error, HasSubstr("frame 4: "));
  EXPECT_THAT(error, HasSubstr("Xe"));
}

TEST(JudgeSet, CallsAfterEveryBatch) {
  const auto potential = water();
  const std::vector<LabelledFrame> frames(100, labelled(*potential, 0, "frame"));
  int calls = 0;
  judge_set("test", *potential, frames, 1, [&] { ++calls; });
  EXPECT_EQ(calls, 4);
}

TEST(DimerCurves, AreThereForEveryPair) {
  const auto potential = water();
  const std::vector<DimerCurve> curves = dimer_curves(*potential, potential->species());
  std::vector<std::string> pairs;
  for (const DimerCurve& curve : curves) pairs.push_back(curve.first + curve.second);
  EXPECT_THAT(pairs, ElementsAre("HH", "HO", "OO"));
}

TEST(DimerCurves, AreThereForTheElementsAskedFor) {
  const auto potential = water();
  const std::vector<DimerCurve> curves = dimer_curves(*potential, {"O"});
  ASSERT_EQ(curves.size(), 1u);
  EXPECT_EQ(curves[0].first + curves[0].second, "OO");
  EXPECT_EQ(curves[0].energies, dimer_curves(*potential, potential->species())[2].energies);
}

TEST(DimerCurves, LeaveOutDistancesAtWhichTheEnergyIsNotFinite) {
  reann::Parameters parameters = test::random_parameters({.species = {"H"}, .layers = 1, .widths = {5, 5}}, 3);
  for (double& coefficient : parameters.initial_coefficient) coefficient *= 1e160;
  const std::vector<DimerCurve> curves = dimer_curves(reann::ReannPotential(parameters), parameters.species);
  ASSERT_EQ(curves.size(), 1u);
  EXPECT_THAT(curves[0].distances, ElementsAre(parameters.cutoff));
  EXPECT_EQ(curves[0].energies.size(), 1u);
  EXPECT_GT(curves[0].left_out, 100u);
}

TEST(DimerCurves, AreTheEnergyOfThePairWithoutThatOfTheAtoms) {
  const auto potential = water();
  const DimerCurve curve = dimer_curves(*potential, potential->species())[1];
  EXPECT_DOUBLE_EQ(curve.distances.front(), 0.6);
  EXPECT_DOUBLE_EQ(curve.distances.back(), potential->cutoff());
  EXPECT_NEAR(curve.energies.back(), 0, 1e-9);

  FrameEvaluator evaluator(*potential, Precision::double_precision, 1);
  const auto energy = [&](std::vector<std::string> symbols, std::vector<double> positions) {
    Frame frame;
    frame.symbols = std::move(symbols);
    frame.positions = std::move(positions);
    return evaluator.evaluate(frame).energy;
  };
  const std::size_t place = 20;  // 1 Angstrom
  EXPECT_NEAR(curve.distances[place], 1, 1e-12);
  EXPECT_NEAR(curve.energies[place],
              energy({"H", "O"}, {3, 0, 1, 3, 0, 2}) - energy({"H"}, {0, 0, 0}) - energy({"O"}, {0, 0, 0}), 1e-9);
}

}  // namespace
}  // namespace grapevine
