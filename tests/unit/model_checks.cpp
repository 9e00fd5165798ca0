#include "model_checks.hpp"

#include <gtest/gtest.h>

#include <hwy/targets.h>

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace grapevine::test {

FrameResult evaluate(const Potential& potential, const Frame& frame, Precision precision, int threads) {
  return FrameEvaluator(potential, precision, threads).evaluate(frame);
}

double largest_of(const std::vector<double>& forces) {
  double largest = 1;
  for (const double force : forces) largest = std::max(largest, std::abs(force));
  return largest;
}

void expect_same_in_another_order(const Potential& potential, const Frame& frame) {
  Frame other = frame;
  std::reverse(other.symbols.begin(), other.symbols.end());
  for (int i = 0; i < frame.atoms(); ++i)
    std::copy_n(&frame.positions[3 * i], 3, &other.positions[3 * (frame.atoms() - 1 - i)]);
  const FrameResult before = evaluate(potential, frame);
  const FrameResult after = evaluate(potential, other);
  for (int i = 0; i < frame.atoms(); ++i) EXPECT_NEAR(after.energies[frame.atoms() - 1 - i], before.energies[i], 1e-10);
}

void expect_mixed_close_to_double(const Potential& potential, const Frame& frame) {
  const FrameResult exact = evaluate(potential, frame);
  const FrameResult mixed = evaluate(potential, frame, Precision::mixed);
  const double largest = largest_of(exact.forces);
  EXPECT_NEAR(mixed.energy, exact.energy, 3e-6 * frame.atoms() * largest);
  for (std::size_t n = 0; n < exact.forces.size(); ++n) EXPECT_NEAR(mixed.forces[n], exact.forces[n], 3e-5 * largest);
  for (std::size_t n = 0; n < 9; ++n) EXPECT_NEAR(mixed.virial[n], exact.virial[n], 1e-3 * largest);
}

void expect_same_on_threads(const Potential& potential, const Frame& large) {
  const FrameResult one = evaluate(potential, large);
  for (const int threads : {2, 3}) {
    const FrameResult several = evaluate(potential, large, Precision::double_precision, threads);
    EXPECT_NEAR(several.energy, one.energy, 1e-9);
    for (std::size_t n = 0; n < one.energies.size(); ++n) EXPECT_NEAR(several.energies[n], one.energies[n], 1e-11);
    for (std::size_t n = 0; n < one.forces.size(); ++n) EXPECT_NEAR(several.forces[n], one.forces[n], 1e-9);
    for (std::size_t n = 0; n < 9; ++n) EXPECT_NEAR(several.virial[n], one.virial[n], 1e-8);
  }
}

void expect_frames_are_forgotten(const Potential& potential, const Frame& before, const Frame& frame) {
  FrameEvaluator evaluator(potential, Precision::double_precision, 1);
  evaluator.evaluate(before);
  const FrameResult after = evaluator.evaluate(frame);
  const FrameResult fresh = evaluate(potential, frame);
  EXPECT_EQ(after.energy, fresh.energy);
  EXPECT_EQ(after.forces, fresh.forces);
  EXPECT_EQ(after.virial, fresh.virial);
}

void expect_same_in_all_instruction_sets(const Potential& potential, const Frame& frame) {
  const auto evaluate_with = [&](std::int64_t target, Precision precision) {
    hwy::SetSupportedTargetsForTest(target);
    FrameResult result = evaluate(potential, frame, precision);
    hwy::SetSupportedTargetsForTest(0);
    return result;
  };
  std::int64_t rest = hwy::SupportedTargets() & (HWY_AVX3 | HWY_AVX2 | HWY_SSE4 | HWY_NEON);
  const FrameResult exact = evaluate_with(rest & -rest, Precision::double_precision);
  const double largest = largest_of(exact.forces);
  for (; rest != 0; rest &= rest - 1) {
    const FrameResult other = evaluate_with(rest & -rest, Precision::double_precision);
    const FrameResult mixed = evaluate_with(rest & -rest, Precision::mixed);
    EXPECT_NEAR(other.energy, exact.energy, 1e-11 * frame.atoms() * largest) << hwy::TargetName(rest & -rest);
    for (std::size_t n = 0; n < exact.forces.size(); ++n) {
      EXPECT_NEAR(other.forces[n], exact.forces[n], 1e-11 * largest) << hwy::TargetName(rest & -rest);
      EXPECT_NEAR(mixed.forces[n], exact.forces[n], 3e-5 * largest) << hwy::TargetName(rest & -rest);
    }
    for (std::size_t n = 0; n < 9; ++n)
      EXPECT_NEAR(other.virial[n], exact.virial[n], 1e-9 * largest) << hwy::TargetName(rest & -rest);
  }
}

void expect_nothing_beyond_the_cutoff(const Potential& potential) {
  const double cutoff = potential.cutoff();
  for (const Precision precision : {Precision::double_precision, Precision::mixed}) {
    const double tolerance = precision == Precision::mixed ? 1e-5 : 1e-9;
    FrameEvaluator evaluator(potential, precision, 1);
    const auto dimer = [&](double r) {
      Frame frame;
      frame.symbols = {"Ni", "O"};
      frame.positions = {0, 0, 0, r, 0, 0};
      return evaluator.evaluate(frame);
    };
    const double apart = dimer(cutoff + 1).energy;
    EXPECT_NEAR(dimer(cutoff - 1e-3).energy, apart, tolerance);
    EXPECT_NEAR(dimer(cutoff - 1e-4).forces[0], 0, 1e-4);
    EXPECT_EQ(dimer(cutoff + 1e-6).energy, apart);
    EXPECT_GT(std::abs(dimer(2.0).forces[0]), 1e-3);
  }
}

}  // namespace grapevine::test
