#include "importers/reann.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <string_view>

#include "formats/text/text_numbers.hpp"
#include "importers/reann_names.hpp"
#include "importers/reann_state.hpp"
#include "support/error.hpp"
#include "support/error_context.hpp"

namespace grapevine {
namespace {

using reann::Activation;
using reann::Linear;
using reann::Network;

std::vector<std::string> split(const std::string& name, char separator) {
  std::vector<std::string> parts(1);
  for (const char c : name)
    if (c == separator)
      parts.emplace_back();
    else
      parts.back() += c;
  return parts;
}

std::vector<double> floating_values(const ReannState& state, const std::string& name, const TorchTensor& tensor) {
  const DType dtype = tensor.storage.dtype;
  if (dtype != DType::f32 && dtype != DType::f64 && dtype != DType::f16 && dtype != DType::bf16)
    throw Error(fmt::format("{}: {} is not of floating point type", state.file, name));
  return tensor.to_doubles();
}

/// The activation of one group of networks (readout or message): from the file, else from the user, else from para.
class ActivationChoice {
 public:
  ActivationChoice(const ReannState& state, const ReannImportOptions& options, bool message)
      : state_(state),
        flag_(message ? "--message-activation" : "--activation"),
        key_(message ? "oc_activate" : "activate"),
        given_(message ? options.message_activation : options.activation) {
    if (!options.para) return;
    const std::optional<std::string> name = options.para->text(key_);
    if (!name) return;
    where_ = options.para->where(key_);
    para_ = parse_activation(*name, fmt::format("{}: {}", where_, key_));
  }

  reann::ActivationKind of_module(const std::string& path) const {
    const auto found = state_.classes.find(path);
    if (found == state_.classes.end() || found->second == "Module") return unsaid();
    const std::optional<reann::ActivationKind> kind = reann_names::find_activation(found->second);
    if (!kind)
      throw Error(fmt::format("{}: {} is of class {}; only the activations Relu_like and Tanh_like are known",
                              state_.file, path, found->second));
    if (given_ && *given_ != *kind)
      throw Error(fmt::format("{}: {} is {}, but {} says {}", state_.file, path, reann_names::activation(*kind), flag_,
                              reann_names::activation(*given_)));
    if (!given_ && para_ && *para_ != *kind)
      throw Error(fmt::format("{}: {} is {}, but {} says {}; is it the para folder of another model?", state_.file,
                              path, reann_names::activation(*kind), where_, reann_names::activation(*para_)));
    return *kind;
  }

 private:
  reann::ActivationKind unsaid() const {
    if (given_) return *given_;
    if (para_) return *para_;
    throw Error(
        fmt::format("{}: the file does not say its activation; add --para with REANN's para folder, or {} "
                    "Relu_like or Tanh_like",
                    state_.file, flag_));
  }

  const ReannState& state_;
  const char* flag_;
  const char* key_;
  std::optional<reann::ActivationKind> given_;
  std::optional<reann::ActivationKind> para_;
  std::string where_;
};

/// The tensors of one module that has no modules inside, by name.
using LeafModule = std::map<std::string, const TorchTensor*>;

/// One entry of a Sequential: a leaf, or a residual block of leaves. The indices may have gaps (Dropout).
struct IndexedModule {
  LeafModule leaf;
  std::string block_name;
  std::map<int, LeafModule> block;
};

/// Reads the network of one species, whose tensors are called `<prefix><index>...`.
class NetworkReader {
 public:
  NetworkReader(const ReannState& state, std::string prefix, const ActivationChoice& activation)
      : state_(state), prefix_(std::move(prefix)), activation_(activation) {
    for (auto entry = state.tensors.lower_bound(prefix_);
         entry != state.tensors.end() && entry->first.starts_with(prefix_); ++entry)
      add(entry->first, *entry->second);
  }

