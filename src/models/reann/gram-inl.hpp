// Gram matrices of densities, with atoms in the lanes.
#if defined(GRAPEVINE_REANN_GRAM_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef GRAPEVINE_REANN_GRAM_INL
#undef GRAPEVINE_REANN_GRAM_INL
#else
#define GRAPEVINE_REANN_GRAM_INL
#endif

#include <utility>

#include "models/reann/angular.hpp"
#include "models/reann/network-inl.hpp"
#include "models/reann/shells-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace grapevine::reann::HWY_NAMESPACE {

/// Distinct entries of the Gram matrices of all orders.
constexpr int gram_size(int waves, int max_order) { return (max_order + 1) * waves * (waves + 1) / 2; }

/// G_l[k][q] = sum_{p of order l} multiplicity_p b[p][k] b[p][q], k <= q, for `waves` waves in rows of `stride`.
/// `fixed_stride` and `fixed_order` are known to the compiler; 0 and any_order stand for any.
///
/// All components of an order are in registers at once: one register of atoms of each, whatever the width of a row.
template <class Real, int fixed_stride, int fixed_order>
class GramKernel {
 public:
  GramKernel(const AngularBasis& basis, int waves, int stride)
      : max_order_(basis.max_order()), waves_(waves), stride_(stride) {}

  /// density [components][stride][lanes] -> gram [gram_size][lanes]
  HWY_NOINLINE void forward(const Real* HWY_RESTRICT density, Real* HWY_RESTRICT gram) const {
    for (int lane = 0; lane < n; lane += R::lanes) forward_orders(density + lane, gram + lane, orders());
  }

  /// d_density[p][k] = multiplicity_p sum_q (1 + delta_kq) d_gram[l(p)][kq] density[p][q]
  HWY_NOINLINE void backward(const Real* HWY_RESTRICT density, const Real* HWY_RESTRICT d_gram,
                             Real* HWY_RESTRICT d_density) const {
    for (int lane = 0; lane < n; lane += R::lanes)
      backward_orders(density + lane, d_gram + lane, d_density + lane, orders());
  }

 private:
  using R = Pack<Real, Row<Real>::vector_lanes>;
  using C = Pack<Constant<Real>, R::lanes>;
  static constexpr int n = lanes<Real>;

  template <int l>
  static constexpr int components = AngularBasis::first(l + 1) - AngularBasis::first(l);

  HWY_INLINE int stride() const { return fixed_stride > 0 ? fixed_stride : stride_; }
  HWY_INLINE int max_order() const { return fixed_order != any_order ? fixed_order : max_order_; }
  HWY_INLINE int entries_per_order() const { return gram_size(waves_, 0); }

  static constexpr auto orders() {
    return std::make_integer_sequence<int,
                                      1 + (fixed_order != any_order ? fixed_order : AngularBasis::highest_order)>();
  }
  template <int... l>
  HWY_INLINE void forward_orders(const Real* density, Real* gram, std::integer_sequence<int, l...> /*orders*/) const {
    ((l <= max_order() ? forward_order<l>(density, gram) : void()), ...);
  }
  template <int... l>
  HWY_INLINE void backward_orders(const Real* density, const Real* d_gram, Real* d_density,
                                  std::integer_sequence<int, l...> /*orders*/) const {
    ((l <= max_order() ? backward_order<l>(density, d_gram, d_density) : void()), ...);
  }

  template <int l>
  static HWY_INLINE C multiplicity(int i) {
    return broadcast<C>(static_cast<Constant<Real>>(AngularBasis::multiplicity(AngularBasis::first(l) + i)));
  }
  template <int l, class Number>
  HWY_INLINE Number* order_rows(Number* density) const {
    return density + static_cast<std::ptrdiff_t>(AngularBasis::first(l) * stride()) * n;
  }

  template <int l>
  HWY_INLINE void forward_order(const Real* HWY_RESTRICT density, Real* HWY_RESTRICT gram) const {
    const std::ptrdiff_t row = static_cast<std::ptrdiff_t>(stride()) * n;
    const Real* HWY_RESTRICT first = order_rows<l>(density);
    Real* HWY_RESTRICT to = gram + static_cast<std::ptrdiff_t>(l * entries_per_order()) * n;
    for (int k = 0; k < waves_; ++k) {
      R b[components<l>];
      for (int i = 0; i < components<l>; ++i) b[i] = multiplicity<l>(i) * load<R>(first + i * row + k * n);
      for (int q = k; q < waves_; ++q, to += n) {
        const Real* HWY_RESTRICT other = first + q * n;
        R sum[2] = {b[0] * load<R>(other), zero<R>()};
        for (int i = 1; i < components<l>; ++i) sum[i % 2] = mul_add(b[i], load<R>(other + i * row), sum[i % 2]);
        store(sum[0] + sum[1], to);
      }
    }
  }

  template <int l>
  HWY_INLINE void backward_order(const Real* HWY_RESTRICT density, const Real* HWY_RESTRICT d_gram,
                                 Real* HWY_RESTRICT d_density) const {
    const std::ptrdiff_t row = static_cast<std::ptrdiff_t>(stride()) * n;
    const Real* HWY_RESTRICT first = order_rows<l>(density);
    Real* HWY_RESTRICT to = order_rows<l>(d_density);
    const Real* HWY_RESTRICT order_gram = d_gram + static_cast<std::ptrdiff_t>(l * entries_per_order()) * n;
    for (int k = 0; k < waves_; ++k) {
      R sum[components<l>];
      for (int i = 0; i < components<l>; ++i) sum[i] = zero<R>();
      const auto add = [&](const R& gradient, int q) HWY_ATTR {
        for (int i = 0; i < components<l>; ++i) sum[i] = mul_add(gradient, load<R>(first + i * row + q * n), sum[i]);
      };
      const Real* HWY_RESTRICT entry = order_gram + k * n;
      for (int q = 0; q < k; entry += (waves_ - q - 1) * n, ++q) add(load<R>(entry), q);
      const R diagonal = load<R>(entry);
      add(diagonal + diagonal, k);
      for (int q = k + 1; q < waves_; ++q) add(load<R>(entry + (q - k) * n), q);
      for (int i = 0; i < components<l>; ++i) store(multiplicity<l>(i) * sum[i], to + i * row + k * n);
    }
    for (int k = waves_; k < stride(); ++k)
      for (int i = 0; i < components<l>; ++i) store(zero<R>(), to + i * row + k * n);
  }

  int max_order_;
  int waves_;
  int stride_;
};

}  // namespace grapevine::reann::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
