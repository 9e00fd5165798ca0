#include "importers/mace.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <string_view>
#include <utility>
#include <variant>

#include "formats/elements.hpp"
#include "importers/e3nn.hpp"
#include "importers/e3nn_modules.hpp"
#include "importers/mace_interaction.hpp"
#include "importers/pickle_settings.hpp"
#include "importers/size.hpp"
#include "importers/tensor_table.hpp"
#include "importers/torch_module.hpp"
#include "support/error.hpp"
#include "support/error_context.hpp"

namespace grapevine {
namespace {

using e3nn::as_written;
using equivariant::BasisKind;
using equivariant::Dense;
using equivariant::EquivariantLinear;
using equivariant::Irreps;
using equivariant::IrrepsList;
using equivariant::TransformKind;

constexpr int max_mace_interactions = 64;
constexpr double coulomb = 14.3996;         // eV Angstrom, of mace-torch's ZBL
constexpr double screening_length = 0.529;  // Angstrom, of the same
constexpr double screening_decays[] = {3.2, 0.9423, 0.4028, 0.2016};

/// Tensors that hold no weights.
bool is_mace_constant(const std::string& name) {
  const std::string last = name.substr(name.rfind('.') + 1);
  return last == "output_mask" || last == "r_max" || last == "num_interactions" || last.ends_with("_zeroed") ||
         last.starts_with("_w3j_");
}

bool is_off(const PickleValue& value) {
  const bool* logical = std::get_if<bool>(&value);
  return std::holds_alternative<std::monostate>(value) || (logical && !*logical);
}

bool is_on(const TorchModule& module, std::string_view attribute) {
  const PickleValue* value = module.find(attribute);
  return value && !is_off(*value);
}

/// Lines `columns` begin .. end - 1 of a matrix.
Dense columns_of(const std::vector<double>& weight, int inputs, int outputs, int begin, int end) {
  Dense dense{inputs, end - begin, {}, {}};
  for (int i = 0; i < inputs; ++i)
    for (int o = begin; o < end; ++o) dense.weight.push_back(weight[size(i) * size(outputs) + size(o)]);
  return dense;
}

class MaceReader {
 public:
  MaceReader(const TorchArchive& archive, const TorchModule& model, const std::string& head)
      : model_(model), file_(archive.name), wanted_head_(head), tensors_(file_, number_allowance(archive)) {}

  MaceImport run() {
    refuse_class();
    refuse_options();
    collect_tensors(tensors_, model_);
    read_species();
    choose_head();
    read_edges();
    read_embedding();
    read_interactions();
    read_readouts();
    read_energies();
    if (model_.find_child("pair_repulsion_fn")) read_repulsion();
    tensors_.check_all_read(is_mace_constant);
    with_context(file_, [&] { mace::check(p_); });
    return {std::move(p_), heads_.size() > 1 ? "head " + heads_[size(head_)] : ""};
  }

 private:
  [[noreturn]] void fail(const std::string& what) const { throw Error(fmt::format("{}: {}", file_, what)); }

  // What is not supported

  void refuse_class() const {
    if (model_.class_name() == "mace.modules.models.MACE" ||
        model_.class_name() == "mace.modules.models.ScaleShiftMACE")
      return;
    const std::string name = model_.short_class_name();
    if (name.starts_with("LAMMPS"))
      fail(fmt::format("a {}, a model converted for LAMMPS; import the file it was made from", name));
    fail(fmt::format("a {} is not supported; expected a model of energies alone, a MACE or ScaleShiftMACE", name));
  }

  void refuse_options() const {
    constexpr std::pair<std::string_view, const char*> switches[] = {
        {"use_so3", "features without parity"},
        {"lammps_mliap", "a model converted for LAMMPS; import the file it was made from"},
        {"embedding_specs", "embeddings of more than the element"}};
    for (const auto& [attribute, what] : switches)
      if (is_on(model_, attribute)) fail(fmt::format("{}, that is {}, is not supported", attribute, what));
    const TorchModule radial = model_.child("radial_embedding");
    for (const TorchModule* module : {&model_, &radial})
      if (const PickleValue* value = module->find("apply_cutoff"); value && is_off(*value))
        fail("apply_cutoff = False is not supported");
    check_attributes();
    check_children();
  }

