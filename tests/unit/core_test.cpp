#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "heat_flux_checks.hpp"
#include "model_checks.hpp"
#include "models/core/core.hpp"
#include "models/core/cored_potential.hpp"
#include "models/core/file.hpp"
#include "models/reann/file.hpp"
#include "models/reann/model.hpp"
#include "models/registry.hpp"
#include "reann_reference.hpp"
#include "structures/evaluate_frame.hpp"
#include "test_files.hpp"
#include "training/core/remainder.hpp"

namespace grapevine::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;

const std::vector<std::string> species = {"Ni", "O"};

/// Wide enough for many pairs of the clusters to be inside.
Core wide_core() {
  Core core = empty_core(species);
  core.set(0, 0, {1.2, 2.6, 1});
  core.set(0, 1, {1.6, 2.2, 1});
  core.set(1, 1, {0.3, 3.0, 7.5});
  return core;
}

std::shared_ptr<const Potential> plain() {
  return std::make_shared<reann::ReannPotential>(random_parameters({.layers = 1}, 3));
}

Frame periodic_cluster() {
  Frame frame = random_cluster(species, 20, 6.0, 5);
  frame.cell = {6.5, 0, 0, 0.7, 6.2, 0, 0, -0.4, 6.8};
  frame.periodic = {true, true, true};
  return frame;
}

CoreTerms terms_of(const Core& core, const Frame& frame) {
  LabelledFrame labelled;
  labelled.frame = frame;
  return core_terms(core, prepare_frames({&labelled, 1}, species, 4.5, 1)[0]);
}

TEST(CoreTest, RepulsionIsThatOfZieglerBiersackAndLittmark) {
  // LAMMPS, pair_style zbl without its switch, two atoms of nickel.
  const double a = 0.46850 / (2 * std::pow(28.0, 0.23));
  const auto by_hand = [a](double r) {
    const double x = r / a;
    return 14.399645 * 28 * 28 / r *
           (0.02817 * std::exp(-0.20162 * x) + 0.28022 * std::exp(-0.40290 * x) + 0.50986 * std::exp(-0.94229 * x) +
            0.18175 * std::exp(-3.19980 * x));
  };
  for (const double r : {0.1, 0.7, 1.9}) {
    EXPECT_NEAR(zbl(28, 28, r).energy, by_hand(r), 1e-10 * by_hand(r));
    EXPECT_EQ(zbl(28, 8, r).energy, zbl(8, 28, r).energy);
  }
}

TEST(CoreTest, SlopesAreThoseOfTheEnergies) {
  const Core core = wide_core();
  constexpr double h = 1e-5;
  for (double r = 0.2; r < 3.2; r += 0.0371)
    for (const auto& [a, b] : {std::pair(0, 0), std::pair(0, 1), std::pair(1, 1)}) {
      const auto at = [&, i = a, j = b](double x) { return core_value(core, i, j, x); };
      const double slope = (at(r + h).energy - at(r - h).energy) / (2 * h);
      EXPECT_NEAR(at(r).slope, slope, 1e-6 * (1 + std::abs(slope))) << r;
      EXPECT_LE(at(r).slope, 0);
    }
}

TEST(CoreTest, EndsSmoothlyAtTheOuterRadiusAndIsWholeWithinTheInner) {
  const Core core = wide_core();
  EXPECT_EQ(core_value(core, 0, 1, 2.2).energy, 0);
  EXPECT_EQ(core_value(core, 0, 1, 1.5).energy, zbl(28, 8, 1.5).energy);
  EXPECT_EQ(core_value(core, 1, 1, 0.2).energy, 7.5 * zbl(8, 8, 0.2).energy);
  constexpr double h = 1e-3;
  const auto slope = [&](double r) { return core_value(core, 0, 1, r).slope; };
  for (const double seam : {1.6, 2.2}) {
    EXPECT_NEAR(slope(seam - 1e-7), slope(seam + 1e-7), 1e-4);
    const double before = (slope(seam) - slope(seam - h)) / h;
    const double after = (slope(seam + h) - slope(seam)) / h;
    EXPECT_NEAR(before, after, 2 + 0.05 * std::abs(before)) << seam;
  }
}

TEST(CoreTest, ComesOnTopOfTheModel) {
  const auto inner = plain();
  const Core core = wide_core();
  const auto cored = with_core(inner, core);
  for (const Frame& frame : {random_cluster(species, 24, 6.0, 4), periodic_cluster()}) {
    const FrameResult without = evaluate(*inner, frame);
    const FrameResult with = evaluate(*cored, frame);
    const CoreTerms terms = terms_of(core, frame);
    ASSERT_GT(terms.energy, 1);
    EXPECT_NEAR(with.energy, without.energy + terms.energy, 1e-9);
    for (std::size_t n = 0; n < with.forces.size(); ++n)
      EXPECT_NEAR(with.forces[n], without.forces[n] + terms.forces[n], 1e-9);
    for (std::size_t n = 0; n < 9; ++n) EXPECT_NEAR(with.virial[n], without.virial[n] + terms.virial[n], 1e-9);
  }
}

