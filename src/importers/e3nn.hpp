#pragma once

#include <string>
#include <vector>

#include "models/equivariant/activation.hpp"
#include "models/equivariant/irreps.hpp"
#include "models/equivariant/linear.hpp"

/// Conventions of the library e3nn, on which SevenNet is built: orders of irreps and of weights, normalisations.
namespace grapevine::e3nn {

/// Irreps as an e3nn module has them, and where in them the irreps of a Grapevine list are.
struct Layout {
  struct Place {
    int index = 0;    ///< in `irreps`
    int channel = 0;  ///< the first
  };
  equivariant::IrrepsList pieces;  ///< the Grapevine list
  equivariant::IrrepsList irreps;  ///< e3nn's
  std::vector<Place> places;       ///< one for each of `pieces`
};

/// The same list on both sides.
Layout as_written(const equivariant::IrrepsList& list);
/// e3nn's side sorted by order, then parity (odd first), and merged: Irreps.sort and Irreps.simplify.
Layout regrouped(const equivariant::IrrepsList& list);

/// Adjacent irreps that transform alike become one: Irreps.simplify.
equivariant::IrrepsList simplified(const equivariant::IrrepsList& list);

/// Order in which e3nn's Irreps.sort puts these irreps; equal ones keep theirs.
std::vector<int> sorted_order(const equivariant::IrrepsList& list);

/// Weights of an e3nn.o3.Linear from one layout to another, with scalars appended to its input that are one-hot.
class Linear {
 public:
  Linear(const Layout& inputs, const Layout& outputs, int one_hot_inputs = 0)
      : inputs_(inputs), outputs_(outputs), one_hot_inputs_(one_hot_inputs) {}

  std::size_t weights() const;  ///< how many numbers e3nn stores
  std::size_t biases() const;

  /// The map as it is applied; its bias is that of e3nn (if not empty) and of the one-hot input that is 1 (if any).
  equivariant::EquivariantLinear unpack(const std::vector<double>& weight, const std::vector<double>& bias,
                                        int one_hot = -1) const;

  /// What unpack() makes the map and its bias of, without one-hot inputs; what the map has no parts for is zero.
  std::vector<double> pack(const equivariant::EquivariantLinear& map) const;
  std::vector<double> pack_bias(const equivariant::EquivariantLinear& map) const;

 private:
  const Layout& inputs_;
  const Layout& outputs_;
  int one_hot_inputs_;
};

/// Weights of an e3nn.o3.FullyConnectedTensorProduct of features with a one-hot vector of `species` numbers.
class SpeciesLinear {
 public:
  SpeciesLinear(const Layout& inputs, const Layout& outputs, int species)
      : inputs_(inputs), outputs_(outputs), species_(species) {}

  std::size_t weights() const;
  equivariant::EquivariantLinear unpack(const std::vector<double>& weight, int species) const;
  /// The way back, of the maps of all species; all zero if there are none.
  std::vector<double> pack(const std::vector<equivariant::EquivariantLinear>& maps) const;

 private:
  const Layout& inputs_;
  const Layout& outputs_;
  int species_;
};

/// Factor that brings the second moment of an activation to one for normal input, as e3nn's normalize2mom samples it.
equivariant::Activation normalised_activation(equivariant::ActivationKind kind);

/// e3nn's wigner_3j(l1, l2, l3), [2 l1 + 1][2 l2 + 1][2 l3 + 1]; the orders couple and are at most
/// equivariant::max_order.
std::vector<double> wigner_3j(int l1, int l2, int l3);

}  // namespace grapevine::e3nn
