#include "importers/reann.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "models/reann/file.hpp"
#include "reann_reference.hpp"
#include "test_files.hpp"
#include "torch_builder.hpp"

namespace grapevine {
namespace {

using reann::ActivationKind;
using reann::Parameters;
using test::error_of;
using test::ReannSizes;
using test::ReannWriting;
using test::StateTensor;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

ReannImport import_bytes(const std::vector<std::byte>& bytes, const ReannImportOptions& options) {
  return import_reann(parse_torch_archive(bytes, "some.pth"), options);
}

ReannImportOptions with_activations(ActivationKind readout, ActivationKind message) {
  ReannImportOptions options;
  options.activation = readout;
  options.message_activation = message;
  return options;
}

/// Random potential as REANN has them: one energy shift, mixing different or the same for all layers.
Parameters potential(const ReannSizes& sizes, bool shared_mixing = false) {
  Parameters p = test::random_parameters(sizes, 3);
  p.energy_shift.assign(p.species.size(), -2.75);
  if (shared_mixing)
    for (std::size_t i = 0, n = p.mixing.size() / static_cast<std::size_t>(p.layers + 1); i < p.mixing.size(); ++i)
      p.mixing[i] = p.mixing[i % n];
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

void expect_round_trip(const Parameters& parameters, const ReannWriting& writing, const ReannImportOptions& options) {
  const ReannImport import = import_bytes(test::reann_file(parameters, writing), options);
  expect_same(import.parameters, parameters);
}

TEST(ReannImport, CheckpointsOfManyShapesGiveBackTheirParameters) {
  const auto relu = ActivationKind::relu_like;
  const auto tanh = ActivationKind::tanh_like;
  expect_round_trip(potential({}), {}, with_activations(relu, relu));
  ReannSizes sizes{.species = {"Ti", "O", "H"}, .cutoff = 5.25, .waves = 3, .max_order = 0, .orbitals = 4, .layers = 0};
  expect_round_trip(potential(sizes), {}, with_activations(relu, relu));
  sizes = {.max_order = 3, .layers = 3, .widths = {7}, .blocks = 0, .norm = false, .activation = tanh};
  expect_round_trip(potential(sizes), {}, with_activations(tanh, tanh));
  sizes = {.widths = {4, 5, 6}, .blocks = 3, .norm = false};
  expect_round_trip(potential(sizes), {.dropout = true}, with_activations(relu, relu));
  expect_round_trip(potential({}), {.reannparam = false, .prefix = "module."}, with_activations(relu, relu));
  expect_round_trip(potential({}, true), {.shared_mixing = true}, with_activations(relu, relu));
}

TEST(ReannImport, TorchScriptSaysItsActivationsItself) {
  Parameters p = potential({});
  for (auto& networks : p.message)
    for (auto& network : networks) {
      network.activation.kind = ActivationKind::tanh_like;
      for (auto& block : network.blocks)
        for (auto& step : block) step.activation.kind = ActivationKind::tanh_like;
    }
  expect_round_trip(p, {.script = true}, {});
}

TEST(ReannImport, LibTorchArchiveWithoutClassNamesNeedsFlags) {
  const ReannWriting writing{.script = true, .class_names = false};
  const auto bytes = test::reann_file(potential({}), writing);
  EXPECT_THAT(error_of([&] { import_bytes(bytes, {}); }),
              AllOf(HasSubstr("--message-activation"), HasSubstr("--para")));
  ReannImportOptions options;
  options.message_activation = ActivationKind::relu_like;
  EXPECT_THAT(error_of([&] { import_bytes(bytes, options); }), HasSubstr("--activation"));
  expect_round_trip(potential({}), writing, with_activations(ActivationKind::relu_like, ActivationKind::relu_like));
  EXPECT_EQ(import_bytes(bytes, with_activations(ActivationKind::relu_like, ActivationKind::relu_like)).kind,
            "LibTorch archive");
}

TEST(ReannImport, SettingsThatContradictTheFileAreRefused) {
  const auto script = test::reann_file(potential({}), {.script = true});
  EXPECT_THAT(
      error_of([&] { import_bytes(script, with_activations(ActivationKind::tanh_like, ActivationKind::relu_like)); }),
      AllOf(HasSubstr("Relu_like"), HasSubstr("--activation says Tanh_like")));
  const auto with_para = [&](const std::string& text) {
    ReannImportOptions options;
    options.para = ParaFile::parse(text, "para/input");
    return error_of([&] { import_bytes(script, options); });
  };
  EXPECT_EQ(with_para("atomtype=['Ni','O']\ncutoff=4.5\nnwave=5\nnipsin=2\noc_loop=2\nactivate='Relu_like'"), "");
  EXPECT_THAT(with_para("oc_activate='Tanh_like'"), AllOf(HasSubstr("Relu_like"), HasSubstr("para/input:1")));
  EXPECT_THAT(with_para("atomtype=['O','Ni']"), AllOf(HasSubstr("Ni O"), HasSubstr("O Ni")));
  EXPECT_THAT(with_para("cutoff=4.6"), AllOf(HasSubstr("4.5"), HasSubstr("4.6")));
  EXPECT_THAT(with_para("nwave=8"), HasSubstr("nwave = 5"));
  EXPECT_THAT(with_para("activate='Swish'"), HasSubstr("unknown activation \"Swish\""));
}

TEST(ReannImport, SingleAndDoublePrecisionAreReadAsTheyAre) {
  Parameters p = potential({.cutoff = 5.2});
  const auto relu = with_activations(ActivationKind::relu_like, ActivationKind::relu_like);
  EXPECT_EQ(import_bytes(test::reann_file(p, {}), relu).parameters.cutoff, 5.2);
  const Parameters single = import_bytes(test::reann_file(p, {.doubles = false}), relu).parameters;
  EXPECT_EQ(single.cutoff, static_cast<double>(5.2f)) << "REANN computes with the rounded number";
  EXPECT_EQ(single.mixing[1], static_cast<double>(static_cast<float>(p.mixing[1])));
}

TEST(ReannImport, SignOfTheGaussianIsTakenFromTheSource) {
  Parameters p = potential({});
  Parameters turned = p;
  for (double& exponent : turned.radial_exponent) exponent = -exponent;
  const auto bytes = test::reann_file(turned, {.script = true, .negated_gaussian = true});
  expect_same(import_bytes(bytes, {}).parameters, p);
  ReannImportOptions options;
  options.gaussian_sign = 1;
  EXPECT_THAT(error_of([&] { import_bytes(bytes, options); }), HasSubstr("--gaussian-sign"));
}

TEST(ReannImport, PositiveExponentsWithoutSourceAreRemarkedOn) {
  Parameters p = potential({});
  auto options = with_activations(ActivationKind::relu_like, ActivationKind::relu_like);
  for (double& exponent : p.radial_exponent) exponent = std::abs(exponent);
  EXPECT_THAT(import_bytes(test::reann_file(p, {}), options).notes, ElementsAre(HasSubstr("--gaussian-sign minus")));
  options.gaussian_sign = -1;
  const ReannImport turned = import_bytes(test::reann_file(p, {}), options);
  EXPECT_EQ(turned.parameters.radial_exponent[0], -p.radial_exponent[0]);
  EXPECT_THAT(turned.notes, IsEmpty());
}

/// The error after `change` of the state_dict of an ordinary model.
std::string refusal_after(const std::function<void(std::vector<StateTensor>&)>& change) {
  const Parameters p = potential({});
  std::vector<StateTensor> state = test::reann_state(p, {});
  change(state);
  const auto relu = with_activations(ActivationKind::relu_like, ActivationKind::relu_like);
  return error_of([&] { import_bytes(test::reann_file(state, p, {}), relu); });
}

StateTensor& find(std::vector<StateTensor>& state, const std::string& name) {
  return *std::find_if(state.begin(), state.end(), [&](const StateTensor& tensor) { return tensor.name == name; });
}

void drop(std::vector<StateTensor>& state, const std::string& name) {
  std::erase_if(state, [&](const StateTensor& tensor) { return tensor.name == name; });
}

TEST(ReannImport, ModelsThatDoNotFitTogetherAreRefused) {
  EXPECT_EQ(refusal_after([](auto&) {}), "");
  EXPECT_THAT(refusal_after([](auto& state) { drop(state, "density.rs"); }), HasSubstr("no REANN model"));
  EXPECT_THAT(refusal_after([](auto& state) { drop(state, "density.params"); }), HasSubstr("density.params"));
  EXPECT_THAT(refusal_after([](auto& state) { drop(state, "density.cutoff"); }), HasSubstr("cutoff"));
  EXPECT_EQ(refusal_after([](auto& state) { drop(state, "nnmod.initpot"); }), "");
  EXPECT_THAT(refusal_after([](auto& state) { drop(state, "nnmod.elemental_nets.O.0.weight"); }), HasSubstr("linear"));
  EXPECT_THAT(refusal_after([](auto& state) {
                find(state, "density.inta").shape = {5, 2};
              }),
              HasSubstr("density.inta"));
  EXPECT_THAT(refusal_after([](auto& state) {
                find(state, "density.hyper").shape = {3, 17, 3, 5};
              }),
              HasSubstr("density.hyper"));
  EXPECT_THAT(refusal_after([](auto& state) {
                find(state, "nnmod.elemental_nets.O.0.weight").shape = {17, 6};
              }),
              HasSubstr("readout.O.input"));
  EXPECT_THAT(refusal_after([](auto& state) { find(state, "nnmod.elemental_nets.O.0.weight").name += "x"; }),
              HasSubstr("not a network"));
  EXPECT_THAT(refusal_after([](auto& state) {
                state.push_back({"density.factor", {1}, {1}});
              }),
              HasSubstr("density.factor"));
  EXPECT_THAT(refusal_after([](auto& state) {
                state.push_back({"density.index_para", {4}, {0, 1, 1, 1}});
              }),
              HasSubstr("index_para"));
  EXPECT_THAT(refusal_after([](auto& state) { state.push_back({"nnmod1.initpot", {1}, {1}}); }), HasSubstr("energy"));
  EXPECT_THAT(refusal_after([](auto& state) {
                for (auto& tensor : state)
                  if (tensor.name.find("memssage_0") != std::string::npos) tensor.name.replace(22, 1, "7");
              }),
              HasSubstr("no memssage_0"));
}

TEST(ReannImport, ModelsThatAreNotEnergiesAreRefused) {
  Parameters p = potential({});
  for (reann::Network& network : p.readout) {
    network.output.outputs = 3;
    network.output.weight.resize(3 * static_cast<std::size_t>(network.output.inputs), 0.5);
    network.output.bias.resize(3, 0.0);
  }
  const auto relu = with_activations(ActivationKind::relu_like, ActivationKind::relu_like);
  EXPECT_THAT(error_of([&] { import_bytes(test::reann_file(p, {}), relu); }), HasSubstr("3 numbers per atom"));
}

TEST(ReannImport, WeightsThatAreNotNumbersAreRefused) {
  for (const double bad : {std::nan(""), std::numeric_limits<double>::infinity()})
    for (const char* name : {"density.rs", "density.hyper", "nnmod.elemental_nets.Ni.1.resblock.1.weight"})
      EXPECT_THAT(refusal_after([&](auto& state) { find(state, name).values[2] = bad; }),
                  HasSubstr("not a finite number"));
}

TEST(ReannImport, ElementsMustBeChemicalSymbols) {
  EXPECT_THAT(refusal_after([](auto& state) {
                for (auto& tensor : state)
                  if (const auto at = tensor.name.find(".Ni."); at != std::string::npos)
                    tensor.name.replace(at, 4, ".Qq.");
              }),
              HasSubstr("\"Qq\" is not a chemical symbol"));
}

struct RealFile {
  const char* folder;
  const char* file;
  std::vector<std::string> species;
  int layers;
};

std::vector<RealFile> real_files() {
  return {{"tests/data/golden/local-s-only", "REANN.pth", {"Cu"}, 0},
          {"tests/data/golden/one-layer-tanh", "REANN.pth", {"Na", "Cl"}, 1},
          {"tests/data/golden/three-layer", "REANN.pth", {"O", "C", "Ni"}, 3},
          {"tests/data/golden/f-orbitals-wide", "REANN.pth", {"Ti", "O"}, 2},
          {"tests/data/golden/molecule-and-slab", "REANN.pth", {"H", "C", "N", "O"}, 2},
          {"../shared/golden/published-water", "PES.pt", {"O", "H"}, 0},
          {"../shared/golden/published-silver-mpi", "REANN_LAMMPS_FLOAT.pt", {"Ag"}, 1},
          {"../shared/models/alloy-NbMoTaW", "REANN.pth", {"Nb", "Mo", "Ta", "W"}, 1},
          {"../shared/models/water", "REANN.pth", {"O", "H"}, 1}};
}

class ReannImportOfRealFile : public testing::TestWithParam<RealFile> {
 protected:
  void SetUp() override {
    folder_ = test::source_folder() / GetParam().folder;
    if (!std::filesystem::exists(folder_)) GTEST_SKIP() << "no shared material beside the checkout";
    if (std::filesystem::exists(folder_ / "para")) options_.para = ParaFile::read(folder_ / "para");
  }
  std::filesystem::path file() const { return folder_ / GetParam().file; }

  std::filesystem::path folder_;
  ReannImportOptions options_;
};

TEST_P(ReannImportOfRealFile, GivesAModelThatSurvivesItsOwnFile) {
  const ReannImport import = import_reann(read_torch_archive(file()), options_);
  EXPECT_EQ(import.parameters.species, GetParam().species);
  EXPECT_EQ(import.parameters.layers, GetParam().layers);
  EXPECT_THAT(import.notes, IsEmpty());
  const auto path = test::temporary_path("model.safetensors");
  reann::write_model(path, import.parameters, {"a", "b", "c", "d"});
  const TensorFile model = TensorFile::read(path);
  expect_same(reann::read_parameters(model), import.parameters);
  EXPECT_EQ(read_description(model).provenance, (Provenance{"a", "b", "c", "d"}));
}

TEST_P(ReannImportOfRealFile, DamagedCopiesAreRefusedOrStillFinite) {
  const auto bytes = test::read_bytes(file());
  int refused = 0;
  const auto import = [&](const std::vector<std::byte>& damaged) {
    try {
      reann::check(import_bytes(damaged, options_).parameters);
    } catch (const Error&) {
      ++refused;
    }
  };
  test::for_each_damage(bytes, 50, 400, import);
  EXPECT_GE(refused, 50) << "no file that is cut off may pass";
}

INSTANTIATE_TEST_SUITE_P(Files, ReannImportOfRealFile, testing::ValuesIn(real_files()), [](const auto& parameter) {
  std::string name = std::filesystem::path(parameter.param.folder).filename().string();
  std::erase(name, '-');
  return name;
});

TEST(ReannImport, OneStorageUnderManyTensorsIsBounded) {
  constexpr int numbers = 32768;
  test::PickleWriter pickle;
  pickle.tensor("FloatStorage", "0", numbers, 0, {numbers}, {1})
      .raw(
          "q\x05"
          "0}(");
  for (int n = 0; n < 100; ++n) pickle.text("density." + std::to_string(n)).raw("h\x05");
  const auto file = test::archive_of(pickle.raw("u").finish(), {{"archive/data/0", std::string(4 * numbers, '\0')}});
  EXPECT_THAT(test::error_of([&] { import_reann(parse_torch_archive(file, "f.pth"), {}); }),
              HasSubstr("f.pth: its tensors have far more numbers than the file"));
}

TEST(ReannImport, LongNamesOfAttributesAreBounded) {
  test::PickleWriter pickle;
  pickle.global("__torch__", "A").raw("q\x05)\x81}(").text(std::string(1'000'000, 'b')).raw("h\x05)\x81}(");
  for (int n = 0; n < 3000; ++n) pickle.text(std::to_string(n)).raw("h\x05)\x81");
  const auto file = test::archive_of(pickle.raw("ubub").finish());
  EXPECT_THAT(test::error_of([&] { import_reann(parse_torch_archive(file, "f.pt"), {}); }),
              HasSubstr("f.pt: its names are far longer than the file"));
}

}  // namespace
}  // namespace grapevine
