#include "exporters/mace.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <map>
#include <string>
#include <utility>

#include "exporters/mace_products.hpp"
#include "formats/archives/torch_writer.hpp"
#include "importers/mace.hpp"
#include "importers/pickle_settings.hpp"
#include "importers/tensor_table.hpp"
#include "importers/torch_module.hpp"
#include "mace_files.hpp"
#include "models/mace/training/couplings.hpp"
#include "models/mace/training/new_model.hpp"
#include "models/random_numbers.hpp"
#include "test_files.hpp"

namespace grapevine {
namespace {

using mace::Contraction;
using mace::Parameters;
using test::error_of;
using test::imported_mace;
using test::MaceFile;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const PickleDict& entries_of(const PickleValue& exported, const char* key) {
  return *pickle_dict(*pickle_dict(exported)->find(key));
}

/// The tensors of mace-torch's own file.
TensorTable tensors_of(const std::string& name) {
  const std::vector<std::byte> bytes = MaceFile(name).bytes();
  const TorchArchive archive = read_mace_archive(bytes, torch_head(bytes), name);
  TensorTable table(name, number_allowance(archive));
  collect_tensors(table, TorchModule(*pickle_object(archive.root), "", name));
  return table;
}

double largest_difference(const TorchTensor& a, const TorchTensor& b) {
  const std::vector<double> x = a.to_doubles(), y = b.to_doubles();
  double largest = 0;
  for (std::size_t n = 0; n < x.size(); ++n) largest = std::max(largest, std::abs(x[n] - y[n]));
  return largest;
}

Parameters new_model(int order) {
  ModelOptions options;
  options.channels = {3};
  options.max_order = order;
  options.edge_order = 2;
  options.radial_widths = {4};
  options.readout_widths = {5};
  return mace::new_parameters(options, {{"H", "O"}, 12.5, 1.25, 7});
}

TEST(MaceExport, MaceTorchGetsItsNumbersBack) {
  for (const char* name : {"two-body-order", "one-interaction", "nu-one"}) {
    SCOPED_TRACE(name);
    const PickleValue exported = export_mace(imported_mace(name), DType::f64);
    TensorTable theirs = tensors_of(name);
    int compared = 0;
    for (const auto& [key, value] : entries_of(exported, "state_dict").items) {
      const std::string& tensor = *pickle_text(key);
      if (tensor.starts_with("scale_shift.") || tensor.starts_with("atomic_energies_fn.")) continue;
      SCOPED_TRACE(tensor);
      const TorchTensor& found = theirs.tensor(tensor);
      ASSERT_EQ(pickle_tensor(value)->shape, found.shape);
      EXPECT_LT(largest_difference(*pickle_tensor(value), found), 1e-13);
      ++compared;
    }
    EXPECT_GT(compared, 20);
  }
}

TEST(MaceExport, SizesAreThoseOfTheModel) {
  const PickleValue exported = export_mace(new_model(1), DType::f64);
  const PickleDict& sizes = entries_of(exported, "sizes");
  EXPECT_EQ(*pickle_text(*sizes.find("hidden_irreps")), "3x0e+3x1o");
  EXPECT_EQ(*pickle_text(*sizes.find("interaction_cls_first")), "RealAgnosticInteractionBlock");
  EXPECT_EQ(*pickle_text(*sizes.find("interaction_cls")), "RealAgnosticResidualInteractionBlock");
  EXPECT_EQ(*pickle_text(*sizes.find("MLP_irreps")), "5x0e");
  EXPECT_EQ(*pickle_text(*sizes.find("gate")), "silu");
  EXPECT_EQ(std::get<double>(*sizes.find("avg_num_neighbors")), 12.5);
  EXPECT_EQ(std::get<std::int64_t>(*sizes.find("num_interactions")), 2);
  EXPECT_EQ(sizes.find("edge_irreps"), nullptr);
  EXPECT_EQ(sizes.find("pair_repulsion"), nullptr);
}

TEST(MaceExport, TheFileIsReadAsPlainData) {
  const PickleValue exported = export_mace(new_model(0), DType::f32);
  const TorchArchive archive = parse_torch_archive(make_torch_archive(exported, "mine"), "mine.pt");
  const TorchTensor& weight =
      *pickle_tensor(*entries_of(archive.root, "state_dict").find("node_embedding.linear.weight"));
  EXPECT_EQ(weight.shape, (std::vector<std::int64_t>{6}));
  EXPECT_EQ(weight.storage.dtype, DType::f32);
}

/// Component m of the products with all paths' weights of one species and channel.
double value_of(const Contraction& contraction, int m, const std::vector<double>& a) {
  double sum = 0;
  for (const Contraction::Term& term : contraction.terms) {
    if (term.component != m) continue;
    double product = term.value * contraction.weight[static_cast<std::size_t>(term.path)];
    for (const int factor : term.factors)
      if (factor >= 0) product *= a[static_cast<std::size_t>(factor)];
    sum += product;
  }
  return sum;
}

double value_of(const MaceBasis& basis, const std::vector<double>& weight, int m, const std::vector<double>& a) {
  std::size_t columns = 1;
  for (int f = 0; f < basis.degree; ++f) columns *= a.size();
  double sum = 0;
  for (std::size_t column = 0; column < columns; ++column) {
    double product = 1;
    std::size_t rest = column;
    for (int f = 0; f < basis.degree; ++f, rest /= a.size()) product *= a[rest % a.size()];
    const double* u = basis.matrix.data() + (static_cast<std::size_t>(m) * columns + column) * weight.size();
    for (std::size_t path = 0; path < weight.size(); ++path) sum += product * u[path] * weight[path];
  }
  return sum;
}

TEST(MaceExport, OurBasisOfProductsBecomesThatOfMaceTorch) {
  RandomNumbers random(3);
  for (int highest = 1; highest <= 3; ++highest)
    for (int order = 0; order <= std::min(highest, 2); ++order) {
      Contraction contraction = mace::complete_contraction(highest, 3, order);
      for (int path = 0; path < contraction.paths; ++path) contraction.weight.push_back(random.normal());
      std::vector<MaceBasis> bases;
      for (int degree = 1; degree <= 3; ++degree) bases.push_back(mace_basis(highest, degree, order));
      const MaceWeights weights = mace_weights(contraction, bases, 1, 1);
      EXPECT_LT(weights.residual, 1e-12);
      std::vector<double> a(static_cast<std::size_t>((highest + 1) * (highest + 1)));
      for (double& component : a) component = random.normal();
      for (int m = 0; m <= 2 * order; ++m) {
        double theirs = 0;
        for (std::size_t d = 0; d < bases.size(); ++d) theirs += value_of(bases[d], weights.of_degree[d], m, a);
        EXPECT_NEAR(theirs, value_of(contraction, m, a), 1e-10);
      }
    }
}

TEST(MaceExport, ProductsThatDoNotTurnAreRefused) {
  Parameters p = new_model(0);
  p.interactions[0].contractions[0].terms.back().value *= 1.5;
  EXPECT_THAT(error_of([&] { export_mace(p, DType::f64); }), HasSubstr("its products of order 0"));
}

TEST(MaceExport, WhatMaceTorchHasNotIsRefused) {
  const auto refusal = [](const std::function<void(Parameters&)>& change) {
    Parameters p = new_model(1);
    change(p);
    const std::string text = error_of([&] { export_mace(p, DType::f64); });
    EXPECT_THAT(text, AllOf(HasSubstr("mace-torch has no such model"), Not(HasSubstr("\n"))));
    return text;
  };
  EXPECT_THAT(refusal([](Parameters& p) { p.last_readout.back().bias = {1}; }), HasSubstr("biases"));
  EXPECT_THAT(refusal([](Parameters& p) { p.readout_activation.kind = equivariant::ActivationKind::relu; }),
              HasSubstr("relu in its last readout"));
  EXPECT_THAT(
      refusal([](Parameters& p) { p.interactions[1].radial.activation.kind = equivariant::ActivationKind::tanh; }),
      HasSubstr("tanh in its radial network"));
  EXPECT_THAT(refusal([](Parameters& p) {
                p.basis.cutoff_kind = equivariant::CutoffKind::xplor;
                p.basis.cutoff_onset = 3;
              }),
              HasSubstr("XPLOR"));
  EXPECT_THAT(refusal([](Parameters& p) { p.species[0] = "H1"; }), HasSubstr("H1 is no element"));
  EXPECT_THAT(refusal([](Parameters& p) {
                p.zbl = equivariant::Zbl{.charge = {1, 8}};
                p.zbl_cutoff.assign(4, 1.0);
              }),
              HasSubstr("its repulsion of nuclei"));
}

}  // namespace
}  // namespace grapevine
