#include "models/mace/file.hpp"

#include <fmt/format.h>

#include <cmath>
#include <utility>

#include "models/equivariant/file_parts.hpp"
#include "support/error.hpp"
#include "support/error_context.hpp"

namespace grapevine::mace {
namespace {

using equivariant::BasisKind;
using equivariant::DistanceTransform;
using equivariant::max_layers;
using equivariant::PartReader;
using equivariant::PartTensors;
using equivariant::TransformKind;
using nlohmann::json;

constexpr int term_columns = 2 + max_degree;  // component, path, factors

std::size_t place(int index) { return static_cast<std::size_t>(index); }

// Structure to JSON

json basis_json(const RadialBasis& basis) {
  json object = {{"functions", basis.functions()}};
  if (basis.kind == BasisKind::gaussian) {
    object["kind"] = "gaussian";
    object["width"] = basis.width;
  } else {
    object["kind"] = "bessel";
    object["prefactor"] = basis.prefactor;
  }
  return object;
}

json transform_json(const DistanceTransform& t) {
  if (t.kind == TransformKind::soft) return {{"kind", "soft"}, {"steepness", t.steepness}};
  return {{"kind", "agnesi"}, {"a", t.a}, {"q", t.q}, {"p", t.p}};
}

json contractions_json(const Interaction& x) {
  json list = json::array();
  for (const Contraction& contraction : x.contractions) list.push_back({{"paths", contraction.paths}});
  return list;
}

json interaction_json(const Interaction& x) {
  return {{"input", to_string(x.input)},
          {"edge_input", to_string(x.edge_input())},
          {"paths", paths_json(x.paths)},
          {"radial", network_json(x.radial.layers, x.radial.activation)},
          {"denominator", x.denominator},
          {"density", !x.density.empty()},
          {"message", to_string(x.message)},
          {"mix_by_species", !x.mix_by_species.empty()},
          {"output", to_string(x.output)},
          {"contractions", contractions_json(x)},
          {"self_connection", !x.self_connection.empty()}};
}

json hyperparameters_of(const Parameters& p) {
  json interactions = json::array();
  json readouts = json::array();
  for (const Interaction& x : p.interactions) interactions.push_back(interaction_json(x));
  for (const std::vector<double>& readout : p.readouts) readouts.push_back(!readout.empty());
  json object = {{"cutoff", p.cutoff()},
                 {"cutoff_function", cutoff_function_json(p.basis)},
                 {"basis", basis_json(p.basis)},
                 {"edge_order", p.edge_order},
                 {"interactions", interactions},
                 {"readouts", readouts},
                 {"last_readout", network_json(p.last_readout, p.readout_activation)},
                 {"energy_scale", p.energy_scale}};
  if (p.basis.transform.kind != TransformKind::none) object["transform"] = transform_json(p.basis.transform);
  if (p.zbl) object["zbl"] = zbl_json(*p.zbl);
  return object;
}

// JSON to structure

/// Makes a potential without numbers from the hyperparameters.
class StructureReader {
 public:
  StructureReader(const TensorFile& file, const std::vector<std::string>& species)
      : parts_(file), h_(parts_.keys()), species_(species) {}

  Parameters read() {
    const json& object = h_.object();
    h_.check_keys(object,
                  {"cutoff", "cutoff_function", "basis", "edge_order", "interactions", "readouts", "last_readout",
                   "energy_scale"},
                  {"transform", "zbl"});
    Parameters p;
    p.species = species_;
    p.basis.cutoff = h_.number(object, "cutoff");
    parts_.read_cutoff_function(p.basis, object.at("cutoff_function"));
    read_basis(p.basis, object.at("basis"));
    // One number stands for tensors that are still to be read.
    if (object.contains("transform")) {
      read_transform(p.basis.transform, object.at("transform"));
      p.pair_length.resize(1);
    }
    p.edge_order = h_.size(object, "edge_order");
    for (const json& interaction : h_.list(object, "interactions", max_layers))
      p.interactions.push_back(read_interaction(interaction, p.basis.functions()));
    if (p.interactions.empty()) h_.fail("interactions", "a list of at least one interaction", json::array());
    read_readouts(p, object);
    p.energy_scale = h_.number(object, "energy_scale");
    if (object.contains("zbl")) {
      p.zbl = parts_.zbl(object.at("zbl"));
      p.zbl_cutoff.resize(1);
    }
    return p;
  }

