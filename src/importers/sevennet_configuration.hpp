#pragma once

#include <map>
#include <string>
#include <vector>

#include "formats/archives/pickle.hpp"
#include "models/nequip/parameters.hpp"

namespace grapevine {

enum class SelfConnection { linear, per_species };

/// What the configuration inside a SevenNet checkpoint says about the model.
struct SevenNetConfiguration {
  std::string version;
  bool sorted_paths = true;          ///< weights of products are in the order of their outputs, as since version 0.11
  bool newer = false;                ///< than the last version whose meaning is known here
  bool accelerated = false;          ///< trained with another implementation of the products
  int one_hot_species = 0;           ///< length of the one-hot vector of the species
  std::vector<std::string> species;  ///< chemical symbols, in the order of that vector
  std::vector<int> one_hot;          ///< place of each of them in it

  double cutoff = 0;
  equivariant::CutoffKind cutoff_kind = equivariant::CutoffKind::polynomial;
  int cutoff_power = 6;
  double cutoff_onset = 0;
  int basis = 8;
  bool trainable_basis = true;
  int edge_order = 0;
  bool parity = true;
  bool normalised_harmonics = true;

  std::vector<equivariant::IrrepsList> features;  ///< x_0, x_1, ...: one more than interactions
  std::vector<int> radial_hidden;
  equivariant::ActivationKind radial_activation = equivariant::ActivationKind::silu;
  std::map<int, equivariant::ActivationKind> scalar_activation;  ///< by parity
  std::map<int, equivariant::ActivationKind> gate_activation;    ///< by parity
  std::vector<SelfConnection> self_connection;                   ///< of each interaction
  bool bias = false;
  bool network_readout = false;
  std::vector<int> readout_hidden;
  equivariant::ActivationKind readout_activation = equivariant::ActivationKind::relu;

  std::vector<std::string> modalities;  ///< none for an ordinary model
  bool modal_embedding = false;
  bool modal_mix_input = false;
  bool modal_mix_messages = false;
  bool modal_readout = false;

  int interactions() const { return static_cast<int>(features.size()) - 1; }
  /// The orders and parities of harmonics times `input` that SevenNet keeps for interaction t, in its order.
  std::vector<equivariant::Path> paths(int t) const;
};

/// Throws Error, starting with `where`, for a key it does not know unless it concerns training alone, and for values
/// that this program does not support; the message names the key.
SevenNetConfiguration read_sevennet_configuration(const PickleDict& dict, const std::string& where);

}  // namespace grapevine
