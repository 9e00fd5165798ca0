#include "importers/mace.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <filesystem>
#include <ostream>
#include <string>

#include "equivariant_random.hpp"
#include "heat_flux_checks.hpp"
#include "importers/import_model.hpp"
#include "mace_files.hpp"
#include "models/mace/file.hpp"
#include "models/mace/model.hpp"
#include "test_files.hpp"

namespace grapevine {
namespace {

using mace::Parameters;
using test::error_of;
using test::import_mace_bytes;
using test::imported_mace;
using test::MaceFile;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string refusal_of(const MaceFile& file) {
  return error_of([&] { import_mace_bytes(file.bytes()); });
}

std::string refusal_of_class(const std::string& from, const std::string& to) {
  return refusal_of(MaceFile("nu-one").replace_all(from + "\n", to + "\n"));
}

TEST(MaceImport, ReadsWhatTheModulesSay) {
  const Parameters p = imported_mace("nu-one");
  EXPECT_THAT(p.species, ElementsAre("Fe", "Mo"));
  EXPECT_EQ(p.cutoff(), 4.5);
  EXPECT_EQ(p.edge_order, 2);
  ASSERT_EQ(p.interactions.size(), 2u);
  for (const mace::Interaction& x : p.interactions)
    for (const mace::Contraction& contraction : x.contractions) EXPECT_EQ(contraction.paths, 1);
  EXPECT_EQ(p.interactions[0].input.size(), 1u);
  EXPECT_EQ(p.interactions[1].input, p.interactions[0].output);
  EXPECT_EQ(p.interactions[1].output.size(), 1u);
  EXPECT_FALSE(p.zbl);
  EXPECT_THAT(p.pair_length, IsEmpty());
}

TEST(MaceImport, OneOfSeveralHeadsIsTaken) {
  EXPECT_THAT(error_of([] { imported_mace("two-heads"); }), HasSubstr("choose one with --head: dft, cc"));
  EXPECT_THAT(error_of([] { imported_mace("two-heads", "mp2"); }),
              AllOf(HasSubstr("no head mp2"), HasSubstr("dft, cc")));
  const Parameters dft = imported_mace("two-heads", "dft"), cc = imported_mace("two-heads", "cc");
  EXPECT_EQ(dft.embedding, cc.embedding);
  EXPECT_NE(dft.readouts, cc.readouts);
  EXPECT_NE(dft.energy_shift, cc.energy_shift);
  ASSERT_EQ(dft.last_readout.size(), 2u);
  EXPECT_EQ(dft.last_readout[0].outputs, 8);
  EXPECT_NE(dft.last_readout[0].weight, cc.last_readout[0].weight);
  EXPECT_NE(dft.last_readout[1].weight, cc.last_readout[1].weight);
}

TEST(MaceImport, AHeadOfAModelOfOneIsTheOneOrAnError) {
  EXPECT_EQ(imported_mace("nu-one", "Default").energy_shift, imported_mace("nu-one").energy_shift);
  EXPECT_THAT(error_of([] { imported_mace("nu-one", "dft"); }), HasSubstr("--head can be: Default"));
}

TEST(MaceImport, GaussiansAndTheSoftTransform) {
  const Parameters p = imported_mace("float32-soft");
  EXPECT_EQ(p.basis.kind, equivariant::BasisKind::gaussian);
  EXPECT_EQ(p.basis.centre.size(), 8u);
  EXPECT_NEAR(p.basis.width, p.basis.centre[1], 1e-6);
  EXPECT_EQ(p.basis.transform.kind, equivariant::TransformKind::soft);
  EXPECT_EQ(p.basis.transform.steepness, 4);
  EXPECT_EQ(p.pair_length.size(), p.species.size() * p.species.size());
}

TEST(MaceImport, DensitiesAndTheAgnesiTransform) {
  const Parameters p = imported_mace("mixed-density", "b");
  EXPECT_EQ(p.basis.transform.kind, equivariant::TransformKind::agnesi);
  EXPECT_NEAR(p.pair_length[1], (0.31 + 0.66) / 2, 1e-12) << "half the sum of the radii of H and O";
  EXPECT_EQ(p.interactions[0].density.size(), 8u);
  EXPECT_EQ(p.interactions[0].denominator, 1);
  EXPECT_EQ(p.interactions[0].mix_by_species.size(), 2u);
  EXPECT_EQ(p.interactions[0].self_connection.size(), 0u);
  EXPECT_EQ(p.interactions[1].mix_by_species.size(), 0u);
  EXPECT_EQ(p.interactions[1].self_connection.size(), 2u);
}

TEST(MaceImport, OfTheLastInteractionScalarsAreKept) {
  for (const char* name : {"one-interaction", "two-body-order", "nu-one"}) {
    const Parameters p = imported_mace(name);
    EXPECT_EQ(p.interactions.back().output.size(), 1u) << name;
    EXPECT_EQ(p.readouts.size() + 1, p.interactions.size()) << name;
  }
  EXPECT_EQ(imported_mace("one-interaction").last_readout.size(), 1u) << "linear";
}

TEST(MaceImport, TermsAreSortedAndFew) {
  const Parameters p = imported_mace("one-interaction");
  const mace::Contraction& contraction = p.interactions[0].contractions[0];
  ASSERT_FALSE(contraction.terms.empty());
  const mace::Contraction::Term& first = contraction.terms.front();
  EXPECT_THAT(first.factors, ElementsAre(-1, -1, 0));
  EXPECT_EQ(first.value, 1);
  EXPECT_EQ(contraction.terms.back().factors[0] < 0, false) << "three factors come last";
  EXPECT_LT(contraction.terms.size(), 1000u) << "of 23 paths";
}

struct Shape {
  const char* name;
  std::size_t interactions;
  const char* features;  ///< after the first
  bool zbl;
  bool density;
};

void PrintTo(const Shape& shape, std::ostream* out) { *out << shape.name; }

class MaceShapes : public testing::TestWithParam<Shape> {};

TEST_P(MaceShapes, AreRead) {
  const Shape& shape = GetParam();
  if (!std::filesystem::exists(test::mace_path(shape.name))) GTEST_SKIP() << shape.name << " is not here";
  const Parameters p = imported_mace(shape.name, shape.name == std::string("two-heads") ? "cc" : "");
  EXPECT_EQ(p.interactions.size(), shape.interactions);
  EXPECT_EQ(to_string(p.interactions.front().output), shape.features);
  EXPECT_EQ(p.zbl.has_value(), shape.zbl);
  EXPECT_EQ(!p.interactions.front().density.empty(), shape.density);
}

class MaceModels : public testing::TestWithParam<const char*> {};

TEST_P(MaceModels, HaveTheHeatFluxOfTheUnfoldedSurroundings) {
  if (!std::filesystem::exists(test::mace_path(GetParam()))) GTEST_SKIP() << GetParam() << " is not here";
  const mace::MacePotential potential(imported_mace(GetParam()));
  const auto known = potential.species().begin();
  test::expect_heat_flux_by_unfolding(
      potential, test::random_crystal({known, known + 2}, 4, {4.4, 0.3, 0, -0.4, 4.6, 0.5, 0.6, -0.2, 4.3}, 5));
}

INSTANTIATE_TEST_SUITE_P(Cases, MaceModels, testing::Values("mace-published-spice", "mace-published-gst", "mp0b3-like"),
                         [](const auto& test) {
                           std::string name = test.param;
                           std::ranges::replace(name, '-', '_');
                           return name;
                         });

INSTANTIATE_TEST_SUITE_P(Cases, MaceShapes,
                         testing::Values(Shape{"mace-published-spice", 2, "32x0e", false, false},
                                         Shape{"mace-published-gst", 2, "64x0e+64x1o", false, false},
                                         Shape{"two-heads", 2, "8x0e+8x1o", false, false},
                                         Shape{"one-interaction", 1, "9x0e", false, false},
                                         Shape{"l2", 2, "6x0e+6x1o+6x2e", false, false},
                                         Shape{"mp0b3-like", 2, "8x0e+8x1o", true, true},
                                         Shape{"four-interactions", 4, "6x0e+6x1o", false, false}));

TEST(MaceImport, OtherClassesAreNamed) {
  EXPECT_THAT(refusal_of_class("ScaleShiftMACE", "AtomicDipolesMACE"),
              AllOf(HasSubstr("AtomicDipolesMACE"), HasSubstr("energies alone")));
  EXPECT_THAT(refusal_of_class("modules.models\nScaleShiftMACE", "calculators.lammps_mliap_mace\nLAMMPS_MLIAP_MACE"),
              AllOf(HasSubstr("LAMMPS_MLIAP_MACE"), HasSubstr("import the file it was made from")));
  EXPECT_THAT(
      refusal_of_class("cmace.modules.models\nScaleShiftMACE", "c__torch__.mace.modules.models\nScaleShiftMACE"),
      AllOf(HasSubstr("TorchScript"), HasSubstr("import the file it was made from")));
  EXPECT_THAT(refusal_of_class("RealAgnosticResidualInteractionBlock", "RealAgnosticResidualNonLinearInteractionBlock"),
              HasSubstr("interactions.0: a RealAgnosticResidualNonLinearInteractionBlock is not supported"));
  EXPECT_THAT(refusal_of_class("BesselBasis", "ChebychevBasis"), HasSubstr("Chebyshev"));
  EXPECT_THAT(refusal_of_class("BesselBasis", "SineBasis"), HasSubstr("SineBasis"));
  EXPECT_THAT(refusal_of_class("\nNonLinearReadoutBlock", "\nNonLinearBiasReadoutBlock"),
              HasSubstr("NonLinearBiasReadoutBlock"));
  EXPECT_THAT(refusal_of_class("\nSymmetricContraction", "\nOtherContraction"), HasSubstr("OtherContraction"));
  EXPECT_THAT(refusal_of_class("PolynomialCutoff", "CosineCutoff"), HasSubstr("CosineCutoff"));
  EXPECT_THAT(refusal_of_class("e3nn.o3._linear\nLinear", "mace.modules.lora\nLoRADenseLinear"),
              HasSubstr("LoRADenseLinear"));
  EXPECT_THAT(refusal_of_class("e3nn.o3._linear\nLinear", "cuequivariance_torch.operations\nLinear"),
              AllOf(HasSubstr("cuEquivariance"), HasSubstr("mace_cueq_to_e3nn")));
  EXPECT_THAT(refusal_of_class("e3nn.o3._linear\nLinear", "os\nsystem"), HasSubstr("os.system"));
}

TEST(MaceImport, OtherOptionsAreNamed) {
  const auto with = [](const std::string& name, const std::string& from, const std::string& to) {
    return refusal_of(MaceFile("nu-one").set(name, from, to));
  };
  const std::string on = "\x88", off = "\x89";
  EXPECT_THAT(with("apply_cutoff", on, off), HasSubstr("apply_cutoff"));
  EXPECT_THAT(with("use_so3", off, on), HasSubstr("use_so3"));
  EXPECT_THAT(with("lammps_mliap", off, on), HasSubstr("lammps_mliap"));
  EXPECT_THAT(with("correlation", "K\1", "K\4"), AllOf(HasSubstr("correlation = 4"), HasSubstr("at most 3")));
  EXPECT_THAT(refusal_of(MaceFile("nu-one").replace("use_reduced_cg", "use_reducedXcg")),
              HasSubstr("use_reducedXcg = True is not known here"));
  EXPECT_THAT(refusal_of(MaceFile("nu-one").replace_all("K\1J\xff\xff\xff\xff", "K\1K\1")), HasSubstr("1e"))
      << "vectors of even parity";
}

TEST(MaceImport, WeightsWithoutTheModelAreRefused) {
  const std::vector<test::StateTensor> state = {{"node_embedding.linear.weight", {1}, {1}}};
  for (const char* key : {"model", "other"}) {
    const auto bytes = test::checkpoint_file(key, state, {});
    const std::string message = error_of([&] { refuse_mace_weights(parse_torch_archive(bytes, "some.pt")); });
    EXPECT_EQ(message.find(".model file that mace_run_train writes") != std::string::npos, key == std::string("model"));
  }
}

TEST(MaceImport, TensorsThatDoNotFitAreNamed) {
  EXPECT_THAT(refusal_of(MaceFile("nu-one").replace("U_matrix_1", "V_matrix_1")), HasSubstr("U_matrix_1 is missing"));
  EXPECT_THAT(refusal_of(MaceFile("nu-one").replace("bessel_weights", "bessel_WEIGHTS")), HasSubstr("bessel_weights"));
  EXPECT_THAT(refusal_of(MaceFile("nu-one").replace("output_mask", "output_maXX")),
              HasSubstr("output_maXX does not belong to a model"));
}

/// Whatever is wrong, it is an Error or parameters that fit together.
void read_damaged(const std::vector<std::byte>& bytes) {
  try {
    mace::check(import_mace_bytes(bytes));
  } catch (const Error&) {
  }
}

TEST(MaceImport, DamagedFilesAreErrors) {
  test::for_each_damage(test::read_bytes(test::mace_path("nu-one")), 40, 100, read_damaged);
}

TEST(MaceImport, DamagedPicklesAreErrors) {
  MaceFile file("nu-one");
  const std::string good = file.pickle();
  for (std::size_t n = 0; n < 300; ++n) {
    const std::size_t place = good.size() * n / 300;
    file.pickle()[place] = static_cast<char>(file.pickle()[place] ^ (1 << n % 8));
    read_damaged(file.bytes());
    file.pickle() = good.substr(0, place);
    read_damaged(file.bytes());
    file.pickle() = good;
  }
}

TEST(MaceImport, MakesAModelFileThatNamesHeadAndKind) {
  ImportRequest request;
  request.source = test::mace_path("two-heads");
  request.output = test::temporary_path("model.safetensors");
  request.head = "cc";
  const ImportSummary summary = import_model(request);
  EXPECT_EQ(summary.kind, "MACE model");
  const TensorFile file = TensorFile::read(request.output);
  const ModelDescription description = read_description(file);
  EXPECT_EQ(description.architecture, "mace");
  EXPECT_EQ(description.provenance.note, "head cc");
  EXPECT_EQ(mace::read_parameters(file).energy_shift, imported_mace("two-heads", "cc").energy_shift);
}

TEST(MaceImport, FlagsOfOtherFilesAreRefused) {
  ImportRequest request;
  request.source = test::mace_path("nu-one");
  request.output = test::temporary_path("model.safetensors");
  request.modality = "PBE";
  EXPECT_THAT(error_of([&] { import_model(request); }), HasSubstr("--modality has no meaning for a MACE model"));
  request.modality = "";
  request.head = "PBE";
  request.source = test::golden_folder() / "nequip-l1-parity/model.ckpt";
  EXPECT_THAT(error_of([&] { import_model(request); }), HasSubstr("--head has no meaning"));
}

}  // namespace
}  // namespace grapevine
