// Angular components of edges and their gradients, with eight waves in the lanes.
#if defined(GRAPEVINE_REANN_SHELLS_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef GRAPEVINE_REANN_SHELLS_INL
#undef GRAPEVINE_REANN_SHELLS_INL
#else
#define GRAPEVINE_REANN_SHELLS_INL
#endif

#include <algorithm>
#include <utility>

#include "models/reann/angular.hpp"
#include "simd/jet-inl.hpp"

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

inline constexpr int any_order = -1;

/// Components of orders 0 .. `order`, known to the compiler: sums over them stay in registers as long as there are
/// enough. Products of components are nested, so that each costs one multiplication, or none.
template <class Real, int order>
class Shells {
  using W = Waves<Real>;
  static constexpr int inner = AngularBasis::first(order);  // components below the highest order

 public:
  static constexpr int fixed_size = AngularBasis::size_of_order(order);

  explicit Shells(const AngularBasis& /*basis*/) {}
  HWY_INLINE int size() const { return fixed_size; }

  HWY_INLINE void clear(W* sums) const { clear(sums, all()); }
  /// Rows of waves, `stride` numbers from one component to the next.
  HWY_INLINE void read(const Real* rows, int stride, W* values) const { read(rows, stride, values, all()); }
  HWY_INLINE void write(const W* values, Real* rows, int stride) const { write(values, rows, stride, all()); }

  /// sums[p] += w A_p(d)
  HWY_INLINE void add(const W& w, Real dx, Real dy, Real dz, W* sums) const {
    const Point d(dx, dy, dz);
    W product[std::max(inner, 1)];
    product[0] = w;
    sums[0] = sums[0] + w;
    add(d, product, sums, above<0>());
  }

  /// sum_p D_p A_p(d)
  HWY_INLINE W value(const W* D, Real dx, Real dy, Real dz) const {
    const Point d(dx, dy, dz);
    W nested[fixed_size];
    nest(D, d, nested, above<0>());
    return nested[0];
  }

  HWY_INLINE Contraction<Real> contract(const W* D, Real dx, Real dy, Real dz) const {
    const Point d(dx, dy, dz);
    W nested[std::max(fixed_size, 4)];
    nest(D, d, nested, above<0>());
    const W value = nested[0];
    if constexpr (order == 0) {
      const W none = zero<W>();
      return {value, none, none, none};
    } else {
      differentiate(d, nested, above<1>());
      return {value, nested[1], nested[2], nested[3]};
    }
  }

 private:
  template <int... p>
  using Indices = std::integer_sequence<int, p...>;

  static constexpr auto all() { return std::make_integer_sequence<int, fixed_size>(); }
  /// As many as there are components of orders higher than `low`.
  template <int low>
  static constexpr auto above() {
    return std::make_integer_sequence<int, std::max(0, fixed_size - AngularBasis::size_of_order(low))>();
  }

  static constexpr const AngularComponent& component(int p) { return AngularBasis::component(p); }

  struct Point {
    W axis[3];

    HWY_INLINE Point(Real dx, Real dy, Real dz) : axis{broadcast<W>(dx), broadcast<W>(dy), broadcast<W>(dz)} {}
  };

  template <int... p>
  static HWY_INLINE void clear(W* sums, Indices<p...> /*all*/) {
    ((sums[p] = zero<W>()), ...);
  }
  template <int... p>
  static HWY_INLINE void read(const Real* rows, int stride, W* values, Indices<p...> /*all*/) {
    ((values[p] = load<W>(rows + static_cast<std::ptrdiff_t>(p) * stride)), ...);
  }
  template <int... p>
  static HWY_INLINE void write(const W* values, Real* rows, int stride, Indices<p...> /*all*/) {
    (store(values[p], rows + static_cast<std::ptrdiff_t>(p) * stride), ...);
  }

