#include "exporters/reann.hpp"

#include <gmock/gmock.h>

#include <cmath>

#include "exporters/reann_structure.hpp"
#include "formats/archives/torch_writer.hpp"
#include "importers/reann.hpp"
#include "models/reann/file.hpp"
#include "models/reann/isolated_atoms.hpp"
#include "reann_reference.hpp"
#include "test_files.hpp"

namespace grapevine {
namespace {

using reann::ActivationKind;
using reann::Network;
using reann::Parameters;
using test::error_of;
using test::ReannSizes;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

Parameters potential(const ReannSizes& sizes) {
  Parameters p = test::random_parameters(sizes, 5);
  p.energy_shift.assign(p.species.size(), -2.75);
  return p;
}

/// The smallest float32 parameters near to `p`.
Parameters single(Parameters p) {
  reann::FileContents contents = reann::file_contents(p, {});
  for (NamedTensor& tensor : contents.tensors)
    for (double& value : tensor.values) value = static_cast<double>(static_cast<float>(value));
  const auto path = test::temporary_path("single.safetensors");
  write_tensor_file(path, contents.metadata, contents.tensors);
  p = reann::read_parameters(TensorFile::read(path));
  std::filesystem::remove(path);
  return p;
}

void expect_same(const Parameters& a, const Parameters& b) {
  const reann::FileContents x = reann::file_contents(a, {});
  const reann::FileContents y = reann::file_contents(b, {});
  EXPECT_EQ(x.metadata, y.metadata);
  ASSERT_EQ(x.tensors.size(), y.tensors.size());
  for (std::size_t i = 0; i < x.tensors.size(); ++i) {
    EXPECT_EQ(x.tensors[i].name, y.tensors[i].name);
    EXPECT_EQ(x.tensors[i].shape, y.tensors[i].shape);
    EXPECT_EQ(x.tensors[i].values, y.tensors[i].values) << x.tensors[i].name;
  }
}

/// A folder that is gone after the test.
class ReannExportTest : public ::testing::Test {
 protected:
  ~ReannExportTest() override { std::filesystem::remove_all(folder_); }

  Parameters import_back() const {
    ReannImportOptions options;
    options.para = ParaFile::read(folder_ / "para");
    return import_reann(read_torch_archive(folder_ / "REANN.pth"), options).parameters;
  }
  Parameters there_and_back(const Parameters& parameters, const ReannExportOptions& options = {}) const {
    write_reann(folder_, export_reann(parameters, options), true);
    return import_back();
  }
  std::string text_of(const char* file) const {
    const std::vector<std::byte> bytes = test::read_bytes(folder_ / file);
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }

