#include "models/nequip/training/trainable.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "models/equivariant/training/new_maps.hpp"
#include "models/equivariant/training/scalars.hpp"
#include "models/nequip/file.hpp"
#include "models/nequip/model.hpp"
#include "models/nequip/training/arrays.hpp"
#include "models/nequip/training/gradient.hpp"

namespace grapevine::nequip {
namespace {

class NequipTrainable final : public equivariant::EquivariantTrainable<Parameters> {
 public:
  NequipTrainable(Parameters parameters, std::unique_ptr<GradientKernels<Parameters>> kernels,
                  IsolatedEnergies isolated, bool trains_basis)
      : EquivariantTrainable(std::move(parameters), std::move(kernels), std::move(isolated), trains_basis) {}

  std::string title() const override { return "NequIP"; }
  std::string sizes() const override { return describe_sizes(parameters()); }
  std::shared_ptr<const Potential> potential() const override {
    return std::make_shared<NequipPotential>(parameters());
  }

  FileContents contents(const Provenance& provenance) const override { return file_contents(parameters(), provenance); }
};

/// Channels of each order, those of both parities being alike; one number if all orders have the same.
std::vector<int> channels_by_order(const IrrepsList& list) {
  std::vector<int> channels;
  for (const Irreps& irreps : list) {
    const auto order = static_cast<std::size_t>(irreps.order);
    if (channels.size() <= order) channels.resize(order + 1, irreps.channels);
    channels[order] = irreps.channels;
  }
  if (std::equal(channels.begin() + 1, channels.end(), channels.begin())) channels.resize(1);
  return channels;
}

bool is_natural(const Irreps& irreps) { return irreps.parity == (irreps.order % 2 == 0 ? 1 : -1); }

}  // namespace

std::unique_ptr<Trainable> make_trainable(Parameters parameters, IsolatedEnergies isolated, bool in_double,
                                          bool trains_basis) {
  check(parameters);
  equivariant::hold_isolated_atoms(parameters, isolated);
  auto kernels = in_double ? make_gradient_kernels<double>(parameters) : make_gradient_kernels<float>(parameters);
  return std::make_unique<NequipTrainable>(std::move(parameters), std::move(kernels), std::move(isolated),
                                           trains_basis);
}

double lone_atom_energy(const Parameters& p, std::size_t species) {
  const IrrepsList& first = p.interactions.front().input;
  const auto width = static_cast<std::size_t>(channels(first));
  equivariant::Scalars x = equivariant::scalars_of(first, p.embedding.data() + species * width);
  for (const Interaction& interaction : p.interactions) {
    const IrrepsList entering = interaction.gate.inputs();
    equivariant::Scalars next = equivariant::zero_scalars(entering);
    equivariant::add_mapped(interaction.mix_messages, equivariant::zero_scalars(interaction.messages()), next);
    if (interaction.self_connection_kind != SelfConnectionKind::none)
      equivariant::add_mapped(self_connection_of(p, interaction, species), x, next);
    if (interaction.norm) equivariant::normalise(*interaction.norm, entering, next);
    x = equivariant::gated(interaction.gate, next);
  }
  return p.energy_scale[species] *
         equivariant::read_out(p.readout, p.readout_activation, p.interactions.back().gate.outputs(), x);
}

ModelOptions options_of(const Parameters& p) {
  ModelOptions options;
  options.architecture = architecture;
  options.species = p.species;
  options.cutoff = p.cutoff();
  const IrrepsList features = p.interactions.front().gate.outputs();
  options.channels = channels_by_order(features);
  options.edge_order = p.edge_order;
  options.max_order = 0;
  for (const Irreps& irreps : features) options.max_order = std::max(options.max_order, irreps.order);
  options.interactions = static_cast<int>(p.interactions.size());
  options.radial_functions = p.basis.functions();
  options.radial_widths = equivariant::hidden_widths(p.interactions.front().radial.layers);
  options.readout_widths = equivariant::hidden_widths(p.readout);
  const bool natural = std::all_of(features.begin(), features.end(), is_natural);
  options.parity = !p.odd_harmonics ? "ignored" : natural ? "natural" : "both";
  return options;
}

std::string describe_sizes(const Parameters& p) {
  const ModelOptions options = options_of(p);
  return fmt::format("{} interactions, features {}, l_max = {}, {} radial functions, radial network {}, readout {}",
                     options.interactions, to_string(p.interactions.front().gate.outputs()), options.edge_order,
                     options.radial_functions, fmt::join(options.radial_widths, "-"),
                     fmt::join(options.readout_widths, "-"));
}

}  // namespace grapevine::nequip
