#include <gmock/gmock.h>

#include <cmath>
#include <filesystem>
#include <map>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "mace_random.hpp"
#include "models/mace/file.hpp"
#include "models/mace/training/arrays.hpp"
#include "models/mace/training/new_model.hpp"
#include "models/nequip/file.hpp"
#include "models/nequip/training/arrays.hpp"
#include "models/nequip/training/new_model.hpp"
#include "nequip_random.hpp"
#include "support/error.hpp"
#include "test_files.hpp"

namespace grapevine {
namespace {

using ::testing::HasSubstr;

/// Parameters as a file would give them back.
template <class Read>
auto through_file(const FileContents& contents, const Read& read) {
  const std::filesystem::path path = test::temporary_path("m.safetensors");
  write_tensor_file(path, contents.metadata, contents.tensors);
  return read(TensorFile::read(path));
}

/// Names and numbers of arrays of all sizes, and units that make sense.
template <class Parameters>
std::map<std::string, std::size_t> arrays_of(const Parameters& p) {
  std::map<std::string, std::size_t> arrays;
  for_each_array(p, [&](const auto& array) {
    EXPECT_TRUE(arrays.emplace(array.name, array.count()).second) << array.name;
    EXPECT_GT(array.unit, 0) << array.name;
    EXPECT_LE(array.unit, 1) << array.name;
    EXPECT_GT(array.count(), 0u) << array.name;
  });
  return arrays;
}

std::size_t total(const std::map<std::string, std::size_t>& arrays) {
  return std::accumulate(arrays.begin(), arrays.end(), std::size_t{0},
                         [](std::size_t sum, const auto& array) { return sum + array.second; });
}

/// Root mean square of weights in units.
template <class Parameters>
double size_of_weights(const Parameters& p, const std::string& prefix) {
  double squares = 0;
  double count = 0;
  for_each_array(p, [&](const auto& array) {
    if (!array.name.starts_with(prefix)) return;
    for (std::size_t i = 0; i < array.count(); ++i) squares += std::pow(array.data[i] / array.unit, 2);
    count += static_cast<double>(array.count());
  });
  return std::sqrt(squares / count);
}

ModelOptions mace_options() {
  ModelOptions options;
  options.architecture = "mace";
  options.channels = {6};
  options.max_order = 1;
  options.edge_order = 2;
  options.correlation = 3;
  options.interactions = 3;
  options.radial_functions = 5;
  options.radial_widths = {7};
  options.readout_widths = {4};
  return options;
}

ModelOptions nequip_options() {
  ModelOptions options = mace_options();
  options.architecture = "nequip";
  options.channels = {6, 3};
  return options;
}

TEST(MaceTraining, ArraysHoldEveryNumberButThoseThatAreNotTrained) {
  test::MaceSizes sizes;
  sizes.density = true;
  sizes.zbl = true;
  sizes.biases = true;
  sizes.transform = equivariant::TransformKind::agnesi;
  const mace::Parameters p = test::random_parameters(sizes, 1);
  const std::size_t not_trained = p.basis.frequency.size() + p.pair_length.size() + p.energy_shift.size() +
                                  p.zbl_cutoff.size() + p.zbl->charge.size();
  EXPECT_EQ(total(arrays_of(p)), p.count() - not_trained);
}

TEST(NequipTraining, ArraysHoldEveryNumberButThoseThatAreNotTrained) {
  for (const auto connection : {test::SelfConnection::none, test::SelfConnection::linear,
                                test::SelfConnection::by_species, test::SelfConnection::by_embedding}) {
    test::NequipSizes sizes;
    sizes.self_connection = connection;
    sizes.norm = true;
    sizes.zbl = true;
    sizes.neighbour_scale = true;
    const nequip::Parameters p = test::random_parameters(sizes, 1);
    std::size_t not_trained = p.basis.frequency.size() + p.neighbour_scale.size() + p.energy_shift.size() +
                              p.energy_scale.size() + p.zbl->charge.size();
    for (const nequip::Interaction& x : p.interactions) not_trained += x.norm->share.size();
    EXPECT_EQ(total(arrays_of(p)), p.count() - not_trained);
  }
}

TEST(MaceTraining, NewModelsAreOfTheSizesAsked) {
  const mace::Parameters p = mace::new_parameters(mace_options(), {{"H", "O"}, 12.5, 1.5, 3});
  ASSERT_EQ(p.interactions.size(), 3u);
  EXPECT_EQ(to_string(p.interactions[0].output), "6x0e+6x1o");
  EXPECT_EQ(to_string(p.interactions[0].message), "6x0e+6x1o+6x2e");
  EXPECT_EQ(to_string(p.interactions[2].output), "6x0e");
  EXPECT_TRUE(p.interactions[0].self_connection.empty());
  EXPECT_EQ(p.interactions[1].self_connection.size(), 2u);
  EXPECT_EQ(p.interactions[0].mix_by_species.size(), 2u);
  EXPECT_TRUE(p.interactions[1].mix_by_species.empty());
  EXPECT_EQ(p.interactions[0].denominator, 12.5);
  EXPECT_EQ(p.energy_scale, 1.5);
  for (const char* part : {"embedding", "interaction.1.mix_input", "interaction.1.self_connection", "last_readout"})
    EXPECT_NEAR(size_of_weights(p, part), 1, 0.4) << part;
  const mace::Parameters again =
      through_file(mace::file_contents(p, {}), [](const TensorFile& file) { return mace::read_parameters(file); });
  EXPECT_EQ(again.interactions[1].contractions[1].terms, p.interactions[1].contractions[1].terms);
  EXPECT_EQ(arrays_of(again), arrays_of(p));
  EXPECT_EQ(mace::new_parameters(mace_options(), {{"H", "O"}, 12.5, 1.5, 3}).embedding, p.embedding);
  EXPECT_NE(mace::new_parameters(mace_options(), {{"H", "O"}, 12.5, 1.5, 4}).embedding, p.embedding);
}

TEST(NequipTraining, NewModelsAreOfTheSizesAsked) {
  const std::map<std::string, std::vector<std::string>> features = {{"natural", {"6x0e+3x1o", "6x0e+3x1o", "6x0e"}},
                                                                    {"ignored", {"6x0e+3x1e", "6x0e+3x1e", "6x0e"}},
                                                                    {"both", {"6x0e+3x1o", "6x0e+3x1e+3x1o", "6x0e"}}};
  for (const auto& [parity, expected] : features) {
    ModelOptions options = nequip_options();
    options.parity = parity;
    const nequip::Parameters p = nequip::new_parameters(options, {{"H", "O"}, 16, 1.5, 3});
    for (std::size_t t = 0; t < 3; ++t)
      EXPECT_EQ(to_string(p.interactions[t].gate.outputs()), expected[t]) << parity << " " << t;
    EXPECT_EQ(p.interactions[0].denominator, 4);
    EXPECT_NEAR(size_of_weights(p, "interaction.1.mix_messages"), 1, 0.3);
    const nequip::Parameters again = through_file(nequip::file_contents(p, {}),
                                                  [](const TensorFile& file) { return nequip::read_parameters(file); });
    EXPECT_EQ(arrays_of(again), arrays_of(p));
    EXPECT_EQ(again.interactions[1].paths, p.interactions[1].paths);
  }
}

TEST(EquivariantTraining, SizesThatDoNotFitTogetherAreRefused) {
  const auto refusal = [](const auto& check, const ModelOptions& options) {
    return test::error_of([&] { check(options); });
  };
  ModelOptions options = mace_options();
  options.channels = {6, 3};
  EXPECT_THAT(refusal(mace::check_options, options), HasSubstr("model.channels must be one number"));
  options = mace_options();
  options.edge_order = 4;
  EXPECT_THAT(refusal(mace::check_options, options), HasSubstr("at most 3 is supported"));
  options.edge_order = 0;
  EXPECT_THAT(refusal(mace::check_options, options), HasSubstr("model.max_order is 1, more than edge_order, 0"));
  EXPECT_THAT(refusal(nequip::check_options, options), HasSubstr("model.max_order is 1, more than edge_order, 0"));
  options = nequip_options();
  options.channels = {6, 3, 2};
  EXPECT_THAT(refusal(nequip::check_options, options), HasSubstr("must be one number, or 2"));
}

TEST(MaceTraining, NewElementsAreMeansOfTheOthersAndRandomRows) {
  const mace::Parameters p = test::random_parameters(test::MaceSizes{}, 1);
  const mace::Parameters more = mace::extend_species(p, {"Ni", "O", "H"}, 5);
  EXPECT_EQ(more.embedding.size(), p.embedding.size() / 2 * 3);
  const std::vector<double>& old = p.interactions[0].contractions[0].weight;
  const std::vector<double>& now = more.interactions[0].contractions[0].weight;
  EXPECT_NEAR(now[old.size()], 0.5 * (old[0] + old[old.size() / 2]), 1e-14);
  EXPECT_EQ(more.interactions[1].self_connection.size(), 3u);
  EXPECT_EQ(mace::extend_species(p, p.species, 5).count(), p.count());
  test::MaceSizes sizes;
  sizes.transform = equivariant::TransformKind::agnesi;
  EXPECT_THAT(test::error_of([&] {
                mace::extend_species(test::random_parameters(sizes, 1), {"Ni", "O", "H"}, 5);
              }),
              HasSubstr("cannot take new ones, such as H"));
}

TEST(NequipTraining, NewElementsAreMeansOfTheOthersAndRandomRows) {
  test::NequipSizes sizes;
  sizes.self_connection = test::SelfConnection::by_species;
  sizes.pair_cutoffs = true;
  sizes.zbl = true;
  const nequip::Parameters p = test::random_parameters(sizes, 1);
  const nequip::Parameters more = nequip::extend_species(p, {"Ni", "O", "H"}, 5);
  EXPECT_EQ(more.pair_cutoff[1], p.pair_cutoff[1]);
  EXPECT_EQ(more.pair_cutoff[4], p.pair_cutoff[3]);
  EXPECT_EQ(more.pair_cutoff[8], p.cutoff());
  EXPECT_EQ(more.zbl->charge[2], 1);
  EXPECT_EQ(more.interactions[0].self_connection.size(), 3u);
}

}  // namespace
}  // namespace grapevine
