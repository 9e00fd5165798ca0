#pragma once

#include <optional>
#include <string>

namespace grapevine::equivariant {

enum class ActivationKind { identity, silu, tanh, relu, abs, sigmoid, elu, shifted_softplus, softplus, mish, gelu };

/// x -> scale f(x). e3nn scales every activation so that the second moment of its output is one for normal input.
struct Activation {
  ActivationKind kind = ActivationKind::identity;
  double scale = 1;

  double value(double x) const;
  double slope(double x) const;
  double curvature(double x) const;
  bool operator==(const Activation&) const = default;
};

const char* activation_name(ActivationKind kind);  ///< "identity", "silu", "tanh", ...
std::optional<ActivationKind> find_activation(const std::string& name);

/// Throws Error, starting with `name`, if the scale is not finite.
void check_activation(const std::string& name, const Activation& activation);

}  // namespace grapevine::equivariant
