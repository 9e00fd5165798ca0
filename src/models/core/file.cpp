#include "models/core/file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "formats/model_files/hyperparameters.hpp"
#include "support/error_context.hpp"

namespace grapevine {
namespace {

using nlohmann::json;

constexpr const char* function_name = "zbl";

std::string pair_name(const std::string& a, const std::string& b) { return a + " " + b; }

/// Indices of the two species that a pair names.
std::pair<std::size_t, std::size_t> species_of(const Hyperparameters& keys, const json& object,
                                               const std::vector<std::string>& species) {
  const std::string& name = keys.text(object, "species");
  for (std::size_t a = 0; a < species.size(); ++a)
    for (std::size_t b = a; b < species.size(); ++b)
      if (name == pair_name(species[a], species[b]) || name == pair_name(species[b], species[a])) return {a, b};
  keys.fail("species", "two species of the model", object.at("species"));
}

}  // namespace

std::optional<Core> read_core(const TensorFile& file) {
  const Hyperparameters keys(file);
  if (!keys.core()) return std::nullopt;
  const json& object = *keys.core();
  keys.check_keys(object, {"function", "pairs"});
  if (keys.text(object, "function") != function_name)
    keys.fail("function", std::string("\"") + function_name + "\"", object.at("function"));
  const std::vector<std::string> species = read_description(file).species;
  Core core = with_context(file.name(), [&] { return empty_core(species); });
  std::set<std::pair<std::size_t, std::size_t>> seen;
  for (const json& entry : keys.list(object, "pairs", species.size() * (species.size() + 1) / 2)) {
    keys.check_keys(entry, {"species", "inner", "outer", "scale"});
    const auto at = species_of(keys, entry, species);
    if (!seen.insert(at).second) keys.fail("species", "a pair that is there once", entry.at("species"));
    if (!(keys.number(entry, "outer") > 0)) keys.fail("outer", "above zero", entry.at("outer"));
    core.set(at.first, at.second,
             {keys.number(entry, "inner"), keys.number(entry, "outer"), keys.number(entry, "scale")});
  }
  return core;
}

void add_core(FileContents& contents, const Core& core, const std::vector<std::string>& species) {
  json pairs = json::array();
  for (std::size_t a = 0; a < species.size(); ++a)
    for (std::size_t b = a; b < species.size(); ++b)
      if (const CorePair& pair = core.pair(a, b); pair.outer > 0)
        pairs.push_back({{"species", pair_name(species[a], species[b])},
                         {"inner", pair.inner},
                         {"outer", pair.outer},
                         {"scale", pair.scale}});
  json hyperparameters = json::parse(contents.metadata.at("hyperparameters"));
  hyperparameters["core"] = {{"function", function_name}, {"pairs", pairs}};
  contents.metadata["hyperparameters"] = hyperparameters.dump();
}

}  // namespace grapevine
