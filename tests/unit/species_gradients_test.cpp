#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "equivariant_random.hpp"
#include "mace_random.hpp"
#include "models/equivariant/linear.hpp"
#include "models/equivariant/rows.hpp"
#include "models/mace/species_rows.hpp"
#include "models/nequip/species_rows.hpp"
#include "nequip_random.hpp"

namespace grapevine {
namespace {

using equivariant::EquivariantLinear;
using equivariant::IrrepsList;
using equivariant::Row;
using test::Random;

void append(std::vector<double>& values, std::vector<double*>& all) {
  for (double& value : values) all.push_back(&value);
}
void append(EquivariantLinear& map, std::vector<double*>& all) {
  for (EquivariantLinear::Part& part : map.parts) append(part.weight, all);
  append(map.bias, all);
}
void append(std::vector<EquivariantLinear>& maps, std::vector<double*>& all) {
  for (EquivariantLinear& map : maps) append(map, all);
}
void append(std::pair<EquivariantLinear, EquivariantLinear>& maps, std::vector<double*>& all) {
  append(maps.first, all);
  append(maps.second, all);
}
void append(std::pair<std::vector<EquivariantLinear>, std::vector<double>>& sum, std::vector<double*>& all) {
  append(sum.first, all);
  append(sum.second, all);
}
void append(mace::Interaction& x, std::vector<double*>& all) {
  append(x.mix_input, all);
  append(x.mix_messages, all);
  append(x.mix_by_species, all);
  append(x.self_connection, all);
}
void append(nequip::Interaction& x, std::vector<double*>& all) {
  append(x.mix_input, all);
  append(x.mix_messages, all);
  append(x.self_connection, all);
}
template <class Parameters>
requires requires(Parameters& of) { of.interactions; }
void append(Parameters& parameters, std::vector<double*>& all) {
  append(parameters.embedding, all);
  for (auto& interaction : parameters.interactions) append(interaction, all);
}

template <class Of>
std::vector<double*> numbers_of(Of& of) {
  std::vector<double*> all;
  append(of, all);
  return all;
}

std::vector<double> values_of(const EquivariantLinear& map) {
  EquivariantLinear copy = map;
  std::vector<double> values;
  for (const double* value : numbers_of(copy)) values.push_back(*value);
  return values;
}

/// Whether `add`, given a gradient by the values of `result`, adds that by what they follow from, whose values in
/// `result` are numbers.
template <class Of, class Result, class Add>
void expect_transposed(const Of& of, const Result& result, const Add& add) {
  Random random(23);
  const std::vector<double> by_result = random(static_cast<int>(result(of).size()), -1, 1);
  Of gradient = of;
  for (double* value : numbers_of(gradient)) *value = 0.25;
  add(by_result, gradient);
  const std::vector<double*> slopes = numbers_of(gradient);
  const std::vector<double> direction = random(static_cast<int>(slopes.size()), -1, 1);
  double expected = 0, sum = 0;
  const double h = 1e-5;
  for (const double sign : {1.0, -1.0}) {
    Of other = of;
    const std::vector<double*> numbers = numbers_of(other);
    for (std::size_t n = 0; n < numbers.size(); ++n) *numbers[n] += sign * h * direction[n];
    const std::vector<double> values = result(other);
    for (std::size_t n = 0; n < values.size(); ++n) expected += sign * by_result[n] * values[n] / (2 * h);
  }
  for (std::size_t n = 0; n < slopes.size(); ++n) sum += (*slopes[n] - 0.25) * direction[n];
  EXPECT_GT(std::abs(expected), 1e-3);
  EXPECT_NEAR(sum, expected, 1e-8);
}

/// A map with these values.
EquivariantLinear filled(EquivariantLinear map, const std::vector<double>& values) {
  std::size_t n = 0;
  for (double* value : numbers_of(map)) *value = values[n++];
  return map;
}

const IrrepsList one = {{3, 0, 1}, {2, 1, -1}, {4, 0, 1}};
const IrrepsList two = {{5, 0, 1}, {3, 1, -1}};

TEST(GradientOfWeightedSum, IsTransposed) {
  Random random(2);
  std::pair<std::vector<EquivariantLinear>, std::vector<double>> of;
  for (int n = 0; n < 3; ++n) of.first.push_back(test::random_linear(one, two, 1, true, random));
  of.second = random(3, -1, 1);
  expect_transposed(
      of, [](const auto& x) { return values_of(weighted_sum(x.first, x.second.data())); },
      [&](const std::vector<double>& d, auto& gradient) {
        add_gradient_of_weighted_sum(of.first, of.second.data(), filled(of.first.front(), d), gradient.first,
                                     gradient.second.data());
      });
}

TEST(GradientOfComposed, IsTransposed) {
  Random random(3);
  const std::pair of(test::random_linear(one, two, 1, false, random), test::random_linear(two, one, 1, false, random));
  expect_transposed(
      of, [](const auto& x) { return values_of(composed(x.first, x.second)); },
      [&](const std::vector<double>& d, auto& gradient) {
        add_gradient_of_composed(of.first, of.second, filled(composed(of.first, of.second), d), gradient.first,
                                 gradient.second);
      });
}

TEST(GradientOfLinear, IsTransposed) {
  Random random(4);
  const EquivariantLinear map = test::random_linear(one, two, 1, true, random);
  const Row x = random(static_cast<int>(equivariant::empty_row(one).size()), -1, 1);
  Row unused = equivariant::empty_row(one);
  expect_transposed(
      map,
      [&](const EquivariantLinear& at) {
        Row y = bias_row(at);
        add_linear(at, x, y);
        return y;
      },
      [&](const Row& d, EquivariantLinear& gradient) {
        add_gradient_of_linear(map, x, d, gradient, unused);
        add_gradient_of_bias_row(d, gradient);
      });
}

TEST(MaceSpeciesGradients, AreTransposed) {
  for (const bool by_species : {true, false}) {
    test::MaceSizes sizes;
    sizes.species = {"H", "C", "O"};
    sizes.mix_by_species = by_species;
    sizes.embedding_channels = 7;
    const mace::Parameters of = random_parameters(sizes, 5);
    ASSERT_EQ(of.interactions.front().mix_by_species.empty(), !by_species);
    expect_transposed(
        of, [](const mace::Parameters& x) { return first_features(x, 1); },
        [&](const Row& d, mace::Parameters& gradient) { add_gradient_of_first_features(of, 1, d, gradient); });
    expect_transposed(
        of, [](const mace::Parameters& x) { return first_connection(x, 2); },
        [&](const Row& d, mace::Parameters& gradient) { add_gradient_of_first_connection(of, 2, d, gradient); });
    expect_transposed(
        of.interactions[1], [](const mace::Interaction& x) { return values_of(message_map(x, 1)); },
        [&](const std::vector<double>& d, mace::Interaction& gradient) {
          const mace::Interaction& interaction = of.interactions[1];
          add_gradient_of_message_map(interaction, 1, filled(message_map(interaction, 1), d), gradient);
        });
  }
}

TEST(MaceSpeciesGradients, AreNothingWithoutASelfConnection) {
  test::MaceSizes sizes;
  sizes.self_connection = false;
  const mace::Parameters of = random_parameters(sizes, 5);
  mace::Parameters gradient = of;
  add_gradient_of_first_connection(of, 0, Row(first_connection(of, 0).size(), 1), gradient);
  EXPECT_EQ(gradient.embedding, of.embedding);
}

Row joined(const std::vector<Row>& rows) {
  Row all;
  for (const Row& row : rows) all.insert(all.end(), row.begin(), row.end());
  return all;
}

std::vector<Row> in_rows(const Row& all, std::size_t count) {
  std::vector<Row> rows;
  const auto size = static_cast<std::ptrdiff_t>(all.size() / count);
  for (auto from = all.begin(); from != all.end(); from += size) rows.emplace_back(from, from + size);
  return rows;
}

TEST(NequipSpeciesGradients, AreTransposed) {
  using test::SelfConnection;
  for (const SelfConnection kind :
       {SelfConnection::none, SelfConnection::linear, SelfConnection::by_species, SelfConnection::by_embedding})
    for (const bool biases : {true, false}) {
      SCOPED_TRACE(std::to_string(static_cast<int>(kind)) + (biases ? " with biases" : ""));
      test::NequipSizes sizes;
      sizes.species = {"H", "C", "O"};
      sizes.self_connection = kind;
      sizes.biases = biases;
      sizes.neighbour_scale = biases;
      const nequip::Parameters of = random_parameters(sizes, 6);
      expect_transposed(
          of, [](const nequip::Parameters& x) { return nequip::rows_of_species<double>(x); },
          [&](const Row& d, nequip::Parameters& gradient) { add_gradient_of_rows_of_species(of, d, gradient); });
      for (std::size_t t = 0; t < 2; ++t) {
        if (!biases && (t > 0 || kind == SelfConnection::none)) continue;
        expect_transposed(
            of, [&](const nequip::Parameters& x) { return joined(nequip::bias_rows<double>(x, t)); },
            [&](const Row& d, nequip::Parameters& gradient) {
              add_gradient_of_bias_rows(of, t, in_rows(d, of.species.size()), gradient);
            });
      }
      if (kind == SelfConnection::none) continue;
      const auto connection = [](const nequip::Parameters& x) { return self_connection_of(x, x.interactions[1], 2); };
      expect_transposed(
          of, [&](const nequip::Parameters& x) { return values_of(connection(x)); },
          [&](const std::vector<double>& d, nequip::Parameters& gradient) {
            add_gradient_of_self_connection_of(of, 1, 2, filled(connection(of), d), gradient);
          });
    }
}

}  // namespace
}  // namespace grapevine
