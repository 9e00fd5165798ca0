#include "structures/frame_heat_flux.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>

#include "models/reann/model.hpp"
#include "reann_reference.hpp"
#include "test_files.hpp"

namespace grapevine::test {
namespace {

using testing::HasSubstr;

class FrameHeatFlux : public testing::Test {
 protected:
  FrameHeatFlux() {
    frame_.cell = {6.1, 0, 0, 0.7, 5.8, 0, -0.4, 0.9, 6.4};
    frame_.periodic = {true, true, true};
    std::mt19937 random(17);
    std::normal_distribution<double> normal;
    for (int n = 0; n < 3 * frame_.atoms(); ++n) velocities_.push_back(0.01 * normal(random));
    for (int i = 0; i < frame_.atoms(); ++i)
      masses_.push_back(frame_.symbols[static_cast<std::size_t>(i)] == "O" ? 16 : 59);
  }

  HeatFlux flux(HeatFluxOptions options = {}) const {
    return frame_heat_flux(potential_, frame_, {velocities_, masses_}, options);
  }
  std::string error() const {
    return error_of([&] { flux(); });
  }

  reann::ReannPotential potential_{random_parameters({}, 5)};
  Frame frame_ = random_cluster({"Ni", "O", "O"}, 11, 6.0, 9);
  std::vector<double> velocities_;
  std::vector<double> masses_;
};

double largest(const std::array<double, 3>& vector) {
  return std::max({std::abs(vector[0]), std::abs(vector[1]), std::abs(vector[2])});
}

TEST_F(FrameHeatFlux, PowerIsThatOfTheForces) {
  const FrameResult result = FrameEvaluator(potential_, Precision::double_precision, 1).evaluate(frame_);
  const double power = -std::inner_product(velocities_.begin(), velocities_.end(), result.forces.begin(), 0.0);
  EXPECT_NEAR(flux().power, power, 1e-10 * std::abs(power));
}

TEST_F(FrameHeatFlux, ConvectivePartCarriesKineticAndAtomicEnergies) {
  const FrameResult result = FrameEvaluator(potential_, Precision::double_precision, 1).evaluate(frame_);
  for (const bool reference : {true, false}) {
    std::array<double, 3> expected{};
    for (std::size_t i = 0; i < masses_.size(); ++i) {
      const double* v = &velocities_[3 * i];
      double energy = result.energies[i] + 0.5 * masses_[i] * (v[0] * v[0] + v[1] * v[1] + v[2] * v[2]);
      if (!reference) energy -= potential_.reference_energy(frame_.symbols[i] == "Ni" ? 0 : 1);
      for (std::size_t a = 0; a < 3; ++a) expected[a] += energy * v[a];
    }
    const HeatFlux found = flux({.reference = reference});
    for (std::size_t a = 0; a < 3; ++a) EXPECT_NEAR(found.convective[a], expected[a], 1e-10 * largest(expected));
  }
}

TEST_F(FrameHeatFlux, IsCloseInMixedPrecision) {
  const HeatFlux exact = flux();
  const HeatFlux mixed = flux({.precision = Precision::mixed, .threads = 2});
  EXPECT_GT(largest(exact.potential), 0);
  for (std::size_t a = 0; a < 3; ++a)
    EXPECT_NEAR(mixed.potential[a], exact.potential[a], 1e-4 * largest(exact.potential));
}

TEST_F(FrameHeatFlux, RefusesMotionThatDoesNotFit) {
  masses_.pop_back();
  EXPECT_EQ(error(), "11 atoms, but masses of 10");
  masses_.push_back(std::numeric_limits<double>::infinity());
  EXPECT_THAT(error(), HasSubstr("velocity or mass of atom 11 (O) is not a number"));
  masses_.back() = 16;
  velocities_[7] = std::nan("");
  EXPECT_THAT(error(), HasSubstr("velocity or mass of atom 3 (O) is not a number"));
  velocities_.resize(30);
  EXPECT_EQ(error(), "11 atoms, but velocities of 10");
}

TEST_F(FrameHeatFlux, NamesAtomsOnTopOfEachOther) {
  for (std::size_t a = 0; a < 3; ++a) frame_.positions[3 + a] = frame_.positions[a];
  EXPECT_EQ(error(), error_of([&] { FrameEvaluator(potential_, Precision::double_precision, 1).evaluate(frame_); }));
}

TEST_F(FrameHeatFlux, GivesNothingThatIsNotFinite) {
  velocities_[0] = 1e200;
  EXPECT_THROW(flux(), NotFiniteError);
  EXPECT_THAT(error(), HasSubstr("heat flux is not finite"));
}

}  // namespace
}  // namespace grapevine::test
