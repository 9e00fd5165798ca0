#include "models/nequip/file.hpp"

#include <gmock/gmock.h>

#include <cmath>

#include "importers/sevennet.hpp"
#include "nequip_random.hpp"
#include "sevennet_builder.hpp"
#include "support/error.hpp"
#include "test_files.hpp"

namespace grapevine {
namespace {

using nequip::Parameters;
using test::error_of;
using ::testing::AllOf;
using ::testing::HasSubstr;

Parameters some_parameters() {
  const auto bytes = test::small_sevennet().bytes();
  Parameters p = import_sevennet(parse_torch_archive(bytes, "f"), {}).parameters;
  p.interactions[1].self_connection_kind = nequip::SelfConnectionKind::per_species;
  auto& connection = p.interactions[1].self_connection;  // one for each species, one of them with a bias
  connection.push_back(connection.front());
  connection.back().bias.assign(5, 0.25);
  p.readout[0].bias = {0.125};
  p.interactions[0].radial.layers[0].bias.assign(4, -1.5);
  return p;
}

FileContents good_contents() {
  return nequip::file_contents(some_parameters(), {"a.pth", std::string(64, '0'), "kind", "note"});
}

std::string refusal(const std::function<void(FileContents&)>& change) {
  FileContents contents = good_contents();
  change(contents);
  const auto path = test::temporary_path("model.safetensors");
  write_tensor_file(path, contents.metadata, contents.tensors);
  return error_of([&] { nequip::read_parameters(TensorFile::read(path)); });
}

std::string refusal_of_hyperparameter(const std::string& from, const std::string& to) {
  return refusal([&](FileContents& contents) {
    std::string& text = contents.metadata["hyperparameters"];
    const std::size_t at = text.find(from);
    ASSERT_NE(at, std::string::npos) << from << " is not in " << text;
    text.replace(at, from.size(), to);
  });
}

NamedTensor& find(FileContents& contents, const std::string& name) {
  for (NamedTensor& tensor : contents.tensors)
    if (tensor.name == name) return tensor;
  throw Error("no tensor " + name);
}

TEST(NequipFile, RoundTripKeepsEveryNumber) {
  const FileContents written = good_contents();
  const auto path = test::temporary_path("model.safetensors");
  write_tensor_file(path, written.metadata, written.tensors);
  const TensorFile file = TensorFile::read(path);
  const Parameters read = nequip::read_parameters(file);
  EXPECT_EQ(read.interactions[1].self_connection.size(), 2u);
  const FileContents again = nequip::file_contents(read, read_description(file).provenance);
  EXPECT_EQ(again.metadata, written.metadata);
  ASSERT_EQ(again.tensors.size(), written.tensors.size());
  for (std::size_t i = 0; i < again.tensors.size(); ++i) {
    EXPECT_EQ(again.tensors[i].name, written.tensors[i].name);
    EXPECT_EQ(again.tensors[i].shape, written.tensors[i].shape);
    EXPECT_EQ(again.tensors[i].values, written.tensors[i].values) << again.tensors[i].name;
  }
}

TEST(NequipFile, WhatOnlySomeModelsHaveSurvives) {
  const test::NequipSizes sizes{.self_connection = test::SelfConnection::by_embedding,
                                .pair_cutoffs = true,
                                .neighbour_scale = true,
                                .norm = true,
                                .zbl = true};
  const Parameters written = test::random_parameters(sizes, 5);
  const FileContents contents = nequip::file_contents(written, {});
  const auto path = test::temporary_path("model.safetensors");
  write_tensor_file(path, contents.metadata, contents.tensors);
  const Parameters read = nequip::read_parameters(TensorFile::read(path));
  EXPECT_EQ(read.pair_cutoff, written.pair_cutoff);
  EXPECT_EQ(read.neighbour_scale, written.neighbour_scale);
  EXPECT_EQ(read.zbl->charge, written.zbl->charge);
  EXPECT_EQ(read.zbl->cutoff_power, written.zbl->cutoff_power);
  EXPECT_EQ(read.interactions[1].norm, written.interactions[1].norm);
  EXPECT_EQ(read.interactions[1].self_connection_kind, nequip::SelfConnectionKind::per_embedding);
  ASSERT_EQ(read.interactions[1].self_connection.size(), 6u);
  EXPECT_EQ(read.interactions[1].self_connection[4].parts[2].weight,
            written.interactions[1].self_connection[4].parts[2].weight);
}

TEST(NequipFile, OddParityAndEmptyListsSurvive) {
  Parameters p = some_parameters();
  p.odd_harmonics = true;
  p.basis.cutoff_kind = equivariant::CutoffKind::polynomial;
  p.basis.cutoff_power = 4;
  p.normalised_harmonics = false;
  for (nequip::Interaction& x : p.interactions) {
    x.self_connection.clear();
    x.self_connection_kind = nequip::SelfConnectionKind::none;
  }
  // Harmonics of order 1 are odd now, so only products with those of order 0 and of both odd orders stay.
  for (nequip::Interaction& x : p.interactions) {
    for (equivariant::Irreps& irreps : x.input)
      if (irreps.order == 1) irreps.parity = -1;
    x.mix_input.inputs = x.mix_input.outputs = x.input;
    for (equivariant::Irreps& irreps : x.gate.gated) irreps.parity = -1;
    for (equivariant::Path& path : x.paths)
      path.parity = (x.input[static_cast<std::size_t>(path.input)].order + path.edge_order) % 2 == 1 ? -1 : 1;
    x.mix_messages.inputs = x.messages();
    x.mix_messages.outputs = x.gate.inputs();
    std::erase_if(x.mix_messages.parts, [&](const auto& part) {
      return !x.mix_messages.inputs[static_cast<std::size_t>(part.input)].transforms_like(
          x.mix_messages.outputs[static_cast<std::size_t>(part.output)]);
    });
  }
  const FileContents contents = nequip::file_contents(p, {});
  const auto path = test::temporary_path("model.safetensors");
  write_tensor_file(path, contents.metadata, contents.tensors);
  const Parameters read = nequip::read_parameters(TensorFile::read(path));
  EXPECT_TRUE(read.odd_harmonics);
  EXPECT_FALSE(read.normalised_harmonics);
  EXPECT_EQ(read.basis.cutoff_power, 4);
  EXPECT_EQ(read.interactions[1].paths, p.interactions[1].paths);
  EXPECT_EQ(read.interactions[2].gate.gated.size(), 0u);
}

TEST(NequipFile, PartsThatAreNotThereAreZeros) {
  Parameters p = some_parameters();
  p.interactions[0].mix_input.parts.clear();
  const FileContents contents = nequip::file_contents(p, {});
  const auto path = test::temporary_path("model.safetensors");
  write_tensor_file(path, contents.metadata, contents.tensors);
  const Parameters read = nequip::read_parameters(TensorFile::read(path));
  EXPECT_EQ(read.interactions[0].mix_input.parts.at(0).weight, std::vector<double>(4, 0.0));
}

TEST(NequipFile, HyperparametersAreChecked) {
  EXPECT_EQ(refusal([](FileContents&) {}), "");
  EXPECT_THAT(refusal([](FileContents& c) { c.metadata["architecture"] = "reann"; }), HasSubstr("not NequIP"));
  EXPECT_THAT(refusal([](FileContents& c) { c.metadata["hyperparameters"] = "[]"; }), HasSubstr("missing"));
  EXPECT_THAT(refusal_of_hyperparameter("\"basis\":3", "\"basis\":3,\"more\":1"), HasSubstr("unknown key \"more\""));
  EXPECT_THAT(refusal_of_hyperparameter("\"basis\":3", "\"basis\":4"), HasSubstr("expected [4]"));
  EXPECT_THAT(refusal_of_hyperparameter("\"xplor\"", "\"cosine\""), HasSubstr("polynomial or xplor"));
  EXPECT_THAT(refusal_of_hyperparameter("silu", "swish"), HasSubstr("\"swish\""));
  EXPECT_THAT(refusal_of_hyperparameter("\"shared\"", "\"some\""), HasSubstr("\"some\""));
  EXPECT_THAT(refusal_of_hyperparameter("\"even\"", "\"both\""), HasSubstr("\"both\""));
  EXPECT_THAT(refusal_of_hyperparameter("[0,1,\"1e\"]", "[7,1,\"1e\"]"), HasSubstr("paths"));
  EXPECT_THAT(refusal_of_hyperparameter("[0,1,\"1e\"]", "[0,1,\"2e\"]"), HasSubstr("does not belong"));
  EXPECT_THAT(refusal_of_hyperparameter("[0,1,\"1e\"]", "[0,1,\"2x1e\"]"), HasSubstr("one irrep"));
  EXPECT_THAT(refusal_of_hyperparameter("[0,1,\"1e\"]", "[0,-1,\"1e\"]"), HasSubstr("paths"));
  EXPECT_THAT(refusal_of_hyperparameter("\"2x0e\"", "\"2x0z\""), HasSubstr("2x0z"));
  EXPECT_THAT(refusal_of_hyperparameter("\"hidden\":[4]", "\"hidden\":[-4]"), HasSubstr("hidden"));
  EXPECT_THAT(refusal_of_hyperparameter("\"hidden\":[4]", "\"hidden\":[4,4]"), HasSubstr("bias"));
  EXPECT_THAT(refusal_of_hyperparameter("\"denominator\":4.5", "\"denominator\":0"), HasSubstr("denominator"));
}

TEST(NequipFile, ShortHeaderCannotAskForManyTensors) {
  std::string features = "1x0e";
  for (int i = 0; i < 63; ++i) features += "+1x0e";
  EXPECT_THAT(refusal_of_hyperparameter("\"input\":\"2x0e\"", "\"input\":\"" + features + "\""),
              HasSubstr("more than its"));
}

TEST(NequipFile, TensorsMustBeTheOnesOfTheModel) {
  EXPECT_THAT(refusal([](FileContents& c) { std::erase_if(c.tensors, [](auto& t) { return t.name == "embedding"; }); }),
              HasSubstr("embedding"));
  EXPECT_THAT(refusal([](FileContents& c) {
                c.tensors.push_back({"more", {1}, {1}});
              }),
              HasSubstr("more does not belong"));
  EXPECT_THAT(refusal([](FileContents& c) {
                find(c, "interaction.1.radial.0.weight").shape = {4, 3};
              }),
              AllOf(HasSubstr("interaction.1.radial.0.weight"), HasSubstr("expected [3, 4]")));
  EXPECT_THAT(refusal([](FileContents& c) { find(c, "energy.shift").values[0] = std::nan(""); }),
              HasSubstr("not finite"));
}

TEST(NequipFile, FileOfVersionOneStaysReadable) {
  const TensorFile file = TensorFile::read(test::source_folder() / "tests/data/models/nequip-modalities.safetensors");
  const Parameters p = nequip::read_parameters(file);
  EXPECT_EQ(p.count(), 444u);
  EXPECT_EQ(to_string(p.interactions[1].input), "4x0e+3x1e+2x2e+1x3e");
  EXPECT_EQ(p.interactions[0].mix_input.bias.size(), 4u);
  EXPECT_EQ(read_description(file).provenance.note, "SevenNet 0.13.0, modality PBE");
}

TEST(NequipFile, FeaturesThatNothingIsMixedIntoAreBounded) {
  Parameters p = some_parameters();
  equivariant::Gate& gate = p.interactions.back().gate;
  for (int i = 0; i < 20; ++i) {
    gate.gated.push_back({4096, 3, -1});
    gate.gate_activation.push_back({});
  }
  p.interactions.back().mix_messages.outputs = gate.inputs();
  for (equivariant::EquivariantLinear& linear : p.interactions.back().self_connection) linear.outputs = gate.inputs();
  EXPECT_THAT(error_of([&] { check(p); }), HasSubstr("features are far too many"));
}

}  // namespace
}  // namespace grapevine
