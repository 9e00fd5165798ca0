#include "training/options/config.hpp"

#include <gmock/gmock.h>

#include <fstream>
#include <set>

#include "models/trainable_registry.hpp"
#include "test_files.hpp"
#include "training/options/gather_options.hpp"
#include "training/options/option_table.hpp"

namespace grapevine {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;
using ::testing::StartsWith;

TrainingOptions parse(const std::string& text) { return parse_config(text, "c.toml", "/folder"); }

std::string refusal(const std::string& text) {
  return test::error_of([&] { parse(text); });
}

const TrainingOption& option_of(const std::string& flag) {
  for (const TrainingOption& option : training_option_table())
    if (option.flag == flag) return option;
  throw std::runtime_error("no option " + flag);
}

TrainingOptions from_words(const std::string& flag, const std::vector<std::string>& words) {
  TrainingOptions options;
  set_option_from_words(option_of(flag), options, words);
  return options;
}

TrainingOptions sound_options() {
  TrainingOptions options;
  options.data.train = {"train.extxyz"};
  options.output = "model.safetensors";
  return options;
}

/// Another value of each type that is within every range of the table.
struct Change {
  void operator()(bool* at) const { *at = !*at; }
  void operator()(int* at) const { *at = *at == 3 ? 2 : 3; }
  void operator()(std::uint64_t* at) const { *at = 123456789012345; }
  void operator()(double* at) const { *at = option.high >= 2 ? 1.9375 : 0.3; }
  void operator()(std::string* at) const {
    if (option.choices.empty())
      *at = "a \"name\" \\ \t";
    else
      *at = *at == option.choices.front() ? option.choices.back() : option.choices.front();
  }
  void operator()(std::filesystem::path* at) const { *at = "/some/file"; }
  void operator()(std::vector<int>* at) const { *at = {7}; }
  void operator()(std::vector<std::string>* at) const {
    *at = option.choices.empty() ? std::vector<std::string>{"W", "Ta"} : option.choices;
  }
  void operator()(std::vector<std::filesystem::path>* at) const { *at = {"/a,b", "/c d"}; }