  void check_attributes() const {
    constexpr std::string_view known[] = {"training",
                                          "heads",
                                          "apply_cutoff",
                                          "edge_irreps",
                                          "use_reduced_cg",
                                          "use_agnostic_product",
                                          "use_last_readout_only",
                                          "use_edge_irreps_first",
                                          "keep_last_layer_irreps",
                                          "pair_repulsion",
                                          "r_max",
                                          "atomic_numbers",
                                          "num_interactions"};
    for (const auto& [key, value] : model_.attributes().items) {
      const std::string* name = pickle_text(key);
      if (!name) fail("an attribute without a name");
      if (name->starts_with('_') || is_off(value) ||
          std::find(std::begin(known), std::end(known), *name) != std::end(known))
        continue;
      fail(fmt::format("{} = {} is not known here; it may change the model", name->substr(0, 80), described(value)));
    }
  }

  void check_children() const {
    constexpr std::string_view known[] = {
        "node_embedding", "radial_embedding", "pair_repulsion_fn", "spherical_harmonics", "atomic_energies_fn",
        "interactions",   "products",         "readouts",          "scale_shift"};
    for (const TorchModule& child : model_.children())
      if (std::find(std::begin(known), std::end(known), child.name()) == std::end(known))
        fail(fmt::format("{}, a {}, is not supported", child.name().substr(0, 40), child.short_class_name()));
    check_children_of("radial_embedding", {"bessel_fn", "cutoff_fn", "distance_transform"});
  }

  void check_children_of(const char* name, std::initializer_list<std::string_view> known) const {
    const TorchModule module = model_.child(name);
    for (const TorchModule& child : module.children())
      if (std::none_of(known.begin(), known.end(),
                       [&](std::string_view inner) { return child.name() == module.inner_name(inner); }))
        child.fail(fmt::format("a {} there is not supported", child.short_class_name()));
  }

  // Numbers

  /// One number, whether of a tensor or not.
  double number(const std::string& name) {
    const TorchTensor& tensor = tensors_.tensor(name);
    if (tensor.count() != 1) fail(fmt::format("{} has {} numbers instead of 1", name, tensor.count()));
    return tensor.to_doubles().front();
  }

  int whole(const std::string& name, int lowest, int highest) {
    const double value = number(name);
    if (value != std::floor(value) || value < lowest || value > highest)
      fail(
          fmt::format("{} = {} is not supported; expected a whole number from {} to {}", name, value, lowest, highest));
    return static_cast<int>(value);
  }

  /// Old files have it as an attribute, new ones as a tensor.
  double cutoff_of_model() { return tensors_.find("r_max") ? number("r_max") : model_.real("r_max"); }

  std::vector<double> atomic_numbers() {
    if (const TorchTensor* tensor = tensors_.find("atomic_numbers")) return tensor->to_doubles();
    const auto* items = pickle_items(model_.value("atomic_numbers"));
    if (!items) fail("atomic_numbers are neither a tensor nor a list");
    std::vector<double> numbers;
    for (const PickleValue& item : *items) numbers.push_back(pickle_number(item).value_or(0));
    return numbers;
  }

  void read_species() {
    for (const double z : atomic_numbers()) {
      const bool exists = z == std::floor(z) && z >= 1 && z <= 118;
      if (!exists) fail(fmt::format("atomic_numbers: there is no element {}", z));
      atomic_numbers_.push_back(static_cast<int>(z));
      p_.species.emplace_back(element_symbol(static_cast<long>(z)));
    }
    if (p_.species.empty()) fail("it has no elements");
  }

  int species() const { return static_cast<int>(p_.species.size()); }

  // Heads

  void choose_head() {
    read_heads();
    if (wanted_head_.empty()) {
      if (heads_.size() > 1)
        fail(fmt::format("it has several heads; choose one with --head: {}", fmt::join(heads_, ", ")));
      return;
    }
    const auto found = std::find(heads_.begin(), heads_.end(), wanted_head_);
    if (found == heads_.end())
      fail(fmt::format("it has no head {}; --head can be: {}", wanted_head_, fmt::join(heads_, ", ")));
    head_ = static_cast<int>(found - heads_.begin());
  }

  void read_heads() {
    if (!model_.has("heads")) {
      heads_ = {"Default"};
      return;
    }
    const auto* items = pickle_items(model_.value("heads"));
    if (!items || items->empty() || items->size() > 1000) fail("heads are not a list of names");
    for (const PickleValue& item : *items) {
      const std::string* name = pickle_text(item);
      if (!name) fail("heads are not a list of names");
      heads_.push_back(name->substr(0, 80));
    }
  }

  int heads() const { return static_cast<int>(heads_.size()); }

