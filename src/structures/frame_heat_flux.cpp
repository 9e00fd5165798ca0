#include "structures/frame_heat_flux.hpp"

#include <fmt/format.h>

#include <cmath>
#include <cstddef>
#include <vector>

#include "engine/heat_flux.hpp"
#include "exchange/local/local_exchange.hpp"
#include "structures/frame_graph.hpp"
#include "structures/model_of.hpp"
#include "support/error.hpp"
#include "support/finite.hpp"

namespace grapevine {

namespace {

/// [atoms] and [atoms][3], see HeatFluxTerms.
struct AtomTerms {
  std::vector<double> energies;
  std::vector<double> power;
  std::vector<double> flux;
};

void check_motion(const Frame& frame, const Motion& motion) {
  const std::size_t atoms = frame.symbols.size();
  if (motion.velocities.size() != 3 * atoms)
    throw Error(fmt::format("{} atoms, but velocities of {}", atoms, motion.velocities.size() / 3));
  if (motion.masses.size() != atoms)
    throw Error(fmt::format("{} atoms, but masses of {}", atoms, motion.masses.size()));
  for (std::size_t i = 0; i < atoms; ++i)
    if (!all_finite(motion.velocities.subspan(3 * i, 3)) || !std::isfinite(motion.masses[i]))
      throw Error(fmt::format("velocity or mass of atom {} ({}) is not a number", i + 1, frame.symbols[i]));
}

template <class Real>
AtomTerms evaluate_terms(const Potential& potential, const FrameGraph& graph, std::span<const double> velocities,
                         int threads) {
  const auto own = static_cast<std::size_t>(graph.own());
  AtomTerms terms{std::vector<double>(own), std::vector<double>(own), std::vector<double>(3 * own)};
  HeatFluxTerms wanted;
  wanted.energies = terms.energies.data();
  wanted.power = terms.power.data();
  wanted.flux = terms.flux.data();
  LocalExchange<Real> exchange(graph.own(), graph.owner());
  HeatFluxEvaluator<Real>(model_of<Real>(potential), threads).evaluate(graph, exchange, velocities, wanted);
  return terms;
}

}  // namespace

HeatFlux frame_heat_flux(const Potential& potential, const Frame& frame, const Motion& motion,
                         const HeatFluxOptions& options) {
  check_motion(frame, motion);
  FrameGraph graph(potential.species(), potential.cutoff(), options.threads);
  graph.build(frame);
  AtomTerms terms;
  try {
    terms = options.precision == Precision::double_precision
                ? evaluate_terms<double>(potential, graph, motion.velocities, options.threads)
                : evaluate_terms<float>(potential, graph, motion.velocities, options.threads);
  } catch (const AtomError& problem) {
    throw graph.describe(problem, frame);
  }

  HeatFlux sum;
  for (std::size_t i = 0; i < frame.symbols.size(); ++i) {
    const double* v = &motion.velocities[3 * i];
    double energy = terms.energies[i] + 0.5 * motion.masses[i] * (v[0] * v[0] + v[1] * v[1] + v[2] * v[2]);
    if (!options.reference) energy -= potential.reference_energy(graph.species()[i]);
    sum.power += terms.power[i];
    for (std::size_t a = 0; a < 3; ++a) {
      sum.potential[a] += terms.flux[3 * i + a];
      sum.convective[a] += energy * v[a];
    }
  }
  if (!all_finite(sum.potential) || !all_finite(sum.convective) || !std::isfinite(sum.power))
    throw NotFiniteError(
        "the model's heat flux is not finite; move the atoms apart, or look whether the model is sound");
  return sum;
}

}  // namespace grapevine
