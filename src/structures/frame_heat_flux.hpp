#pragma once

#include <array>
#include <span>

#include "engine/model.hpp"
#include "formats/text/extxyz.hpp"
#include "structures/evaluate_frame.hpp"

namespace grapevine {

/// The heat flux of one structure, not divided by its volume, in eV Angstrom per unit of time (docs/heat-flux.md).
struct HeatFlux {
  std::array<double, 3> potential{};   ///< sum_ij (r_i - r_j) (dU_i/dr_j . v_j)
  std::array<double, 3> convective{};  ///< sum_i v_i (kinetic energy of i + U_i)
  double power = 0;                    ///< dU/dt = -sum_i F_i . v_i, eV per unit of time
};

/// How atoms move. With masses in amu and the unit of time Angstrom sqrt(amu/eV) = 10.18 fs, as ASE has it, energies
/// are in eV.
struct Motion {
  std::span<const double> velocities;  ///< [atoms][3] Angstrom per unit of time
  std::span<const double> masses;      ///< [atoms] eV (unit of time / Angstrom)^2
};

struct HeatFluxOptions {
  Precision precision = Precision::double_precision;
  int threads = 1;        ///< at most
  bool reference = true;  ///< whether the model's reference energies count in U_i
};

/// Exact for message passing models, whatever the cell and its periodic directions; images of an atom move as it does.
/// Throws Error as FrameEvaluator does and if there are not as many velocities and masses as atoms or one is not
/// finite; NotFiniteError if the flux is not finite. Can be interrupted (see Interruptible).
HeatFlux frame_heat_flux(const Potential& potential, const Frame& frame, const Motion& motion,
                         const HeatFluxOptions& options);

}  // namespace grapevine
