// Kernels of one interaction of NequIP.
#if defined(GRAPEVINE_NEQUIP_PASS_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef GRAPEVINE_NEQUIP_PASS_INL
#undef GRAPEVINE_NEQUIP_PASS_INL
#else
#define GRAPEVINE_NEQUIP_PASS_INL
#endif

#include <cstddef>
#include <memory>
#include <optional>
#include <vector>

#include "models/equivariant/gate-inl.hpp"
#include "models/equivariant/linear-inl.hpp"
#include "models/equivariant/messages-inl.hpp"
#include "models/equivariant/rms_norm-inl.hpp"
#include "models/equivariant/species_kernels.hpp"
#include "models/nequip/parameters.hpp"
#include "models/nequip/species_rows.hpp"

HWY_BEFORE_NAMESPACE();
namespace grapevine::nequip::HWY_NAMESPACE {

using equivariant::Layout;
using namespace equivariant::HWY_NAMESPACE;

template <class Real, class Weights>
struct NequipPass {
  NequipPass(const std::shared_ptr<const Parameters>& parameters, std::size_t t, bool in_duals)
      : NequipPass(parameters, t, parameters->interactions[t], in_duals) {}

  NequipPass(const std::shared_ptr<const Parameters>& parameters, std::size_t t, const Interaction& interaction,
             bool in_duals)
      : edges(interaction.input, interaction.paths, in_duals),
        before_gate(interaction.gate.inputs()),
        output(interaction.gate.outputs()),
        bias(bias_rows<Real>(*parameters, t)),
        mix_input(interaction.mix_input),
        mix_messages(interaction.mix_messages),
        gate(interaction.gate) {
    if (interaction.norm) norm.emplace(*interaction.norm, before_gate);
    if (t > 0 && interaction.self_connection_kind != SelfConnectionKind::none) connect(parameters, interaction);
  }

  void connect(const std::shared_ptr<const Parameters>& parameters, const Interaction& interaction) {
    const bool shared = interaction.self_connection_kind == SelfConnectionKind::shared;
    self_connection.emplace(shared ? 1 : parameters->species.size(), [parameters, &interaction](std::size_t species) {
      return LinearKernel<Real>(self_connection_of(*parameters, interaction, species));
    });
  }

  const Layout& input() const { return edges.input(); }

  MessageKernel<Real, Weights> edges;
  Layout before_gate, output;
  std::vector<std::vector<Real>> bias;  // [species] z without messages and self connection
  AffineKernel<Real> mix_input;
  LinearKernel<Real> mix_messages;
  std::optional<equivariant::SpeciesKernels<LinearKernel<Real>>> self_connection;
  std::optional<RmsNormKernel<Real>> norm;
  GateKernel<Real> gate;
};

}  // namespace grapevine::nequip::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