  Network read() const {
    std::vector<std::pair<std::string, const IndexedModule*>> modules;
    for (const auto& [index, module] : modules_) modules.emplace_back(fmt::format("{}{}", prefix_, index), &module);
    if (modules.size() < 3) fail(prefix_, "has fewer than three modules");
    Network network;
    network.input = linear(modules.front().first, modules.front().second->leaf);
    for (std::size_t i = 1; i + 2 < modules.size(); ++i)
      network.blocks.push_back(block(modules[i].first, *modules[i].second));
    const auto& [activation_path, activation_module] = modules[modules.size() - 2];
    network.activation = activation(activation_path, activation_module->leaf);
    network.output = linear(modules.back().first, modules.back().second->leaf);
    return network;
  }

 private:
  [[noreturn]] void fail(const std::string& path, const std::string& what) const {
    throw Error(fmt::format("{}: {} {}; it is not a network as REANN builds it", state_.file, path, what));
  }

  int index(const std::string& name, const std::string& text) const {
    const auto value = parse_integer(text);
    if (!value || *value < 0 || *value > 100000) fail(name, "has no module index");
    return static_cast<int>(*value);
  }

  void add(const std::string& name, const TorchTensor& tensor) {
    const std::vector<std::string> parts = split(name.substr(prefix_.size()), '.');
    if (parts.size() != 2 && parts.size() != 4) fail(name, "is an unknown tensor");
    IndexedModule& module = modules_[index(name, parts[0])];
    if (parts.size() == 2) {
      module.leaf[parts[1]] = &tensor;
    } else {
      module.block_name = parts[1];
      module.block[index(name, parts[2])][parts[3]] = &tensor;
    }
  }

  static bool has_exactly(const LeafModule& leaf, const char* first, const char* second) {
    return leaf.size() == 2 && leaf.count(first) > 0 && leaf.count(second) > 0;
  }
  static bool is_activation(const LeafModule& leaf) { return has_exactly(leaf, "alpha", "beta"); }
  static bool is_norm(const LeafModule& leaf) {
    return has_exactly(leaf, "weight", "bias") && leaf.at("weight")->shape.size() == 1;
  }

  std::vector<double> values(const std::string& path, const LeafModule& leaf, const char* name) const {
    return floating_values(state_, fmt::format("{}.{}", path, name), *leaf.at(name));
  }
  Linear linear(const std::string& path, const LeafModule& leaf) const {
    const bool bias = has_exactly(leaf, "weight", "bias");
    if (!bias && !(leaf.size() == 1 && leaf.count("weight") > 0)) fail(path, "is not a linear map");
    const std::vector<std::int64_t>& shape = leaf.at("weight")->shape;
    if (shape.size() != 2 || shape[0] < 1 || shape[1] < 1 || shape[0] > 65536 || shape[1] > 65536)
      fail(path, "is not a linear map of reasonable size");
    Linear result{static_cast<int>(shape[1]), static_cast<int>(shape[0]), values(path, leaf, "weight"), {}};
    result.bias = bias ? values(path, leaf, "bias") : std::vector<double>(static_cast<std::size_t>(shape[0]), 0.0);
    return result;
  }
  Activation activation(const std::string& path, const LeafModule& leaf) const {
    if (!is_activation(leaf)) fail(path, "is not an activation with alpha and beta");
    return {activation_.of_module(path), values(path, leaf, "alpha"), values(path, leaf, "beta")};
  }
  reann::ResidualBlock block(const std::string& path, const IndexedModule& module) const {
    if (!module.leaf.empty()) fail(path, "is not a residual block");
    reann::ResidualBlock steps;
    for (auto entry = module.block.begin(); entry != module.block.end(); ++entry) {
      const auto path_of = [&] { return fmt::format("{}.{}.{}", path, module.block_name, entry->first); };
      const auto advance = [&] {
        if (++entry == module.block.end()) fail(path, "ends without a linear map");
      };
      reann::ResidualStep& step = steps.emplace_back();
      step.activation = activation(path_of(), entry->second);
      advance();
      if (is_norm(entry->second)) {
        step.norm =
            reann::LayerNorm{values(path_of(), entry->second, "weight"), values(path_of(), entry->second, "bias")};
        advance();
      }
      step.linear = linear(path_of(), entry->second);
    }
    return steps;
  }

