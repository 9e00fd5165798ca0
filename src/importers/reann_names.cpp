#include "importers/reann_names.hpp"

#include <fmt/format.h>

namespace grapevine::reann_names {
namespace {

using reann::ActivationKind;

struct KnownActivation {
  ActivationKind kind;
  const char* name;
};
constexpr KnownActivation known_activations[] = {{ActivationKind::relu_like, "Relu_like"},
                                                 {ActivationKind::tanh_like, "Tanh_like"}};

}  // namespace

std::string message(int t) { return fmt::format("density.ocmod.memssage_{}.", t); }

const char* activation(ActivationKind kind) {
  for (const KnownActivation& known : known_activations)
    if (kind == known.kind) return known.name;
  return "";
}

std::optional<ActivationKind> find_activation(const std::string& name) {
  for (const KnownActivation& known : known_activations)
    if (name == known.name) return known.kind;
  return std::nullopt;
}

}  // namespace grapevine::reann_names
