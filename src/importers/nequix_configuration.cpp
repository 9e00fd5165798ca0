#include "importers/nequix_configuration.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <set>

#include "formats/elements.hpp"
#include "formats/text/strict_json.hpp"
#include "importers/e3nn.hpp"
#include "importers/size.hpp"
#include "support/error.hpp"

namespace grapevine {
namespace {

using equivariant::Irreps;
using equivariant::IrrepsList;
using equivariant::Path;
using nlohmann::json;

constexpr int json_depth = 64;

int parity_of_harmonics(int order) { return order % 2 == 0 ? 1 : -1; }

bool contains(const IrrepsList& list, int order, int parity) {
  return std::any_of(list.begin(), list.end(),
                     [&](const Irreps& irreps) { return irreps.order == order && irreps.parity == parity; });
}

class Keys {
 public:
  Keys(json object, const std::string& where) : object_(std::move(object)), where_(where) {
    if (!object_.is_object()) throw Error(fmt::format("{}: not a JSON object", where));
  }

  const json& operator[](const char* key) const {
    const auto found = object_.find(key);
    if (found == object_.end()) throw Error(fmt::format("{}: {} is missing", where_, key));
    return *found;
  }

  [[noreturn]] void refuse(const char* key, const std::string& expected) const {
    const std::string found = (*this)[key].dump(-1, ' ', true, json::error_handler_t::replace);
    throw Error(fmt::format("{}: {} = {} is not supported; expected {}", where_, key, found.substr(0, 80), expected));
  }

  int integer(const char* key, int low, int high) const {
    const json& value = (*this)[key];
    const bool whole = value.is_number() && std::floor(value.get<double>()) == value.get<double>();
    if (!whole || value.get<double>() < low || value.get<double>() > high)
      refuse(key, fmt::format("a whole number from {} to {}", low, high));
    return static_cast<int>(value.get<double>());
  }

  double number(const char* key) const {
    const json& value = (*this)[key];
    if (!value.is_number() || !std::isfinite(value.get<double>())) refuse(key, "a number");
    return value.get<double>();
  }

  double positive(const char* key) const {
    const double value = number(key);
    if (!(value > 0)) refuse(key, "a positive number");
    return value;
  }

  bool logical(const char* key) const {
    if (!(*this)[key].is_boolean()) refuse(key, "true or false");
    return (*this)[key].get<bool>();
  }

  IrrepsList irreps(const char* key) const {
    if (!(*this)[key].is_string()) refuse(key, "irreps such as \"128x0e+64x1o\"");
    return equivariant::parse_irreps((*this)[key].get<std::string>(), fmt::format("{}: {}", where_, key));
  }

 private:
  json object_;
  const std::string& where_;
};

std::vector<std::string> read_species(const Keys& keys) {
  constexpr auto key = "atomic_numbers";
  const json& list = keys[key];
  std::vector<std::string> species;
  std::set<long> seen;
  if (!list.is_array() || list.empty()) keys.refuse(key, "a list of atomic numbers");
  for (const json& item : list) {
    const long number = item.is_number_unsigned() && item.get<std::uint64_t>() < 1000 ? item.get<long>() : 0;
    const std::string_view symbol = element_symbol(number);
    if (symbol.empty() || !seen.insert(number).second) keys.refuse(key, "atomic numbers, each of them once");
    species.emplace_back(symbol);
  }
  return species;
}

/// The first layer sees scalars, so that each of its products is a harmonic; where another of the hidden irreps is
/// asked for, nequix itself makes a model that it cannot evaluate.
void read_features(NequixConfiguration& c, const Keys& keys, const std::string& where) {
  constexpr auto key = "hidden_irreps";
  c.written = e3nn::simplified(keys.irreps(key));
  c.hidden = e3nn::regrouped(c.written).irreps;
  if (c.hidden.size() != c.written.size()) keys.refuse(key, "irreps of one kind in one place");
  for (const Irreps& irreps : c.hidden)
    if (irreps.order > c.edge_order || irreps.parity != parity_of_harmonics(irreps.order))
      keys.refuse(key, fmt::format("0e, 1o, 2e, 3o, 4e up to lmax = {}", c.edge_order));
  equivariant::check_irreps(fmt::format("{}: {}", where, key), c.hidden);
  if (!c.hidden.front().is_even_scalar()) keys.refuse(key, "some 0e, from which the energy is read");
}

}  // namespace

IrrepsList NequixConfiguration::features(int t) const {
  if (t == 0) return {{static_cast<int>(species.size()), 0, 1}};
  return t < layers ? hidden : IrrepsList{hidden.front()};
}

std::vector<Path> NequixConfiguration::paths(int t) const {
  const IrrepsList entering = features(t);
  const IrrepsList leaving = features(t + 1);
  std::vector<Path> paths;
  for (std::size_t i = 0; i < entering.size(); ++i)
    for (int l = 0; l <= edge_order; ++l) {
      const int parity = entering[i].parity * parity_of_harmonics(l);
      for (int k = std::abs(entering[i].order - l); k <= entering[i].order + l; ++k)
        if (contains(leaving, k, parity)) paths.push_back({static_cast<int>(i), l, k, parity});
    }
  std::vector<Path> sorted;
  for (const int n : e3nn::sorted_order(equivariant::messages(entering, paths))) sorted.push_back(paths[size(n)]);
  return sorted;
}

NequixConfiguration read_nequix_configuration(std::string_view text, const std::string& where) {
  const Keys keys(parse_strict_json(text, where, json_depth), where);
  constexpr int most = 4096;
  NequixConfiguration c;
  c.species = read_species(keys);
  c.cutoff = keys.positive("cutoff");
  c.edge_order = keys.integer("lmax", 0, equivariant::max_order);
  c.layers = keys.integer("n_layers", 1, 64);
  read_features(c, keys, where);
  c.basis = keys.integer("radial_basis_size", 1, most);
  c.radial_width = keys.integer("radial_mlp_size", 1, most);
  c.radial_hidden_layers = keys.integer("radial_mlp_layers", 0, 64);
  c.cutoff_power = keys.integer("radial_polynomial_p", 1, 100);
  c.indexed_skip = keys.logical("index_weights");
  c.norm = keys.logical("layer_norm");
  c.scale = keys.number("scale");
  c.shift = keys.number("shift");
  c.average_neighbours = keys.positive("avg_n_neighbors");
  return c;
}

}  // namespace grapevine
