#include "importers/nequip_package.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <string_view>
#include <utility>

#include "formats/text/text_numbers.hpp"
#include "importers/pickle_settings.hpp"
#include "importers/torch_module.hpp"
#include "support/error.hpp"

namespace grapevine {
namespace {

using equivariant::ActivationKind;

constexpr int format = 2;

const PicklePackages& packages() {
  static const PicklePackages list = {"torch.nn", "torch._C", "e3nn", "nequip", "allegro"};
  return list;
}

/// Value of "key: value" in a text of such lines, below the heading `section` if that is not empty.
std::string metadata_value(const std::string& text, const std::string& section, const std::string& key) {
  bool inside = section.empty();
  std::size_t begin = 0;
  while (begin < text.size()) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    std::string line = text.substr(begin, end - begin);
    begin = end + 1;
    const bool indented = line.starts_with(' ');
    if (!indented && !section.empty()) inside = line == section + ":";
    const std::string start = (section.empty() ? "" : "  ") + key + ": ";
    if (!inside || !line.starts_with(start)) continue;
    line.erase(0, start.size());
    std::erase(line, '\'');
    return line;
  }
  return "";
}

class PackageReader {
 public:
  explicit PackageReader(TorchPackage& package) : package_(package), file_(package.name()) {}

  NequipNetwork run() {
    const std::string version = check_format();
    const PickleValue root = package_.pickle("model/eager_model.pkl", packages());
    const PickleObject* object = pickle_object(root);
    if (!object) fail("model/eager_model.pkl holds no modules");
    NequipNetwork network(TensorTable(file_, package_.number_allowance()));
    network.version = version;
    const TorchModule energy = energy_of(TorchModule(*object, "", file_));
    read_modules(network, energy);
    collect_tensors(network.tensors, energy);
    return network;
  }

 private:
  [[noreturn]] void fail(const std::string& what) const { throw Error(fmt::format("{}: {}", file_, what)); }

  /// The version of nequip.
  std::string check_format() {
    const std::string entry = "model/package_metadata.txt";
    const bool old = package_.has("model/package_metadata.pkl");
    if (!old && !package_.has(entry)) fail("a package, but not of nequip (no model/package_metadata.txt)");
    const std::string text = old ? "" : package_.text(entry);
    const std::string found = old ? "0" : metadata_value(text, "", "package_version_id");
    const auto number = parse_integer(found);
    if (!number) fail("model/package_metadata.txt does not say the format of the package");
    if (*number < format)
      fail(fmt::format("a package of format {}, which is too old to be read here; {}", *number, repackage_advice));
    if (*number > format) fail(fmt::format("a package of format {}; the newest known here is {}", *number, format));
    std::string version = metadata_value(text, "versions", "nequip");
    if (version.empty()) fail("model/package_metadata.txt does not say which version of nequip wrote it");
    return version;
  }

  /// The sequence of modules that ends in the energy.
  TorchModule energy_of(const TorchModule& models) const {
    const std::vector<TorchModule> found = models.children();
    if (found.size() != 1) fail("several models in one file, which is not supported; package one of them");
    if (found.front().name() != "sole_model") fail("its only model is not called sole_model");
    const TorchModule outermost = found.front().child("model");
    const TorchModule module = outermost.is("ForceStressOutput") ? outermost.child("func") : outermost;
    if (!module.is("SequentialGraphNetwork"))
      fail(fmt::format("its model is a {}, which is not supported", module.class_name().substr(0, 80)));
    return module.as_root();
  }

  void read_modules(NequipNetwork& network, const TorchModule& energy) const {
    check_children(energy);
    const TorchModule embedding = energy.child("type_embed");
    if (embedding.logical("do_categorical_graph_field_embed"))
      fail("categorical_graph_field_embed is not supported: nothing here knows such fields of a structure");
    network.types = types_of(energy.child("per_type_energy_scale_shift"));
    network.harmonics = energy.child("spharm").irreps("irreps_edge_sh");
    network.cutoff = energy.child("edge_norm").real("r_max");
    network.cutoff_power = energy.child("bessel_encode").child("cutoff").integer("p", 2, 100);
    read_layers(network, energy);
    read_readout(network, energy.child("per_atom_energy_readout").child("mlp_module"));
    if (const auto pair = energy.find_child("pair_potential"))
      network.repulsion_power = repulsion_power(network, *pair);
  }

  void check_children(const TorchModule& energy) const {
    constexpr std::pair<std::string_view, std::string_view> known[] = {
        {"type_embed", "NodeTypeEmbed"},
        {"spharm", "SphericalHarmonicEdgeAttrs"},
        {"edge_norm", "EdgeLengthNormalizer"},
        {"bessel_encode", "BesselEdgeLengthEncoding"},
        {"factor", "ApplyFactor"},
        {"per_atom_energy_readout", "ScalarMLP"},
        {"per_type_energy_scale_shift", "PerTypeScaleShift"},
        {"pair_potential", "ZBL"},
        {"total_energy_sum", "AtomwiseReduce"}};
    const std::vector<TorchModule> children = energy.children();
    for (const TorchModule& child : children)
      if (child.class_name().starts_with("allegro."))
        fail("an Allegro model, which is strictly local and of another architecture; only NequIP models are read");
    for (const TorchModule& child : children) {
      const bool layer = child.name().starts_with("layer") && child.is("ConvNetLayer");
      const bool expected = std::any_of(std::begin(known), std::end(known), [&](const auto& entry) {
        return child.name() == entry.first && child.is(entry.second);
      });
      if (!layer && !expected)
        fail(fmt::format("{} is a {}, which is not supported", child.name().substr(0, 40),
                         child.class_name().substr(0, 80)));
    }
  }

