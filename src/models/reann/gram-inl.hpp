// Gram matrices of densities, with atoms in the lanes.
#if defined(GRAPEVINE_REANN_GRAM_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef GRAPEVINE_REANN_GRAM_INL
#undef GRAPEVINE_REANN_GRAM_INL
#else
#define GRAPEVINE_REANN_GRAM_INL
#endif

#include "models/reann/angular.hpp"
#include "models/reann/network-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace grapevine::reann::HWY_NAMESPACE {

/// G_l[k][q] = sum_{p of order l} multiplicity_p b[p][k] b[p][q], k <= q, for `waves` waves in rows of `stride`.
/// `fixed_waves` and `fixed_order` are known to the compiler; 0 and -1 stand for any.
template <class Real, int fixed_waves, int fixed_order>
class GramKernel {
 public:
  GramKernel(const AngularBasis& basis, int waves, int stride) : basis_(basis), waves_(waves), stride_(stride) {}

  HWY_INLINE int waves() const { return fixed_waves > 0 ? fixed_waves : waves_; }
  HWY_INLINE int max_order() const { return fixed_order >= 0 ? fixed_order : basis_.max_order(); }
  HWY_INLINE int entries_per_order() const { return waves() * (waves() + 1) / 2; }
  HWY_INLINE int size() const { return (max_order() + 1) * entries_per_order(); }

  /// density [components][stride][lanes] -> gram [size()][lanes]
  HWY_INLINE void forward(const Real* density, Real* gram) const {
    for (int l = 0; l <= max_order(); ++l)
      for (int k = 0; k < waves(); ++k) forward_row(l, k, density, gram);
  }

  /// d_density[p][k] = multiplicity_p sum_q (1 + delta_kq) d_gram[l(p)][kq] density[p][q]
  HWY_INLINE void backward(const Real* density, Real* d_gram, Real* d_density) const {
    constexpr int n = lanes<Real>;
    for (int l = 0; l <= max_order(); ++l) {
      Real* const order_gram = d_gram + static_cast<std::ptrdiff_t>(l * entries_per_order()) * n;
      for (int k = 0; k < waves(); ++k) {
        Real* diagonal = order_gram + static_cast<std::ptrdiff_t>(entry(k, k)) * n;
        const R d = load<R>(diagonal);
        store(d + d, diagonal);
      }
      for (int p = basis_.first(l); p < basis_.first(l + 1); ++p) {
        const C multiplicity = broadcast<C>(static_cast<Constant<Real>>(basis_.multiplicity(p)));
        const Real* b = density + static_cast<std::ptrdiff_t>(p * stride_) * n;
        Real* db = d_density + static_cast<std::ptrdiff_t>(p * stride_) * n;
        for (int k = 0; k < waves(); ++k) {
          R sum = load<R>(order_gram + static_cast<std::ptrdiff_t>(entry(0, k)) * n) * load<R>(b);
          for (int q = 1; q < waves(); ++q)
            sum = mul_add(load<R>(order_gram + static_cast<std::ptrdiff_t>(entry(std::min(k, q), std::max(k, q))) * n),
                          load<R>(b + q * n), sum);
          store(multiplicity * sum, db + k * n);
        }
        for (int k = waves(); k < stride_; ++k) store(zero<R>(), db + k * n);
      }
    }
  }

 private:
  using R = Row<Real>;
  using C = Row<Constant<Real>>;

  HWY_INLINE int entry(int k, int q) const { return k * waves() - k * (k - 1) / 2 + q - k; }

  // All products of wave k with waves q >= k of one order.
  HWY_INLINE void forward_row(int l, int k, const Real* density, Real* gram) const {
    constexpr int n = lanes<Real>;
    Real* to = gram + static_cast<std::ptrdiff_t>(l * entries_per_order() + entry(k, k)) * n;
    for (int q = k; q < waves(); ++q, to += n) {
      R sum = zero<R>();
      for (int p = basis_.first(l); p < basis_.first(l + 1); ++p) {
        const Real* b = density + static_cast<std::ptrdiff_t>(p * stride_) * n;
        const R product = load<R>(b + k * n) * load<R>(b + q * n);
        sum = mul_add(broadcast<C>(static_cast<Constant<Real>>(basis_.multiplicity(p))), product, sum);
      }
      store(sum, to);
    }
  }

