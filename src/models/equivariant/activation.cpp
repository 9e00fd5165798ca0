#include "models/equivariant/activation.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "support/error.hpp"

namespace grapevine::equivariant {
namespace {

struct ActivationName {
  ActivationKind kind;
  const char* name;
};
constexpr ActivationName activation_names[] = {
    {ActivationKind::identity, "identity"}, {ActivationKind::silu, "silu"},
    {ActivationKind::tanh, "tanh"},         {ActivationKind::relu, "relu"},
    {ActivationKind::abs, "abs"},           {ActivationKind::sigmoid, "sigmoid"},
    {ActivationKind::elu, "elu"},           {ActivationKind::shifted_softplus, "shifted_softplus"},
    {ActivationKind::softplus, "softplus"}, {ActivationKind::mish, "mish"},
    {ActivationKind::gelu, "gelu"}};

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }
double softplus(double x) { return std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x))); }
double normal_integral(double x) { return 0.5 * std::erfc(-x / std::numbers::sqrt2); }
double normal_density(double x) { return std::exp(-0.5 * x * x) / std::sqrt(2 * std::numbers::pi); }

}  // namespace

const char* activation_name(ActivationKind kind) {
  for (const ActivationName& entry : activation_names)
    if (entry.kind == kind) return entry.name;
  return "";
}

std::optional<ActivationKind> find_activation(const std::string& name) {
  for (const ActivationName& entry : activation_names)
    if (name == entry.name) return entry.kind;
  return std::nullopt;
}

double Activation::value(double x) const {
  switch (kind) {
    case ActivationKind::identity: return scale * x;
    case ActivationKind::silu: return scale * x * sigmoid(x);
    case ActivationKind::tanh: return scale * std::tanh(x);
    case ActivationKind::relu: return scale * std::max(x, 0.0);
    case ActivationKind::abs: return scale * std::abs(x);
    case ActivationKind::sigmoid: return scale * sigmoid(x);
    case ActivationKind::elu: return scale * (x > 0 ? x : std::expm1(x));
    case ActivationKind::shifted_softplus: return scale * (softplus(x) - std::log(2.0));
    case ActivationKind::softplus: return scale * softplus(x);
    case ActivationKind::mish: return scale * x * std::tanh(softplus(x));
    case ActivationKind::gelu: return scale * x * normal_integral(x);
  }
  return 0;
}

double Activation::slope(double x) const {
  const double s = sigmoid(x);
  switch (kind) {
    case ActivationKind::identity: return scale;
    case ActivationKind::silu: return scale * s * (1 + x * (1 - s));
    case ActivationKind::tanh: return scale * (1 - std::tanh(x) * std::tanh(x));
    case ActivationKind::relu: return x > 0 ? scale : 0;
    case ActivationKind::abs: return x > 0 ? scale : x < 0 ? -scale : 0;
    case ActivationKind::sigmoid: return scale * s * (1 - s);
    case ActivationKind::elu: return scale * (x > 0 ? 1 : std::exp(x));
    case ActivationKind::shifted_softplus:
    case ActivationKind::softplus: return scale * s;
    case ActivationKind::mish: {
      const double t = std::tanh(softplus(x));
      return scale * (t + x * s * (1 - t * t));
    }
    case ActivationKind::gelu: return scale * (normal_integral(x) + x * normal_density(x));
  }
  return 0;
}

double Activation::curvature(double x) const {
  const double s = sigmoid(x);
  switch (kind) {
    case ActivationKind::identity:
    case ActivationKind::relu:
    case ActivationKind::abs: return 0;
    case ActivationKind::silu: return scale * s * (1 - s) * (2 + x * (1 - 2 * s));
    case ActivationKind::tanh: {
      const double t = std::tanh(x);
      return scale * -2 * t * (1 - t * t);
    }
    case ActivationKind::sigmoid: return scale * s * (1 - s) * (1 - 2 * s);
    case ActivationKind::elu: return x > 0 ? 0 : scale * std::exp(x);
    case ActivationKind::shifted_softplus:
    case ActivationKind::softplus: return scale * s * (1 - s);
    case ActivationKind::mish: {
      const double t = std::tanh(softplus(x));
      return scale * s * (1 - t * t) * (2 + x * (1 - s - 2 * t * s));
    }
    case ActivationKind::gelu: return scale * normal_density(x) * (2 - x * x);
  }
  return 0;
}

void check_activation(const std::string& name, const Activation& activation) {
  if (!std::isfinite(activation.scale)) throw Error(name + ": the scale of an activation is not finite");
}

}  // namespace grapevine::equivariant