  const TrainingOption& option;
};

TEST(TrainingConfig, CommentedOneHasTheDefaults) { EXPECT_EQ(parse(commented_config()), TrainingOptions()); }

TEST(TrainingConfig, EmptyOneHasTheDefaults) { EXPECT_EQ(parse(""), TrainingOptions()); }

TEST(TrainingConfig, EveryOptionIsWrittenAndReadBack) {
  for (const TrainingOption& option : training_option_table())
    for (const std::string& architecture : trainable_architectures()) {
      if (option.key == "architecture" || !option.is_of(architecture)) continue;
      TrainingOptions options = default_options(architecture);
      std::visit(Change{option}, option.target(options));
      EXPECT_NE(options, default_options(architecture)) << option.name();
      EXPECT_EQ(parse(commented_config(options)), options) << architecture << " " << option.name();
    }
  TrainingOptions options;
  options.isolated_atoms = {{"W", -4.5}, {"Ta", 1e-7}};
  EXPECT_EQ(parse(commented_config(options)), options);
  options.type_weights = {{"liquid", 2}, {"surface \"(110)\", a=b", 0.5}, {"\u00e4 100%", 0}};
  EXPECT_EQ(parse(commented_config(options)), options);
}

TEST(TrainingConfig, NamesAndFlagsAreUsedOnce) {
  std::set<std::string> seen;
  for (const TrainingOption& option : training_option_table()) {
    EXPECT_TRUE(seen.insert(option.name()).second) << option.name();
    EXPECT_TRUE(seen.insert("--" + option.flag).second) << option.flag;
    EXPECT_FALSE(option.help.empty());
  }
}

TEST(TrainingConfig, SetsWhatItSays) {
  const TrainingOptions options = parse(
      "output = 'm.safetensors'\nstart = '/abs/s.safetensors'\n[data]\ntrain = 'a.extxyz'\ntest = ['../b', '/c']\n"
      "[model]\ncutoff = 6\nmessage_widths = []\n[isolated_atoms]\nW = -4\n");
  EXPECT_EQ(options.output, "/folder/m.safetensors");
  EXPECT_EQ(options.start, "/abs/s.safetensors");
  EXPECT_THAT(options.data.train, ElementsAre("/folder/a.extxyz"));
  EXPECT_THAT(options.data.test, ElementsAre("/b", "/c"));
  EXPECT_EQ(options.model.cutoff, 6);
  EXPECT_TRUE(options.model.message_widths.empty());
  EXPECT_THAT(options.isolated_atoms, ElementsAre(Pair("W", -4)));
}

TEST(TrainingConfig, NamesMayHaveAnyLettersInQuotes) {
  const TrainingOptions options =
      parse("\xEF\xBB\xBF# \u00e4 '\noutput = 'm\u00e4 100%41.safetensors'\nstart = \"\"\"\n\u00e4\\\"\u00e4\"\"\"\n");
  EXPECT_EQ(options.output, "/folder/m\u00e4 100%41.safetensors");
  EXPECT_EQ(options.start, "/folder/\u00e4\"\u00e4");
}

TEST(TrainingConfig, WeightAtTheEndFollowsTheFirstUnlessGiven) {
  const LossOptions loss = parse("[loss]\nvirial = 0.5\nforces_end = 2\nforces = 50\n").loss;
  EXPECT_EQ(loss.virial_end, 0.5);
  EXPECT_EQ(loss.forces, 50);
  EXPECT_EQ(loss.forces_end, 2);
  EXPECT_EQ(loss.energy_end, LossOptions().energy_end);
}

TEST(TrainingConfig, ArchitecturesHaveOptionsAndDefaultsOfTheirOwn) {
  for (const std::string& architecture : trainable_architectures()) {
    const TrainingOptions options = default_options(architecture);
    EXPECT_EQ(options.model.architecture, architecture);
    EXPECT_EQ(parse(commented_config(options)), options);
    EXPECT_EQ(parse("[model]\narchitecture = '" + architecture + "'\n"), options);
    EXPECT_EQ(gather_options("", {{"architecture", {architecture}}}).model, options.model);
    for (const TrainingOption& option : training_option_table())
      EXPECT_EQ(commented_config(options).find("\n" + option.key + " = ") != std::string::npos,
                option.is_of(architecture))
          << architecture << " " << option.name();
  }
  EXPECT_EQ(default_options("mace").model.max_order, 0);
  EXPECT_EQ(default_options("nequip").model.max_order, 2);
  EXPECT_EQ(default_options("reann"), TrainingOptions());
  EXPECT_THAT(refusal("[model]\narchitecture = 'schnet'\n"),
              StartsWith("c.toml:2: model.architecture must be mace or nequip or reann, not 'schnet'"));
  EXPECT_THAT(refusal("[model]\narchitecture = 3\n"), HasSubstr("model.architecture must be a text"));
}

TEST(TrainingConfig, TheCommandLinesArchitectureGoesBeforeTheFiles) {
  const std::filesystem::path path = test::temporary_path("c.toml");
  std::ofstream(path) << "[model]\narchitecture = 'nequip'\nchannels = [7]\n";
  EXPECT_EQ(gather_options(path, {}).model.interactions, default_options("nequip").model.interactions);
  const ModelOptions mace = gather_options(path, {{"architecture", {"mace"}}}).model;
  EXPECT_EQ(mace.architecture, "mace");
  EXPECT_EQ(mace.interactions, default_options("mace").model.interactions);
  EXPECT_THAT(mace.channels, ElementsAre(7));
}

TEST(TrainingConfig, OptionsThatTheArchitectureDoesNotHaveAreRefused) {
  const auto refused = [](const OptionWords& words) {
    return test::error_of([&] {
      OptionWords all = words;
      all["train"] = {"t.extxyz"};
      all["output"] = {"m.safetensors"};
      check_options(gather_options("", all));
    });
  };
  EXPECT_EQ(refused({{"architecture", {"mace"}}, {"correlation", {"2"}}}), "");
  EXPECT_THAT(refused({{"architecture", {"mace"}}, {"waves", {"8"}}}),
              StartsWith("--waves: models of architecture mace have no such option; they have channels, "));
  EXPECT_THAT(refused({{"architecture", {"nequip"}}, {"correlation", {"3"}}}), HasSubstr("--correlation"));
  EXPECT_THAT(refused({{"channels", {"16"}}}), HasSubstr("--channels: models of architecture reann"));
  EXPECT_THAT(refused({{"architecture", {"mace"}}, {"channels", {"16,8"}}}), HasSubstr("must be one number"));
  TrainingOptions options = parse("output = 'm'\n[data]\ntrain = 'a'\n[model]\narchitecture = 'mace'\nwaves = 9\n");
  EXPECT_THAT(test::error_of([&] { check_options(options); }), StartsWith("model.waves: models of"));
}

TEST(TrainingConfig, UnknownKeysAreRefusedWithNameAndLine) {
  EXPECT_THAT(refusal("\nsed = 3\n"), StartsWith("c.toml:2: unknown option 'sed'; grapevine train --init"));
  EXPECT_THAT(refusal("[model]\n\ncut = 3\n"), StartsWith("c.toml:3: unknown option 'cut' in [model]"));
  EXPECT_THAT(refusal("[model]\nseed = 3\n"), HasSubstr("it belongs above the first [table]"));
  EXPECT_THAT(refusal("cutoff = 3\n"), HasSubstr("it belongs in [model]"));
  EXPECT_THAT(refusal("[modell]\ncutoff = 3\n"), StartsWith("c.toml:1: unknown option 'modell'"));
  EXPECT_THAT(refusal("model = 3\n"), StartsWith("c.toml:1: model is a table: write [model]"));
  EXPECT_THAT(refusal("[model.more]\ncutoff = 3\n"), StartsWith("c.toml:1: unknown option 'more' in [model]"));
}

TEST(TrainingConfig, TypesAndRangesAreCheckedWithLine) {
  EXPECT_THAT(refusal("[model]\ncutoff = 20\n"),
              StartsWith("c.toml:2: model.cutoff must be between 1.5 and 12, not 20"));
  EXPECT_THAT(refusal("[model]\ncutoff = nan\n"), HasSubstr("must be between"));
  EXPECT_THAT(refusal("[model]\ncutoff = '5'\n"), HasSubstr("model.cutoff must be a number"));
  EXPECT_THAT(refusal("[model]\nlayers = 1.5\n"), HasSubstr("model.layers must be a whole number"));
  EXPECT_THAT(refusal("[model]\nlayers = 9223372036854775807\n"), HasSubstr("must be between 0 and 64"));
  EXPECT_THAT(refusal("seed = -1\n"), HasSubstr("seed must be between"));
  EXPECT_THAT(refusal("resume = 1\n"), HasSubstr("resume must be true or false"));
  EXPECT_THAT(refusal("output = 1\n"), HasSubstr("output must be a text in quotes"));
  EXPECT_THAT(refusal("output = 1979-05-27\n"), HasSubstr("output must be a number, a text"));
  EXPECT_THAT(refusal("[data]\ntrain = [1]\n"), HasSubstr("data.train must be a list of texts"));
  EXPECT_THAT(refusal("[data]\ntrain = ['']\n"), HasSubstr("data.train has an empty name"));
  EXPECT_THAT(refusal("[model]\nmessage_widths = [16, 0]\n"), HasSubstr("must be between 1 and 4096, not 0"));
  EXPECT_THAT(refusal("[model]\nmessage_widths = [16, 'a']\n"), HasSubstr("must be a list of whole numbers"));
  EXPECT_THAT(refusal("[model]\nmessage_widths = 16\n"), HasSubstr("must be a list of whole numbers"));
  EXPECT_THAT(refusal("[optimiser]\nmethod = 'sgd'\n"), HasSubstr("must be adamw or soap, not 'sgd'"));
  EXPECT_THAT(refusal("freeze = ['all']\n"), HasSubstr("must be embedding or basis or radial or "));
  EXPECT_THAT(refusal("[isolated_atoms]\nXx = 1\n"), StartsWith("c.toml:2: isolated_atoms: 'Xx' is not"));
  EXPECT_THAT(refusal("[weights]\nliquid = -1\n"), StartsWith("c.toml:2: weights: the weight of config_type liquid"));
  EXPECT_THAT(refusal("[weights]\nliquid = nan\n"), HasSubstr("must be from 0 to"));
  EXPECT_THAT(refusal("[weights]\n\"\" = 1\n"), HasSubstr("a config_type has no name"));
  EXPECT_THAT(refusal("[weights]\nliquid = 'two'\n"), HasSubstr("weights.liquid must be a number"));
  EXPECT_THAT(refusal("[isolated_atoms]\nW = inf\n"), HasSubstr("not finite"));
  EXPECT_THAT(refusal("[isolated_atoms]\nW = true\n"), HasSubstr("must be a number, in eV"));
}

TEST(TrainingConfig, WhatIsNotTomlIsRefusedWithLine) {
  EXPECT_THAT(refusal("seed = 1\nseed = 2\n"), StartsWith("c.toml:2: "));
  EXPECT_THAT(refusal("seed = \n"), StartsWith("c.toml:1: "));
  EXPECT_THAT(refusal("seed = 1 2\n"), StartsWith("c.toml:1: "));
  EXPECT_THAT(refusal("seed = 1\n[=data]\n"), StartsWith("c.toml:2: this is neither"));
  EXPECT_THAT(refusal("# \u00e4\noutput = '\u00e4'\n\u00e4 = 1\n"), StartsWith("c.toml:3: "));
  EXPECT_THAT(refusal("seed = +$'''\uFEFD'''\n"), StartsWith("c.toml:1: "));
  EXPECT_THAT(test::error_of([] { read_config("/no/such.toml"); }), HasSubstr("cannot open /no/such.toml"));
  EXPECT_THAT(test::error_of([] { read_config("/"); }), HasSubstr("is a folder"));
}

TEST(TrainingConfig, DamagedTextIsReadOrRefused) {
  const std::string whole = commented_config();
  test::for_each_damage(test::to_bytes(whole), 50, 300, [](const std::vector<std::byte>& bytes) {
    const std::string text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    test::error_of([&] { parse(text); });
  });
}

TEST(TrainingFlags, AreReadAsTheOptionHasIt) {
  EXPECT_EQ(from_words("cutoff", {"4", "6.5"}).model.cutoff, 6.5);
  EXPECT_THAT(from_words("message-widths", {"16,8"}).model.message_widths, ElementsAre(16, 8));
  EXPECT_THAT(from_words("species", {"Ta,W", "Nb"}).model.species, ElementsAre("Ta", "W", "Nb"));
  EXPECT_THAT(from_words("train", {"a,b.extxyz", "c"}).data.train, ElementsAre("a,b.extxyz", "c"));
  EXPECT_TRUE(from_words("double", {"true"}).in_double);
  EXPECT_EQ(from_words("virial-weight", {"2"}).loss.virial_end, 2);
  EXPECT_THAT(test::error_of([] { from_words("layers", {"two"}); }), HasSubstr("'two' is not a whole number"));
  EXPECT_THAT(test::error_of([] { from_words("message-widths", {"16,,8"}); }), HasSubstr("'' is not a whole number"));
  EXPECT_THAT(test::error_of([] { from_words("cutoff", {"x"}); }), HasSubstr("'x' is not a number"));
}

TEST(TrainingOptionsCheck, RefusesWhatDoesNotFitTogether) {
  const auto refused = [](auto change) {
    TrainingOptions options = sound_options();
    change(options);
    return test::error_of([&] { check_options(options); });
  };
  EXPECT_EQ(refused([](TrainingOptions&) {}), "");
  EXPECT_THAT(refused([](TrainingOptions& o) { o.data.train.clear(); }), HasSubstr("--train"));
  EXPECT_THAT(refused([](TrainingOptions& o) { o.output.clear(); }), HasSubstr("-o"));
  EXPECT_THAT(refused([](TrainingOptions& o) { o.output = "folder/"; }), HasSubstr("name a file"));
  EXPECT_THAT(refused([](TrainingOptions& o) { o.freeze = {"radial"}; }), HasSubstr("--start"));
  EXPECT_THAT(refused([](TrainingOptions& o) { o.model.species = {"W", "W"}; }), HasSubstr("species"));
  EXPECT_THAT(refused([](TrainingOptions& o) { o.model.message_widths.clear(); }), HasSubstr("message_widths"));
  EXPECT_THAT(refused([](TrainingOptions& o) { o.model.readout_widths.clear(); }), HasSubstr("readout_widths"));
  EXPECT_THAT(refused([](TrainingOptions& o) { o.loss.virial = 1; }), HasSubstr("zero at both ends"));
  EXPECT_THAT(refused([](TrainingOptions& o) { o.loss = {0, 0, 0, 0, 0, 0, 0}; }), HasSubstr("all zero"));
  EXPECT_THAT(refused([](TrainingOptions& o) { o.optimiser.learning_rate_end = 1; }), HasSubstr("learning_rate_end"));
  EXPECT_THAT(refused([](TrainingOptions& o) { o.optimiser.epochs = 2, o.optimiser.warm_up_epochs = 2; }),
              HasSubstr("warm_up_epochs"));
  EXPECT_EQ(refused([](TrainingOptions& o) { o.optimiser.epochs = 1; }), "");
}

TEST(TrainingConfig, KeysOfManyDotsAreRefusedAndNoStackOverflows) {
  std::string dots;
  for (int n = 0; n < 300'000; ++n) dots += "a.";
  for (const std::string& text : {"[" + dots + "a]\nx = 1", "\n" + dots + "a = 1", "x = {" + dots + "a = 1}",
                                  "a = [\"\"\"b\"\"\"\"\", {" + dots + "a = 1}]", "\"#\"." + dots + "a = 1"})
    EXPECT_THAT(refusal(text), HasSubstr("a key with more than 8 dots")) << text.substr(0, 20);
  EXPECT_THAT(refusal("# a\ntrain = \"\"\"\n\"\"\"\n[" + dots + "a]"), StartsWith("c.toml:4: "));
  EXPECT_EQ(parse("output = \"" + dots + "\"  # " + dots).output, "/folder/" + dots) << "dots in quotes are no keys";
}

}  // namespace
}  // namespace grapevine