  const ReannState& state_;
  std::string prefix_;
  const ActivationChoice& activation_;
  std::map<int, IndexedModule> modules_;
};

/// Names of the modules directly below `prefix` (elements, message layers), in the order of the file.
std::vector<std::string> modules_below(const ReannState& state, const std::string& prefix) {
  std::vector<std::string> modules;
  std::set<std::string> seen;
  for (const std::string& name : state.names) {
    if (!name.starts_with(prefix)) continue;
    const std::string module = name.substr(prefix.size(), name.find('.', prefix.size()) - prefix.size());
    if (seen.insert(module).second) modules.push_back(module);
  }
  return modules;
}

bool same_to_float_precision(double a, double b) {
  return std::abs(a - b) <= 1e-6 * std::max(std::abs(a), std::abs(b));
}

class Importer {
 public:
  Importer(const ReannState& state, const ReannImportOptions& options) : state_(state), options_(options) {}

  ReannImport run() {
    check_is_energy_model();
    read_species();
    read_sizes();
    p_.cutoff = cutoff();
    read_networks();
    turn_gaussian();
    read_energy_shift();
    check_para_sizes();
    with_context(state_.file, [&] { reann::check(p_); });
    return {std::move(p_), state_.kind, std::move(notes_)};
  }

 private:
  [[noreturn]] void fail(const std::string& what) const { throw Error(fmt::format("{}: {}", state_.file, what)); }

  const TorchTensor& tensor(const std::string& name) const {
    const TorchTensor* found = state_.find(name);
    if (!found) fail(fmt::format("the tensor {} is missing", name));
    return *found;
  }
  std::vector<double> values(const std::string& name) const { return floating_values(state_, name, tensor(name)); }

  void check_is_energy_model() const {
    static const std::set<std::string> known = {"density.rs",         "density.inta",   "density.params",
                                                "density.hyper",      "density.cutoff", "density.nipsin",
                                                "density.index_para", "nnmod.initpot"};
    for (const std::string& name : state_.names) {
      if (!name.starts_with("density.") && !name.starts_with("nnmod")) continue;
      if (known.count(name) > 0 || name.starts_with("nnmod.elemental_nets.") || name.starts_with("density.ocmod."))
        continue;
      fail(
          fmt::format("{} is not part of a REANN energy model; dipoles, polarisabilities and changed densities are not "
                      "supported",
                      name));
    }
  }

  void read_species() {
    p_.species = modules_below(state_, "nnmod.elemental_nets.");
    check_species(p_.species, state_.file + ": nnmod.elemental_nets");
    if (!options_.para) return;
    const auto atomtype = options_.para->texts("atomtype");
    if (atomtype && *atomtype != p_.species)
      fail(fmt::format("its elements are {}, but {} says {}; is it the para folder of another model?",
                       fmt::join(p_.species, " "), options_.para->where("atomtype"), fmt::join(*atomtype, " ")));
  }

