// Angular components of edges and their gradients, with eight waves in the lanes.
#if defined(GRAPEVINE_REANN_SHELLS_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef GRAPEVINE_REANN_SHELLS_INL
#undef GRAPEVINE_REANN_SHELLS_INL
#else
#define GRAPEVINE_REANN_SHELLS_INL
#endif

#include <vector>

#include "models/reann/angular.hpp"
#include "simd/dual-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace grapevine::reann::HWY_NAMESPACE {

using namespace simd::HWY_NAMESPACE;  // NOLINT(google-build-using-namespace): the kernels' vocabulary
using simd::Dual;

template <class Real>
using Waves = Pack<Real, 8>;

/// sum_p D_p A_p(d) and its gradient by d.
template <class Real>
struct Contraction {
  Waves<Real> value, x, y, z;
};

/// Orders 0, 1, 2; components 1; x y z; xx xy xz yy yz zz.
template <class Real>
class SecondOrderShells {
 public:
  static constexpr int fixed_order = 2;
  static constexpr int fixed_size = 10;
  using Sums = Waves<Real>[fixed_size];

  explicit SecondOrderShells(const AngularBasis& /*basis*/) {}
  HWY_INLINE int size() const { return fixed_size; }

  /// sums[p] += w A_p(d)
  HWY_INLINE void add(const Waves<Real>& w, Real dx, Real dy, Real dz, Waves<Real>* sums) const {
    const auto x = broadcast<Waves<Real>>(dx);
    const auto y = broadcast<Waves<Real>>(dy);
    const auto z = broadcast<Waves<Real>>(dz);
    const auto wx = w * x;
    const auto wy = w * y;
    const auto wz = w * z;
    sums[0] = sums[0] + w;
    sums[1] = sums[1] + wx;
    sums[2] = sums[2] + wy;
    sums[3] = sums[3] + wz;
    sums[4] = mul_add(wx, x, sums[4]);
    sums[5] = mul_add(wx, y, sums[5]);
    sums[6] = mul_add(wx, z, sums[6]);
    sums[7] = mul_add(wy, y, sums[7]);
    sums[8] = mul_add(wy, z, sums[8]);
    sums[9] = mul_add(wz, z, sums[9]);
  }

  /// sum_p D_p A_p(d)
  HWY_INLINE Waves<Real> value(const Waves<Real>* D, Real dx, Real dy, Real dz) const {
    const Point d(dx, dy, dz);
    return value_of(D, d, nested(D, d));
  }

  HWY_INLINE Contraction<Real> contract(const Waves<Real>* D, Real dx, Real dy, Real dz) const {
    const Point d(dx, dy, dz);
    const Point h = nested(D, d);
    return {value_of(D, d, h), mul_add(D[4], d.x, h.x), mul_add(D[5], d.x, mul_add(D[7], d.y, h.y)),
            mul_add(D[6], d.x, mul_add(D[8], d.y, mul_add(D[9], d.z, h.z)))};
  }

 private:
  struct Point {
    Waves<Real> x, y, z;

    HWY_INLINE Point(Real dx, Real dy, Real dz)
        : x(broadcast<Waves<Real>>(dx)), y(broadcast<Waves<Real>>(dy)), z(broadcast<Waves<Real>>(dz)) {}
    HWY_INLINE Point(const Waves<Real>& px, const Waves<Real>& py, const Waves<Real>& pz) : x(px), y(py), z(pz) {}
  };

  /// h with sum_p D_p A_p = D_0 + h . d
  static HWY_INLINE Point nested(const Waves<Real>* D, const Point& d) {
    return {mul_add(D[4], d.x, mul_add(D[5], d.y, mul_add(D[6], d.z, D[1]))),
            mul_add(D[7], d.y, mul_add(D[8], d.z, D[2])), mul_add(D[9], d.z, D[3])};
  }

  static HWY_INLINE Waves<Real> value_of(const Waves<Real>* D, const Point& d, const Point& h) {
    return mul_add(h.x, d.x, mul_add(h.y, d.y, mul_add(h.z, d.z, D[0])));
  }
};

/// Any order.
template <class Real>
class AnyOrderShells {
 public:
  static constexpr int fixed_order = -1;
  static constexpr int fixed_size = AngularBasis::size_of_order(AngularBasis::highest_order);

  explicit AnyOrderShells(const AngularBasis& basis) : basis_(&basis) {}
  HWY_INLINE int size() const { return basis_->size(); }

  HWY_INLINE void add(const Waves<Real>& w, Real dx, Real dy, Real dz, Waves<Real>* sums) const {
    Real component[fixed_size];
    const Real d[3] = {dx, dy, dz};
    basis_->evaluate(d, component);
    for (int p = 0; p < size(); ++p) sums[p] = mul_add(broadcast<Waves<Real>>(component[p]), w, sums[p]);
  }

  HWY_INLINE Waves<Real> value(const Waves<Real>* D, Real dx, Real dy, Real dz) const {
    Real component[fixed_size];
    const Real d[3] = {dx, dy, dz};
    basis_->evaluate(d, component);
    Waves<Real> sum = D[0];
    for (int p = 1; p < size(); ++p) sum = mul_add(broadcast<Waves<Real>>(component[p]), D[p], sum);
    return sum;
  }

  HWY_INLINE Contraction<Real> contract(const Waves<Real>* D, Real dx, Real dy, Real dz) const {
    Real component[fixed_size];
    const Real d[3] = {dx, dy, dz};
    basis_->evaluate(d, component);
    Waves<Real> value = D[0];
    Waves<Real> gradient[3] = {zero<Waves<Real>>(), zero<Waves<Real>>(), zero<Waves<Real>>()};
    for (int p = 1; p < size(); ++p) {
      value = mul_add(broadcast<Waves<Real>>(component[p]), D[p], value);
      for (int axis = 0; axis < 3; ++axis) {
        const int power = basis_->power(p, axis);
        if (power == 0) continue;
        const Real slope = static_cast<Real>(power) * component[basis_->lower(p, axis)];
        gradient[axis] = mul_add(broadcast<Waves<Real>>(slope), D[p], gradient[axis]);
      }
    }
    return {value, gradient[0], gradient[1], gradient[2]};
  }

 private:
  const AngularBasis* basis_;
};

}  // namespace grapevine::reann::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
