#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace grapevine::reann {

enum class ActivationKind {
  relu_like,  ///< alpha * silu(beta x)
  tanh_like   ///< alpha x / sqrt(1 + (beta x)^2)
};

struct Linear {
  int inputs = 0;
  int outputs = 0;
  std::vector<double> weight;  ///< [outputs][inputs]
  std::vector<double> bias;    ///< [outputs]
};

/// Per-neuron alpha and beta, both of the layer's width.
struct Activation {
  ActivationKind kind = ActivationKind::relu_like;
  std::vector<double> alpha;
  std::vector<double> beta;
};

/// Layer normalisation with eps = 1e-5.
struct LayerNorm {
  std::vector<double> weight;
  std::vector<double> bias;
};

struct ResidualStep {
  Activation activation;
  std::optional<LayerNorm> norm;
  Linear linear;
};

/// x + (the steps applied to x, in order); first input and last output have the same width.
using ResidualBlock = std::vector<ResidualStep>;

/// input -> residual blocks -> activation -> output.
struct Network {
  Linear input;
  std::vector<ResidualBlock> blocks;
  Activation activation;
  Linear output;
};

/// All numbers of a REANN potential: S species, K radial waves, orders 0 .. L, M orbitals, T message layers.
/// Zhang, Xia, Jiang, PRL 127, 156002 (2021); J. Chem. Phys. 156, 114801 (2022).
struct Parameters {
  std::vector<std::string> species;           ///< [S] chemical symbols
  double cutoff = 0;                          ///< Angstrom
  int waves = 0;                              ///< K, nwave in REANN
  int max_order = 0;                          ///< L, nipsin in REANN's input
  int orbitals = 0;                           ///< M, norbit in REANN
  int layers = 0;                             ///< T, oc_loop in REANN
  std::vector<double> radial_exponent;        ///< [S][K] inta, 1/Angstrom^2; R = exp(inta (r - rs)^2), either sign
  std::vector<double> radial_centre;          ///< [S][K] rs, Angstrom
  std::vector<double> initial_coefficient;    ///< [S][K] params: c^(0) of the neighbour's species
  std::vector<double> mixing;                 ///< [T + 1][L + 1][K][M] hyper, repeated for every t where shared
  std::vector<std::vector<Network>> message;  ///< [T][S] networks M -> K
  std::vector<Network> readout;               ///< [S] networks M -> 1, eV
  std::vector<double> energy_shift;           ///< [S] added to each atom's energy, eV

  std::size_t count() const;  ///< trainable numbers
};

/// R_k(r) f_c(r) of wave k of neighbours of one species.
double radial_function(const Parameters& parameters, int species, int k, double r);

/// Waves of an atom, padded to whole packs of eight.
constexpr int padded(int waves) { return (waves + 7) / 8 * 8; }

/// Throws Error, naming the parameter, if a shape does not fit the others or a number is not finite.
void check(const Parameters& parameters);

}  // namespace grapevine::reann
