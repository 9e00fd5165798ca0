#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "importers/tensor_table.hpp"
#include "models/nequip/parameters.hpp"

namespace grapevine {

constexpr int max_nequip_layers = 64;

/// Functions of the gate of a layer, by the parity of the scalars they act on.
struct NequipActivations {
  equivariant::ActivationKind even = equivariant::ActivationKind::silu;
  equivariant::ActivationKind odd = equivariant::ActivationKind::tanh;

  equivariant::ActivationKind of(int parity) const { return parity > 0 ? even : odd; }
};

/// A ConvNetLayer, all of it that its tensors do not say.
struct NequipLayer {
  equivariant::IrrepsList features;  ///< wanted; those that no product reaches are left out
  NequipActivations scalars;
  NequipActivations gates;
  bool adds_input = false;  ///< convnet_resnet, which takes effect where a layer gives the irreps that it takes
};

/// A model of the Python package nequip, from a checkpoint or a package of it: what its tensors do not say, and its
/// tensors by the names they have in the model, e.g. "layer0_convnet.conv.linear_1.weight".
struct NequipNetwork {
  std::string version;  ///< of nequip that wrote it
  std::vector<std::string> types;
  double cutoff = 0;  ///< Angstrom
  int cutoff_power = 6;
  equivariant::IrrepsList harmonics;
  std::vector<double> neighbour_scale;  ///< 1/sqrt of the average neighbours: of all types or of each
  std::vector<NequipLayer> layers;
  equivariant::ActivationKind readout_activation = equivariant::ActivationKind::silu;
  bool readout_gain = true;            ///< whether weights behind its activation are scaled by sqrt 2
  std::optional<int> repulsion_power;  ///< p of the cutoff of ZBL, if there is one
  TensorTable tensors;

  explicit NequipNetwork(TensorTable all) : tensors(std::move(all)) {}
};

struct NequipImport {
  nequip::Parameters parameters;
  std::string origin;              ///< version, for the provenance
  std::vector<std::string> notes;  ///< one line each, for the user
};

/// The model with e3nn's and nequip's constants folded into its weights. Throws Error, naming the file, for what is not
/// supported and for tensors that do not fit together.
NequipImport import_network(NequipNetwork network);

/// A function by the name that nequip has for it, "None" included; nothing if it is not known.
std::optional<equivariant::ActivationKind> find_nequip_activation(const std::string& name);

inline constexpr const char* repackage_advice =
    "load it with nequip 0.13 or newer and package it again (nequip-package)";

}  // namespace grapevine
