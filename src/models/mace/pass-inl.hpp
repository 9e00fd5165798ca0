// Kernels of one interaction of MACE.
#if defined(GRAPEVINE_MACE_PASS_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef GRAPEVINE_MACE_PASS_INL
#undef GRAPEVINE_MACE_PASS_INL
#else
#define GRAPEVINE_MACE_PASS_INL
#endif

#include <algorithm>
#include <cstddef>
#include <memory>
#include <optional>
#include <vector>

#include "models/equivariant/linear-inl.hpp"
#include "models/equivariant/messages-inl.hpp"
#include "models/equivariant/species_kernels.hpp"
#include "models/mace/contraction-inl.hpp"
#include "models/mace/linear_readout-inl.hpp"
#include "models/mace/parameters.hpp"
#include "models/mace/species_rows.hpp"

HWY_BEFORE_NAMESPACE();
namespace grapevine::mace::HWY_NAMESPACE {

using equivariant::Layout;
using equivariant::SpeciesKernels;
using namespace equivariant::HWY_NAMESPACE;

template <class Real, class Weights>
struct MacePass {
  MacePass(const std::shared_ptr<const Parameters>& parameters, std::size_t t,
           const std::shared_ptr<const ContractionPlan>& plan, bool in_duals)
      : MacePass(parameters, t, parameters->interactions[t], plan, in_duals) {}

  // Kernels of a species are made later: they hold on to the parameters, and so to `of`.
  MacePass(const std::shared_ptr<const Parameters>& parameters, std::size_t t, const Interaction& of,
           const std::shared_ptr<const ContractionPlan>& plan, bool in_duals)
      : edges(of.edge_input(), of.paths, in_duals),
        input(of.input),
        message(of.message),
        output(of.output),
        has_density(!of.density.empty()),
        mix_input(of.mix_input),
        mix_messages(of.mix_by_species.empty() ? 1 : parameters->species.size(),
                     [parameters, &of](std::size_t s) { return LinearKernel<Real>(message_map(of, s)); }),
        contract(parameters->species.size(),
                 [parameters, &of, plan](std::size_t s) {
                   return ContractionKernel<Real>(plan, of.contractions, s, of.message.front().channels);
                 }),
        mix_product(of.mix_product),
        readout(of.output, t < parameters->readouts.size() ? parameters->readouts[t] : std::vector<double>()) {
    if (t > 0 && !of.self_connection.empty())
      self_connection.emplace(parameters->species.size(),
                              [parameters, &of](std::size_t s) { return LinearKernel<Real>(of.self_connection[s]); });
  }

  std::ptrdiff_t connection_size() const { return self_connection ? std::max(input.size(), output.size()) : 0; }

  MessageKernel<Real, Weights> edges;
  Layout input, message, output;
  bool has_density;
  LinearKernel<Real> mix_input;
  SpeciesKernels<LinearKernel<Real>> mix_messages;
  SpeciesKernels<ContractionKernel<Real>> contract;
  LinearKernel<Real> mix_product;
  std::optional<SpeciesKernels<LinearKernel<Real>>> self_connection;  // of the first, rows of species take its place
  LinearReadout<Real> readout;
};

}  // namespace grapevine::mace::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
