// Gram matrices of densities, with atoms in the lanes.
#if defined(GRAPEVINE_REANN_GRAM_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef GRAPEVINE_REANN_GRAM_INL
#undef GRAPEVINE_REANN_GRAM_INL
#else
#define GRAPEVINE_REANN_GRAM_INL
#endif

#include <cstddef>
#include <utility>

#include "models/reann/angular.hpp"
#include "models/reann/network-inl.hpp"
#include "models/reann/shells-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace grapevine::reann::HWY_NAMESPACE {

/// Distinct entries of the Gram matrices of all orders.
constexpr int gram_size(int waves, int max_order) { return (max_order + 1) * waves * (waves + 1) / 2; }

/// The part of a Gram kernel that works on orders low .. high, whose components are in registers all at once: one
/// register of atoms of each, whatever the width of a row.
template <class Real, int low, int high>
class GramOrders {
  using R = Pack<Real, Row<Real>::vector_lanes>;
  using C = Pack<Constant<Real>, R::lanes>;
  static constexpr int n = lanes<Real>;
  static constexpr int first = AngularBasis::first(low);
  static constexpr int components = AngularBasis::first(high + 1) - first;

 public:
  HWY_INLINE GramOrders(int waves, int stride)
      : waves_(waves),
        row_(static_cast<std::ptrdiff_t>(stride) * n),
        order_(static_cast<std::ptrdiff_t>(gram_size(waves, 0)) * n) {}

  HWY_INLINE void forward(const Real* HWY_RESTRICT density, Real* HWY_RESTRICT gram) const {
    const Real* HWY_RESTRICT rows = density + first * row_;
    Real* HWY_RESTRICT to = gram + low * order_;
    for (int k = 0; k < waves_; ++k) {
      R b[components];
      load_components(rows + k * n, b, all());
      for (int q = k; q < waves_; ++q, to += n) {
        R product[high - low + 1];
        multiply(b, rows + q * n, product, all());
        for (int l = low; l <= high; ++l) store(product[l - low], to + (l - low) * order_);
      }
    }
  }

  HWY_INLINE void backward(const Real* HWY_RESTRICT density, const Real* HWY_RESTRICT d_gram,
                           Real* HWY_RESTRICT d_density) const {
    const Real* HWY_RESTRICT rows = density + first * row_;
    const Real* HWY_RESTRICT entries = d_gram + low * order_;
    Real* HWY_RESTRICT to = d_density + first * row_;
    for (int k = 0; k < waves_; ++k) {
      const Real* HWY_RESTRICT entry = entries + k * n;
      R sum[components];
      clear(sum, all());
      for (int q = 0; q < k; entry += (waves_ - q - 1) * n, ++q) add<false>(entry, rows + q * n, sum);
      add<true>(entry, rows + k * n, sum);
      for (int q = k + 1; q < waves_; ++q) add<false>(entry + (q - k) * n, rows + q * n, sum);
      store_components(sum, to + k * n, all());
    }
    for (std::ptrdiff_t k = waves_ * n; k < row_; k += n)
      for (int i = 0; i < components; ++i) store(zero<R>(), to + i * row_ + k);
  }

 private:
  template <int... i>
  using Indices = std::integer_sequence<int, i...>;
  static constexpr auto all() { return std::make_integer_sequence<int, components>(); }

  static constexpr int order(int i) { return AngularBasis::component(first + i).order - low; }
  template <int i>
  static HWY_INLINE C multiplicity() {
    return broadcast<C>(static_cast<Constant<Real>>(AngularBasis::multiplicity(first + i)));
  }

  template <int... i>
  HWY_INLINE void load_components(const Real* HWY_RESTRICT from, R* b, Indices<i...> /*all*/) const {
    ((b[i] = multiplicity<i>() * load<R>(from + i * row_)), ...);
  }
  template <int... i>
  HWY_INLINE void multiply(const R* b, const Real* HWY_RESTRICT other, R* product, Indices<i...> /*all*/) const {
    ((product[order(i)] = first + i == AngularBasis::first(low + order(i))
                              ? b[i] * load<R>(other + i * row_)
                              : mul_add(b[i], load<R>(other + i * row_), product[order(i)])),
     ...);
  }

