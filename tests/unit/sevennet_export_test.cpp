#include "exporters/sevennet.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <string>

#include "formats/archives/torch_writer.hpp"
#include "importers/sevennet.hpp"
#include "models/nequip/file.hpp"
#include "models/nequip/training/new_model.hpp"
#include "test_files.hpp"

namespace grapevine {
namespace {

using nequip::Parameters;
using test::error_of;
using ::testing::AllOf;
using ::testing::HasSubstr;

const PickleDict& state_of(const PickleValue& checkpoint) {
  const auto& root = *std::get<std::shared_ptr<PickleDict>>(checkpoint);
  return *std::get<std::shared_ptr<PickleDict>>(*root.find("model_state_dict"));
}

Parameters there_and_back(const Parameters& p) {
  const std::vector<std::byte> bytes = make_torch_archive(export_sevennet(p, DType::f64), "mine");
  return import_sevennet(parse_torch_archive(bytes, "mine.pth"), {}).parameters;
}

void expect_near(const Parameters& a, const Parameters& b) {
  const FileContents x = nequip::file_contents(a, {});
  const FileContents y = nequip::file_contents(b, {});
  ASSERT_EQ(x.tensors.size(), y.tensors.size());
  for (std::size_t n = 0; n < x.tensors.size(); ++n) {
    SCOPED_TRACE(x.tensors[n].name);
    EXPECT_EQ(x.tensors[n].name, y.tensors[n].name);
    ASSERT_EQ(x.tensors[n].shape, y.tensors[n].shape);
    for (std::size_t i = 0; i < x.tensors[n].values.size(); ++i)
      EXPECT_NEAR(x.tensors[n].values[i], y.tensors[n].values[i], 1e-13);
  }
}

Parameters new_model(const std::string& parity) {
  ModelOptions options;
  options.channels = {3};
  options.max_order = 1;
  options.edge_order = 2;
  options.radial_widths = {4};
  options.readout_widths = {5};
  options.parity = parity;
  return nequip::new_parameters(options, {{"H", "O"}, 12.5, 1.25, 7});
}

TEST(SevenNetExport, SevenNetGetsItsNumbersBack) {
  for (const char* name : {"lmax3", "one-layer", "parity", "so3"}) {
    SCOPED_TRACE(name);
    const auto path = test::golden_folder() / fmt::format("sevennet-{}", name) / "checkpoint.pth";
    const TorchArchive theirs = read_torch_archive(path);
    const PickleDict& expected = state_of(theirs.root);
    const PickleValue checkpoint = export_sevennet(import_sevennet(theirs, {}).parameters, DType::f32);
    const PickleDict& state = state_of(checkpoint);
    EXPECT_EQ(state.items.size(), expected.items.size());
    for (const auto& [key, value] : state.items) {
      SCOPED_TRACE(*pickle_text(key));
      const PickleValue* found = expected.find(*pickle_text(key));
      ASSERT_NE(found, nullptr);
      EXPECT_EQ(pickle_tensor(value)->shape, pickle_tensor(*found)->shape);
      EXPECT_EQ(pickle_tensor(value)->to_doubles(), pickle_tensor(*found)->to_doubles());
    }
  }
}

TEST(SevenNetExport, ImportGivesBackTheParameters) {
  for (const char* name : {"bias-fcn", "lmax3", "old", "parity"}) {
    SCOPED_TRACE(name);
    const auto path = test::golden_folder() / fmt::format("sevennet-{}", name) / "checkpoint.pth";
    const Parameters p = import_sevennet(read_torch_archive(path), {}).parameters;
    expect_near(there_and_back(p), p);
  }
}

TEST(SevenNetExport, ProductsThatSevenNetHasMoreAreZero) {
  for (const char* parity : {"natural", "both", "ignored"}) {
    SCOPED_TRACE(parity);
    const Parameters p = new_model(parity);
    const Parameters back = there_and_back(p);
    for (std::size_t t = 0; t < p.interactions.size(); ++t) {
      const nequip::Interaction &x = p.interactions[t], &y = back.interactions[t];
      EXPECT_EQ(x.gate.outputs(), y.gate.outputs());
      EXPECT_GE(y.paths.size(), x.paths.size());
      const auto columns = static_cast<std::size_t>(y.radial.layers.back().outputs);
      std::size_t column = 0;
      for (const equivariant::Path& path : y.paths) {
        const bool is_ours = std::find(x.paths.begin(), x.paths.end(), path) != x.paths.end();
        for (int c = 0; c < y.input[static_cast<std::size_t>(path.input)].channels; ++c, ++column)
          EXPECT_EQ(y.radial.layers.back().weight[column] != 0, is_ours) << "of " << columns;
      }
    }
    expect_near(there_and_back(back), back);
  }
}

TEST(SevenNetExport, SelfConnectionsByTheEmbeddingBecomeThoseOfEachSpecies) {
  Parameters p = new_model("natural");
  for (nequip::Interaction& x : p.interactions) {
    x.self_connection_kind = nequip::SelfConnectionKind::per_embedding;
    x.self_connection.push_back(x.self_connection.front());  // as many as x_0 has channels
  }
  const Parameters back = there_and_back(p);
  for (std::size_t t = 0; t < p.interactions.size(); ++t) {
    const equivariant::EquivariantLinear expected = nequip::self_connection_of(p, p.interactions[t], 1);
    const equivariant::EquivariantLinear& found = back.interactions[t].self_connection[1];
    ASSERT_EQ(found.parts.size(), expected.parts.size());
    for (std::size_t i = 0; i < expected.parts.size(); ++i)
      EXPECT_NEAR(found.parts[i].weight.back(), expected.parts[i].weight.back(), 1e-13);
  }
}

TEST(SevenNetExport, WhatSevenNetHasNotIsRefused) {
  const auto refusal = [](const std::function<void(Parameters&)>& change) {
    Parameters p = new_model("natural");
    change(p);
    const std::string text = error_of([&] { export_sevennet(p, DType::f32); });
    EXPECT_THAT(text, AllOf(HasSubstr("SevenNet has no such model"), Not(HasSubstr("\n"))));
    return text;
  };
  EXPECT_THAT(refusal([](Parameters& p) { p.zbl = equivariant::Zbl{.charge = {1, 8}}; }), HasSubstr("repulsion"));
  EXPECT_THAT(refusal([](Parameters& p) { p.pair_cutoff.assign(4, 3.0); }), HasSubstr("cutoffs of pairs"));
  EXPECT_THAT(refusal([](Parameters& p) { p.neighbour_scale = {1, 2}; }), HasSubstr("scale of each species"));
  EXPECT_THAT(refusal([](Parameters& p) { p.species[1] = "O2"; }), HasSubstr("O2"));
  EXPECT_THAT(refusal([](Parameters& p) { p.interactions[0].gate.gate_activation[0].scale = 1; }),
              HasSubstr("scaled by 1"));
  EXPECT_THAT(refusal([](Parameters& p) {
                nequip::Interaction& x = p.interactions[0];
                const equivariant::IrrepsList inputs = x.gate.inputs();
                x.norm =
                    equivariant::RmsNorm{std::vector<double>(inputs.size(), 1.0),
                                         std::vector<double>(static_cast<std::size_t>(channels(inputs)), 1.0), 1e-5};
              }),
              HasSubstr("a norm"));
}

}  // namespace
}  // namespace grapevine