 private:
  const std::string& kind_of(const json& object) const {
    if (!object.is_object() || !object.contains("kind")) h_.check_keys(object, {"kind"});
    return h_.text(object, "kind");
  }

  void read_basis(RadialBasis& basis, const json& object) const {
    const std::string& kind = kind_of(object);
    if (kind == "bessel") {
      h_.check_keys(object, {"kind", "functions", "prefactor"});
      basis.frequency.resize(place(h_.size(object, "functions")));
      basis.prefactor = h_.number(object, "prefactor");
    } else if (kind == "gaussian") {
      h_.check_keys(object, {"kind", "functions", "width"});
      basis.kind = BasisKind::gaussian;
      basis.centre.resize(place(h_.size(object, "functions")));
      basis.width = h_.number(object, "width");
    } else {
      h_.fail("kind", "bessel or gaussian", object.at("kind"));
    }
  }

  void read_transform(DistanceTransform& transform, const json& object) const {
    const std::string& kind = kind_of(object);
    if (kind == "agnesi") {
      h_.check_keys(object, {"kind", "a", "q", "p"});
      transform.kind = TransformKind::agnesi;
      transform.a = h_.number(object, "a");
      transform.q = h_.number(object, "q");
      transform.p = h_.number(object, "p");
    } else if (kind == "soft") {
      h_.check_keys(object, {"kind", "steepness"});
      transform.kind = TransformKind::soft;
      transform.steepness = h_.number(object, "steepness");
    } else {
      h_.fail("kind", "agnesi or soft", object.at("kind"));
    }
  }

  std::vector<EquivariantLinear> maps(bool there, const IrrepsList& inputs, const IrrepsList& outputs) {
    std::vector<EquivariantLinear> result;
    for (std::size_t s = 0; there && s < species_.size(); ++s) result.push_back(parts_.linear(inputs, outputs, false));
    return result;
  }

  std::vector<Contraction> read_contractions(const json& object, const IrrepsList& output) {
    const json& list = h_.list(object, "contractions");
    if (list.size() != output.size()) h_.fail("contractions", "a list with one for each of the output", list);
    std::vector<Contraction> contractions;
    for (std::size_t o = 0; o < output.size(); ++o) {
      h_.check_keys(list[o], {"paths"});
      Contraction& contraction = contractions.emplace_back();
      contraction.order = output[o].order;
      contraction.paths = h_.size(list[o], "paths");
      parts_.budget().spend(1);
    }
    return contractions;
  }

  Interaction read_interaction(const json& object, int basis) {
    h_.check_keys(object, {"input", "edge_input", "paths", "radial", "denominator", "density", "message",
                           "mix_by_species", "output", "contractions", "self_connection"});
    Interaction x;
    x.input = parts_.irreps(object, "input");
    x.mix_input = parts_.linear(x.input, parts_.irreps(object, "edge_input"), false);
    x.paths = parts_.paths(object, x.edge_input());
    x.radial.layers = parts_.network(object, "radial", basis, channels(x.messages()), x.radial.activation);
    x.denominator = h_.number(object, "denominator");
    x.density.resize(h_.logical(object, "density") ? 1 : 0);
    x.message = parts_.irreps(object, "message");
    x.mix_messages = parts_.linear(x.messages(), x.message, false);
    x.mix_by_species = maps(h_.logical(object, "mix_by_species"), x.message, x.message);
    x.output = parts_.irreps(object, "output");
    x.contractions = read_contractions(object, x.output);
    x.mix_product = parts_.linear(x.output, x.output, false);
    x.self_connection = maps(h_.logical(object, "self_connection"), x.input, x.output);
    return x;
  }

