#include "importers/mace_interaction.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <string_view>
#include <variant>

#include "importers/e3nn.hpp"
#include "importers/e3nn_modules.hpp"
#include "importers/mace_contraction.hpp"
#include "importers/size.hpp"

namespace grapevine {
namespace {

using e3nn::as_written;
using e3nn::Layout;
using equivariant::EquivariantLinear;
using equivariant::Irreps;
using equivariant::IrrepsList;

/// A class of interaction blocks.
struct BlockKind {
  std::string_view name;
  bool is_residual;  ///< the skip by species is on the features, not on the message
  bool has_density;  ///< the message is divided by a density, not by the average neighbours
};

constexpr BlockKind block_kinds[] = {{"RealAgnosticInteractionBlock", false, false},
                                     {"RealAgnosticResidualInteractionBlock", true, false},
                                     {"RealAgnosticDensityInteractionBlock", false, true},
                                     {"RealAgnosticDensityResidualInteractionBlock", true, true}};

BlockKind kind_of(const TorchModule& block) {
  const auto* kind = std::find_if(std::begin(block_kinds), std::end(block_kinds),
                                  [&](const BlockKind& known) { return block.is(known.name); });
  if (kind == std::end(block_kinds) || !block.class_name().starts_with("mace.modules."))
    block.fail(
        fmt::format("a {} is not supported; expected RealAgnostic, RealAgnosticResidual, RealAgnosticDensity or "
                    "RealAgnosticDensityResidual",
                    block.short_class_name()));
  return *kind;
}

class InteractionReader {
 public:
  InteractionReader(TensorTable& tensors, const TorchModule& block, const TorchModule& product, const MaceEdges& edges)
      : tensors_(tensors), block_(block), product_(product), edges_(edges), kind_(kind_of(block)) {}

  mace::Interaction run(bool is_last) {
    refuse_accelerated(block_);
    refuse_accelerated(product_);
    check_children(block_, {"linear_up", "conv_tp", "conv_tp_weights", "linear", "skip_tp", "density_fn", "reshape"});
    check_children(product_, {"symmetric_contractions", "linear"});
    x_.input = block_.irreps("node_feats_irreps");
    x_.message = block_.irreps("target_irreps");
    check_natural(block_, x_.input);
    check_natural(block_, x_.message);
    const IrrepsList at_edges = block_.has("edge_irreps") ? block_.irreps("edge_irreps") : x_.input;
    check_natural(block_, at_edges);
    x_.mix_input = linear(block_.child("linear_up"), as_written(x_.input), as_written(at_edges));
    read_radial();
    read_messages();
    if (!kind_.is_residual) x_.mix_by_species = species_linear(x_.message, x_.message);
    read_product();
    if (is_last) keep_scalars();
    return std::move(x_);
  }

 private:
  static void check_children(const TorchModule& module, std::initializer_list<std::string_view> known) {
    for (const TorchModule& child : module.children())
      if (std::none_of(known.begin(), known.end(),
                       [&](std::string_view name) { return child.name() == module.inner_name(name); }))
        child.fail(fmt::format("a {} there is not supported", child.short_class_name()));
  }

  static void check_natural(const TorchModule& module, const IrrepsList& list) {
    for (const Irreps& irreps : list)
      if (irreps.parity != (irreps.order % 2 == 0 ? 1 : -1))
        module.fail(fmt::format("{} are not supported; expected 0e, 1o, 2e, ... alone", equivariant::to_string(list)));
    if (list.empty()) module.fail("it has no irreps");
  }

  EquivariantLinear linear(const TorchModule& module, const Layout& inputs, const Layout& outputs) {
    return e3nn::read_linear(tensors_, module, inputs, outputs);
  }

  std::vector<EquivariantLinear> species_linear(const IrrepsList& inputs, const IrrepsList& outputs) {
    return e3nn::read_species_linear(tensors_, block_.child("skip_tp"), as_written(inputs), as_written(outputs),
                                     edges_.species);
  }

