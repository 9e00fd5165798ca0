#include <gmock/gmock.h>

#include <cmath>

#include "formats/text/extxyz.hpp"
#include "importers/import_model.hpp"
#include "importers/nequip_checkpoint.hpp"
#include "importers/nequip_package.hpp"
#include "importers/species_names.hpp"
#include "models/nequip/file.hpp"
#include "nequip_builder.hpp"
#include "nequip_reference.hpp"
#include "test_files.hpp"

namespace grapevine {
namespace {

using equivariant::ActivationKind;
using nequip::Parameters;
using nequip::SelfConnectionKind;
using test::error_of;
using test::NequipFile;
using test::NequipPackage;
using test::python_integer;
using test::python_list;
using test::python_logical;
using test::python_real;
using test::python_text;
using test::small_nequip;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

NequipImport import_checkpoint(const std::vector<std::byte>& bytes) {
  return import_network(read_nequip_checkpoint(parse_torch_archive(bytes, "some.ckpt")));
}

NequipImport import_package(const std::vector<std::byte>& bytes) {
  TorchPackage package(bytes, "some.zip");
  return import_network(read_nequip_package(package));
}

Parameters parameters_of(const NequipFile& file) { return import_checkpoint(file.checkpoint()).parameters; }

std::string refusal_after(const std::function<void(NequipFile&)>& change) {
  NequipFile file = small_nequip();
  change(file);
  return error_of([&] { import_checkpoint(file.checkpoint()); });
}

std::string refusal_of(const std::string& key, const std::string& opcodes) {
  return refusal_after([&](NequipFile& file) { file.set(key, opcodes); });
}

std::string refusal_of(const NequipPackage& package) {
  return error_of([&] { import_package(package.bytes(small_nequip())); });
}

std::string text_dict(const test::PythonItems& items) {
  test::PythonItems keyed;
  for (const auto& [key, value] : items) keyed.emplace_back(python_text(key), value);
  return test::python_dict(keyed);
}

TEST(NequipImport, ReadsWhatTheConfigurationSays) {
  const NequipImport import = import_checkpoint(small_nequip().checkpoint());
  const Parameters& p = import.parameters;
  EXPECT_EQ(import.origin, "nequip 0.19.1");
  EXPECT_THAT(import.notes, IsEmpty());
  EXPECT_THAT(p.species, ElementsAre("C1", "O"));
  EXPECT_EQ(p.cutoff(), 4);
  EXPECT_EQ(p.basis.cutoff_power, 6);
  EXPECT_EQ(p.basis.prefactor, 0.5);
  EXPECT_TRUE(p.odd_harmonics);
  EXPECT_THAT(p.pair_cutoff, IsEmpty());
  ASSERT_EQ(p.interactions.size(), 2u);
  EXPECT_EQ(to_string(p.interactions[0].input), "3x0e");
  EXPECT_EQ(to_string(p.interactions[1].input), "2x0e+2x1o");
  EXPECT_EQ(p.interactions[0].denominator, 4);
  EXPECT_EQ(p.interactions[0].self_connection_kind, SelfConnectionKind::none);
  EXPECT_EQ(p.interactions[1].self_connection_kind, SelfConnectionKind::per_embedding);
  EXPECT_EQ(p.interactions[1].self_connection.size(), 3u);
  EXPECT_FALSE(p.zbl);
}

TEST(NequipImport, CheckpointAndPackageGiveTheSameModel) {
  const Parameters a = parameters_of(small_nequip());
  const Parameters b = import_package(NequipPackage{}.bytes(small_nequip())).parameters;
  EXPECT_EQ(nequip::file_contents(a, {}).metadata, nequip::file_contents(b, {}).metadata);
  EXPECT_EQ(a.embedding, b.embedding);
  for (std::size_t t = 0; t < 2; ++t) {
    EXPECT_EQ(a.interactions[t].radial.layers[1].weight, b.interactions[t].radial.layers[1].weight);
    EXPECT_EQ(a.interactions[t].mix_messages.parts[0].weight, b.interactions[t].mix_messages.parts[0].weight);
  }
  EXPECT_EQ(a.energy_shift, b.energy_shift);
}

TEST(NequipImport, ParityAndOrderOfFeaturesFollowTheVersion) {
  NequipFile file = small_nequip();
  file.version = "0.15.1";
  EXPECT_EQ(to_string(parameters_of(file).interactions[1].input), "2x0e+2x1e");
  EXPECT_FALSE(parameters_of(file).odd_harmonics);
  file.version = "0.16.0";
  EXPECT_EQ(to_string(parameters_of(file).interactions[1].input), "2x0e+2x1o");
  file.version = "0.20.0";
  EXPECT_THAT(import_checkpoint(file.checkpoint()).notes, ElementsAre(HasSubstr("newer than 0.19.1")));
  file.version = "0.9.1";
  EXPECT_THAT(error_of([&] { parameters_of(file); }), AllOf(HasSubstr("0.9.1"), HasSubstr("package it again")));
}

TEST(NequipImport, AveragesTakeThePlaceOfWeightsInTheirOrder) {
  NequipFile file = small_nequip();
  std::vector<test::StateTensor> weights;
  for (const test::StateTensor& tensor : file.state) {
    if (!tensor.name.ends_with(".weight")) continue;
    weights.push_back(tensor);
    for (double& value : weights.back().values) value += 1;
  }
  file.average(weights);
  const Parameters p = parameters_of(file), before = parameters_of(small_nequip());
  EXPECT_EQ(p.embedding[0], before.embedding[0] + 1);
  EXPECT_EQ(p.energy_scale, before.energy_scale);
  file.set("per_type_energy_shifts_trainable", python_logical(true));
  EXPECT_THAT(error_of([&] { parameters_of(file); }),
              HasSubstr("not an average of per_type_energy_scale_shift.shifts"));
  file.drop("per_type_energy_shifts_trainable");
  file.state.push_back({"ema.ema_weight_11", {1}, {0}});
  EXPECT_THAT(error_of([&] { parameters_of(file); }), HasSubstr("ema.ema_weight_11 is of no parameter"));
}

TEST(NequipImport, CutoffsOfPairsAndNeighboursByType) {
  NequipFile file = small_nequip();
  file.tensor("edge_norm._rmax_recip") = {"edge_norm._rmax_recip", {4}, {0.25, 0.5, 0.25, 0.25}};
  file.set("per_edge_type_cutoff", text_dict({{"C1", text_dict({{"O", python_real(2)}})}}));
  file.set("avg_num_neighbors", text_dict({{"O", python_real(4)}, {"C1", python_real(16)}}));
  const Parameters p = parameters_of(file);
  EXPECT_THAT(p.pair_cutoff, ElementsAre(4, 2, 4, 4));
  EXPECT_THAT(p.neighbour_scale, ElementsAre(0.25, 0.5));
  EXPECT_EQ(p.interactions[0].denominator, 1);
}

TEST(NequipImport, RepulsionKeepsItsUnits) {
  NequipFile file = small_nequip();
  const auto zbl = [](const std::string& class_name) {
    return text_dict({{"_target_", python_text(class_name)},
                      {"units", python_text("metal")},
                      {"chemical_species", python_list({python_text("C"), python_text("O")})}});
  };
  file.set("pair_potential", zbl("nequip.nn.pair_potential.ZBL"));
  file.set("polynomial_cutoff_p", python_integer(5));
  file.state.push_back({"pair_potential.atomic_numbers", {2}, {6, 8}});
  file.state.push_back({"pair_potential._qqr2exesquare", {}, {7.1998225}});
  const double shift = parameters_of(file).energy_shift[0];
  EXPECT_EQ(parameters_of(file).zbl->coulomb, 14.399645);
  EXPECT_EQ(parameters_of(file).zbl->cutoff_power, 6);
  file.version = "0.16.0";
  EXPECT_EQ(parameters_of(file).zbl->cutoff_power, 5) << "that of the network";
  file.tensor("pair_potential._qqr2exesquare").values = {166.031855};
  const NequipImport real = import_checkpoint(file.checkpoint());
  EXPECT_THAT(real.notes, ElementsAre(HasSubstr("kcal/mol")));
  EXPECT_NEAR(real.parameters.zbl->coulomb, 14.399645, 1e-4);
  EXPECT_NEAR(real.parameters.energy_shift[0], shift / 23.060549, 1e-12);
  file.tensor("pair_potential._qqr2exesquare").values = {1};
  EXPECT_THAT(error_of([&] { parameters_of(file); }), HasSubstr("unknown units"));
  file.set("pair_potential", zbl("nequip.nn.pair_potential.LennardJones"));
  EXPECT_THAT(error_of([&] { parameters_of(file); }), HasSubstr("LennardJones"));
}

TEST(NequipImport, WhatIsNotSupportedIsNamed) {
  const auto model = [](const std::string& target) { return refusal_of("_target_", python_text(target)); };
  EXPECT_THAT(model("allegro.model.AllegroModel"), HasSubstr("Allegro"));
  EXPECT_THAT(model("nequip.model.ModelFromPackage"), AllOf(HasSubstr("fine-tuned"), HasSubstr("nequip-package")));
  EXPECT_THAT(model("nequip.model.ZBLPairPotential"), HasSubstr("ZBLPairPotential"));
  EXPECT_THAT(refusal_of("categorical_graph_field_embed", python_list({})), HasSubstr("categorical_graph_field_embed"));
  EXPECT_THAT(refusal_of("convnet_nonlinearity_type", python_text("norm")), HasSubstr("'norm'"));
  EXPECT_THAT(refusal_of("new_setting", python_integer(1)), HasSubstr("new_setting = 1"));
  EXPECT_THAT(refusal_of("num_features", python_list({python_integer(2)})), HasSubstr("num_features"));
  EXPECT_THAT(refusal_of("readout_mlp_nonlinearity", python_text("sine")), HasSubstr("'sine'"));
  EXPECT_THAT(refusal_after([](NequipFile& f) { f.training = "nequip.train.ScheduleFreeLightningModule"; }),
              HasSubstr("ScheduleFreeLightningModule"));
  EXPECT_THAT(refusal_after([](NequipFile& f) { f.training = "my.Module"; }), HasSubstr("my.Module"));
  EXPECT_THAT(refusal_after([](NequipFile& f) {
                f.state.push_back({"model.other.x", {1}, {1}});
              }),
              HasSubstr("several models"));
}

TEST(NequipImport, TensorsMustFitTheConfiguration) {
  EXPECT_THAT(refusal_after([](NequipFile& f) { f.drop_tensor("layer1_convnet.conv.linear_2.weight"); }),
              HasSubstr("layer1_convnet.conv.linear_2.weight is missing"));
  EXPECT_THAT(refusal_after([](NequipFile& f) {
                f.state.push_back({"layer2_convnet.x", {1}, {1}});
              }),
              HasSubstr("layer2_convnet.x does not belong"));
  EXPECT_THAT(refusal_of("num_features", python_integer(3)), HasSubstr("its configuration asks for"));
  EXPECT_THAT(
      refusal_after([](NequipFile& f) { f.tensor("per_type_energy_scale_shift.shifts").values[1] = std::nan(""); }),
      HasSubstr("energy shift"));
}

TEST(NequipImport, PackagesThatAreNotReadAreNamed) {
  EXPECT_EQ(refusal_of(NequipPackage{}), "");
  NequipPackage package;
  package.metadata = "package_version_id: 1\nversions:\n  nequip: 0.9.1\n";
  EXPECT_THAT(refusal_of(package), AllOf(HasSubstr("format 1"), HasSubstr("package it again")));
  package = {};
  package.models = {{"second", test::python_object("nequip.nn.graph_model", "GraphModel", {}, {{"a", "N"}})}};
  EXPECT_THAT(refusal_of(package), HasSubstr("several models"));
  package = {};
  package.modules = {
      {"pair_potential", test::python_object("nequip.nn.pair_potential", "LennardJones", {}, {{"a", "N"}})}};
  EXPECT_THAT(refusal_of(package), HasSubstr("LennardJones"));
  package.modules = {{"allegro", test::python_object("allegro.nn", "Allegro_Module", {}, {{"a", "N"}})}};
  EXPECT_THAT(refusal_of(package), HasSubstr("Allegro"));
  package.modules = {{"evil", "cos\nsystem\n(" + python_text("true") + "tR"}};
  EXPECT_THAT(refusal_of(package), HasSubstr("os.system"));
  package = {};
  package.layer_attributes = {{"resnet", python_logical(true)}};
  EXPECT_EQ(refusal_of(package), "") << "of no effect, as features differ";
}

TEST(NequipImport, TypesAreRenamed) {
  const std::vector<std::string> types = {"C1", "C2", "O"};
  EXPECT_THAT(renamed_species(types, "C1=C"), ElementsAre("C", "C2", "O"));
  EXPECT_THAT(renamed_species(types, "C1=C2,C2=C1"), ElementsAre("C2", "C1", "O"));
  EXPECT_THAT(error_of([&] { renamed_species(types, "C1=C,C2=C"); }), HasSubstr("two types would have the name C"));
  EXPECT_THAT(error_of([&] { renamed_species(types, "N=C"); }), HasSubstr("no N; it has C1 C2 O"));
  EXPECT_THAT(error_of([&] { renamed_species(types, "C1"); }), HasSubstr("not of the form"));
}

class NequipGolden : public ::testing::TestWithParam<const char*> {};

/// Energies by the slow formulas; kernels have tests of their own.
void expect_reference_energies(const Parameters& p, const std::filesystem::path& reference) {
  ExtxyzReader reader(reference);
  Frame frame;
  for (int count = 0; count < 2 && reader.next(frame); ++count) {
    const std::vector<double> energies = test::reference_energies(p, frame);
    double sum = 0;
    for (const double energy : energies) sum += energy;
    EXPECT_NEAR(sum, std::stod(*frame.find_info("energy")), 1e-8 * static_cast<double>(energies.size()));
  }
}

TEST_P(NequipGolden, CheckpointsGiveTheEnergiesOfNequip) {
  const auto folder = test::golden_folder() / (std::string("nequip-") + GetParam());
  const NequipImport import = import_checkpoint(test::read_bytes(folder / "model.ckpt"));
  expect_reference_energies(import.parameters, folder / "reference.extxyz");
}

INSTANTIATE_TEST_SUITE_P(Cases, NequipGolden,
                         ::testing::Values("ema-all-trained", "l1-parity", "l2-zbl-readout", "older-even", "older-l3",
                                           "parity-four-layers", "preset-ckpt"),
                         [](const auto& case_of) {
                           std::string name = case_of.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

TEST(NequipImport, DamagedCheckpointsAndPackagesAreRefusedOrReadButNothingElse) {
  test::for_each_damage(small_nequip().checkpoint(), 40, 400,
                        [](const auto& bytes) { error_of([&] { import_checkpoint(bytes); }); });
  test::for_each_damage(NequipPackage{}.bytes(small_nequip()), 40, 400,
                        [](const auto& bytes) { error_of([&] { import_package(bytes); }); });
}

}  // namespace
}  // namespace grapevine
