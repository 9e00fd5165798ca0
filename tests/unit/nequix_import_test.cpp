#include "importers/nequix.hpp"

#include <gmock/gmock.h>

#include <cmath>
#include <numbers>

#include "models/nequip/file.hpp"
#include "nequip_reference.hpp"
#include "nequix_builder.hpp"
#include "test_files.hpp"

namespace grapevine {
namespace {

using nequip::Interaction;
using nequip::Parameters;
using nequip::SelfConnectionKind;
using test::error_of;
using test::NequixFile;
using test::small_indexed_nequix;
using test::small_nequix;
using ::testing::AllOf;
using ::testing::DoubleNear;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

Parameters parameters_of(const NequixFile& file) { return import_nequix(file.bytes(), "some.nqx"); }

std::string refusal_after(const std::function<void(NequixFile&)>& change) {
  NequixFile file = small_nequix();
  change(file);
  return error_of([&] { parameters_of(file); });
}

std::string refusal_of(const std::string& key, const nlohmann::json& value) {
  return refusal_after([&](NequixFile& file) { file.configuration[key] = value; });
}

std::string refusal_of_text(const std::string& text) {
  return error_of([&] { import_nequix(test::to_bytes(text), "some.nqx"); });
}

TEST(NequixImport, ReadsWhatTheConfigurationSays) {
  const NequixFile file = small_nequix();
  EXPECT_TRUE(is_nequix(file.bytes()));
  const Parameters p = parameters_of(file);
  EXPECT_THAT(p.species, ElementsAre("O", "H"));
  EXPECT_EQ(p.cutoff(), 4);
  EXPECT_EQ(p.basis.cutoff_power, 6);
  EXPECT_EQ(p.basis.prefactor, 0.5);
  EXPECT_DOUBLE_EQ(p.basis.frequency[2], 3 * std::numbers::pi / 4);
  EXPECT_TRUE(p.odd_harmonics);
  EXPECT_TRUE(p.normalised_harmonics);
  EXPECT_THAT(p.embedding, ElementsAre(1, 0, 0, 1));
  ASSERT_EQ(p.interactions.size(), 2u);
  EXPECT_EQ(to_string(p.interactions[0].messages()), "2x0e+2x1o");
  EXPECT_EQ(to_string(p.interactions[0].gate.inputs()), "3x0e+2x0e+2x1o");
  EXPECT_EQ(to_string(p.interactions[1].messages()), "3x0e+2x0e");
  EXPECT_EQ(to_string(p.interactions[1].gate.inputs()), "3x0e");
  EXPECT_EQ(p.interactions[0].denominator, 3);
  EXPECT_EQ(p.interactions[0].self_connection_kind, SelfConnectionKind::shared);
}

TEST(NequixImport, FoldsNormalisationsIntoWeights) {
  const NequixFile file = small_nequix();
  const Parameters p = parameters_of(file);
  const auto stored = [&](std::size_t n) { return file.arrays[n].values; };
  const Interaction& first = p.interactions[0];
  EXPECT_THAT(first.radial.layers[0].weight, stored(1));
  EXPECT_EQ(first.radial.activation.scale, 1);
  EXPECT_DOUBLE_EQ(first.mix_input.parts[0].weight[1], stored(3)[1] / std::sqrt(2));
  EXPECT_DOUBLE_EQ(first.mix_messages.parts[0].weight[3 + 2], stored(4)[5 + 2] / std::sqrt(2)) << "third scalar";
  EXPECT_DOUBLE_EQ(first.mix_messages.parts[1].weight[2 + 1], stored(4)[5 + 3 + 1] / std::sqrt(2)) << "second gate";
  EXPECT_DOUBLE_EQ(p.interactions[1].mix_messages.parts[1].weight[3], stored(13)[9 + 3] / std::sqrt(5));
  EXPECT_DOUBLE_EQ(p.readout[0].weight[2], stored(16)[2] / std::sqrt(3));
  EXPECT_THAT(first.gate.gate_activation,
              Each(equivariant::Activation{equivariant::ActivationKind::silu, 1.676562056079885}));
  EXPECT_THAT(p.energy_scale, Each(0.5));
  EXPECT_THAT(p.energy_shift, ElementsAre(stored(0)[0] + 0.25, stored(0)[1] + 0.25));
}

TEST(NequixImport, TheNormIsNequixs) {
  NequixFile file = small_nequix();
  const Parameters p = parameters_of(file);
  const equivariant::RmsNorm& norm = *p.interactions[0].norm;
  EXPECT_EQ(norm.epsilon, 1e-12);
  EXPECT_THAT(norm.share, ElementsAre(0.5, 0.5, 0.5 / 9)) << "of scalars, gates and vectors";
  EXPECT_EQ(norm.weight.size(), 7u);
  EXPECT_EQ(norm.weight[5], file.arrays[8].values[0]);
  EXPECT_THAT(p.interactions[1].norm->share, ElementsAre(1));
  for (const std::size_t array : {15, 8, 7})
    file.arrays.erase(file.arrays.begin() + static_cast<std::ptrdiff_t>(array));
  file.configuration["layer_norm"] = false;
  EXPECT_FALSE(parameters_of(file).interactions[0].norm);
}

TEST(NequixImport, SkipsOfEachSpecies) {
  const NequixFile file = small_indexed_nequix();
  const Parameters p = parameters_of(file);
  EXPECT_EQ(p.interactions[0].self_connection_kind, SelfConnectionKind::shared) << "each species sees its own row";
  const std::vector<double>& first = file.arrays[6].values;
  const auto& parts = p.interactions[0].self_connection[0].parts;
  EXPECT_DOUBLE_EQ(parts[0].weight[1], first[1] / std::sqrt(2)) << "species 0, row 0";
  EXPECT_DOUBLE_EQ(parts[0].weight[3 + 1], first[10 + 5 + 1] / std::sqrt(2)) << "species 1, row 1";
  EXPECT_EQ(p.interactions[1].self_connection_kind, SelfConnectionKind::per_species);
  ASSERT_EQ(p.interactions[1].self_connection.size(), 2u);
  EXPECT_DOUBLE_EQ(p.interactions[1].self_connection[1].parts[0].weight[4],
                   file.arrays[14].values[9 + 4] / std::sqrt(3));
}

TEST(NequixImport, UnknownKeysAndALineFeedAtTheEndAreAllowed) {
  EXPECT_EQ(refusal_after([](NequixFile& file) {
              file.configuration["optimizer"] = "muon";
              file.configuration["lmax"] = 1.0;
              file.end = "\n";
            }),
            "");
}

/// Of the package itself, two frames for each case.
TEST(NequixImport, SlowReferenceGivesTheEnergiesOfNequix) {
  for (const std::string name :
       {"norm", "bare", "indexed", "indexed-norm", "lmax3", "lmax4", "unsorted", "one-layer"}) {
    const auto folder = test::golden_folder() / ("nequix-" + name);
    const Parameters p = import_nequix(test::read_bytes(folder / "model.nqx"), name);
    ExtxyzReader reader(folder / "reference.extxyz");
    int frames = 0;
    for (Frame frame; reader.next(frame); ++frames)
      EXPECT_NEAR(test::reference_energy(p, frame), std::stod(*frame.find_info("energy")), 1e-9) << name;
    EXPECT_EQ(frames, 2) << name;
  }
}

TEST(NequixImport, AModelFileKeepsAllNumbers) {
  for (const NequixFile& file : {small_nequix(), small_indexed_nequix()}) {
    const Parameters p = parameters_of(file);
    const auto path = test::temporary_path("model.safetensors");
    const FileContents contents = nequip::file_contents(p, {"some.nqx", std::string(64, '0'), nequix_kind, ""});
    write_tensor_file(path, contents.metadata, contents.tensors);
    EXPECT_EQ(nequip::read_parameters(TensorFile::read(path)).count(), p.count());
  }
}

TEST(NequixImport, SettingsThatAreNotSupportedAreNamed) {
  for (const auto& [key, value, expected] : {std::tuple("lmax", nlohmann::json(5), "from 0 to 4"),
                                             {"lmax", 1.5, "whole number"},
                                             {"n_layers", 0, "from 1"},
                                             {"cutoff", 0, "positive"},
                                             {"cutoff", "6", "number"},
                                             {"avg_n_neighbors", -1, "positive"},
                                             {"radial_polynomial_p", 2.5, "whole number"},
                                             {"radial_basis_size", nlohmann::json::array(), "whole number"},
                                             {"index_weights", 0, "true or false"},
                                             {"hidden_irreps", "3x0e + 2x1e", "lmax = 1"},
                                             {"hidden_irreps", "3x0e + 2x0o", "0e, 1o"},
                                             {"hidden_irreps", "3x0e + 2x2e", "lmax = 1"},
                                             {"hidden_irreps", "3x0e + 2x1o + 1x0e", "in one place"},
                                             {"hidden_irreps", "2x1o", "some 0e"},
                                             {"hidden_irreps", "many", "irreps"},
                                             {"hidden_irreps", 3, "irreps"},
                                             {"atomic_numbers", {8, 8}, "once"},
                                             {"atomic_numbers", {8, 119}, "atomic numbers"},
                                             {"atomic_numbers", nlohmann::json::object(), "list"}})
    EXPECT_THAT(refusal_of(key, value),
                AllOf(StartsWith("some.nqx: configuration: "), HasSubstr(key), HasSubstr(expected)))
        << key << value;
  EXPECT_EQ(refusal_after([](NequixFile& file) { file.configuration.erase("scale"); }),
            "some.nqx: configuration: scale is missing");
}

TEST(NequixImport, ArraysThatDoNotFitAreNamed) {
  EXPECT_EQ(refusal_after([](NequixFile& file) { std::swap(file.arrays[4].shape[0], file.arrays[4].shape[1]); }),
            "some.nqx: array 4, layers[0].linear_2 w[0,0]: its shape is (5, 2); the configuration asks for (2, 5)");
  EXPECT_THAT(refusal_of("radial_mlp_size", 5), HasSubstr("array 1, layers[0].radial_mlp.layers[0].weights: "));
  EXPECT_THAT(refusal_after([](NequixFile& file) { file.arrays.pop_back(); }),
              HasSubstr("16 arrays, and none is left for readout w[0,0]"));
  EXPECT_THAT(refusal_after([](NequixFile& file) {
                file.arrays.push_back({{1}, {1}});
              }),
              HasSubstr("18 arrays; a model of this configuration has 17"));
  EXPECT_THAT(refusal_after([](NequixFile& file) { file.arrays[9].values[3] = NAN; }), HasSubstr("not finite"));
}

TEST(NequixImport, WhatIsNoModelIsRefused) {
  EXPECT_THAT(refusal_of_text("{\"cutoff\": 4"), HasSubstr("has no end; is the file cut off?"));
  EXPECT_THAT(refusal_of_text("{\"" + std::string(2 << 20, 'a')), HasSubstr("within 1 MiB"));
  EXPECT_THAT(refusal_of_text("{\"cutoff\": }\n"), HasSubstr("not valid JSON"));
  EXPECT_THAT(refusal_of_text("{\"cutoff\": 1, \"cutoff\": 2}\n"), HasSubstr("twice"));
  EXPECT_THAT(refusal_of_text("{\"cutoff\": 4}\nPK\x03\x04"), HasSubstr("import its .nqx file"));
  EXPECT_FALSE(is_nequix(test::to_bytes("PK\x03\x04")));
  EXPECT_FALSE(is_nequix(test::to_bytes(std::string("{\0\0\0\0\0\0\0{", 9)))) << "a safetensors file";
  EXPECT_FALSE(is_nequix({}));
}

TEST(NequixImport, DamagedFilesGiveOneLine) {
  const auto bytes = small_nequix().bytes();
  test::for_each_damage(bytes, 300, 600, [](const std::vector<std::byte>& damaged) {
    const std::string error = error_of([&] { import_nequix(damaged, "some.nqx"); });
    EXPECT_TRUE(error.empty() || error.starts_with("some.nqx: ")) << error;
  });
}

}  // namespace
}  // namespace grapevine
