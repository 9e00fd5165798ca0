#include "models/reann/random_parameters.hpp"

#include <gtest/gtest.h>

#include "support/error.hpp"

namespace grapevine::reann {
namespace {

TEST(RandomParameters, HaveTheSizesOfThePublishedSilverModel) {
  const Parameters p = random_parameters({}, 1);
  EXPECT_EQ(p.orbitals, 84);
  EXPECT_EQ(p.count(), 9813U);
}

// The same numbers everywhere: a model measured here is the model measured there.
TEST(RandomParameters, DependOnTheSeedAlone) {
  const Parameters p = random_parameters({}, 20251);
  EXPECT_EQ(p.radial_exponent, random_parameters({}, 20251).radial_exponent);
  EXPECT_NE(p.radial_exponent, random_parameters({}, 20252).radial_exponent);
}

TEST(RandomParameters, OfImpossibleSizesAreRefused) {
  EXPECT_THROW(random_parameters({.species = {}}, 1), Error);
  EXPECT_THROW(random_parameters({.waves = 0}, 1), Error);
  EXPECT_THROW(random_parameters({.readout_widths = {}}, 1), Error);
  EXPECT_THROW(random_parameters({.cutoff = 0}, 1), Error);
}

// Their first maps would be run as matrices of 65536 times 98688 numbers.
TEST(RandomParameters, ManyWavesOfFewOrbitalsAreRefused) {
  EXPECT_NO_THROW(random_parameters({.waves = 32, .orbitals = 8}, 1));
  const Sizes lopsided{
      .layers = 0, .waves = 256, .readout_widths = {65536}, .orbitals = 1, .message_blocks = 0, .readout_blocks = 0};
  EXPECT_THROW(random_parameters(lopsided, 1), Error);
}

}  // namespace
}  // namespace grapevine::reann
