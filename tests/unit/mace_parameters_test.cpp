#include "models/mace/parameters.hpp"

#include <gmock/gmock.h>

#include <functional>
#include <limits>

#include "mace_files.hpp"
#include "test_files.hpp"

namespace grapevine {
namespace {

using mace::Parameters;
using test::error_of;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

const Parameters& good() {
  static const Parameters p = test::imported_mace("two-body-order");
  return p;
}

std::string refusal(const std::function<void(Parameters&)>& change) {
  Parameters p = good();
  change(p);
  return error_of([&] { mace::check(p); });
}

TEST(MaceParameters, GoodOnesPass) {
  EXPECT_EQ(error_of([] { mace::check(good()); }), "");
}

TEST(MaceParameters, SizesThatDoNotFitAreNamed) {
  EXPECT_THAT(refusal([](Parameters& p) { p.species.clear(); }), HasSubstr("no species"));
  EXPECT_THAT(refusal([](Parameters& p) { p.interactions.clear(); }), HasSubstr("no interactions"));
  EXPECT_THAT(refusal([](Parameters& p) { p.embedding.pop_back(); }), HasSubstr("embedding"));
  EXPECT_THAT(refusal([](Parameters& p) { p.readouts.pop_back(); }), HasSubstr("readouts"));
  EXPECT_THAT(refusal([](Parameters& p) { p.readouts[0].pop_back(); }), HasSubstr("readout 0"));
  EXPECT_THAT(refusal([](Parameters& p) { p.last_readout.clear(); }), HasSubstr("nothing to read an energy from"));
  EXPECT_THAT(refusal([](Parameters& p) { p.energy_shift.push_back(0); }), HasSubstr("energy shift"));
  EXPECT_THAT(refusal([](Parameters& p) { p.edge_order = 4; }), HasSubstr("order 4"));
  EXPECT_THAT(refusal([](Parameters& p) { p.interactions[1].input.pop_back(); }),
              HasSubstr("interaction 1 does not take what the one before gives"));
  EXPECT_THAT(refusal([](Parameters& p) { p.interactions[0].contractions.pop_back(); }), HasSubstr("contractions"));
  EXPECT_THAT(refusal([](Parameters& p) { p.interactions[0].radial.layers.pop_back(); }), HasSubstr("radial network"));
  EXPECT_THAT(refusal([](Parameters& p) { p.interactions[0].density = {1}; }), HasSubstr("density"));
  EXPECT_THAT(refusal([](Parameters& p) { p.interactions[1].self_connection.pop_back(); }),
              HasSubstr("self connection"));
}

TEST(MaceParameters, NumbersThatMakeNoSenseAreNamed) {
  EXPECT_THAT(refusal([](Parameters& p) { p.interactions[0].denominator = 0; }), HasSubstr("denominator"));
  EXPECT_THAT(refusal([](Parameters& p) { p.energy_scale = std::numeric_limits<double>::infinity(); }),
              HasSubstr("energy scale"));
  EXPECT_THAT(refusal([](Parameters& p) { p.basis.cutoff = -1; }), HasSubstr("cutoff"));
  EXPECT_THAT(refusal([](Parameters& p) { p.interactions[0].message[1].parity = 1; }), HasSubstr("parity"));
  EXPECT_THAT(refusal([](Parameters& p) { p.interactions[0].mix_product.bias = {1}; }), HasSubstr("bias"));
}

TEST(MaceParameters, LengthsAndCutoffsOfPairsGoWithWhatNeedsThem) {
  const std::size_t pairs = good().species.size() * good().species.size();
  EXPECT_THAT(refusal([&](Parameters& p) { p.pair_length.assign(pairs, 1); }), HasSubstr("no transform"));
  const auto agnesi = [](Parameters& p) { p.basis.transform.kind = equivariant::TransformKind::agnesi; };
  EXPECT_THAT(refusal(agnesi), HasSubstr("length of the transform"));
  const auto asymmetric = [&](Parameters& p) {
    agnesi(p);
    p.pair_length.assign(pairs, 1);
    p.pair_length[1] = 2;
  };
  EXPECT_THAT(refusal(asymmetric), HasSubstr("length of the transform of"));
  EXPECT_THAT(refusal([&](Parameters& p) { p.zbl_cutoff.assign(pairs, 1); }), HasSubstr("no repulsion"));
  EXPECT_THAT(refusal([&](Parameters& p) { p.zbl = equivariant::Zbl{}; }), HasSubstr("nuclear charges"));
}

TEST(MaceParameters, TermsAreInOrderAndInRange) {
  const auto term = [](const std::function<void(mace::Contraction::Term&)>& change) {
    return refusal([&](Parameters& p) { change(p.interactions[0].contractions[0].terms[1]); });
  };
  EXPECT_THAT(term([](auto& t) { t.component = 1; }), HasSubstr("a term makes no sense"));
  EXPECT_THAT(term([](auto& t) { t.path = 1000; }), HasSubstr("a term makes no sense"));
  EXPECT_THAT(term([](auto& t) { t.factors = {-1, 3, 2}; }), HasSubstr("a term makes no sense"));
  EXPECT_THAT(term([](auto& t) { t.factors = {-1, -1, -1}; }), HasSubstr("a term makes no sense"));
  EXPECT_THAT(term([](auto& t) { t.factors = {-1, -1, 16}; }), HasSubstr("a term makes no sense"));
  EXPECT_THAT(refusal([](Parameters& p) {
                auto& terms = p.interactions[0].contractions[0].terms;
                terms[1] = terms[0];
              }),
              HasSubstr("not sorted, or two are alike"));
}

TEST(MaceParameters, FewNumbersCannotAskForMuchMemory) {
  EXPECT_THAT(refusal([](Parameters& p) {
                p.interactions[0].mix_input.outputs.assign(60, {4096, 2, 1});
                p.interactions[0].mix_input.parts.clear();
              }),
              ::testing::Not(::testing::IsEmpty()));
}

TEST(MaceParameters, RadialWeightsAreThoseOfThePair) {
  Parameters p = good();
  p.basis.transform.kind = equivariant::TransformKind::agnesi;
  const std::size_t S = p.species.size();
  p.pair_length.assign(S * S, 1.5);
  p.pair_length[0] = 2;
  std::vector<double> a, b, slope;
  radial_weights(p, 1, 0, 0).evaluate(2.5, a, slope);
  radial_weights(p, 1, 1, 0).evaluate(2.5, b, slope);
  EXPECT_EQ(a.size(), static_cast<std::size_t>(channels(p.interactions[1].messages())));
  EXPECT_NE(a, b);
  p.interactions[1].density.assign(static_cast<std::size_t>(p.basis.functions()), 0.5);
  radial_weights(p, 1, 1, 0).evaluate(2.5, a, slope);
  EXPECT_EQ(a.size(), b.size() + 1) << "the density comes last";
}

}  // namespace
}  // namespace grapevine
