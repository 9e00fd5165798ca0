#include "importers/sevennet.hpp"

#include <gmock/gmock.h>

#include <cmath>

#include "models/nequip/file.hpp"
#include "sevennet_builder.hpp"
#include "test_files.hpp"

namespace grapevine {
namespace {

using nequip::Parameters;
using test::error_of;
using test::python_dict;
using test::python_integer;
using test::python_list;
using test::python_logical;
using test::python_real;
using test::python_text;
using test::SevenNetFile;
using test::small_sevennet;
using ::testing::AllOf;
using ::testing::DoubleNear;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

SevenNetImport import_file(const SevenNetFile& file, const SevenNetImportOptions& options = {}) {
  return import_sevennet(parse_torch_archive(file.bytes(), "some.pth"), options);
}

Parameters parameters_of(const SevenNetFile& file) { return import_file(file).parameters; }

std::string refusal_after(const std::function<void(SevenNetFile&)>& change) {
  SevenNetFile file = small_sevennet();
  change(file);
  return error_of([&] { import_file(file); });
}

std::string refusal_of(const std::string& key, const std::string& opcodes) {
  return refusal_after([&](SevenNetFile& file) { file.set(key, opcodes); });
}

TEST(SevenNetImport, ReadsWhatTheConfigurationSays) {
  const SevenNetImport import = import_file(small_sevennet());
  const Parameters& p = import.parameters;
  EXPECT_EQ(import.origin, "SevenNet 0.12.1");
  EXPECT_THAT(import.notes, IsEmpty());
  EXPECT_THAT(p.species, ElementsAre("O", "H")) << "in the order of the one-hot vector";
  EXPECT_EQ(p.basis.cutoff, 4);
  EXPECT_EQ(p.basis.cutoff_kind, equivariant::CutoffKind::xplor);
  EXPECT_EQ(p.basis.cutoff_onset, 3.5);
  EXPECT_EQ(p.basis.prefactor, 0.5);
  EXPECT_EQ(p.edge_order, 1);
  EXPECT_FALSE(p.odd_harmonics);
  EXPECT_TRUE(p.normalised_harmonics);
  ASSERT_EQ(p.interactions.size(), 3u);
  EXPECT_EQ(to_string(p.interactions[1].input), "3x0e+2x1e");
  EXPECT_EQ(to_string(p.interactions[1].messages()), "3x0e+2x0e+3x1e+2x1e+2x1e") << "sorted by order";
  EXPECT_EQ(to_string(p.interactions[0].gate.inputs()), "3x0e+2x0e+2x1e");
  EXPECT_EQ(p.interactions[2].denominator, 6.5);
}

TEST(SevenNetImport, FoldsNormalisationsIntoWeights) {
  SevenNetFile file = small_sevennet();
  const Parameters p = parameters_of(file);
  const auto stored = [&](const std::string& name) { return file.tensor(name).values; };

  const auto embedding = stored("onehot_to_feature_x.linear.weight");
  for (std::size_t n = 0; n < 4; ++n) EXPECT_DOUBLE_EQ(p.embedding[n], embedding[n] / std::sqrt(2));

  const auto mix = stored("0_self_interaction_2.linear.weight");
  const auto& parts = p.interactions[0].mix_messages.parts;
  ASSERT_EQ(parts.size(), 3u);
  EXPECT_DOUBLE_EQ(parts[0].weight[3 + 2], mix[5 + 2] / std::sqrt(2)) << "second channel, third scalar";
  EXPECT_DOUBLE_EQ(parts[1].weight[2 + 1], mix[5 + 3 + 1] / std::sqrt(2)) << "second channel, second gate";
  EXPECT_DOUBLE_EQ(parts[2].weight[2], mix[10 + 2] / std::sqrt(2));

  const auto mix_two = stored("2_self_interaction_2.linear.weight");
  EXPECT_DOUBLE_EQ(p.interactions[2].mix_messages.parts[1].weight[3], mix_two[6 + 3] / std::sqrt(5));

  const auto radial = stored("2_convolution.weight_nn.layer1.weight");
  EXPECT_DOUBLE_EQ(p.interactions[2].radial.layers[1].weight[7], radial[7] / 2);
  EXPECT_DOUBLE_EQ(p.interactions[2].radial.activation.scale, 1.6791767923989418);
  EXPECT_DOUBLE_EQ(p.readout[0].weight[1], stored("reduce_input_to_hidden.linear.weight")[1] / std::sqrt(2));
  EXPECT_THAT(p.energy_shift,
              ElementsAre(stored("rescale_atomic_energy.shift")[0], stored("rescale_atomic_energy.shift")[1]));
}

TEST(SevenNetImport, SelfConnectionsOfEachSpecies) {
  SevenNetFile file = small_sevennet();
  file.set("self_connection_type", python_list({python_text("linear"), python_text("linear"), python_text("nequip")}));
  file.drop_tensor("2_self_connection_intro.linear.weight");
  std::vector<double> weight(3 * 2 * 2);
  for (std::size_t n = 0; n < weight.size(); ++n) weight[n] = static_cast<double>(n);
  file.state.push_back({"2_self_connection_intro.fc_tensor_product.weight", {12}, weight});
  const nequip::Parameters parameters = parameters_of(file);
  const auto& connections = parameters.interactions[2].self_connection;
  ASSERT_EQ(connections.size(), 2u);
  EXPECT_DOUBLE_EQ(connections[1].parts[0].weight[3], 7 / std::sqrt(6)) << "second channel, species H, second output";
}

TEST(SevenNetImport, BiasesAreReadWhereTheyAreUsed) {
  SevenNetFile file = small_sevennet();
  file.set("use_bias_in_linear", python_logical(true));
  EXPECT_THAT(error_of([&] { import_file(file); }), AllOf(HasSubstr("linear.bias"), HasSubstr("0 numbers")));
  for (const auto& [name, count] : {std::pair("onehot_to_feature_x", 2),
                                    {"0_self_interaction_1", 2},
                                    {"0_self_interaction_2", 5},
                                    {"1_self_interaction_1", 3},
                                    {"1_self_interaction_2", 5},
                                    {"2_self_interaction_1", 3},
                                    {"2_self_interaction_2", 2},
                                    {"reduce_input_to_hidden", 1},
                                    {"reduce_hidden_to_energy", 1}}) {
    test::StateTensor& bias = file.tensor(std::string(name) + ".linear.bias");
    bias.shape = {count};
    for (int n = 0; n < count; ++n) bias.values.push_back(n + 1);
  }
  const Parameters p = parameters_of(file);
  const Parameters without = parameters_of(small_sevennet());
  EXPECT_THAT(p.interactions[1].mix_messages.bias, ElementsAre(1, 2, 3, 4, 5));
  EXPECT_THAT(p.readout[1].bias, ElementsAre(1));
  EXPECT_DOUBLE_EQ(p.embedding[3], without.embedding[3] + 2);
}

/// Versions before 0.11 keep radial weights in the order in which the products arise.
TEST(SevenNetImport, OldOrderAndSignsOfProducts) {
  SevenNetFile file = small_sevennet();
  const Parameters sorted = parameters_of(file);
  file.set("version", python_text("0.10.2"));
  for (double& value : file.tensor("1_convolution.convolution._compiled_main_left_right._w3j_1_1_1").values)
    value = -value;
  const Parameters old = parameters_of(file);
  EXPECT_EQ(old.interactions[1].paths, sorted.interactions[1].paths);
  // Files: 3x0e 3x1e 2x1e 2x0e 2x1e, of which the last has all three orders greater than zero.
  const auto& stored = file.tensor("1_convolution.weight_nn.layer1.weight").values;
  const auto& weight = old.interactions[1].radial.layers[1].weight;
  const std::size_t column_of[] = {0, 1, 2, 8, 9, 3, 4, 5, 6, 7, 10, 11};
  for (std::size_t n = 0; n < 48; ++n)
    EXPECT_DOUBLE_EQ(weight[n], (n % 12 < 10 ? 0.5 : -0.5) * stored[n / 12 * 12 + column_of[n % 12]]) << n;
}

TEST(SevenNetImport, SignsThatAreNotKnownAreAskedFor) {
  const std::string name = "1_convolution.convolution._compiled_main_left_right._w3j_1_1_1";
  EXPECT_EQ(refusal_after([&](SevenNetFile& file) { file.drop_tensor(name); }), "");
  EXPECT_THAT(refusal_after([&](SevenNetFile& file) {
                file.drop_tensor(name);
                file.set("version", python_text("0.10.2"));
              }),
              AllOf(HasSubstr("_w3j_1_1_1"), HasSubstr("sign")));
  EXPECT_THAT(refusal_after([&](SevenNetFile& file) { file.tensor(name).values[5] += 0.1; }),
              HasSubstr("not a Wigner 3j symbol"));
}

TEST(SevenNetImport, OldNamesOfModules) {
  SevenNetFile file = small_sevennet();
  const Parameters modern = parameters_of(file);
  for (test::StateTensor& tensor : file.state)
    for (const auto& [name, old] : {std::pair("edge_embedding", "EdgeEmbedding"),
                                    {"_self_connection_intro", " self connection intro"},
                                    {"_self_interaction_2", " self interaction 2"},
                                    {"_convolution.", " convolution."},
                                    {".denominator", ".denumerator"},
                                    {"_equivariant_gate", " equivariant gate"},
                                    {"reduce_input_to_hidden", "reducing nn input to hidden"},
                                    {"reduce_hidden_to_energy", "reducing nn hidden to energy"},
                                    {"rescale_atomic_energy", "rescale atomic energy"}})
      if (const auto at = tensor.name.find(name); at != std::string::npos)
        tensor.name.replace(at, std::string(name).size(), old);
  EXPECT_EQ(parameters_of(file).count(), modern.count());
  file.drop("_normalize_sph");
  EXPECT_TRUE(parameters_of(file).normalised_harmonics);
  file.set("version", python_text("0.9.1"));
  EXPECT_FALSE(parameters_of(file).normalised_harmonics) << "as such files were trained";
}

TEST(SevenNetImport, AModalityBecomesABias) {
  SevenNetFile file = small_sevennet();
  file.set("use_modality", python_logical(true));
  file.set("use_modal_self_inter_outro", python_logical(true));
  file.set("_number_of_modalities", python_integer(2));
  file.set("_modal_map",
           python_dict({{python_text("PBE"), python_integer(1)}, {python_text("R2SCAN"), python_integer(0)}}));
  test::StateTensor& shift = file.tensor("rescale_atomic_energy.shift");
  shift.shape = {2, 2};
  shift.values = {1, 2, 3, 4};
  for (const auto& [name, more] :
       {std::pair("0_self_interaction_2", 2 * 5), {"1_self_interaction_2", 2 * 5}, {"2_self_interaction_2", 2 * 2}}) {
    test::StateTensor& weight = file.tensor(std::string(name) + ".linear.weight");
    for (int n = 0; n < more; ++n) weight.values.push_back(n);
    weight.shape = {static_cast<std::int32_t>(weight.values.size())};
  }
  EXPECT_THAT(error_of([&] { import_file(file); }), AllOf(HasSubstr("--modality"), HasSubstr("R2SCAN, PBE")));
  EXPECT_THAT(error_of([&] { import_file(file, {.modality = "SCAN"}); }), HasSubstr("no modality SCAN"));
  const SevenNetImport import = import_file(file, {.modality = "PBE"});
  EXPECT_EQ(import.origin, "SevenNet 0.12.1, modality PBE");
  EXPECT_THAT(import.parameters.energy_shift, ElementsAre(3, 4));
  EXPECT_THAT(import.parameters.interactions[2].mix_messages.bias,
              ElementsAre(DoubleNear(2 / std::sqrt(7), 1e-15), DoubleNear(3 / std::sqrt(7), 1e-15)));
  EXPECT_THAT(error_of([&] { import_file(small_sevennet(), {.modality = "PBE"}); }), HasSubstr("no modalities"));
}

TEST(SevenNetImport, InferredFeatures) {
  SevenNetFile file = small_sevennet();
  file.set("irreps_manual", python_logical(false));
  file.set("is_parity", python_logical(true));
  file.set("channel", python_integer(2));
  file.set("num_convolution_layer", python_integer(2));
  // 2x0e -> 2x0e+2x1o -> 2x0e: only the tensors of such a model would do.
  EXPECT_THAT(error_of([&] { import_file(file); }), AllOf(HasSubstr("0_self_connection_intro.linear.weight"),
                                                          HasSubstr("10 numbers"), HasSubstr("asks for 8")));
}

TEST(SevenNetImport, UnknownSettingsAreRefusedByName) {
  EXPECT_EQ(refusal_of("epoch", python_integer(7)), "") << "training alone";
  EXPECT_EQ(refusal_of("load_my_path", python_text("x")), "");
  EXPECT_THAT(refusal_of("use_charges", python_logical(true)),
              AllOf(HasSubstr("some.pth: config"), HasSubstr("use_charges = True")));
  EXPECT_THAT(refusal_of("radial_basis", python_dict({{python_text("width"), python_real(2)}})),
              AllOf(HasSubstr("radial_basis"), HasSubstr("width = 2")));
  EXPECT_THAT(refusal_of("radial_basis", python_dict({{python_text("radial_basis_name"), python_text("gaussian")}})),
              HasSubstr("gaussian"));
  EXPECT_THAT(
      refusal_of("cutoff_function", python_dict({{python_text("cutoff_function_name"), python_text("cosine")}})),
      HasSubstr("cosine"));
  EXPECT_THAT(refusal_of("act_radial", python_text("gelu")), AllOf(HasSubstr("act_radial"), HasSubstr("gelu")));
  EXPECT_THAT(refusal_of("act_scalar", python_dict({{python_text("e"), python_text("relu")}})),
              AllOf(HasSubstr("act_scalar"), HasSubstr("relu")));
  EXPECT_THAT(refusal_of("self_connection_type", python_text("MACE")),
              AllOf(HasSubstr("self_connection_type"), HasSubstr("MACE")));
  EXPECT_THAT(refusal_of("self_connection_type", python_list({python_text("linear")})), HasSubstr("3 types"));
  EXPECT_THAT(refusal_of("interaction_type", python_text("mace")), HasSubstr("interaction_type = 'mace'"));
  EXPECT_THAT(refusal_of("_model_type", python_text("other")), HasSubstr("_model_type"));
  EXPECT_THAT(refusal_of("optimize_by_reduce", python_logical(false)), HasSubstr("optimize_by_reduce"));
  EXPECT_THAT(refusal_of("lmax", python_integer(5)), AllOf(HasSubstr("lmax = 5"), HasSubstr("0 to 4")));
  EXPECT_THAT(refusal_of("lmax", python_real(1.5)), HasSubstr("lmax = 1.5"));
  EXPECT_THAT(refusal_of("is_parity", python_text("yes")), HasSubstr("is_parity"));
  EXPECT_THAT(refusal_of("irreps_manual", python_list({python_text("2x0e")})), HasSubstr("irreps_manual"));
  EXPECT_THAT(refusal_of("irreps_manual", python_list({python_text("2x0e"), python_text("2x1e+3x0e"),
                                                       python_text("3x0e"), python_text("2x0e")})),
              AllOf(HasSubstr("2x1e+3x0e"), HasSubstr("scalars before")));
  EXPECT_THAT(refusal_of("version", python_text("new")), HasSubstr("version = 'new'"));
  EXPECT_THAT(refusal_after([](SevenNetFile& file) { file.drop("version"); }), HasSubstr("version is missing"));
  EXPECT_THAT(refusal_of("_type_map", python_dict({{python_integer(8), python_integer(2)}})), HasSubstr("_type_map"));
  EXPECT_THAT(refusal_of("_type_map", python_dict({{python_integer(199), python_integer(0)}})), HasSubstr("199"));
}

TEST(SevenNetImport, NewerVersionsAreRemarkedOn) {
  SevenNetFile file = small_sevennet();
  file.set("version", python_text("0.14.0"));
  EXPECT_THAT(import_file(file).notes, ElementsAre(HasSubstr("0.14.0")));
}

TEST(SevenNetImport, TensorsThatDoNotFitAreRefusedByName) {
  EXPECT_EQ(refusal_after([](SevenNetFile&) {}), "");
  EXPECT_THAT(refusal_after([](SevenNetFile& f) { f.drop_tensor("1_convolution.denominator"); }),
              HasSubstr("1_convolution.denominator is missing"));
  EXPECT_THAT(refusal_after([](SevenNetFile& f) {
                f.state.push_back({"3_self_interaction_1.linear.weight", {1}, {1}});
              }),
              AllOf(HasSubstr("3_self_interaction_1.linear.weight"), HasSubstr("does not belong")));
  EXPECT_THAT(refusal_after([](SevenNetFile& f) {
                f.tensor("1_self_interaction_1.linear.weight").values.pop_back();
                f.tensor("1_self_interaction_1.linear.weight").shape = {12};
              }),
              HasSubstr("12 numbers; its configuration asks for 13"));
  EXPECT_THAT(refusal_after([](SevenNetFile& f) { f.tensor("0_convolution.denominator").values = {0}; }),
              HasSubstr("denominator of 0"));
  EXPECT_THAT(refusal_after([](SevenNetFile& f) { f.tensor("reduce_hidden_to_energy.linear.weight").values = {NAN}; }),
              HasSubstr("not finite"));
  EXPECT_THAT(refusal_after([](SevenNetFile& f) {
                f.tensor("rescale_atomic_energy.scale").shape = {3};
                f.tensor("rescale_atomic_energy.scale").values = {1, 2, 3};
              }),
              HasSubstr("3 numbers for 2 species"));
}

TEST(SevenNetImport, OtherFilesAreToldApart) {
  EXPECT_TRUE(is_sevennet(parse_torch_archive(small_sevennet().bytes(), "f")));
  const TorchArchive deployed = parse_torch_archive(
      test::archive_of(test::PickleWriter().global("__torch__.sevenn.nn.sequential", "A").raw(")\x81}b").finish()),
      "f");
  EXPECT_TRUE(is_sevennet(deployed));
  EXPECT_THAT(error_of([&] { import_sevennet(deployed, {}); }), HasSubstr("deployed"));
  const TorchArchive other = parse_torch_archive(test::archive_of(test::PickleWriter().raw("}").finish()), "f");
  EXPECT_FALSE(is_sevennet(other));
  EXPECT_THAT(error_of([&] { import_sevennet(other, {}); }), HasSubstr("no SevenNet checkpoint"));
}

/// Files that SevenNet wrote itself; that their energies are right is tested from end to end.
TEST(SevenNetImport, FilesOfSevenNetAreRead) {
  const auto import = [&](const std::string& name, const SevenNetImportOptions& options) {
    const auto file = test::golden_folder() / ("sevennet-" + name) / "checkpoint.pth";
    return import_sevennet(read_torch_archive(file), options).parameters;
  };
  const Parameters parity = import("parity", {});
  EXPECT_THAT(parity.species, ElementsAre("C", "H"));
  EXPECT_TRUE(parity.odd_harmonics);
  EXPECT_EQ(to_string(parity.interactions[1].input), "3x0e+3x1o+3x2e");
  EXPECT_EQ(to_string(parity.interactions[3].input), "3x0o+3x0e+3x1o+3x1e+3x2o+3x2e");
  EXPECT_EQ(parity.interactions[0].self_connection.size(), 2u);
  EXPECT_EQ(parity.basis.cutoff_power, 5);
  EXPECT_FALSE(import("old", {}).normalised_harmonics);
  EXPECT_EQ(import("bias-fcn", {}).readout.size(), 3u);
  EXPECT_THAT(error_of([&] { import("modalities", {}); }), HasSubstr("SCAN, PBE"));
  EXPECT_EQ(import("modalities", {.modality = "SCAN"}).interactions.size(), 2u);
}

TEST(SevenNetImport, DamagedCopiesAreRefusedOrStillFinite) {
  const auto bytes = small_sevennet().bytes();
  test::for_each_damage(bytes, 50, 400, [&](const std::vector<std::byte>& damaged) {
    try {
      nequip::check(import_sevennet(parse_torch_archive(damaged, "f"), {}).parameters);
    } catch (const Error&) {
    }
  });
}

}  // namespace
}  // namespace grapevine
