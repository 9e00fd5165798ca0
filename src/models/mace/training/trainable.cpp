#include "models/mace/training/trainable.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "models/equivariant/training/new_maps.hpp"
#include "models/equivariant/training/scalars.hpp"
#include "models/mace/file.hpp"
#include "models/mace/model.hpp"
#include "models/mace/training/arrays.hpp"
#include "models/mace/training/gradient.hpp"

namespace grapevine::mace {
namespace {

class MaceTrainable final : public equivariant::EquivariantTrainable<Parameters> {
 public:
  MaceTrainable(Parameters parameters, std::unique_ptr<GradientKernels<Parameters>> kernels, IsolatedEnergies isolated,
                bool trains_basis)
      : EquivariantTrainable(std::move(parameters), std::move(kernels), std::move(isolated), trains_basis) {}

  std::string title() const override { return "MACE"; }
  std::string sizes() const override { return describe_sizes(parameters()); }
  std::shared_ptr<const Potential> potential() const override { return std::make_shared<MacePotential>(parameters()); }

  FileContents contents(const Provenance& provenance) const override { return file_contents(parameters(), provenance); }
};

int degree_of(const Contraction& contraction) {
  int degree = 0;
  for (const PathRange& range : paths_by_degree(contraction)) degree = std::max(degree, range.degree);
  return degree;
}

int highest_order(const IrrepsList& list) {
  int highest = 0;
  for (const Irreps& irreps : list) highest = std::max(highest, irreps.order);
  return highest;
}

}  // namespace

std::unique_ptr<Trainable> make_trainable(Parameters parameters, IsolatedEnergies isolated, bool in_double,
                                          bool trains_basis) {
  check(parameters);
  equivariant::hold_isolated_atoms(parameters, isolated);
  auto kernels = in_double ? make_gradient_kernels<double>(parameters) : make_gradient_kernels<float>(parameters);
  return std::make_unique<MaceTrainable>(std::move(parameters), std::move(kernels), std::move(isolated), trains_basis);
}

double lone_atom_energy(const Parameters& p, std::size_t species) {
  const IrrepsList& first = p.interactions.front().input;
  const std::size_t width = static_cast<std::size_t>(channels(first));
  equivariant::Scalars x = equivariant::scalars_of(first, p.embedding.data() + species * width);
  double energy = 0;
  for (std::size_t t = 0; t < p.interactions.size(); ++t) {
    const Interaction& interaction = p.interactions[t];
    equivariant::Scalars next = equivariant::zero_scalars(interaction.output);
    if (!interaction.self_connection.empty()) equivariant::add_mapped(interaction.self_connection[species], x, next);
    x = std::move(next);
    if (t < p.readouts.size() && !p.readouts[t].empty()) {
      const Dense linear{static_cast<int>(p.readouts[t].size()), 1, p.readouts[t], {}};
      energy += equivariant::read_out({linear}, {}, interaction.output, x);
    }
  }
  return p.energy_scale *
         (energy + equivariant::read_out(p.last_readout, p.readout_activation, p.interactions.back().output, x));
}

ModelOptions options_of(const Parameters& p) {
  ModelOptions options;
  options.architecture = architecture;
  options.species = p.species;
  options.cutoff = p.cutoff();
  options.channels = {p.interactions.front().message.front().channels};
  options.edge_order = p.edge_order;
  options.max_order = 0;
  options.correlation = 1;
  for (const Interaction& x : p.interactions) {
    options.max_order = std::max(options.max_order, highest_order(x.output));
    for (const Contraction& contraction : x.contractions)
      options.correlation = std::max(options.correlation, degree_of(contraction));
  }
  options.interactions = static_cast<int>(p.interactions.size());
  options.radial_functions = p.basis.functions();
  options.radial_widths = equivariant::hidden_widths(p.interactions.front().radial.layers);
  options.readout_widths = equivariant::hidden_widths(p.last_readout);
  return options;
}

std::string describe_sizes(const Parameters& p) {
  const ModelOptions options = options_of(p);
  return fmt::format(
      "{} interactions, features {}, l_max = {}, nu = {}, {} radial functions, radial network {}, readout {}",
      options.interactions, to_string(p.interactions.front().output), options.edge_order, options.correlation,
      options.radial_functions, fmt::join(options.radial_widths, "-"), fmt::join(options.readout_widths, "-"));
}

}  // namespace grapevine::mace