  /// The number of the head, or that of all.
  double of_head(const std::string& name) {
    const std::vector<double> values = tensors_.values(name);
    if (values.size() != 1 && values.size() != heads_.size())
      fail(fmt::format("{} has {} numbers for {} heads", name, values.size(), heads_.size()));
    return values[values.size() == 1 ? 0 : size(head_)];
  }

  // Edges

  void read_edges() {
    p_.basis.cutoff = number("radial_embedding.cutoff_fn.r_max");
    if (std::abs(p_.basis.cutoff - cutoff_of_model()) > 1e-6 * p_.basis.cutoff)
      fail(fmt::format("r_max = {}, but {} in its cutoff function", cutoff_of_model(), p_.basis.cutoff));
    p_.basis.cutoff_power = whole("radial_embedding.cutoff_fn.p", 1, 100);
    const TorchModule radial = model_.child("radial_embedding");
    if (!radial.child("cutoff_fn").is("PolynomialCutoff"))
      fail(fmt::format("the cutoff function {} is not supported", radial.child("cutoff_fn").short_class_name()));
    read_basis(radial.child("bessel_fn"));
    if (const auto transform = radial.find_child("distance_transform")) read_transform(*transform);
    read_harmonics(model_.child("spherical_harmonics"));
  }

  void read_basis(const TorchModule& module) {
    if (module.is("BesselBasis")) {
      p_.basis.frequency = tensors_.values(module.inner_name("bessel_weights"));
      p_.basis.prefactor = number(module.inner_name("prefactor"));
    } else if (module.is("GaussianBasis")) {
      p_.basis.kind = BasisKind::gaussian;
      p_.basis.centre = tensors_.values(module.inner_name("gaussian_weights"));
      p_.basis.width = std::sqrt(-0.5 / module.real("coeff"));
    } else if (module.is("ChebychevBasis")) {
      module.fail(
          "the Chebyshev basis is not supported, as mace-torch has no right forces with it; train with Bessel "
          "or Gaussian functions");
    } else {
      module.fail(
          fmt::format("a {} is not supported; expected BesselBasis or GaussianBasis", module.short_class_name()));
    }
  }

  void read_transform(const TorchModule& module) {
    equivariant::DistanceTransform& transform = p_.basis.transform;
    double share = 1;
    if (module.is("AgnesiTransform")) {
      transform.kind = TransformKind::agnesi;
      transform.a = number(module.inner_name("a"));
      transform.q = number(module.inner_name("q"));
      transform.p = number(module.inner_name("p"));
      share = 0.5;
    } else if (module.is("SoftTransform")) {
      transform.kind = TransformKind::soft;
      transform.steepness = number(module.inner_name("alpha"));
    } else {
      module.fail(
          fmt::format("a {} is not supported; expected AgnesiTransform or SoftTransform", module.short_class_name()));
    }
    p_.pair_length = sums_of_radii(module.inner_name("covalent_radii"), share);
  }

  /// [species][species] share (radius + radius)
  std::vector<double> sums_of_radii(const std::string& name, double share) {
    const std::vector<double> radii = tensors_.values(name);
    const auto heaviest = size(*std::max_element(atomic_numbers_.begin(), atomic_numbers_.end()));
    if (radii.size() <= heaviest)
      fail(fmt::format("{} has {} numbers; element {} is asked for", name, radii.size(), heaviest));
    std::vector<double> sums;
    for (const int a : atomic_numbers_)
      for (const int b : atomic_numbers_) sums.push_back(share * (radii[size(a)] + radii[size(b)]));
    return sums;
  }

  void read_harmonics(const TorchModule& module) {
    edges_.harmonics = module.irreps("irreps_out");
    edges_.species = species();
    const std::string* normalisation = pickle_text(module.value("normalization"));
    if (!module.logical("normalize") || !normalisation || *normalisation != "component")
      module.fail("harmonics of another normalisation than component are not supported");
    for (std::size_t l = 0; l < edges_.harmonics.size(); ++l) {
      const Irreps expected = {1, static_cast<int>(l), l % 2 == 0 ? 1 : -1};
      if (edges_.harmonics[l] != expected || l > 3)
        module.fail(fmt::format("{} are not supported; expected harmonics of order 0, 1, ... up to at most 3",
                                equivariant::to_string(edges_.harmonics)));
    }
    p_.edge_order = static_cast<int>(edges_.harmonics.size()) - 1;
  }