  template <int... i>
  static HWY_INLINE void clear(R* sum, Indices<i...> /*all*/) {
    ((sum[i] = zero<R>()), ...);
  }
  template <bool diagonal>
  HWY_INLINE void add(const Real* HWY_RESTRICT entry, const Real* HWY_RESTRICT other, R* sum) const {
    R gradient[high - low + 1];
    for (int l = 0; l <= high - low; ++l) {
      gradient[l] = load<R>(entry + l * order_);
      if constexpr (diagonal) gradient[l] = gradient[l] + gradient[l];
    }
    add_components(gradient, other, sum, all());
  }
  template <int... i>
  HWY_INLINE void add_components(const R* gradient, const Real* HWY_RESTRICT other, R* sum,
                                 Indices<i...> /*all*/) const {
    ((sum[i] = mul_add(gradient[order(i)], load<R>(other + i * row_), sum[i])), ...);
  }
  template <int... i>
  HWY_INLINE void store_components(const R* sum, Real* HWY_RESTRICT to, Indices<i...> /*all*/) const {
    (store(multiplicity<i>() * sum[i], to + i * row_), ...);
  }

  int waves_;
  std::ptrdiff_t row_;    // numbers from one component to the next
  std::ptrdiff_t order_;  // from the entries of one order to those of the next
};

/// G_l[k][q] = sum_{p of order l} multiplicity_p b[p][k] b[p][q], k <= q, for `waves` waves in rows of `stride`.
/// `fixed_stride` and `fixed_order` are known to the compiler; 0 and any_order stand for any.
template <class Real, int fixed_stride, int fixed_order>
class GramKernel {
 public:
  GramKernel(const AngularBasis& basis, int waves, int stride)
      : max_order_(basis.max_order()), waves_(waves), stride_(stride) {}

  /// density [components][stride][lanes] -> gram [gram_size][lanes]
  HWY_NOINLINE void forward(const Real* density, Real* gram) const {
    for (int lane = 0; lane < lanes<Real>; lane += register_lanes)
      for_orders([&](auto orders) HWY_ATTR { orders.forward(density + lane, gram + lane); });
  }

  /// d_density[p][k] = multiplicity_p sum_q (1 + delta_kq) d_gram[l(p)][kq] density[p][q]
  HWY_NOINLINE void backward(const Real* density, const Real* d_gram, Real* d_density) const {
    for (int lane = 0; lane < lanes<Real>; lane += register_lanes)
      for_orders([&](auto orders) HWY_ATTR { orders.backward(density + lane, d_gram + lane, d_density + lane); });
  }

 private:
  static constexpr int register_lanes = Row<Real>::vector_lanes;

  /// Calls function(GramOrders) for as many orders at a time as there are registers for.
  template <class Function>
  HWY_INLINE void for_orders(const Function& function) const {
    const int max_order = fixed_order != any_order ? fixed_order : max_order_;
    const int stride = fixed_stride > 0 ? fixed_stride : stride_;
    if (max_order == 0) function(GramOrders<Real, 0, 0>(waves_, stride));
    if (max_order == 1) function(GramOrders<Real, 0, 1>(waves_, stride));
    if (max_order >= 2) function(GramOrders<Real, 0, 2>(waves_, stride));
    if (max_order >= 3) function(GramOrders<Real, 3, 3>(waves_, stride));
    if (max_order >= 4) function(GramOrders<Real, 4, 4>(waves_, stride));
    if (max_order >= 5) function(GramOrders<Real, 5, 5>(waves_, stride));
    if (max_order >= 6) function(GramOrders<Real, 6, 6>(waves_, stride));
    static_assert(AngularBasis::highest_order == 6);
  }

  int max_order_;
  int waves_;
  int stride_;
};

}  // namespace grapevine::reann::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
