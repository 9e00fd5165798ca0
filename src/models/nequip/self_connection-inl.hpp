// Self connections of all species.
#if defined(GRAPEVINE_NEQUIP_SELF_CONNECTION_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef GRAPEVINE_NEQUIP_SELF_CONNECTION_INL
#undef GRAPEVINE_NEQUIP_SELF_CONNECTION_INL
#else
#define GRAPEVINE_NEQUIP_SELF_CONNECTION_INL
#endif

#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "models/equivariant/linear-inl.hpp"
#include "models/nequip/parameters.hpp"

HWY_BEFORE_NAMESPACE();
namespace grapevine::nequip::HWY_NAMESPACE {

using namespace equivariant::HWY_NAMESPACE;

/// The self connections of one interaction, each made when a block of its species first asks for it: of a model for 89
/// elements a system has a few.
template <class Real>
class SelfConnectionKernel {
 public:
  SelfConnectionKernel(std::shared_ptr<const Parameters> parameters, std::size_t t)
      : parameters_(std::move(parameters)),
        t_(t),
        maps_(interaction().self_connection_kind == SelfConnectionKind::shared ? 1 : parameters_->species.size()) {}

  /// Any thread may ask.
  const LinearKernel<Real>& of(int species) const {
    Map& map = maps_[maps_.size() == 1 ? 0 : static_cast<std::size_t>(species)];
    std::call_once(map.made, [&] {
      map.kernel.emplace(self_connection_of(*parameters_, interaction(), static_cast<std::size_t>(species)));
    });
    return *map.kernel;
  }

 private:
  struct Map {
    std::once_flag made;
    std::optional<LinearKernel<Real>> kernel;
  };

  const Interaction& interaction() const { return parameters_->interactions[t_]; }

  std::shared_ptr<const Parameters> parameters_;
  std::size_t t_;
  mutable std::vector<Map> maps_;
};

}  // namespace grapevine::nequip::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
