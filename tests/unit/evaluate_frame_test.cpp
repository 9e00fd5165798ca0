#include "structures/evaluate_frame.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "models/reann/model.hpp"
#include "reann_reference.hpp"
#include "structures/evaluate_batch.hpp"
#include "test_files.hpp"

namespace grapevine::test {
namespace {

using testing::HasSubstr;

/// A potential whose densities are `factor` times as large as is usual.
std::shared_ptr<const Potential> steep_potential(double factor) {
  reann::Parameters parameters = random_parameters({.species = {"H"}, .layers = 1, .widths = {5, 5}}, 3);
  for (double& coefficient : parameters.initial_coefficient) coefficient *= factor;
  return std::make_shared<reann::ReannPotential>(parameters);
}

/// A pair within the cutoff behind an atom alone.
Frame atom_and_pair() {
  Frame frame;
  frame.symbols = {"H", "H", "H"};
  frame.positions = {0, 0, 50, 0, 0, 0, 0, 0, 1.25};
  return frame;
}

std::string error_of_evaluation(const Potential& potential, Precision precision) {
  return error_of([&] { FrameEvaluator(potential, precision, 1).evaluate(atom_and_pair()); });
}

TEST(FrameEvaluator, GivesNothingThatIsNotFiniteAndNamesTheAtom) {
  const auto potential = steep_potential(1e160);
  EXPECT_THROW(FrameEvaluator(*potential, Precision::double_precision, 1).evaluate(atom_and_pair()), NotFiniteError);
  const std::string error = error_of_evaluation(*potential, Precision::double_precision);
  EXPECT_THAT(error, HasSubstr("not finite at 2 atoms, first at atom 2 (H), whose nearest neighbour is 1.25 Angstrom"));
  EXPECT_THAT(error, HasSubstr("move the atoms apart"));
}

TEST(FrameEvaluator, SaysThatDoublePrecisionReachesFurtherThanMixed) {
  const auto potential = steep_potential(1e25);
  EXPECT_THAT(error_of_evaluation(*potential, Precision::mixed), HasSubstr("double precision may give a result"));
  const FrameResult result = FrameEvaluator(*potential, Precision::double_precision, 1).evaluate(atom_and_pair());
  EXPECT_TRUE(std::isfinite(result.energy));
}

TEST(BatchEvaluator, KeepsTheOtherStructuresWhereOneIsNotFinite) {
  Frame alone = atom_and_pair();
  alone.positions[8] = 100;
  const std::vector<Frame> frames{alone, atom_and_pair(), alone};
  const auto items = BatchEvaluator(steep_potential(1e160), Precision::double_precision, 1).evaluate(frames);
  EXPECT_FALSE(items[0].problem);
  EXPECT_TRUE(items[1].problem);
  EXPECT_FALSE(items[2].problem);
}

}  // namespace
}  // namespace grapevine::test
