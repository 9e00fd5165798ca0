#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "models/equivariant/activation.hpp"
#include "models/equivariant/irreps.hpp"
#include "models/equivariant/linear.hpp"
#include "models/equivariant/path.hpp"
#include "models/equivariant/radial_basis.hpp"
#include "models/equivariant/radial_weights.hpp"
#include "models/equivariant/zbl.hpp"

namespace grapevine::mace {

using equivariant::Activation;
using equivariant::Dense;
using equivariant::EquivariantLinear;
using equivariant::Irreps;
using equivariant::IrrepsList;
using equivariant::Path;
using equivariant::RadialBasis;
using equivariant::RadialNetwork;
using equivariant::RadialWeights;
using equivariant::Zbl;

inline constexpr int max_degree = 3;  ///< nu, the factors of a product

/// Products of the components of one atom's message A, channel by channel, that make irreps of one order, Batatia et
/// al., NeurIPS 2022 (MACE), equations 10 and 11:
///   B[m][channel] = sum over terms with this m of value weight[species][path][channel] prod_f A[f][channel]
/// A has components l^2 .. l^2 + 2 l for each order l of the message.
struct Contraction {
  struct Term {
    int component = 0;                      ///< m of the output, from 0 to 2 order
    int path = 0;                           ///< whose weight it has
    std::array<int, max_degree> factors{};  ///< components of A, ascending; unused ones are -1 and stand first
    double value = 0;

    bool operator==(const Term&) const = default;
  };
  int order = 0;  ///< L of the output
  int paths = 0;
  std::vector<Term> terms;     ///< sorted by component, factors and path, no two alike
  std::vector<double> weight;  ///< [species][paths][channels]
};

/// One interaction, x -> x'. With the vector d_ji = r_j - r_i of an edge:
///   y_j = mix_input( x_j )
///   m_i[path] = sum_j R_path(r_ij) ( y_j[path.input] (x) Y_l(d_ji) )_path.order / denominator
///   n_i = 1 + sum_j tanh( (density . basis(r_ij))^2 ), or 1 if there is no density
///   A_i = mix_by_species( mix_messages( m_i ) ) / n_i
///   x'_i = mix_product( contractions( A_i ) ) + self_connection( x_i )
struct Interaction {
  IrrepsList input;                                ///< of x
  EquivariantLinear mix_input;                     ///< input -> what the paths take
  std::vector<Path> paths;                         ///<
  RadialNetwork radial;                            ///< radial basis -> channels of all paths, in their order
  double denominator = 1;                          ///<
  std::vector<double> density;                     ///< [radial functions], or empty
  IrrepsList message;                              ///< of A: orders 0, 1, ..., of natural parity, as many channels each
  EquivariantLinear mix_messages;                  ///< one irreps for each path -> message
  std::vector<EquivariantLinear> mix_by_species;   ///< [species] message -> message, or empty: unchanged
  IrrepsList output;                               ///< of x', as many channels each as `message` has
  std::vector<Contraction> contractions;           ///< one for each of `output`
  EquivariantLinear mix_product;                   ///< output -> output
  std::vector<EquivariantLinear> self_connection;  ///< [species] input -> output, or empty: none

  const IrrepsList& edge_input() const { return mix_input.outputs; }
  IrrepsList messages() const;  ///< irreps of m, one for each path
};

/// Every number of a MACE potential, Batatia et al., NeurIPS 2022, as the Python package mace-torch has it, one head:
///   E_i = energy_scale sum_t readout_t( x_(t+1) ) + energy_shift + repulsion of nuclei
/// Readouts are linear in the even scalars but for the last, which may be a network.
///
/// Where the basis has a transform, its length r_0 is that of the pair of species.
struct Parameters {
  std::vector<std::string> species;
  RadialBasis basis;                ///< the transform's length in it means nothing
  std::vector<double> pair_length;  ///< [species][species] Angstrom, symmetric, r_0 of the transform; empty without
  int edge_order = 0;               ///< highest l of the spherical harmonics, of natural parity
  std::vector<double> embedding;    ///< [species][channels of x_0], which has scalars only
  std::vector<Interaction> interactions;
  std::vector<std::vector<double>> readouts;  ///< [interactions - 1][even scalars of x'], or empty: that one has none
  std::vector<Dense> last_readout;            ///< even scalars of the last x' -> 1 number
  Activation readout_activation;              ///< between the layers of the last readout
  double energy_scale = 1;
  std::vector<double> energy_shift;  ///< [species] eV
  std::optional<Zbl> zbl;
  std::vector<double> zbl_cutoff;  ///< [species][species] Angstrom, at most the cutoff is used; empty without zbl

  double cutoff() const { return basis.cutoff; }  ///< Angstrom
  std::size_t count() const;                      ///< numbers in all tensors, terms of products left out
};

/// Throws Error, in words that name the part, unless all sizes fit together, all numbers are finite and the cutoffs,
/// the denominators and the orders (at most equivariant::max_order; of messages and harmonics at most 3) make sense.
void check(const Parameters& parameters);

/// Weights of the paths of interaction t for a pair of species, 1 / denominator included.
RadialWeights radial_weights(const Parameters& parameters, std::size_t t, std::size_t centre, std::size_t neighbour);

}  // namespace grapevine::mace