  void read_readouts(Parameters& p, const json& object) {
    for (const json& there : h_.list(object, "readouts", max_layers)) {
      if (!there.is_boolean()) h_.fail("readouts", "a list of true and false", there);
      p.readouts.emplace_back(there.get<bool>() ? 1 : 0);
    }
    if (p.readouts.size() + 1 != p.interactions.size())
      h_.fail("readouts", "a list with one for each interaction but the last", object.at("readouts"));
    p.last_readout =
        parts_.network(object, "last_readout", even_scalars(p.interactions.back().output), 1, p.readout_activation);
  }

  PartReader parts_;
  const Hyperparameters& h_;
  std::vector<std::string> species_;
};

// Tensors

/// Terms of a contraction as a file has them.
struct TermNumbers {
  std::int64_t count = 0;
  std::vector<double> place;  ///< [terms][component, path, factors]
  std::vector<double> value;  ///< [terms]
};

TermNumbers numbers_of(const std::vector<Contraction::Term>& terms) {
  TermNumbers numbers;
  numbers.count = static_cast<std::int64_t>(terms.size());
  for (const Contraction::Term& term : terms) {
    numbers.place.push_back(term.component);
    numbers.place.push_back(term.path);
    numbers.place.insert(numbers.place.end(), term.factors.begin(), term.factors.end());
    numbers.value.push_back(term.value);
  }
  return numbers;
}

int small_whole(double number) {
  constexpr double most = 65536;
  if (!(std::abs(number) <= most) || number != std::floor(number))
    throw Error("a term of a contraction has a place that is not a whole number");
  return static_cast<int>(number);
}

std::vector<Contraction::Term> terms_of(const TermNumbers& numbers) {
  std::vector<Contraction::Term> terms(numbers.value.size());
  for (std::size_t n = 0; n < terms.size(); ++n) {
    const double* at = numbers.place.data() + n * place(term_columns);
    Contraction::Term& term = terms[n];
    term.component = small_whole(at[0]);
    term.path = small_whole(at[1]);
    for (std::size_t f = 0; f < term.factors.size(); ++f) term.factors[f] = small_whole(at[2 + f]);
    term.value = numbers.value[n];
  }
  return terms;
}

std::string contraction_name(std::size_t t, std::size_t o) {
  return fmt::format("interaction.{}.contraction.{}.", t, o);
}

class TensorList : public PartTensors {
 public:
  TensorList(Parameters& p, std::vector<std::vector<TermNumbers>>& terms)
      : species_(p.species), count_(static_cast<std::int64_t>(p.species.size())) {
    const std::int64_t functions = p.basis.functions();
    if (p.basis.kind == BasisKind::gaussian)
      add("radial.centre", {functions}, p.basis.centre);
    else
      add("radial.frequency", {functions}, p.basis.frequency);
    if (!p.pair_length.empty()) add("pair_length", {count_, count_}, p.pair_length);
    add("embedding", {count_, channels(p.interactions.front().input)}, p.embedding);
    for (std::size_t t = 0; t < p.interactions.size(); ++t) add_interaction(t, p.interactions[t], terms[t], functions);
    for (std::size_t t = 0; t < p.readouts.size(); ++t)
      if (!p.readouts[t].empty())
        add(fmt::format("readout.{}", t), {even_scalars(p.interactions[t].output)}, p.readouts[t]);
    add_network("last_readout", p.last_readout);
    add("energy.shift", {count_}, p.energy_shift);
    if (!p.zbl) return;
    add("zbl.charge", {count_}, p.zbl->charge);
    add("zbl.cutoff", {count_, count_}, p.zbl_cutoff);
  }

