// A fixed number of values side by side, in as many registers as the instruction set of this compilation needs. To be
// included once per target of Google Highway.
#if defined(GRAPEVINE_SIMD_PACK_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef GRAPEVINE_SIMD_PACK_INL
#undef GRAPEVINE_SIMD_PACK_INL
#else
#define GRAPEVINE_SIMD_PACK_INL
#endif

#include <hwy/highway.h>

#include <cstddef>
#include <type_traits>

HWY_BEFORE_NAMESPACE();
namespace grapevine::simd::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

template <class Real, int N>
struct Pack {
  using Tag = hn::CappedTag<Real, N>;
  using Vector = hn::Vec<Tag>;
  static constexpr int lanes = N;
  static constexpr int vector_lanes = static_cast<int>(hn::MaxLanes(Tag()));
  static constexpr int parts = N / vector_lanes;

  Vector part[parts];
};

template <class P>
HWY_INLINE P zero() {
  P result;
  for (int i = 0; i < P::parts; ++i) result.part[i] = hn::Zero(typename P::Tag());
  return result;
}

template <class P, class Real>
HWY_INLINE P broadcast(Real value) {
  P result;
  const typename P::Vector all = hn::Set(typename P::Tag(), value);
  for (int i = 0; i < P::parts; ++i) result.part[i] = all;
  return result;
}

/// No alignment is asked for.
template <class P, class Real>
HWY_INLINE P load(const Real* from) {
  P result;
  for (int i = 0; i < P::parts; ++i) result.part[i] = hn::LoadU(typename P::Tag(), from + i * P::vector_lanes);
  return result;
}

template <class P, class Real>
HWY_INLINE void store(const P& value, Real* to) {
  for (int i = 0; i < P::parts; ++i) hn::StoreU(value.part[i], typename P::Tag(), to + i * P::vector_lanes);
}

template <class Real, int N>
HWY_INLINE Pack<Real, N> operator+(Pack<Real, N> a, const Pack<Real, N>& b) {
  for (int i = 0; i < a.parts; ++i) a.part[i] = hn::Add(a.part[i], b.part[i]);
  return a;
}

template <class Real, int N>
HWY_INLINE Pack<Real, N> operator-(Pack<Real, N> a, const Pack<Real, N>& b) {
  for (int i = 0; i < a.parts; ++i) a.part[i] = hn::Sub(a.part[i], b.part[i]);
  return a;
}

template <class Real, int N>
HWY_INLINE Pack<Real, N> operator*(Pack<Real, N> a, const Pack<Real, N>& b) {
  for (int i = 0; i < a.parts; ++i) a.part[i] = hn::Mul(a.part[i], b.part[i]);
  return a;
}

template <class Real, int N>
HWY_INLINE Pack<Real, N> operator/(Pack<Real, N> a, const Pack<Real, N>& b) {
  for (int i = 0; i < a.parts; ++i) a.part[i] = hn::Div(a.part[i], b.part[i]);
  return a;
}

/// a b + c
template <class Real, int N>
HWY_INLINE Pack<Real, N> mul_add(const Pack<Real, N>& a, const Pack<Real, N>& b, Pack<Real, N> c) {
  for (int i = 0; i < c.parts; ++i) c.part[i] = hn::MulAdd(a.part[i], b.part[i], c.part[i]);
  return c;
}

/// c - a b
template <class Real, int N>
HWY_INLINE Pack<Real, N> neg_mul_add(const Pack<Real, N>& a, const Pack<Real, N>& b, Pack<Real, N> c) {
  for (int i = 0; i < c.parts; ++i) c.part[i] = hn::NegMulAdd(a.part[i], b.part[i], c.part[i]);
  return c;
}

template <class Real, int N>
HWY_INLINE Pack<Real, N> square_root(Pack<Real, N> a) {
  for (int i = 0; i < a.parts; ++i) a.part[i] = hn::Sqrt(a.part[i]);
  return a;
}

template <class Real, int N>
HWY_INLINE Pack<Real, N> clamp(Pack<Real, N> a, Real low, Real high) {
  const typename Pack<Real, N>::Tag d;
  const auto lowest = hn::Set(d, low);
  const auto highest = hn::Set(d, high);
  for (int i = 0; i < a.parts; ++i) a.part[i] = hn::Min(hn::Max(a.part[i], lowest), highest);
  return a;
}