  template <int... p>
  static HWY_INLINE void add(const Point& d, W* product, W* sums, Indices<p...> /*above 0*/) {
    (add_component<p + 1>(d, product, sums), ...);
  }
  template <int p>
  static HWY_INLINE void add_component(const Point& d, W* product, W* sums) {
    constexpr AngularComponent c = component(p);
    if constexpr (p < inner) {
      product[p] = product[c.parent] * d.axis[c.axis];
      sums[p] = sums[p] + product[p];
    } else {
      sums[p] = mul_add(product[c.parent], d.axis[c.axis], sums[p]);
    }
  }

  /// nested[p] = sum of D_c A_c / A_p over p and all that descends from it.
  template <int... p>
  static HWY_INLINE void nest(const W* D, const Point& d, W* nested, Indices<p...> /*above 0*/) {
    nested[0] = D[0];
    ((nested[p + 1] = D[p + 1]), ...);
    (nest_component<fixed_size - 1 - p>(d, nested), ...);
  }
  template <int p>
  static HWY_INLINE void nest_component(const Point& d, W* nested) {
    constexpr AngularComponent c = component(p);
    nested[c.parent] = mul_add(nested[p], d.axis[c.axis], nested[c.parent]);
  }

  /// The derivative by an axis is the sum of nested[c] A_parent(c) over all c reached along this axis. It is nested
  /// again, in nested[1 .. 3]: the last but one factor of a product goes first.
  template <int... p>
  static HWY_INLINE void differentiate(const Point& d, W* nested, Indices<p...> /*above 1*/) {
    (differentiate_component<fixed_size - 1 - p>(d, nested), ...);
  }
  template <int p>
  static HWY_INLINE void differentiate_component(const Point& d, W* nested) {
    constexpr int axis = component(component(p).parent).axis;
    constexpr int lower = AngularBasis::lower(p, axis);
    nested[lower] = mul_add(nested[p], d.axis[axis], nested[lower]);
  }
};

/// Any order.
template <class Real>
class Shells<Real, any_order> {
  using W = Waves<Real>;

 public:
  static constexpr int fixed_size = AngularBasis::size_of_order(AngularBasis::highest_order);

  explicit Shells(const AngularBasis& basis) : basis_(&basis) {}
  HWY_INLINE int size() const { return basis_->size(); }

  HWY_INLINE void clear(W* sums) const {
    for (int p = 0; p < size(); ++p) sums[p] = zero<W>();
  }
  HWY_INLINE void read(const Real* rows, int stride, W* values) const {
    for (int p = 0; p < size(); ++p) values[p] = load<W>(rows + static_cast<std::ptrdiff_t>(p) * stride);
  }
  HWY_INLINE void write(const W* values, Real* rows, int stride) const {
    for (int p = 0; p < size(); ++p) store(values[p], rows + static_cast<std::ptrdiff_t>(p) * stride);
  }

  HWY_INLINE void add(const W& w, Real dx, Real dy, Real dz, W* sums) const {
    Real component[fixed_size];
    const Real d[3] = {dx, dy, dz};
    basis_->evaluate(d, component);
    for (int p = 0; p < size(); ++p) sums[p] = mul_add(broadcast<W>(component[p]), w, sums[p]);
  }

  HWY_INLINE W value(const W* D, Real dx, Real dy, Real dz) const {
    Real component[fixed_size];
    const Real d[3] = {dx, dy, dz};
    basis_->evaluate(d, component);
    W sum = D[0];
    for (int p = 1; p < size(); ++p) sum = mul_add(broadcast<W>(component[p]), D[p], sum);
    return sum;
  }

  HWY_INLINE Contraction<Real> contract(const W* D, Real dx, Real dy, Real dz) const {
    Real component[fixed_size];
    const Real d[3] = {dx, dy, dz};
    basis_->evaluate(d, component);
    W value = D[0];
    W gradient[3] = {zero<W>(), zero<W>(), zero<W>()};
    for (int p = 1; p < size(); ++p) {
      value = mul_add(broadcast<W>(component[p]), D[p], value);
      for (int axis = 0; axis < 3; ++axis) {
        const int power = basis_->power(p, axis);
        if (power == 0) continue;
        const Real slope = static_cast<Real>(power) * component[basis_->lower(p, axis)];
        gradient[axis] = mul_add(broadcast<W>(slope), D[p], gradient[axis]);
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