TEST(CoreTest, ForcesAreMinusTheSlopesOfTheEnergy) {
  const auto cored = with_core(plain(), wide_core());
  const Frame frame = periodic_cluster();
  const FrameResult result = evaluate(*cored, frame);
  constexpr double h = 1e-5;
  for (const std::size_t n : {0u, 7u, 23u, 41u}) {
    const auto energy = [&](double step) {
      Frame moved = frame;
      moved.positions[n] += step;
      return evaluate(*cored, moved).energy;
    };
    EXPECT_NEAR(result.forces[n], -(energy(h) - energy(-h)) / (2 * h), 1e-5 * (1 + std::abs(result.forces[n])));
  }
}

TEST(CoreTest, HoldsWhatModelsHold) {
  const auto cored = with_core(plain(), wide_core());
  const Frame frame = random_cluster(species, 24, 6.0, 4);
  expect_same_in_another_order(*cored, frame);
  expect_mixed_close_to_double(*cored, frame);
  expect_same_on_threads(*cored, random_cluster(species, 150, 12.0, 8));
  expect_frames_are_forgotten(*cored, periodic_cluster(), frame);
}

TEST(CoreTest, HeatFluxHasIt) {
  const auto cored = with_core(plain(), wide_core());
  const Frame frame = periodic_cluster();
  expect_heat_flux_by_unfolding(*cored, frame);
  expect_power_of_forces(*cored, frame);
  expect_power_by_differences(*cored, random_cluster(species, 14, 5.0, 6));
  expect_heat_flux_invariant(*cored, frame);
}

reann::Parameters reann_parameters() { return random_parameters({.layers = 1}, 3); }

/// A file of a model with a core, whose hyperparameters `change` has edited.
std::filesystem::path write_with_core(const std::function<void(std::string&)>& change = {}) {
  FileContents contents = reann::file_contents(reann_parameters(), {});
  add_core(contents, wide_core(), species);
  if (change) change(contents.metadata["hyperparameters"]);
  const std::filesystem::path path = temporary_path("cored.safetensors");
  write_tensor_file(path, contents.metadata, contents.tensors);
  return path;
}

std::string refusal_of(const std::string& from, const std::string& to) {
  return error_of([&] {
    load_potential(write_with_core([&](std::string& text) {
      ASSERT_NE(text.find(from), std::string::npos) << from;
      text.replace(text.find(from), from.size(), to);
    }));
  });
}

TEST(CoreFile, ComesBackFromAFile) {
  const std::filesystem::path path = write_with_core();
  const TensorFile file = TensorFile::read(path);
  ASSERT_TRUE(read_core(file).has_value());
  EXPECT_EQ(*read_core(file), wide_core());
  const Frame frame = periodic_cluster();
  EXPECT_EQ(evaluate(*load_potential(path), frame).energy,
            evaluate(*with_core(load_potential([] {
                                  const auto path_of_plain = temporary_path("plain.safetensors");
                                  reann::write_model(path_of_plain, reann_parameters(), {});
                                  return path_of_plain;
                                }()),
                                wide_core()),
                     frame)
                .energy);
}

TEST(CoreFile, ModelsWithoutHaveNone) {
  const std::filesystem::path path = temporary_path("plain.safetensors");
  reann::write_model(path, reann_parameters(), {});
  EXPECT_FALSE(read_core(TensorFile::read(path)).has_value());
}

TEST(CoreFile, WhatMakesNoSenseIsRefused) {
  EXPECT_EQ(refusal_of("\"zbl\"", "\"zbl\""), "");
  EXPECT_THAT(refusal_of("\"zbl\"", "\"zbm\""), AllOf(HasSubstr("function"), HasSubstr("zbm")));
  EXPECT_THAT(refusal_of("Ni O", "Ni H"), HasSubstr("two species of the model"));
  EXPECT_THAT(refusal_of("Ni O", "O O"), HasSubstr("there once"));
  EXPECT_THAT(refusal_of("\"inner\":1.6", "\"inner\":2.3"), HasSubstr("radii"));
  EXPECT_THAT(refusal_of("\"inner\":1.6", "\"inner\":-1"), HasSubstr("radii"));
  EXPECT_THAT(refusal_of("\"outer\":2.2", "\"outer\":9"), HasSubstr("cutoff"));
  EXPECT_THAT(refusal_of("\"outer\":2.2", "\"outer\":0"), HasSubstr("above zero"));
  EXPECT_THAT(refusal_of("\"scale\":7.5", "\"scale\":0.5"), HasSubstr("scale"));
  EXPECT_THAT(refusal_of("\"scale\":7.5", "\"scale\":\"x\""), HasSubstr("a number"));
  EXPECT_THAT(refusal_of("\"scale\":7.5", "\"scales\":7.5"), HasSubstr("unknown key"));
  EXPECT_THAT(refusal_of("\"core\":{", "\"core\":[],\"corf\":{"), HasSubstr("corf"));
}

TEST(CoreFile, SpeciesHaveToBeElements) {
  EXPECT_THAT(error_of([] { empty_core({"Ni", "Ow"}); }), HasSubstr("Ow"));
}

}  // namespace
}  // namespace grapevine::test
