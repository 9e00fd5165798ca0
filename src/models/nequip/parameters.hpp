#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace grapevine::nequip {

/// Some channels that turn together: each is 2 order + 1 numbers, which mix under rotation as real spherical harmonics
/// of that order do, and change sign under inversion if the parity is -1.
struct Irreps {
  int channels = 0;
  int order = 0;   ///< l
  int parity = 1;  ///< 1 (even) or -1 (odd)

  int components() const { return 2 * order + 1; }
  bool transforms_like(const Irreps& other) const { return order == other.order && parity == other.parity; }
  bool operator==(const Irreps&) const = default;
};

/// Features of an atom or what becomes of them: irreps one after another.
using IrrepsList = std::vector<Irreps>;

int channels(const IrrepsList& list);  ///< sum of channels
int numbers(const IrrepsList& list);   ///< sum of channels times components

/// "128x0e+64x1e+32x2e", as e3nn writes it.
std::string to_string(const IrrepsList& list);
/// Throws Error, starting with `where`, for anything else than up to 64 irreps with 1 to 4096 channels of order 0 to 9.
IrrepsList parse_irreps(const std::string& text, const std::string& where);

enum class ActivationKind { identity, silu, tanh, relu, abs, sigmoid, elu, shifted_softplus };

/// x -> scale f(x). e3nn scales every activation so that the second moment of its output is one for normal input.
struct Activation {
  ActivationKind kind = ActivationKind::identity;
  double scale = 1;

  double value(double x) const;
  double slope(double x) const;
  bool operator==(const Activation&) const = default;
};

const char* activation_name(ActivationKind kind);  ///< "identity", "silu", "tanh", ...
std::optional<ActivationKind> find_activation(const std::string& name);

/// y[o] = sum_i x[i] weight[i][o] + bias[o]
struct Dense {
  int inputs = 0;
  int outputs = 0;
  std::vector<double> weight;  ///< [inputs][outputs]
  std::vector<double> bias;    ///< [outputs], or empty
};

/// Mixes channels of irreps that transform alike; all weights as they are applied, normalisations included.
struct EquivariantLinear {
  struct Part {
    int input = 0;               ///< place in the list of irreps that enter
    int output = 0;              ///< and in the list of those that leave
    std::vector<double> weight;  ///< [channels of input][channels of output]
  };
  IrrepsList inputs;
  IrrepsList outputs;
  std::vector<Part> parts;   ///< sums into one output are over its parts
  std::vector<double> bias;  ///< [channels of all outputs of order 0 and even parity, in their order], or empty
};

/// One product of a message: neighbour's irreps `input` times the spherical harmonics of `edge_order`, coupled to
/// `order`, each channel with a weight of its own that depends on the length of the edge.
struct Path {
  int input = 0;
  int edge_order = 0;
  int order = 0;
  int parity = 1;

  bool operator==(const Path&) const = default;
};

/// x_(k+1) = act( x_k weight_k ); no activation after the last.
struct RadialNetwork {
  std::vector<Dense> layers;
  Activation activation;
};

/// Scalars pass through an activation; other irreps are multiplied by a scalar each that has passed through another.
/// What enters: scalars, then one gate for every channel of `gated`, then `gated`.
struct Gate {
  IrrepsList scalars;                         ///< of order 0
  std::vector<Activation> scalar_activation;  ///< one for each of `scalars`
  IrrepsList gated;
  std::vector<Activation> gate_activation;  ///< one for each of `gated`
  int gate_parity = 1;                      ///< of the scalars that gate

  IrrepsList inputs() const;   ///< scalars, gates, gated; gates are as many irreps as `gated` has
  IrrepsList outputs() const;  ///< scalars, gated
};

/// One interaction block, x -> x'. With the vector d_ji = r_j - r_i of an edge:
///   y_j = mix_input( x_j )
///   m_i[path] = 1/denominator sum_j R_path(r_ij) ( y_j[path.input] (x) Y_l(d_ji) )_path.order
///   x'_i = gate( mix_messages( m_i ) + self_connection( x_i ) )
/// Products are ( a (x) b )[m3] = sqrt(2 l3 + 1) sum_(m1, m2) W[m1][m2][m3] a[m1] b[m2], with W the real Wigner 3j
/// symbol of clebsch_gordan.hpp.
struct Interaction {
  IrrepsList input;                                ///< of x
  EquivariantLinear mix_input;                     ///< input -> input
  std::vector<Path> paths;                         ///<
  RadialNetwork radial;                            ///< radial basis -> channels of all paths, in their order
  double denominator = 1;                          ///<
  EquivariantLinear mix_messages;                  ///< one irreps for each path -> gate.inputs()
  std::vector<EquivariantLinear> self_connection;  ///< input -> gate.inputs(); none, one, or one for each species
  Gate gate;

  IrrepsList messages() const;  ///< irreps of m, one for each path
};

enum class CutoffKind { polynomial, xplor };

/// Every number of a NequIP potential as SevenNet has it: Batzner et al., Nat. Commun. 13, 2453 (2022); Park et al.,
/// J. Chem. Theory Comput. 20, 4857 (2024).
///
/// Basis functions of an edge of length r: b_n(r) = basis_prefactor sin(frequency_n r) / r times the cutoff function.
/// Spherical harmonics are real, in e3nn's order and axes ((x, y, z) for l = 1), of norm sqrt(2 l + 1) on the unit
/// sphere; of the edge vector itself, that is r^l times as large, if not `normalised_harmonics`.
struct Parameters {
  std::vector<std::string> species;
  double cutoff = 0;           ///< Angstrom
  int edge_order = 0;          ///< highest l of the spherical harmonics
  bool odd_harmonics = false;  ///< whether harmonics of odd l count as odd under inversion
  bool normalised_harmonics = true;
  std::vector<double> frequency;  ///< [basis] 1/Angstrom
  double basis_prefactor = 1;
  CutoffKind cutoff_kind = CutoffKind::polynomial;
  int cutoff_power = 6;           ///< p of the polynomial, Gasteiger et al., arXiv:2003.03123
  double cutoff_onset = 0;        ///< Angstrom, of XPLOR
  std::vector<double> embedding;  ///< [species][channels of x_0], which has scalars only
  std::vector<Interaction> interactions;
  std::vector<Dense> readout;        ///< scalars of the last x, in their order -> 1 number
  Activation readout_activation;     ///< between the layers of the readout
  std::vector<double> energy_scale;  ///< [species] E_i = scale readout + shift
  std::vector<double> energy_shift;  ///< [species] eV

  std::size_t count() const;  ///< numbers in all tensors
};

/// Throws Error, in words that name the part, unless all sizes fit together, all numbers are finite and the cutoff, the
/// denominators and the orders (at most max_order) make sense.
void check(const Parameters& parameters);

inline constexpr int max_order = 3;  ///< of features, harmonics and products

struct CutoffValue {
  double value;
  double slope;  ///< per Angstrom
};
CutoffValue cutoff_function(const Parameters& parameters, double r);

/// What enters the radial networks at distance r, cutoff function included, and its slopes (per Angstrom).
void radial_basis(const Parameters& parameters, double r, std::vector<double>& value, std::vector<double>& slope);

/// The channels' weights of all paths of interaction t at distance r, and their slopes (per Angstrom); the factor r^l
/// of harmonics that are not normalised is in them, 1 / denominator is not.
void radial_weights(const Parameters& parameters, int t, double r, std::vector<double>& value,
                    std::vector<double>& slope);

}  // namespace grapevine::nequip