  void read_sizes() {
    const std::vector<std::int64_t>& radial = tensor("density.rs").shape;
    const auto species = static_cast<std::int64_t>(p_.species.size());
    if (radial.size() != 2 || radial[0] != species || radial[1] < 1)
      fail(fmt::format("density.rs has shape [{}]; expected [{}, waves]", fmt::join(radial, ", "), species));
    for (const char* name : {"density.inta", "density.params"})
      if (tensor(name).shape != radial) fail(fmt::format("{} and density.rs differ in shape", name));
    p_.layers = count_layers();
    std::vector<std::int64_t> mixing = tensor("density.hyper").shape;
    const bool shared = mixing.size() == 3;
    if (shared) mixing.insert(mixing.begin(), p_.layers + 1);
    if (mixing.size() != 4 || mixing[0] != p_.layers + 1 || mixing[2] != radial[1])
      fail(fmt::format("density.hyper has shape [{}]; expected [orders, {}, orbitals], with {} in front if not shared",
                       fmt::join(tensor("density.hyper").shape, ", "), radial[1], p_.layers + 1));
    for (const std::int64_t size : mixing)
      if (size < 1 || size > 65536) fail("density.hyper has a size out of bounds");
    p_.waves = static_cast<int>(radial[1]);
    p_.max_order = static_cast<int>(mixing[1]) - 1;
    p_.orbitals = static_cast<int>(mixing[3]);
    check_orders();
    p_.radial_exponent = values("density.inta");
    p_.radial_centre = values("density.rs");
    p_.initial_coefficient = values("density.params");
    const std::vector<double> hyper = values("density.hyper");
    for (int t = 0; t < (shared ? p_.layers + 1 : 1); ++t)
      p_.mixing.insert(p_.mixing.end(), hyper.begin(), hyper.end());
  }

  int count_layers() const {
    const std::vector<std::string> modules = modules_below(state_, "density.ocmod.");
    const std::set<std::string> names(modules.begin(), modules.end());
    for (std::size_t t = 0; t < names.size(); ++t)
      if (names.count(fmt::format("memssage_{}", t)) == 0)
        fail(fmt::format("density.ocmod has {} networks, but no memssage_{}", names.size(), t));
    if (names.size() > 64) fail("more than 64 message layers");
    return static_cast<int>(names.size());
  }

  /// index_para gives the order of each product of components; Grapevine knows one sequence only.
  void check_orders() const {
    const TorchTensor* index = state_.find("density.index_para");
    if (!index) return;
    std::vector<double> expected;
    std::size_t products = 1;
    for (int l = 0; l <= p_.max_order && l <= 6; ++l, products *= 3) expected.insert(expected.end(), products, l);
    if (index->to_doubles() != expected)
      fail(fmt::format("density.index_para does not fit the {} orders of density.hyper", p_.max_order + 1));
  }

  /// The number in the density module is the one REANN computes with, rounded to float32 where the file is; a cutoff
  /// of 5.2 is then 5.19999980926513671875, and taking 5.2 would change energies by 1e-6 eV.
  double cutoff() const {
    struct Source {
      std::string where;
      double value;
    };
    std::vector<Source> sources;  // the one to use first
    if (const TorchTensor* buffer = state_.find("density.cutoff")) {
      if (buffer->count() != 1) fail("density.cutoff is not one number");
      sources.push_back({"density.cutoff", values("density.cutoff").front()});
    }
    for (const char* name : {"density.cutoff", "cutoff"})
      if (const auto found = state_.numbers.find(name); found != state_.numbers.end())
        sources.push_back({name, found->second});
    if (const auto said = options_.para ? options_.para->number("cutoff") : std::nullopt)
      sources.push_back({options_.para->where("cutoff"), *said});
    if (sources.empty()) fail("the file does not say its cutoff; add --para with REANN's para folder");
    for (const Source& source : sources)
      if (!same_to_float_precision(source.value, sources.front().value))
        fail(fmt::format("the cutoff is {} in {} but {} in {}", sources.front().value, sources.front().where,
                         source.value, source.where));
    return sources.front().value;
  }

  std::vector<Network> networks(const std::string& prefix, const ActivationChoice& activation) const {
    const std::string nets = prefix + "elemental_nets.";
    const std::vector<std::string> elements = modules_below(state_, nets);
    if (elements != p_.species)
      fail(fmt::format("{} is for {}, nnmod for {}", prefix, fmt::join(elements, " "), fmt::join(p_.species, " ")));
    std::vector<Network> result;
    for (const std::string& element : elements)
      result.push_back(NetworkReader(state_, fmt::format("{}{}.", nets, element), activation).read());
    return result;
  }