 private:
  void add_interaction(std::size_t t, Interaction& x, std::vector<TermNumbers>& terms, std::int64_t functions) {
    const std::string name = fmt::format("interaction.{}.", t);
    add_linear(name + "mix_input", x.mix_input);
    add_network(name + "radial", x.radial.layers);
    if (!x.density.empty()) add(name + "density", {functions}, x.density);
    add_linear(name + "mix_messages", x.mix_messages);
    add_maps(name + "mix_by_species", x.mix_by_species);
    for (std::size_t o = 0; o < x.contractions.size(); ++o)
      add_contraction(contraction_name(t, o), x, x.contractions[o], terms[o]);
    add_linear(name + "mix_product", x.mix_product);
    add_maps(name + "self_connection", x.self_connection);
  }
  void add_maps(const std::string& name, std::vector<EquivariantLinear>& maps) {
    for (std::size_t s = 0; s < maps.size(); ++s) add_linear(fmt::format("{}.{}", name, species_[s]), maps[s]);
  }
  void add_contraction(const std::string& name, const Interaction& x, Contraction& contraction, TermNumbers& terms) {
    const std::int64_t wide = x.message.empty() ? 0 : x.message.front().channels;
    add(name + "terms", {terms.count, term_columns}, terms.place);
    add(name + "values", {terms.count}, terms.value);
    add(name + "weight", {count_, contraction.paths, wide}, contraction.weight);
  }

  const std::vector<std::string>& species_;
  std::int64_t count_;
};

std::vector<std::vector<TermNumbers>> term_numbers(const Parameters& p) {
  std::vector<std::vector<TermNumbers>> terms;
  for (const Interaction& x : p.interactions) {
    terms.emplace_back();
    for (const Contraction& contraction : x.contractions) terms.back().push_back(numbers_of(contraction.terms));
  }
  return terms;
}

/// As many as the file has of each contraction; they are still to be read.
std::vector<std::vector<TermNumbers>> term_numbers(const Parameters& p, const TensorFile& file) {
  std::vector<std::vector<TermNumbers>> terms = term_numbers(p);
  for (std::size_t t = 0; t < terms.size(); ++t)
    for (std::size_t o = 0; o < terms[t].size(); ++o)
      if (const auto& shape = file.tensor(contraction_name(t, o) + "values").shape; !shape.empty())
        terms[t][o].count = shape.front();
  return terms;
}

void set_terms(Parameters& p, const std::vector<std::vector<TermNumbers>>& terms) {
  for (std::size_t t = 0; t < terms.size(); ++t)
    for (std::size_t o = 0; o < terms[t].size(); ++o) p.interactions[t].contractions[o].terms = terms_of(terms[t][o]);
}

Parameters with_all_parts(Parameters p) {
  const auto complete = [](EquivariantLinear& linear) { linear = equivariant::with_all_parts(linear, false); };
  for (Interaction& x : p.interactions) {
    complete(x.mix_input);
    complete(x.mix_messages);
    complete(x.mix_product);
    for (EquivariantLinear& linear : x.mix_by_species) complete(linear);
    for (EquivariantLinear& linear : x.self_connection) complete(linear);
  }
  return p;
}

}  // namespace

Parameters read_parameters(const TensorFile& file) {
  const ModelDescription description = read_description(file);
  if (description.architecture != architecture)
    throw Error(fmt::format("{}: architecture \"{}\" is not MACE", file.name(), description.architecture));
  Parameters parameters = StructureReader(file, description.species).read();
  std::vector<std::vector<TermNumbers>> terms = term_numbers(parameters, file);
  read_tensors(file, TensorList(parameters, terms).slots());
  with_context(file.name(), [&] {
    set_terms(parameters, terms);
    check(parameters);
  });
  return parameters;
}

FileContents file_contents(const Parameters& parameters, const Provenance& provenance) {
  check(parameters);
  FileContents contents;
  contents.metadata = description_metadata({architecture, parameters.species, provenance});
  Parameters copy = with_all_parts(parameters);
  contents.metadata["hyperparameters"] = hyperparameters_of(copy).dump();
  std::vector<std::vector<TermNumbers>> terms = term_numbers(copy);
  contents.tensors = take_tensors(TensorList(copy, terms).slots());
  return contents;
}

}  // namespace grapevine::mace
