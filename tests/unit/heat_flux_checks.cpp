#include "heat_flux_checks.hpp"

#include <gtest/gtest.h>

#include <hwy/targets.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <memory>
#include <numeric>
#include <string>

#include "engine/heat_flux.hpp"
#include "equivariant_random.hpp"
#include "exchange/local/local_exchange.hpp"
#include "model_checks.hpp"
#include "structures/frame_graph.hpp"

namespace grapevine::test {
namespace {

using Turn = std::array<double, 9>;

template <class Real>
HeatFluxReference heat_flux_with(std::shared_ptr<const Model<Real>> model, const Potential& potential,
                                 const Frame& frame, const std::vector<double>& velocities, int threads) {
  FrameGraph graph(potential.species(), potential.cutoff(), 1);
  graph.build(frame);
  LocalExchange<Real> exchange(graph.own(), graph.owner());
  const std::size_t atoms = frame.symbols.size();
  HeatFluxReference result{std::vector<double>(atoms, 0.0), std::vector<double>(atoms, 0.0),
                           std::vector<double>(3 * atoms, 0.0)};
  HeatFluxTerms terms;
  terms.energies = result.energies.data();
  terms.power = result.power.data();
  terms.flux = result.flux.data();
  HeatFluxEvaluator<Real>(std::move(model), threads).evaluate(graph, exchange, velocities, terms);
  return result;
}

double largest_number(const std::vector<double>& values) {
  double largest = 0;
  for (const double value : values) largest = std::max(largest, std::abs(value));
  return largest;
}

void expect_near(const std::vector<double>& actual, const std::vector<double>& expected, double relative,
                 const std::string& what) {
  const double tolerance = relative * std::max(1.0, largest_number(expected));
  ASSERT_EQ(actual.size(), expected.size()) << what;
  for (std::size_t n = 0; n < expected.size(); ++n) EXPECT_NEAR(actual[n], expected[n], tolerance) << what << ' ' << n;
}

void expect_near(const HeatFluxReference& actual, const HeatFluxReference& expected, double relative,
                 const std::string& what) {
  expect_near(actual.energies, expected.energies, relative, what + ": energy");
  expect_near(actual.power, expected.power, relative, what + ": power");
  expect_near(actual.flux, expected.flux, relative, what + ": flux");
}

std::vector<double> turned(const Turn& turn, const std::vector<double>& vectors) {
  std::vector<double> result(vectors.size(), 0.0);
  for (std::size_t n = 0; n < vectors.size(); ++n)
    for (std::size_t k = 0; k < 3; ++k) result[n] += turn[3 * (n % 3) + k] * vectors[n / 3 * 3 + k];
  return result;
}

std::vector<double> reversed(const std::vector<double>& rows, std::size_t width) {
  std::vector<double> result;
  for (std::size_t row = rows.size() / width; row-- > 0;)
    result.insert(result.end(), rows.begin() + static_cast<std::ptrdiff_t>(row * width),
                  rows.begin() + static_cast<std::ptrdiff_t>((row + 1) * width));
  return result;
}

}  // namespace

HeatFluxReference heat_flux(const Potential& potential, const Frame& frame, const std::vector<double>& velocities,
                            Precision precision, int threads) {
  if (precision == Precision::mixed)
    return heat_flux_with(potential.model_in_mixed(), potential, frame, velocities, threads);
  return heat_flux_with(potential.model_in_double(), potential, frame, velocities, threads);
}

std::vector<double> random_velocities(const Frame& frame, unsigned seed) {
  return Random(seed).normal(3 * frame.atoms(), 1.0);
}

void expect_heat_flux_by_unfolding(const Potential& potential, const Frame& frame) {
  const std::vector<double> velocities = random_velocities(frame, 21);
  const HeatFluxReference expected = heat_flux_by_unfolding(potential, frame, velocities);
  // Energies of some models' shapes are constant.
  const bool feels = largest_number(evaluate(potential, frame).forces) > 0;
  EXPECT_EQ(largest_number(expected.flux) > 0, feels);
  expect_near(heat_flux(potential, frame, velocities), expected, 1e-10, "double");
  expect_near(heat_flux(potential, frame, velocities, Precision::mixed), expected, 1e-4, "mixed");
}

void expect_power_of_forces(const Potential& potential, const Frame& frame) {
  const std::vector<double> velocities = random_velocities(frame, 22);
  const FrameResult plain = evaluate(potential, frame);
  const HeatFluxReference result = heat_flux(potential, frame, velocities);
  expect_near(result.energies, plain.energies, 1e-12, "energy");
  const double power = std::accumulate(result.power.begin(), result.power.end(), 0.0);
  const double expected = -std::inner_product(velocities.begin(), velocities.end(), plain.forces.begin(), 0.0);
  EXPECT_NEAR(power, expected, 1e-10 * std::max(1.0, std::abs(expected)));
}

void expect_power_by_differences(const Potential& potential, const Frame& frame) {
  const std::vector<double> velocities = random_velocities(frame, 23);
  const double step = 1e-4;
  const auto energies_at = [&](double time) {
    Frame moved = frame;
    for (std::size_t n = 0; n < velocities.size(); ++n) moved.positions[n] += time * velocities[n];
    return evaluate(potential, moved).energies;
  };
  const std::vector<double> before = energies_at(-step);
  std::vector<double> rates = energies_at(step);
  for (std::size_t i = 0; i < rates.size(); ++i) rates[i] = (rates[i] - before[i]) / (2 * step);
  expect_near(heat_flux(potential, frame, velocities).power, rates, 1e-5, "power");
}

void expect_heat_flux_invariant(const Potential& potential, const Frame& frame) {
  const std::vector<double> velocities = random_velocities(frame, 24);
  const HeatFluxReference result = heat_flux(potential, frame, velocities);

  const double c = std::cos(0.7);
  const double s = std::sin(0.7);
  const Turn turn{c, -s, 0, 0.6 * s, 0.6 * c, -0.8, 0.8 * s, 0.8 * c, 0.6};
  Frame other = frame;
  other.positions = turned(turn, frame.positions);
  const std::vector<double> cell = turned(turn, {frame.cell.begin(), frame.cell.end()});
  std::copy(cell.begin(), cell.end(), other.cell.begin());
  HeatFluxReference expected = result;
  expected.flux = turned(turn, result.flux);
  expect_near(heat_flux(potential, other, turned(turn, velocities)), expected, 1e-10, "turned");

  other = frame;
  for (std::size_t n = 0; n < other.positions.size(); ++n) other.positions[n] += n % 3 == 0 ? 31.7 : -2.3;
  expect_near(heat_flux(potential, other, velocities), result, 1e-10, "shifted");

  other = frame;
  std::reverse(other.symbols.begin(), other.symbols.end());
  other.positions = reversed(frame.positions, 3);
  expected = {reversed(result.energies, 1), reversed(result.power, 1), reversed(result.flux, 3)};
  expect_near(heat_flux(potential, other, reversed(velocities, 3)), expected, 1e-10, "reversed");

  std::vector<double> together(velocities.size());
  for (std::size_t n = 0; n < together.size(); ++n) together[n] = n % 3 == 0 ? 1.5 : -0.5;
  expect_near(heat_flux(potential, frame, together).power, std::vector<double>(frame.symbols.size(), 0.0), 1e-10,
              "moving together");
}

void expect_same_heat_flux_on_threads(const Potential& potential, const Frame& large) {
  const std::vector<double> velocities = random_velocities(large, 25);
  const HeatFluxReference one = heat_flux(potential, large, velocities);
  for (const int threads : {2, 3}) {
    const HeatFluxReference several = heat_flux(potential, large, velocities, Precision::double_precision, threads);
    EXPECT_EQ(several.energies, one.energies);
    EXPECT_EQ(several.power, one.power);
    EXPECT_EQ(several.flux, one.flux);
  }
}

void expect_same_heat_flux_in_all_instruction_sets(const Potential& potential, const Frame& frame) {
  const std::vector<double> velocities = random_velocities(frame, 26);
  const HeatFluxReference best = heat_flux(potential, frame, velocities);
  for (std::int64_t rest = hwy::SupportedTargets() & (HWY_AVX3 | HWY_AVX2 | HWY_SSE4 | HWY_NEON); rest != 0;
       rest &= rest - 1) {
    hwy::SetSupportedTargetsForTest(rest & -rest);
    const HeatFluxReference exact = heat_flux(potential, frame, velocities);
    const HeatFluxReference mixed = heat_flux(potential, frame, velocities, Precision::mixed);
    hwy::SetSupportedTargetsForTest(0);
    expect_near(exact, best, 1e-11, hwy::TargetName(rest & -rest));
    expect_near(mixed, best, 1e-4, hwy::TargetName(rest & -rest));
  }
}

}  // namespace grapevine::test
