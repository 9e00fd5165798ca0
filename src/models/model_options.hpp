#pragma once

#include <string>
#include <vector>

namespace grapevine {

/// Sizes of a potential that is to be trained. Each architecture reads those that it has (TrainableArchitecture::has)
/// and has defaults of its own; those here are REANN's, and for what it has not, the usual.
struct ModelOptions {
  std::string architecture = "reann";  ///< as model files name it
  std::vector<std::string> species;    ///< empty: those of the data, by atomic number
  double cutoff = 5;                   ///< Angstrom
  int layers = 1;                      ///< T
  int waves = 8;                       ///< K
  int max_order = 2;                   ///< L; of MACE and NequIP that of the features
  int orbitals = 0;                    ///< M; 0: K (K + 1) / 2 (L + 1), REANN's default
  std::vector<int> message_widths = {16, 16};
  std::vector<int> readout_widths = {32, 32};
  int message_blocks = 1;
  int readout_blocks = 1;
  std::string activation = "relu_like";  ///< or tanh_like
  bool layer_norm = true;
  bool shared_mixing = false;        ///< one `hyper` for all layers, as in REANN; otherwise one each, as in REANN-MPI
  std::vector<int> channels = {32};  ///< of features, of all orders alike or one number for each order
  int edge_order = 3;                ///< l_max of the harmonics of edges
  int correlation = 3;               ///< nu, factors of a product
  int interactions = 2;
  int radial_functions = 8;
  bool trained_basis = false;  ///< the roots of the radial functions are trained
  std::vector<int> radial_widths = {32, 32};
  std::string parity = "natural";  ///< of features: natural (0e, 1o, 2e, ...), both, or ignored (all even)

  bool operator==(const ModelOptions&) const = default;
};

}  // namespace grapevine