/// 1 / a to rounding; for float by an approximation and one Newton step where that is faster than a division.
template <class Real, int N>
HWY_INLINE Pack<Real, N> reciprocal(Pack<Real, N> a) {
  const typename Pack<Real, N>::Tag d;
  for (int i = 0; i < a.parts; ++i) {
#if HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX2
    if constexpr (std::is_same_v<Real, float>) {
      const auto guess = hn::ApproximateReciprocal(a.part[i]);
      a.part[i] = hn::Mul(guess, hn::NegMulAdd(a.part[i], guess, hn::Set(d, 2.0f)));
    } else {
      a.part[i] = hn::Div(hn::Set(d, Real(1)), a.part[i]);
    }
#else
    a.part[i] = hn::Div(hn::Set(d, Real(1)), a.part[i]);
#endif
  }
  return a;
}

template <class Real, int N>
HWY_INLINE Real sum_of_lanes(const Pack<Real, N>& a) {
  const typename Pack<Real, N>::Tag d;
  auto sum = a.part[0];
  for (int i = 1; i < a.parts; ++i) sum = hn::Add(sum, a.part[i]);
  return hn::GetLane(hn::SumOfLanes(d, sum));
}

/// The sums of the lanes of four packs of eight, as four numbers side by side.
template <class Real>
struct Quad {
  using Tag = hn::CappedTag<Real, 4>;
  using P = Pack<Real, 4>;
};

template <class Real>
HWY_INLINE Pack<Real, 4> sums_of_lanes(const Pack<Real, 8>& a, const Pack<Real, 8>& b, const Pack<Real, 8>& c,
                                       const Pack<Real, 8>& e) {
  if constexpr (std::is_same_v<Real, float> && Pack<float, 4>::parts == 1) {
    // Two levels of interleaved additions within 128-bit blocks leave a, b, c, e in every block; then blocks are added.
    using Vector = typename Pack<float, 8>::Vector;
    const typename Pack<float, 8>::Tag d;
    const auto fold = [&](const Vector& va, const Vector& vb, const Vector& vc, const Vector& ve) HWY_ATTR {
      const auto ac = hn::Add(hn::InterleaveLower(d, va, vc), hn::InterleaveUpper(d, va, vc));
      const auto be = hn::Add(hn::InterleaveLower(d, vb, ve), hn::InterleaveUpper(d, vb, ve));
      return hn::Add(hn::InterleaveLower(d, ac, be), hn::InterleaveUpper(d, ac, be));
    };
    Pack<float, 4> result;
    if constexpr (Pack<float, 8>::parts == 1) {
      const auto sum = fold(a.part[0], b.part[0], c.part[0], e.part[0]);
      const typename Pack<float, 4>::Tag half;
      result.part[0] = hn::Add(hn::LowerHalf(half, sum), hn::UpperHalf(half, sum));
    } else {
      result.part[0] = fold(hn::Add(a.part[0], a.part[1]), hn::Add(b.part[0], b.part[1]), hn::Add(c.part[0], c.part[1]),
                            hn::Add(e.part[0], e.part[1]));
    }
    return result;
  } else {
    const Real sums[4] = {sum_of_lanes(a), sum_of_lanes(b), sum_of_lanes(c), sum_of_lanes(e)};
    return load<Pack<Real, 4>>(sums);
  }
}

/// The sums of all blocks of four numbers of a register.
template <class D>
HWY_INLINE hn::Vec<hn::CappedTag<float, 4>> sum_of_blocks(D d, hn::Vec<D> sum) {
  if constexpr (hn::MaxLanes(d) <= 4) {
    return sum;
  } else {
    const hn::Half<D> half;
    return sum_of_blocks(half, hn::Add(hn::LowerHalf(half, sum), hn::UpperHalf(half, sum)));
  }
}

/// to[i] = the sum of the lanes of lines[i]. Up to three numbers more are written.
template <int count, class Real, int N>
HWY_INLINE void store_sums_of_lanes(const Pack<Real, N> (&lines)[count], Real* to) {
  using P = Pack<Real, N>;
  int i = 0;
  if constexpr (std::is_same_v<Real, float> && P::parts == 1 && N >= 4) {
    const typename P::Tag d;
    const auto fold = [&](const auto& a, const auto& b)
                          HWY_ATTR { return hn::Add(hn::InterleaveLower(d, a, b), hn::InterleaveUpper(d, a, b)); };
    const auto line = [&](int n) HWY_ATTR { return lines[n < count ? n : count - 1].part[0]; };
    // Two levels of interleaved additions leave the sums of four lines in every block.
    for (; i + 1 < count; i += 4) {
      const auto sum = fold(fold(line(i), line(i + 2)), fold(line(i + 1), line(i + 3)));
      hn::StoreU(sum_of_blocks(d, sum), hn::CappedTag<float, 4>(), to + i);
    }
  }
  for (; i < count; ++i) to[i] = sum_of_lanes(lines[i]);
}

}  // namespace grapevine::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