  void read_radial() {
    x_.radial = e3nn::read_network(tensors_, block_.child("conv_tp_weights"));
    if (!kind_.has_density) {
      x_.denominator = block_.real("avg_num_neighbors");
      return;
    }
    const equivariant::RadialNetwork density = e3nn::read_network(tensors_, block_.child("density_fn"));
    if (density.layers.size() != 1 || density.layers.front().outputs != 1)
      block_.fail("its density is not one linear layer");
    x_.density = density.layers.front().weight;
  }

  /// The edge's vector points from the neighbour to the centre in mace-torch, so that harmonics of odd order have the
  /// other sign.
  void read_messages() {
    const e3nn::Products products = e3nn::read_products(block_.child("conv_tp"), x_.edge_input(), edges_.harmonics);
    x_.paths = products.paths;
    x_.mix_messages = linear(block_.child("linear"), e3nn::regrouped(x_.messages()), as_written(x_.message));
    for (EquivariantLinear::Part& part : x_.mix_messages.parts) {
      const double sign = x_.paths[size(part.input)].edge_order % 2 == 0 ? 1 : -1;
      for (double& weight : part.weight) weight *= sign * products.factor[size(part.input)];
    }
  }

  void read_product() {
    if (!product_.is("EquivariantProductBasisBlock"))
      product_.fail(fmt::format("a {} is not supported", product_.short_class_name()));
    const TorchModule symmetric = product_.child("symmetric_contractions");
    if (!symmetric.is("SymmetricContraction"))
      symmetric.fail(fmt::format("a {} is not supported; expected a SymmetricContraction of mace-torch",
                                 symmetric.short_class_name()));
    if (symmetric.irreps("irreps_in") != x_.message) symmetric.fail("irreps_in are not those of the message");
    x_.output = symmetric.irreps("irreps_out");
    check_natural(symmetric, x_.output);
    const std::vector<TorchModule> contractions = symmetric.child("contractions").children();
    if (contractions.size() != x_.output.size()) symmetric.fail("not one contraction for each of irreps_out");
    for (std::size_t o = 0; o < x_.output.size(); ++o)
      x_.contractions.push_back(
          read_mace_contraction(tensors_, contractions[o], x_.output[o].order, x_.message, edges_.species));
    x_.mix_product = linear(product_.child("linear"), as_written(x_.output), as_written(x_.output));
    if (kind_.is_residual && product_.logical("use_sc")) x_.self_connection = species_linear(x_.input, x_.output);
  }

  static void keep_outputs(EquivariantLinear& linear, int count) {
    linear.outputs.resize(size(count));
    std::erase_if(linear.parts, [&](const EquivariantLinear::Part& part) { return part.output >= count; });
  }

  void keep_scalars() {
    if (!x_.output.front().is_even_scalar()) product_.fail("the first of its irreps are not scalars");
    x_.output.resize(1);
    x_.contractions.resize(1);
    keep_outputs(x_.mix_product, 1);
    std::erase_if(x_.mix_product.parts, [](const EquivariantLinear::Part& part) { return part.input > 0; });
    x_.mix_product.inputs.resize(1);
    for (EquivariantLinear& map : x_.self_connection) keep_outputs(map, 1);
  }

  TensorTable& tensors_;
  const TorchModule& block_;
  const TorchModule& product_;
  const MaceEdges& edges_;
  BlockKind kind_;
  mace::Interaction x_;
};

}  // namespace

mace::Interaction read_mace_interaction(TensorTable& tensors, const TorchModule& block, const TorchModule& product,
                                        const MaceEdges& edges, bool is_last) {
  return InteractionReader(tensors, block, product, edges).run(is_last);
}

void refuse_accelerated(const TorchModule& module) {
  for (const char* attribute : {"cueq_config", "oeq_config"}) {
    const PickleValue* value = module.find(attribute);
    const PickleObject* object = value ? pickle_object(*value) : nullptr;
    const PickleValue* enabled = object && object->attributes ? object->attributes->find("enabled") : nullptr;
    const bool* is_on = enabled ? std::get_if<bool>(enabled) : nullptr;
    if (is_on && *is_on)
      module.fail(fmt::format("{} is on; convert the model back to e3nn and import that", attribute));
  }
}

}  // namespace grapevine