  static std::vector<std::string> types_of(const TorchModule& module) {
    const auto* items = pickle_items(module.value("type_names"));
    if (!items) module.fail("type_names are not a list");
    std::vector<std::string> types;
    for (const PickleValue& item : *items) {
      const std::string* name = pickle_text(item);
      if (!name) module.fail("type_names are not text");
      types.push_back(*name);
    }
    return types;
  }

  void read_layers(NequipNetwork& network, const TorchModule& energy) const {
    for (int t = 0; t < max_nequip_layers; ++t) {
      const auto module = energy.find_child(fmt::format("layer{}_convnet", t));
      if (!module) break;
      NequipLayer& layer = network.layers.emplace_back();
      layer.features = module->irreps("feature_irreps_hidden");
      layer.adds_input = module->logical("resnet");
      const TorchModule gate = module->child("equivariant_nonlin");
      if (!gate.is("Gate"))
        gate.fail(fmt::format("a nonlinearity of the class {} is not supported; expected gate",
                              gate.class_name().substr(0, 80)));
      read_functions(layer.scalars, gate.child("act_scalars"));
      read_functions(layer.gates, gate.child("act_gates"));
      read_norm(network, module->child("conv"));
    }
    if (network.layers.empty()) fail("it has no layers");
  }

  /// `paths` of e3nn's Activation has (channels, (order, parity), function) for each of its irreps, `acts` the
  /// functions as modules, in the same order.
  static void read_functions(NequipActivations& functions, const TorchModule& module) {
    const auto* paths = pickle_items(module.value("paths"));
    const std::vector<TorchModule> acts = module.child("acts").children();
    if (!paths || paths->size() != acts.size()) module.fail("not one function for each of its irreps");
    for (std::size_t i = 0; i < acts.size(); ++i) {
      const auto* path = pickle_items((*paths)[i]);
      const auto irrep = path && path->size() == 3 ? pickle_pair((*path)[1]) : pickle_pair(std::monostate());
      const auto* parity = irrep.second ? std::get_if<std::int64_t>(irrep.second) : nullptr;
      if (!parity) module.fail("paths are not of irreps");
      std::string name = function_name(acts[i].value("f"));
      if (name == "shifted_softplus") name = "ssp";
      const auto kind = find_nequip_activation(name);
      if (!kind || *kind == ActivationKind::identity)
        module.fail(fmt::format("the function {} is not supported; expected silu, tanh, abs or shifted_softplus",
                                name.empty() ? "of an unknown kind" : "'" + name.substr(0, 40) + "'"));
      (*parity > 0 ? functions.even : functions.odd) = *kind;
    }
  }

  static void read_norm(NequipNetwork& network, const TorchModule& conv) {
    std::vector<double> scale = {1};
    if (const auto norm = conv.find_child("avg_num_neighbors_norm")) {
      const PickleDict* buffers = pickle_dict(norm->value("_buffers"));
      const PickleValue* value = buffers ? buffers->find("norm_const") : nullptr;
      const TorchTensor* tensor = value ? pickle_tensor(*value) : nullptr;
      if (!tensor) norm->fail("norm_const is missing");
      scale = tensor->to_doubles();
    } else if (const PickleValue* factor = conv.find("scatter_norm_factor");
               factor && !std::holds_alternative<std::monostate>(*factor)) {
      scale = {conv.real("scatter_norm_factor")};
    }
    if (network.neighbour_scale.empty()) network.neighbour_scale = scale;
    if (network.neighbour_scale != scale)
      conv.fail("its average numbers of neighbours differ from those of the layer before");
  }

  static void read_readout(NequipNetwork& network, const TorchModule& module) {
    constexpr std::pair<std::string_view, const char*> names[] = {
        {"SiLU", "silu"}, {"Mish", "mish"},       {"GELU", "gelu"},         {"ShiftedSoftplus", "ssp"},
        {"Tanh", "tanh"}, {"Sigmoid", "sigmoid"}, {"Softplus", "softplus"}, {"Identity", "None"}};
    const TorchModule mlp = module.child("mlp");
    if (mlp.is("DeepLinearMLP")) {
      network.readout_activation = ActivationKind::identity;
      network.readout_gain = false;
      return;
    }
    for (const TorchModule& child : mlp.children()) {
      if (child.is("ScalarLinearLayer")) continue;
      const auto found =
          std::find_if(std::begin(names), std::end(names), [&](const auto& entry) { return child.is(entry.first); });
      if (found == std::end(names))
        child.fail(fmt::format("{} is not supported in the readout", child.class_name().substr(0, 80)));
      if (child.is("GELU") && !is_text(child.value("approximate"), "none"))
        child.fail("an approximate GELU is not supported");
      network.readout_activation = *find_nequip_activation(found->second);
    }
  }

  static bool is_text(const PickleValue& value, std::string_view expected) {
    const std::string* text = pickle_text(value);
    return text && *text == expected;
  }

  /// Before 0.17 ZBL had no cutoff function of its own.
  static int repulsion_power(const NequipNetwork& network, const TorchModule& pair) {
    const auto cutoff = pair.find_child("cutoff");
    return cutoff ? cutoff->integer("p", 2, 100) : network.cutoff_power;
  }

  TorchPackage& package_;
  std::string file_;
};

}  // namespace

NequipNetwork read_nequip_package(TorchPackage& package) { return PackageReader(package).run(); }

}  // namespace grapevine