  void read_networks() {
    const ActivationChoice message(state_, options_, true);
    const ActivationChoice readout(state_, options_, false);
    for (int t = 0; t < p_.layers; ++t) p_.message.push_back(networks(reann_names::message(t), message));
    p_.readout = networks(std::string(reann_names::readout), readout);
    for (const Network& network : p_.readout)
      if (network.output.outputs != 1)
        fail(fmt::format("its readout gives {} numbers per atom, not an energy; only energy models are supported",
                         network.output.outputs));
  }

  /// -1 where the archive's own source negates the exponent, +1 where it does not; nothing where there is no source.
  std::optional<int> sign_in_code() const {
    for (const auto& [path, text] : state_.code) {
      const std::size_t begin = text.find("def gaussian(");
      if (begin == std::string::npos) continue;
      const std::size_t end = text.find("\n  def ", begin);
      const std::string body = text.substr(begin, end == std::string::npos ? end : end - begin);
      int negations = 0;
      for (std::size_t at = 0; (at = body.find("torch.neg(", at)) != std::string::npos; ++at) ++negations;
      return negations % 2 == 0 ? 1 : -1;
    }
    return std::nullopt;
  }

  void turn_gaussian() {
    const std::optional<int> said = sign_in_code();
    if (said && options_.gaussian_sign && *said != *options_.gaussian_sign)
      fail(
          fmt::format("its code has exp({}inta (r - rs)^2), which contradicts --gaussian-sign", *said < 0 ? "-" : "+"));
    const int sign = said ? *said : options_.gaussian_sign.value_or(1);
    const bool all_positive =
        std::all_of(p_.radial_exponent.begin(), p_.radial_exponent.end(), [](double x) { return x > 0; });
    if (!said && !options_.gaussian_sign && all_positive)
      notes_.push_back(
          "every inta is positive; read as exp(+inta (r - rs)^2). If this model comes from the REANN revision with "
          "exp(-inta (r - rs)^2), import again with --gaussian-sign minus");
    if (sign < 0)
      for (double& exponent : p_.radial_exponent) exponent = -exponent;
  }

  void read_energy_shift() {
    double shift = 0;
    if (state_.find("nnmod.initpot")) {
      if (tensor("nnmod.initpot").count() != 1) fail("nnmod.initpot is not one number");
      shift = values("nnmod.initpot").front();
    }
    p_.energy_shift.assign(p_.species.size(), shift);
  }

  /// Sizes follow from the tensors; a para folder that says otherwise belongs to another model.
  void check_para_sizes() const {
    if (!options_.para) return;
    for (const auto& [key, size] : {std::pair("nwave", p_.waves), std::pair("nipsin", p_.max_order),
                                    std::pair("oc_loop", p_.layers), std::pair("norbit", p_.orbitals)})
      if (const auto said = options_.para->number(key); said && *said != size)
        fail(fmt::format("the file has {} = {}, but {} says {}; is it the para folder of another model?", key, size,
                         options_.para->where(key), *said));
  }

  const ReannState& state_;
  const ReannImportOptions& options_;
  reann::Parameters p_;
  std::vector<std::string> notes_;
};

}  // namespace

reann::ActivationKind parse_activation(const std::string& name, const std::string& where) {
  const std::optional<reann::ActivationKind> kind = reann_names::find_activation(name);
  if (!kind) throw Error(fmt::format("{}: unknown activation \"{}\"; known are Relu_like and Tanh_like", where, name));
  return *kind;
}

ReannImport import_reann(const TorchArchive& archive, const ReannImportOptions& options) {
  const ReannState state = read_reann_state(archive);
  return Importer(state, options).run();
}

}  // namespace grapevine