  void read_embedding() {
    const TorchModule linear = model_.child("node_embedding").child("linear");
    const IrrepsList features = linear.irreps("irreps_out");
    if (features.size() != 1 || !features.front().is_even_scalar()) linear.fail("it gives more than scalars");
    const EquivariantLinear map =
        e3nn::read_linear(tensors_, linear, as_written({{species(), 0, 1}}), as_written(features));
    p_.embedding = map.parts.front().weight;
  }

  void read_interactions() {
    const std::vector<TorchModule> blocks = model_.child("interactions").children();
    const std::vector<TorchModule> products = model_.child("products").children();
    if (blocks.empty() || blocks.size() > max_mace_interactions || products.size() != blocks.size())
      fail(fmt::format("{} interactions and {} products are not supported", blocks.size(), products.size()));
    for (std::size_t t = 0; t < blocks.size(); ++t)
      p_.interactions.push_back(
          read_mace_interaction(tensors_, blocks[t], products[t], edges_, t + 1 == blocks.size()));
  }

  // Energies

  /// One readout for each interaction, or one of the last alone.
  void read_readouts() {
    const std::vector<TorchModule> readouts = model_.child("readouts").children();
    const std::size_t interactions = p_.interactions.size();
    if (readouts.size() != interactions && readouts.size() != 1)
      fail(fmt::format("{} readouts of {} interactions are not supported", readouts.size(), interactions));
    p_.readouts.resize(interactions - 1);
    for (std::size_t t = 0; t + 1 < readouts.size(); ++t) {
      if (!readouts[t].is("LinearReadoutBlock")) refuse_readout(readouts[t]);
      p_.readouts[t] = linear_readout(readouts[t]).weight;
    }
    const TorchModule& last = readouts.back();
    if (last.is("LinearReadoutBlock"))
      p_.last_readout = {linear_readout(last)};
    else if (last.is("NonLinearReadoutBlock"))
      read_last_readout(last);
    else
      refuse_readout(last);
  }

  [[noreturn]] static void refuse_readout(const TorchModule& module) {
    module.fail(
        fmt::format("a {} is not supported; expected LinearReadoutBlock or, as the last one, "
                    "NonLinearReadoutBlock",
                    module.short_class_name()));
  }

  /// The scalars among the irreps that enter give numbers.
  std::vector<double> scalar_weights(const TorchModule& linear, const IrrepsList& outputs) {
    const IrrepsList inputs = linear.irreps("irreps_in");
    const EquivariantLinear map = e3nn::read_linear(tensors_, linear, as_written(inputs), as_written(outputs));
    if (map.parts.size() != 1) linear.fail("scalars in several places are not supported");
    return map.parts.front().weight;
  }

  Dense linear_readout(const TorchModule& module) {
    const TorchModule linear = module.child("linear");
    const std::vector<double> weight = scalar_weights(linear, {{heads(), 0, 1}});
    const int inputs = static_cast<int>(weight.size()) / heads();
    return columns_of(weight, inputs, heads(), head_, head_ + 1);
  }

  /// Every head has its share of the numbers in the middle.
  void read_last_readout(const TorchModule& module) {
    const TorchModule first = module.child("linear_1");
    const TorchModule second = module.child("linear_2");
    const IrrepsList middle = first.irreps("irreps_out");
    if (middle.size() != 1 || !middle.front().is_even_scalar() || middle.front().channels % heads() != 0)
      first.fail(fmt::format("{} for {} heads are not supported", equivariant::to_string(middle), heads()));
    const int all = middle.front().channels;
    const int share = all / heads();
    const std::vector<double> entering = scalar_weights(first, middle);
    const int inputs = static_cast<int>(entering.size()) / all;
    Dense last = columns_of(scalar_weights(second, {{heads(), 0, 1}}), all, heads(), head_, head_ + 1);
    last.weight = {last.weight.begin() + head_ * share, last.weight.begin() + (head_ + 1) * share};
    last.inputs = share;
    p_.last_readout = {columns_of(entering, inputs, all, head_ * share, (head_ + 1) * share), std::move(last)};
    const std::vector<TorchModule> functions = module.child("non_linearity").child("acts").children();
    if (functions.size() > 1) module.fail("several functions in a readout are not supported");
    if (!functions.empty()) p_.readout_activation = e3nn::read_activation(functions.front());
  }