  const std::filesystem::path folder_ = test::temporary_path("folder");
};

TEST_F(ReannExportTest, ImportGivesBackTheParameters) {
  for (const ReannSizes& sizes :
       {ReannSizes{}, ReannSizes{.species = {"Cu"}, .max_order = 0, .orbitals = 4, .layers = 0, .widths = {7}},
        ReannSizes{.max_order = 3, .layers = 3, .widths = {7, 5, 6}, .blocks = 3, .norm = false},
        ReannSizes{.species = {"O", "H", "C"}, .blocks = 0, .activation = ActivationKind::tanh_like}}) {
    expect_same(there_and_back(potential(sizes)), potential(sizes));
    expect_same(there_and_back(potential(sizes), {.distributed = true}), potential(sizes));
    EXPECT_THAT(text_of("para/input_nn"), HasSubstr("dtype = 'float64'"));
    expect_same(there_and_back(single(potential(sizes))), single(potential(sizes)));
    EXPECT_THAT(text_of("para/input_nn"), HasSubstr("dtype = 'float32'"));
  }
}

TEST_F(ReannExportTest, GoldenCheckpointsComeBackAsTheyWere) {
  int cases = 0;
  for (const auto& entry : std::filesystem::directory_iterator(test::golden_folder())) {
    if (!std::filesystem::exists(entry.path() / "REANN.pth")) continue;
    SCOPED_TRACE(entry.path());
    ReannImportOptions options;
    options.para = ParaFile::read(entry.path() / "para");
    const Parameters p = import_reann(read_torch_archive(entry.path() / "REANN.pth"), options).parameters;
    expect_same(there_and_back(p), p);
    ++cases;
  }
  EXPECT_EQ(cases, 5);
}

TEST_F(ReannExportTest, ShippedModelsComeBackButForEnergiesInTheBiases) {
  for (const char* name : {"models/nbmotaw.safetensors", "models/water.safetensors"}) {
    SCOPED_TRACE(name);
    const Parameters p = reann::read_parameters(TensorFile::read(test::source_folder() / name));
    const Parameters back = there_and_back(p);
    Parameters expected = p;
    for (std::size_t s = 0; s < p.species.size(); ++s)
      expected.readout[s].output.bias.front() += p.energy_shift[s] - back.energy_shift[s];
    expected.energy_shift = back.energy_shift;
    expect_same(back, expected);
  }
}

TEST_F(ReannExportTest, IsolatedAtomsKeepTheirEnergies) {
  for (const ActivationKind kind : {ActivationKind::relu_like, ActivationKind::tanh_like}) {
    Parameters p = potential({.activation = kind});
    const std::vector<double> weights(static_cast<std::size_t>(p.orbitals), -3.0);
    reann::hold(p, {{-4.5, -432.125}, {weights, weights}});
    const Parameters back = there_and_back(p);
    EXPECT_NEAR(reann::isolated_atom_energy(back, 0), -4.5, 1e-9);
    EXPECT_NEAR(reann::isolated_atom_energy(back, 1), -432.125, 1e-9);
  }
}

TEST_F(ReannExportTest, SameModelSameBytes) {
  const PickleValue checkpoint = export_reann(potential({}), {}).checkpoint;
  EXPECT_EQ(make_torch_archive(checkpoint, "REANN"), make_torch_archive(checkpoint, "REANN"));
}

TEST_F(ReannExportTest, EnergiesOfSpeciesGoIntoTheBiases) {
  Parameters p = potential({});
  p.energy_shift = {-101.25, -400.5};
  const Parameters back = there_and_back(p);
  EXPECT_THAT(back.energy_shift, ElementsAre(-250.875, -250.875));
  for (std::size_t s = 0; s < 2; ++s)
    EXPECT_DOUBLE_EQ(back.readout[s].output.bias[0] + back.energy_shift[s],
                     p.readout[s].output.bias[0] + p.energy_shift[s]);
  EXPECT_THAT(export_reann(p, {}).notes,
              ElementsAre(HasSubstr("initpot = -250.875"), HasSubstr("--initpot"), HasSubstr("float64")));
}

TEST_F(ReannExportTest, GivenInitpotIsTakenAndTotalsStay) {
  const Parameters p = potential({});
  const ReannExportOptions options{.initpot = -7.25};
  const Parameters back = there_and_back(p, options);
  EXPECT_THAT(back.energy_shift, ElementsAre(-7.25, -7.25));
  EXPECT_DOUBLE_EQ(back.readout[1].output.bias[0], p.readout[1].output.bias[0] + 4.5);
  EXPECT_THAT(export_reann(p, options).notes, Not(::testing::Contains(HasSubstr("initpot"))));
  EXPECT_THAT(error_of([&] { export_reann(p, {.initpot = std::nan("")}); }), HasSubstr("not a finite number"));
}

TEST_F(ReannExportTest, RoundingIsRemarkedOnAndSmall) {
  Parameters p = potential({});
  p.energy_shift = {-12345.678901, -12345.678901};
  const ReannExportOptions options{.numbers = ReannNumbers::float32};
  EXPECT_THAT(export_reann(p, options).notes, ::testing::Contains(HasSubstr("rounded to float32")));
  const Parameters back = there_and_back(p, options);
  const double before = p.energy_shift[0] + p.readout[0].output.bias[0];
  const double after = back.energy_shift[0] + back.readout[0].output.bias[0];
  EXPECT_NEAR(after, before, 1e-6) << "what float32 cannot hold of a large energy belongs into the bias";
  expect_same(back, single(back));
}

TEST_F(ReannExportTest, WhatReannCannotSayIsRefused) {
  const auto refusal = [](const auto& change, const ReannSizes& sizes = {}) {
    Parameters p = potential(sizes);
    change(p);
    return error_of([&] { export_reann(p, {}); });
  };
  const auto turn = [](reann::Activation& activation) { activation.kind = ActivationKind::tanh_like; };
  EXPECT_EQ(refusal([](Parameters&) {}), "");
  EXPECT_THAT(refusal([&](Parameters& p) { turn(p.readout[1].activation); }),
              AllOf(HasSubstr("readout network of O"), HasSubstr("activation")));
  EXPECT_THAT(refusal([&](Parameters& p) { p.message[0][0].blocks[1][1].norm.reset(); }),
              AllOf(HasSubstr("first message network of Ni"), HasSubstr("layer normalisation in some steps")));
  EXPECT_THAT(refusal([&](Parameters& p) { p.readout[1].blocks.pop_back(); }), HasSubstr("differs in structure"));
  EXPECT_THAT(refusal([&](Parameters& p) {
                for (Network& network : p.message[1]) network.blocks.pop_back();
              }),
              AllOf(HasSubstr("message layer 2"), HasSubstr("another structure")));
  EXPECT_THAT(
      refusal([&](Parameters& p) { p.readout[0].blocks[1].erase(p.readout[0].blocks[1].begin()); }, {.widths = {6, 6}}),
      HasSubstr("residual blocks that differ"));
}

TEST_F(ReannExportTest, FilesOfATrainingAreNotReplacedUnasked) {
  const ReannExport exported = export_reann(potential({}), {});
  write_reann(folder_, exported, false);
  EXPECT_THAT(error_of([&] { write_reann(folder_, exported, false); }),
              AllOf(HasSubstr("REANN.pth"), HasSubstr("--overwrite")));
  write_reann(folder_, exported, true);
  std::filesystem::remove(folder_ / "REANN.pth");
  EXPECT_THAT(error_of([&] { write_reann(folder_, exported, false); }), HasSubstr("input_nn"));
  const auto file = folder_ / "REANN.pth";
  std::filesystem::create_directory(file);
  EXPECT_THAT(error_of([&] { write_reann(folder_, exported, true); }), HasSubstr("cannot write"));
  EXPECT_THAT(error_of([&] { write_reann(folder_ / "para/input_nn/below", exported, true); }),
              HasSubstr("cannot make the folder"));
}

TEST(TorchWriter, PlainDataComeBack) {
  const PickleValue written = make_pickle_dict(
      {{"none", {}},
       {"numbers", make_pickle_list({std::int64_t{-3}, std::int64_t{1} << 40, -(std::int64_t{1} << 40), 1e-300, true})},
       {"text", make_pickle_text("\xC3\xA9t\xC3\xA9")},
       {"tensor", make_torch_tensor(DType::i64, {2, 1, 3}, {1, 2, 3, 4, 5, -6})},
       {"scalar", make_torch_tensor(DType::f64, {}, {0.1})},
       {"empty", make_torch_tensor(DType::f32, {0, 4}, {})}});
  const TorchArchive archive = parse_torch_archive(make_torch_archive(written, "some"), "some.pt");
  const PickleDict& dict = *std::get<std::shared_ptr<PickleDict>>(archive.root);
  EXPECT_TRUE(std::holds_alternative<std::monostate>(*dict.find("none")));
  EXPECT_EQ(*pickle_text(*dict.find("text")), "\xC3\xA9t\xC3\xA9");
  const auto& items = std::get<std::shared_ptr<PickleList>>(*dict.find("numbers"))->items;
  EXPECT_EQ(items, (std::vector<PickleValue>{std::int64_t{-3}, std::int64_t{1} << 40, -(std::int64_t{1} << 40), 1e-300,
                                             true}));
  const auto tensor = [&](const char* key) { return std::get<std::shared_ptr<const TorchTensor>>(*dict.find(key)); };
  EXPECT_THAT(tensor("tensor")->shape, ElementsAre(2, 1, 3));
  EXPECT_THAT(tensor("tensor")->to_doubles(), ElementsAre(1, 2, 3, 4, 5, -6));
  EXPECT_THAT(tensor("scalar")->to_doubles(), ElementsAre(0.1));
  EXPECT_THAT(tensor("empty")->to_doubles(), IsEmpty());
  EXPECT_THROW(make_torch_tensor(DType::f32, {3}, {1, 2}), std::invalid_argument);
  EXPECT_THROW(make_torch_tensor(DType::boolean, {1}, {1}), std::invalid_argument);
  EXPECT_THROW(make_torch_archive(std::make_shared<PickleObject>(), "some"), std::invalid_argument);
}

}  // namespace
}  // namespace grapevine
