// SPDX-License-Identifier: GPL-2.0-only
#ifndef GRAPEVINE_ATOM_HEAT_FLUX_H
#define GRAPEVINE_ATOM_HEAT_FLUX_H

#include "engine/heat_flux.hpp"

#include <cstddef>
#include <span>
#include <vector>

namespace LAMMPS_NS {

/// The terms of a heat flux for each own atom, in LAMMPS's units; zero for atoms that are no centres. Of a committee,
/// those of the mean.
class AtomHeatFlux {
 public:
  /// Begins anew for atoms with these velocities [own][3].
  void start(std::span<const double> velocities)
  {
    const std::size_t own = velocities.size() / 3;
    velocities_.assign(velocities.begin(), velocities.end());
    energies_.assign(own, 0.0);
    power_.assign(own, 0.0);
    flux_.assign(3 * own, 0.0);
  }
  /// Where a model adds its share.
  grapevine::HeatFluxTerms terms(double weight)
  {
    return {.weight = weight, .energies = energies_.data(), .power = power_.data(), .flux = flux_.data()};
  }

  std::span<const double> velocities() const { return velocities_; }    ///< [own][3]
  std::span<const double> energies() const { return energies_; }        ///< [own]
  std::span<const double> power() const { return power_; }              ///< [own] change of the energies with time
  std::span<const double> flux() const { return flux_; }                ///< [own][3] potential part

  double bytes() const
  {
    return static_cast<double>((velocities_.capacity() + energies_.capacity() + power_.capacity() + flux_.capacity()) *
                               sizeof(double));
  }

 private:
  std::vector<double> velocities_, energies_, power_, flux_;
};

}    // namespace LAMMPS_NS

#endif
