#include "formats/model_files/model_file.hpp"

#include <gmock/gmock.h>

#include <cmath>

#include "models/reann/file.hpp"
#include "reann_reference.hpp"
#include "test_files.hpp"

namespace grapevine {
namespace {

using reann::FileContents;
using test::error_of;
using ::testing::AllOf;
using ::testing::HasSubstr;

FileContents good_contents() {
  return reann::file_contents(test::random_parameters({}, 1), {"REANN.pth", std::string(64, '0'), "kind", "note"});
}

NamedTensor& find(FileContents& contents, const std::string& name) {
  for (NamedTensor& tensor : contents.tensors)
    if (tensor.name == name) return tensor;
  throw Error("no tensor " + name);
}

/// The error of reading a model file whose contents `change` has spoilt.
std::string refusal(const std::function<void(FileContents&)>& change) {
  FileContents contents = good_contents();
  change(contents);
  const auto path = test::temporary_path("model.safetensors");
  write_tensor_file(path, contents.metadata, contents.tensors);
  return error_of([&] { reann::read_parameters(TensorFile::read(path)); });
}

std::string refusal_of_metadata(const std::string& key, const std::string& value) {
  return refusal([&](FileContents& contents) { contents.metadata[key] = value; });
}

/// Replaces text inside the hyperparameters.
std::string refusal_of_hyperparameter(const std::string& from, const std::string& to) {
  return refusal([&](FileContents& contents) {
    std::string& text = contents.metadata["hyperparameters"];
    const std::size_t at = text.find(from);
    ASSERT_NE(at, std::string::npos) << from << " is not in " << text;
    text.replace(at, from.size(), to);
  });
}

TEST(ModelFile, OrdinaryModelIsRead) {
  EXPECT_EQ(refusal([](FileContents&) {}), "");
}

TEST(ModelFile, OtherFilesAndUnknownVersionsAreNamed) {
  EXPECT_THAT(refusal([](FileContents& c) { c.metadata.erase("format"); }), HasSubstr("not a Grapevine model"));
  EXPECT_THAT(refusal_of_metadata("format", "pt"), HasSubstr("\"pt\""));
  EXPECT_THAT(refusal_of_metadata("format_version", "2"), AllOf(HasSubstr("format_version"), HasSubstr("\"2\"")));
  EXPECT_THAT(refusal_of_metadata("architecture", "mace"), HasSubstr("\"mace\""));
  EXPECT_THAT(refusal_of_metadata("units", R"({"energy":"kcal/mol","length":"Angstrom"})"), HasSubstr("kcal/mol"));
  EXPECT_THAT(refusal([](FileContents& c) { c.metadata.erase("units"); }), HasSubstr("units"));
  EXPECT_THAT(refusal_of_metadata("provenance", "[]"), HasSubstr("provenance"));
  EXPECT_THAT(refusal_of_metadata("provenance", R"({"note":1})"), HasSubstr("note"));
}

TEST(ModelFile, SpeciesAreDifferentChemicalSymbols) {
  EXPECT_THAT(refusal_of_metadata("species", "Ni Xx"), HasSubstr("\"Xx\" is not a chemical symbol"));
  EXPECT_THAT(refusal_of_metadata("species", "Ni Ni"), HasSubstr("given twice"));
  EXPECT_THAT(refusal_of_metadata("species", " "), HasSubstr("no species"));
  EXPECT_THAT(refusal_of_metadata("species", "Ni O H"), HasSubstr("shape [2, 5]; expected [3, 5]"));
}

TEST(ModelFile, HyperparametersAreChecked) {
  EXPECT_THAT(refusal_of_metadata("hyperparameters", "{"), HasSubstr("not valid JSON"));
  EXPECT_THAT(refusal_of_metadata("hyperparameters", std::string(100000, '[')), HasSubstr("nested deeper"));
  EXPECT_THAT(refusal_of_metadata("hyperparameters", "[]"), HasSubstr("missing"));
  EXPECT_THAT(refusal_of_hyperparameter("\"waves\":5", "\"waves\":-5"), HasSubstr("\"waves\" is not a whole number"));
  EXPECT_THAT(refusal_of_hyperparameter("\"waves\":5", "\"waves\":99999999999"), HasSubstr("waves"));
  EXPECT_THAT(refusal_of_hyperparameter("\"waves\":5", "\"waves\":6"), HasSubstr("expected [2, 6]"));
  EXPECT_THAT(refusal_of_hyperparameter("\"waves\":5", "\"waves\":5,\"waves\":5"), HasSubstr("twice"));
  EXPECT_THAT(refusal_of_hyperparameter("\"waves\":5", "\"waves\":5,\"more\":5"), HasSubstr("unknown key \"more\""));
  EXPECT_THAT(refusal_of_hyperparameter("\"layers\":2", "\"layers\":3"), HasSubstr("expected [4, 3, 5, 17]"));
  EXPECT_THAT(refusal_of_hyperparameter("\"cutoff\":4.5", "\"cutoff\":-1"), HasSubstr("cutoff"));
  EXPECT_THAT(refusal_of_hyperparameter("\"cutoff\":4.5", "\"cutoff\":\"4\""), HasSubstr("not a number"));
  EXPECT_THAT(refusal_of_hyperparameter("relu_like", "gelu"), HasSubstr("\"gelu\""));
}

TEST(ModelFile, ShortHeaderCannotAskForManyNetworks) {
  std::string structure = R"({"activation":"relu_like","blocks":[],"width":6})";
  std::string list = structure;
  for (int i = 0; i < 63; ++i) list += "," + structure;
  EXPECT_THAT(refusal([&](FileContents& contents) {
                std::string& text = contents.metadata["hyperparameters"];
                text.replace(text.find("\"message\":["), 11, "\"message\":[" + list + ",");
              }),
              AllOf(HasSubstr("hyperparameters")));
}

TEST(ModelFile, TensorsMustBeTheOnesOfTheModel) {
  EXPECT_THAT(
      refusal([](FileContents& c) { std::erase_if(c.tensors, [](auto& t) { return t.name == "radial.centre"; }); }),
      HasSubstr("radial.centre is missing"));
  EXPECT_THAT(refusal([](FileContents& c) {
                c.tensors.push_back({"more", {1}, {1}});
              }),
              HasSubstr("more does not belong"));
  EXPECT_THAT(refusal([](FileContents& c) {
                find(c, "radial.centre").shape = {5, 2};
              }),
              HasSubstr("shape [5, 2]; expected [2, 5]"));
}

TEST(ModelFile, NumbersMustBeFinite) {
  EXPECT_THAT(refusal([](FileContents& c) { find(c, "readout.Ni.output.bias").values[0] = std::nan(""); }),
              HasSubstr("readout.Ni.output.bias[0] is nan"));
  EXPECT_THAT(refusal([](FileContents& c) { find(c, "message.1.O.activation.beta").values[1] = INFINITY; }),
              HasSubstr("message.1.O.activation.beta[1] is inf"));
}

TEST(ModelFile, NetworksThatDifferBetweenSpeciesCannotBeWritten) {
  reann::Parameters p = test::random_parameters({}, 1);
  p.readout[1].activation.kind = reann::ActivationKind::tanh_like;
  EXPECT_THAT(error_of([&] { reann::file_contents(p, {}); }), HasSubstr("differ in structure"));
}

TEST(ModelFile, FileOfVersionOneStaysReadable) {
  const TensorFile file = TensorFile::read(test::source_folder() / "tests/data/models/local-s-only.safetensors");
  const reann::Parameters p = reann::read_parameters(file);
  EXPECT_EQ(p.species, std::vector<std::string>{"Cu"});
  EXPECT_EQ(p.cutoff, 5.0);
  EXPECT_EQ(p.count(), 731u);
}

TEST(ModelFile, ShippedModelsSayWhereTheyComeFrom) {
  for (const char* name : {"nbmotaw", "water"}) {
    const TensorFile file = TensorFile::read(test::source_folder() / "models" / (std::string(name) + ".safetensors"));
    const ModelDescription description = read_description(file);
    EXPECT_EQ(description.architecture, "reann");
    EXPECT_EQ(description.provenance.source_sha256.size(), 64u);
    EXPECT_THAT(description.provenance.note, HasSubstr("DFT"));
    EXPECT_GT(reann::read_parameters(file).count(), 10000u);
  }
}

}  // namespace
}  // namespace grapevine