  void read_energies() {
    const std::string name = "atomic_energies_fn.atomic_energies";
    const std::vector<double> isolated = tensors_.values(name, p_.species.size() * heads_.size());
    double shift = 0;
    if (model_.is("ScaleShiftMACE")) {
      p_.energy_scale = of_head("scale_shift.scale");
      shift = of_head("scale_shift.shift");
    }
    for (std::size_t s = 0; s < p_.species.size(); ++s)
      p_.energy_shift.push_back(isolated[size(head_) * p_.species.size() + s] + shift);
  }

  /// In a ScaleShiftMACE the repulsion is scaled with all the rest.
  void read_repulsion() {
    const std::string name = "pair_repulsion_fn.";
    equivariant::Zbl zbl;
    zbl.charge.assign(atomic_numbers_.begin(), atomic_numbers_.end());
    zbl.coulomb = coulomb * p_.energy_scale;
    zbl.length = screening_length * number(name + "a_prefactor");
    zbl.exponent = number(name + "a_exp");
    zbl.cutoff_power = whole(name + "p", 1, 100);
    const std::vector<double> coefficients = tensors_.values(name + "c", std::size(zbl.coefficient));
    std::copy(coefficients.begin(), coefficients.end(), zbl.coefficient);
    std::copy(std::begin(screening_decays), std::end(screening_decays), zbl.decay);
    p_.zbl_cutoff = sums_of_radii(name + "covalent_radii", 1);
    p_.zbl = zbl;
  }

  const TorchModule& model_;
  std::string file_;
  std::string wanted_head_;
  TensorTable tensors_;
  std::vector<std::string> heads_;
  int head_ = 0;
  std::vector<int> atomic_numbers_;
  MaceEdges edges_;
  mace::Parameters p_;
};

/// Such modules are of other classes, which the pickle's reader would refuse without saying what to do.
void refuse_libraries(const TorchHead& head, const std::string& file) {
  const std::string_view pickle(reinterpret_cast<const char*>(head.pickle.data()), head.pickle.size());
  constexpr std::pair<std::string_view, const char*> libraries[] = {{"cuequivariance", "cuEquivariance"},
                                                                    {"openequivariance", "OpenEquivariance"}};
  for (const auto& [word, name] : libraries)
    if (pickle.find(word) != std::string_view::npos)
      throw Error(
          fmt::format("{}: a model converted for {}; convert it back to e3nn (mace_cueq_to_e3nn) or import the "
                      "file it was made from",
                      file, name));
}

bool is_state(const PickleDict& dict) {
  return std::any_of(dict.items.begin(), dict.items.end(), [](const auto& item) {
    const std::string* name = pickle_text(item.first);
    return name && (*name == "atomic_energies_fn.atomic_energies" || *name == "node_embedding.linear.weight");
  });
}

}  // namespace

bool is_mace(const TorchHead& head) {
  return head.class_name.starts_with("mace.") || head.class_name.starts_with("__torch__.mace.");
}

const PicklePackages& mace_packages() {
  static const PicklePackages list = {"torch.nn", "torch.fx", "torch._C", "e3nn", "mace"};
  return list;
}

TorchArchive read_mace_archive(std::span<const std::byte> bytes, const TorchHead& head, const std::string& file) {
  if (head.class_name.starts_with("__torch__."))
    throw Error(fmt::format("{}: a compiled MACE model (TorchScript); import the file it was made from", file));
  if (!head.class_name.starts_with("mace.modules."))
    throw Error(fmt::format("{}: a {}, a model converted for another program; import the file it was made from", file,
                            head.class_name.substr(head.class_name.rfind('.') + 1).substr(0, 80)));
  refuse_libraries(head, file);
  return parse_torch_archive(bytes, file, mace_packages());
}

MaceImport import_mace(const TorchArchive& archive, const std::string& wanted_head) {
  const PickleObject* object = pickle_object(archive.root);
  if (!object) throw Error(fmt::format("{}: not a model of mace-torch", archive.name));
  return MaceReader(archive, TorchModule(*object, "", archive.name), wanted_head).run();
}

void refuse_mace_weights(const TorchArchive& archive) {
  const PickleDict* root = pickle_dict(archive.root);
  const PickleValue* inside = root ? root->find("model") : nullptr;
  const PickleDict* model = inside ? pickle_dict(*inside) : nullptr;
  if (root && (is_state(*root) || (model && is_state(*model))))
    throw Error(
        fmt::format("{}: weights of MACE without their model (a checkpoint of a training or a state_dict); "
                    "import the .model file that mace_run_train writes at its end",
                    archive.name));
}

}  // namespace grapevine
