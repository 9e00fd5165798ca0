#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "models/equivariant/activation.hpp"
#include "models/equivariant/gate.hpp"
#include "models/equivariant/irreps.hpp"
#include "models/equivariant/linear.hpp"
#include "models/equivariant/path.hpp"
#include "models/equivariant/radial_basis.hpp"
#include "models/equivariant/radial_weights.hpp"
#include "models/equivariant/rms_norm.hpp"
#include "models/equivariant/zbl.hpp"

namespace grapevine::nequip {

using equivariant::Activation;
using equivariant::Dense;
using equivariant::EquivariantLinear;
using equivariant::Gate;
using equivariant::Irreps;
using equivariant::IrrepsList;
using equivariant::Path;
using equivariant::RadialBasis;
using equivariant::RadialNetwork;
using equivariant::RadialWeights;
using equivariant::RmsNorm;
using equivariant::Zbl;

/// What a self connection depends on besides the features: nothing, the species, or the embedding of the species,
/// over whose channels the maps are summed.
enum class SelfConnectionKind { none, shared, per_species, per_embedding };

/// One interaction block, x -> x'. With the vector d_ji = r_j - r_i of an edge:
///   y_j = neighbour_scale[species of j] mix_input( x_j )
///   m_i[path] = 1/denominator sum_j R_path(r_ij) ( y_j[path.input] (x) Y_l(d_ji) )_path.order
///   x'_i = gate( norm( mix_messages( m_i ) + self_connection( x_i ) ) )
struct Interaction {
  IrrepsList input;                ///< of x
  EquivariantLinear mix_input;     ///< input -> input
  std::vector<Path> paths;         ///<
  RadialNetwork radial;            ///< radial basis -> channels of all paths, in their order
  double denominator = 1;          ///<
  EquivariantLinear mix_messages;  ///< one irreps for each path -> gate.inputs()
  SelfConnectionKind self_connection_kind = SelfConnectionKind::none;
  std::vector<EquivariantLinear> self_connection;  ///< input -> gate.inputs(); as many as the kind says
  std::optional<RmsNorm> norm;                     ///< of gate.inputs(); nothing is normalised without
  Gate gate;

  IrrepsList messages() const;  ///< irreps of m, one for each path
};

/// Every number of a NequIP potential, Batzner et al., Nat. Commun. 13, 2453 (2022), as SevenNet (Park et al., J. Chem.
/// Theory Comput. 20, 4857 (2024)), NequIP's own package and Nequix have it.
///
/// Harmonics are of the edge vector itself, that is r^l times as large, if not `normalised_harmonics`. Where pairs of
/// species have cutoffs of their own, the radial basis and the repulsion of nuclei see r cutoff / pair_cutoff.
struct Parameters {
  std::vector<std::string> species;
  RadialBasis basis;
  std::vector<double> pair_cutoff;  ///< [species of centre][species of neighbour] Angstrom; empty: the basis's for all
  int edge_order = 0;               ///< highest l of the spherical harmonics
  bool odd_harmonics = false;       ///< whether harmonics of odd l count as odd under inversion
  bool normalised_harmonics = true;
  std::vector<double> embedding;        ///< [species][channels of x_0], which has scalars only
  std::vector<double> neighbour_scale;  ///< [species]; empty: 1 for all
  std::vector<Interaction> interactions;
  std::vector<Dense> readout;        ///< scalars of the last x, in their order -> 1 number
  Activation readout_activation;     ///< between the layers of the readout
  std::vector<double> energy_scale;  ///< [species] E_i = scale readout + shift + repulsion of nuclei
  std::vector<double> energy_shift;  ///< [species] eV
  std::optional<Zbl> zbl;

  double cutoff() const { return basis.cutoff; }  ///< Angstrom
  std::size_t count() const;                      ///< numbers in all tensors
};

/// Throws Error, in words that name the part, unless all sizes fit together, all numbers are finite and the cutoffs,
/// the denominators and the orders (at most equivariant::max_order) make sense.
void check(const Parameters& parameters);

/// The self connection of one species in an interaction that has one.
EquivariantLinear self_connection_of(const Parameters& parameters, const Interaction& interaction, std::size_t species);

/// Adds to the gradient by the parameters what that by the self connection of one species in interaction t makes of it.
void add_gradient_of_self_connection_of(const Parameters& parameters, std::size_t t, std::size_t species,
                                        const EquivariantLinear& d_linear, Parameters& gradient);

/// Distances are multiplied by this for the radial functions, [species of centre][species of neighbour]; empty where
/// pairs have no cutoffs of their own.
std::vector<double> distance_stretch(const Parameters& parameters);

/// Weights of the paths of each interaction, the factor r^l of harmonics that are not normalised and 1 / denominator
/// included.
std::vector<RadialWeights> radial_weights(const Parameters& parameters);

}  // namespace grapevine::nequip
