#include "training/data/reference_energies.hpp"

#include <gmock/gmock.h>

#include <cmath>

#include "test_files.hpp"
#include "training/data/minimum_norm.hpp"

namespace grapevine {
namespace {

using ::testing::DoubleNear;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

LabelledFrame frame_of(std::vector<std::string> symbols, std::optional<double> energy) {
  LabelledFrame labelled;
  labelled.frame.positions.assign(3 * symbols.size(), 0.0);
  labelled.frame.symbols = std::move(symbols);
  labelled.reference.energy = energy;
  labelled.place = "f:1: frame 1";
  return labelled;
}

auto near(double value) { return DoubleNear(value, 1e-9 * (1 + std::abs(value))); }

TEST(MinimumNorm, SolvesWhatIsDetermined) {
  EXPECT_THAT(minimum_norm_least_squares({{1, 2}, {3, -4}, {5, 6}}, {5, -5, 17}), ElementsAre(near(1), near(2)));
}

TEST(MinimumNorm, IsTheShortestOfAllSolutions) {
  EXPECT_THAT(minimum_norm_least_squares({{1, 2}, {2, 4}}, {5, 10}), ElementsAre(near(1), near(2)));
  EXPECT_THAT(minimum_norm_least_squares({{1, 0}, {1, 0}}, {1, 3}), ElementsAre(near(2), near(0)));
  EXPECT_THAT(minimum_norm_least_squares({{1, 1, 1}}, {6}), ElementsAre(near(2), near(2), near(2)));
  EXPECT_THAT(minimum_norm_least_squares({{0, 0}}, {6}), ElementsAre(0, 0));
}

TEST(MinimumNorm, KeepsSmallDirections) {
  EXPECT_THAT(minimum_norm_least_squares({{1, 1}, {1, 1.0001}}, {3, 3.0002}),
              ElementsAre(DoubleNear(1, 1e-7), DoubleNear(2, 1e-7)));
}

TEST(ReferenceEnergies, AreThoseOfDifferentCompositions) {
  const std::vector<LabelledFrame> frames{frame_of({"O", "O"}, -20), frame_of({"H", "O", "H"}, -14.0),
                                          frame_of({"H", "H"}, std::nullopt)};
  EXPECT_THAT(fit_reference_energies(frames, {"H", "O"}, {}), ElementsAre(near(-2), near(-10)));
}

TEST(ReferenceEnergies, OfOneCompositionAreTheSmallestThatFit) {
  const std::vector<LabelledFrame> frames{frame_of({"O", "H", "H"}, -9), frame_of({"O", "H", "H", "O", "H", "H"}, -22)};
  const std::vector<double> energies = fit_reference_energies(frames, {"H", "O"}, {});
  EXPECT_THAT(energies, ElementsAre(near(-4), near(-2)));
}

TEST(ReferenceEnergies, FixedOnesStayAndOthersFollow) {
  const std::vector<LabelledFrame> frames{frame_of({"O", "H", "H"}, -9)};
  EXPECT_THAT(fit_reference_energies(frames, {"H", "O"}, {{"H", -1.0}}), ElementsAre(-1, near(-7)));
  EXPECT_THAT(fit_reference_energies(frames, {"H", "O"}, {{"H", -1.0}, {"O", 3.0}}), ElementsAre(-1, 3));
}

TEST(ReferenceEnergies, AreZeroWithoutData) {
  EXPECT_THAT(fit_reference_energies({}, {"H", "O"}, {}), Each(0));
  const std::vector<LabelledFrame> frames{frame_of({"H"}, -3)};
  EXPECT_THAT(fit_reference_energies(frames, {"H", "O"}, {}), ElementsAre(near(-3), 0));
}

TEST(ReferenceEnergies, OfManyRareElementsAreExact) {
  std::vector<LabelledFrame> frames;
  for (int n = 0; n < 1000; ++n) frames.push_back(frame_of(std::vector<std::string>(100, "W"), -450.0));
  std::vector<std::string> rare(100, "W");
  rare[0] = "Ta";
  frames.push_back(frame_of(rare, -99 * 4.5 - 7));
  EXPECT_THAT(fit_reference_energies(frames, {"Ta", "W"}, {}), ElementsAre(DoubleNear(-7, 1e-6), near(-4.5)));
}

TEST(ReferenceEnergies, ThatAreUndeterminedStayNearIsolatedAtoms) {
  const std::vector<LabelledFrame> frames{frame_of({"O", "H", "H"}, -476)};
  EXPECT_THAT(fit_reference_energies(frames, {"H", "O"}, {}, {{"H", -13.0}, {"O", -432.0}}),
              ElementsAre(near(-13 - 7.2), near(-432 - 3.6)));
}

TEST(ReferenceEnergies, ThatCompositionsLeaveOpenAreNamed) {
  const std::vector<LabelledFrame> water{frame_of({"O", "H", "H"}, -9), frame_of({"Cu"}, -3)};
  EXPECT_THAT(undetermined_elements(water, {"H", "O", "Cu"}, {}), ElementsAre("H", "O"));
  EXPECT_THAT(undetermined_elements(water, {"H", "O", "Cu"}, {{"H", -1.0}}), ElementsAre());
  const std::vector<LabelledFrame> two{frame_of({"O", "H", "H"}, -9), frame_of({"H", "H"}, -3)};
  EXPECT_THAT(undetermined_elements(two, {"H", "O"}, {}), ElementsAre());
  EXPECT_THAT(undetermined_elements({}, {"H", "O"}, {}), ElementsAre());
}

TEST(IsolatedAtoms, AreSingleAtomsWhoseImagesAreFarAway) {
  std::vector<LabelledFrame> frames{frame_of({"H"}, -13.5), frame_of({"O"}, std::nullopt), frame_of({"H", "H"}, -30)};
  frames.push_back(frame_of({"W"}, -4));
  frames.back().frame.periodic = {true, true, true};
  frames.back().frame.cell = {3.2, 0, 0, 0, 20, 0, 0, 0, 20};
  EXPECT_THAT(isolated_atom_energies(frames), ElementsAre(std::pair<const std::string, double>("H", -13.5)));
  frames.back().frame.cell = {20, 0, 0, 0, 20, 0, 0, 0, 20};
  EXPECT_THAT(isolated_atom_energies(frames), ElementsAre(std::pair<const std::string, double>("H", -13.5),
                                                          std::pair<const std::string, double>("W", -4)));
  frames.pop_back();
  EXPECT_THAT(isolated_atom_energies(frames), ElementsAre(std::pair<const std::string, double>("H", -13.5)));
  frames.push_back(frame_of({"H"}, -13.4));
  EXPECT_THAT(test::error_of([&] { isolated_atom_energies(frames); }), HasSubstr("f:1: frame 1: an atom of H alone"));
}

}  // namespace
}  // namespace grapevine