  const AngularBasis& basis_;
  int waves_;
  int stride_;
};

/// The common shape: orders 0, 1, 2 with components 1; x y z; xx xy xz yy yz zz, everything unrolled. One register of
/// atoms at a time, so that the sums of all waves stay in registers whatever their width.
template <class Real, int fixed_waves>
class GramKernel<Real, fixed_waves, 2> {
 public:
  GramKernel(const AngularBasis& /*basis*/, int /*waves*/, int /*stride*/) {}

  static constexpr int stride = padded(fixed_waves);
  static constexpr int entries = fixed_waves * (fixed_waves + 1) / 2;
  HWY_INLINE int size() const { return 3 * entries; }

  HWY_INLINE void forward(const Real* HWY_RESTRICT density, Real* HWY_RESTRICT gram) const {
    for (int lane = 0; lane < n; lane += R::lanes) register_forward(density + lane, gram + lane);
  }

  /// d_gram is changed.
  HWY_INLINE void backward(const Real* HWY_RESTRICT density, Real* HWY_RESTRICT d_gram,
                           Real* HWY_RESTRICT d_density) const {
    for (int lane = 0; lane < n; lane += R::lanes) register_backward(density + lane, d_gram + lane, d_density + lane);
  }

 private:
  using R = Pack<Real, Row<Real>::vector_lanes>;
  static constexpr int n = lanes<Real>;

  static constexpr int entry(int k, int q) { return k * fixed_waves - k * (k - 1) / 2 + q - k; }

  static HWY_INLINE void register_forward(const Real* HWY_RESTRICT density, Real* HWY_RESTRICT gram) {
    for (int k = 0; k < fixed_waves; ++k) {
      R b[10];
      for (int p = 0; p < 10; ++p) b[p] = load<R>(density + (p * stride + k) * n);
      for (int p : {5, 6, 8}) b[p] = b[p] + b[p];
      for (int q = k; q < fixed_waves; ++q) {
        const auto other = [&](int p) HWY_ATTR { return load<R>(density + (p * stride + q) * n); };
        Real* to = gram + entry(k, q) * n;
        store(b[0] * other(0), to);
        store(mul_add(b[1], other(1), mul_add(b[2], other(2), b[3] * other(3))), to + entries * n);
        const R one = mul_add(b[4], other(4), mul_add(b[5], other(5), b[6] * other(6)));
        const R two = mul_add(b[7], other(7), mul_add(b[8], other(8), b[9] * other(9)));
        store(one + two, to + 2 * entries * n);
      }
    }
  }

  static HWY_INLINE void register_backward(const Real* HWY_RESTRICT density, Real* HWY_RESTRICT d_gram,
                                           Real* HWY_RESTRICT d_density) {
    for (int l = 0; l < 3; ++l)
      for (int k = 0; k < fixed_waves; ++k) {
        Real* diagonal = d_gram + (l * entries + entry(k, k)) * n;
        const R d = load<R>(diagonal);
        store(d + d, diagonal);
      }
    for (int p = 0; p < 10; ++p) {
      const Real* HWY_RESTRICT symmetric = d_gram + (p == 0 ? 0 : p < 4 ? entries : 2 * entries) * n;
      const Real* HWY_RESTRICT b = density + p * stride * n;
      Real* HWY_RESTRICT db = d_density + p * stride * n;
      const bool doubled = p == 5 || p == 6 || p == 8;
      R sum[fixed_waves];
      for (int k = 0; k < fixed_waves; ++k) sum[k] = zero<R>();
      HWY_UNROLL(8)
      for (int q = 0; q < fixed_waves; ++q) {
        const R other = doubled ? load<R>(b + q * n) + load<R>(b + q * n) : load<R>(b + q * n);
        HWY_UNROLL(8)
        for (int k = 0; k < fixed_waves; ++k)
          sum[k] = mul_add(other, load<R>(symmetric + (k < q ? entry(k, q) : entry(q, k)) * n), sum[k]);
      }
      for (int k = 0; k < fixed_waves; ++k) store(sum[k], db + k * n);
      for (int k = fixed_waves; k < stride; ++k) store(zero<R>(), db + k * n);
    }
  }
};

}  // namespace grapevine::reann::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
