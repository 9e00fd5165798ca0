#include "models/mace/file.hpp"

#include <gmock/gmock.h>

#include <filesystem>
#include <functional>

#include "mace_files.hpp"
#include "support/error.hpp"
#include "test_files.hpp"

namespace grapevine {
namespace {

using mace::Parameters;
using test::error_of;
using ::testing::AllOf;
using ::testing::HasSubstr;

FileContents contents_of(const Parameters& p) {
  return mace::file_contents(p, {"a.model", std::string(64, '0'), "kind", "note"});
}

Parameters written_and_read(const FileContents& contents) {
  const auto path = test::temporary_path("model.safetensors");
  write_tensor_file(path, contents.metadata, contents.tensors);
  return mace::read_parameters(TensorFile::read(path));
}

std::string refusal(const std::function<void(FileContents&)>& change) {
  FileContents contents = contents_of(test::imported_mace("nu-one"));
  change(contents);
  return error_of([&] { written_and_read(contents); });
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

void expect_round_trip(const Parameters& p) {
  const FileContents written = contents_of(p);
  const Parameters read = written_and_read(written);
  const FileContents again = contents_of(read);
  EXPECT_EQ(again.metadata, written.metadata);
  ASSERT_EQ(again.tensors.size(), written.tensors.size());
  for (std::size_t i = 0; i < again.tensors.size(); ++i) {
    EXPECT_EQ(again.tensors[i].name, written.tensors[i].name);
    EXPECT_EQ(again.tensors[i].shape, written.tensors[i].shape);
    EXPECT_EQ(again.tensors[i].values, written.tensors[i].values) << again.tensors[i].name;
  }
  for (std::size_t t = 0; t < p.interactions.size(); ++t)
    for (std::size_t o = 0; o < p.interactions[t].contractions.size(); ++o)
      EXPECT_EQ(read.interactions[t].contractions[o].terms, p.interactions[t].contractions[o].terms);
}

class MaceRoundTrip : public testing::TestWithParam<const char*> {};

TEST_P(MaceRoundTrip, KeepsEveryNumber) {
  const std::string name = GetParam();
  if (!std::filesystem::exists(test::mace_path(name))) GTEST_SKIP() << name << " is not here";
  expect_round_trip(test::imported_mace(name, name == "two-heads" ? "dft" : ""));
}

INSTANTIATE_TEST_SUITE_P(Cases, MaceRoundTrip,
                         testing::Values("nu-one", "float32-soft", "two-heads", "one-interaction", "l2", "mp0b3-like"));

TEST(MaceFile, OldFilesStayReadable) {
  const TensorFile file = TensorFile::read(test::source_folder() / "tests/data/models/mace-small.safetensors");
  const Parameters p = mace::read_parameters(file);
  EXPECT_EQ(to_string(p.interactions[1].input), "2x0e+2x1o");
  EXPECT_EQ(read_description(file).provenance.source, "mace.model");
}

TEST(MaceFile, ReadoutsThatAreNotThereStayAway) {
  Parameters p = test::imported_mace("nu-one");
  p.readouts[0].clear();
  expect_round_trip(p);
}

TEST(MaceFile, RepulsionTransformAndDensitySurvive) {
  Parameters p = test::imported_mace("nu-one");
  const std::size_t S = p.species.size();
  p.zbl = equivariant::Zbl{std::vector<double>(S, 13)};
  p.zbl_cutoff.assign(S * S, 1.25);
  p.basis.transform.kind = equivariant::TransformKind::agnesi;
  p.basis.transform.q = 0.75;
  p.pair_length.assign(S * S, 1.5);
  p.interactions[0].density.assign(static_cast<std::size_t>(p.basis.functions()), 0.125);
  p.energy_scale = 1.1;
  expect_round_trip(p);
  const Parameters read = written_and_read(contents_of(p));
  EXPECT_EQ(read.zbl_cutoff, p.zbl_cutoff);
  EXPECT_EQ(read.basis.transform.q, 0.75);
  EXPECT_EQ(read.energy_scale, 1.1);
  EXPECT_EQ(read.interactions[0].density, p.interactions[0].density);
}

TEST(MaceFile, HyperparametersThatMakeNoSenseAreNamed) {
  EXPECT_THAT(refusal_of_hyperparameter("\"edge_order\":2", "\"edge_order\":4"), HasSubstr("order 4"));
  EXPECT_THAT(refusal_of_hyperparameter("\"edge_order\":2", "\"edge_order\":-1"), HasSubstr("edge_order"));
  EXPECT_THAT(refusal_of_hyperparameter("\"kind\":\"bessel\"", "\"kind\":\"sine\""), HasSubstr("bessel or gaussian"));
  EXPECT_THAT(refusal_of_hyperparameter("\"density\":false", "\"density\":1"), HasSubstr("density"));
  EXPECT_THAT(refusal_of_hyperparameter("\"density\":false", "\"density\":true"), HasSubstr("interaction.0.density"));
  EXPECT_THAT(refusal_of_hyperparameter("\"paths\":1", "\"paths\":2"), HasSubstr("contraction.0.weight"));
  EXPECT_THAT(refusal_of_hyperparameter("\"readouts\":[true]", "\"readouts\":[]"), HasSubstr("readouts"));
  EXPECT_THAT(refusal_of_hyperparameter("\"energy_scale\":", "\"energy_zcale\":"), HasSubstr("energy_zcale"));
  EXPECT_THAT(refusal_of_hyperparameter("\"contractions\":[", "\"contractions\":[{\"paths\":1},"),
              HasSubstr("contractions"));
  EXPECT_THAT(refusal_of_hyperparameter("\"input\":\"8x0e", "\"input\":\"9x0e"), HasSubstr("shape"));
  EXPECT_THAT(refusal_of_hyperparameter("\"self_connection\":true", "\"self_connection\":false"),
              HasSubstr("self_connection"));
}

TEST(MaceFile, TermsThatMakeNoSenseAreNamed) {
  const std::string name = "interaction.0.contraction.0.terms";
  const auto with_first = [&](std::size_t column, double value) {
    return refusal([&](FileContents& contents) { find(contents, name).values[column] = value; });
  };
  EXPECT_THAT(with_first(0, 0.5), HasSubstr("not a whole number"));
  EXPECT_THAT(with_first(1, 1e300), HasSubstr("not a whole number"));
  EXPECT_THAT(with_first(4, 16), HasSubstr("a term makes no sense"));
  EXPECT_THAT(refusal([&](FileContents& contents) {
                NamedTensor& terms = find(contents, name);
                terms.shape[1] = 1;
                terms.values.resize(static_cast<std::size_t>(terms.shape[0]));
              }),
              AllOf(HasSubstr(name), HasSubstr("shape")));
}

TEST(MaceFile, MissingAndSuperfluousTensorsAreNamed) {
  EXPECT_THAT(refusal([](FileContents& contents) {
                std::erase_if(contents.tensors, [](const NamedTensor& t) { return t.name == "energy.shift"; });
              }),
              HasSubstr("energy.shift"));
  EXPECT_THAT(refusal([](FileContents& contents) {
                contents.tensors.push_back({"pair_length", {1}, {1.0}});
              }),
              AllOf(HasSubstr("pair_length"), HasSubstr("does not belong")));
  EXPECT_THAT(refusal([](FileContents& contents) {
                std::erase_if(contents.tensors,
                              [](const NamedTensor& t) { return t.name == "interaction.0.contraction.0.values"; });
              }),
              HasSubstr("interaction.0.contraction.0.values"));
}

TEST(MaceFile, OtherArchitecturesAreNotIts) {
  EXPECT_THAT(refusal([](FileContents& contents) { contents.metadata["architecture"] = "nequip"; }),
              HasSubstr("architecture \"nequip\" is not MACE"));
}

}  // namespace
}  // namespace grapevine
