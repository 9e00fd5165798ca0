// Lanes of a mask, one after the other from the first, of several vectors by one mask.
#if defined(GRAPEVINE_SIMD_COMPRESS_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef GRAPEVINE_SIMD_COMPRESS_INL
#undef GRAPEVINE_SIMD_COMPRESS_INL
#else
#define GRAPEVINE_SIMD_COMPRESS_INL
#endif

#include <hwy/highway.h>

#include <array>
#include <cstdint>

HWY_BEFORE_NAMESPACE();
namespace grapevine::simd::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

#if HWY_TARGET == HWY_AVX3

/// What hn::Compress does, for vectors with as many lanes as those of D.
template <class D>
class Compressor {
 public:
  HWY_INLINE Compressor(D /*d*/, hn::Mask<D> mask) : mask_(mask) {}

  template <class V>
  HWY_INLINE V operator()(V v) const {
    return hn::Compress(v, hn::RebindMask(hn::DFromV<V>(), mask_));
  }

 private:
  hn::Mask<D> mask_;
};

#else

/// Of each mask the lanes that are in it, from the first; then those that are not.
template <class Index, int lanes>
constexpr std::array<std::array<Index, lanes>, 1 << lanes> compressed_lanes() {
  std::array<std::array<Index, lanes>, 1 << lanes> table{};
  for (unsigned mask = 0; mask < table.size(); ++mask) {
    int place = 0;
    for (const unsigned wanted : {1U, 0U})
      for (int lane = 0; lane < lanes; ++lane)
        if (((mask >> lane) & 1U) == wanted) table[mask][place++] = static_cast<Index>(lane);
  }
  return table;
}

template <class Index, int lanes>
alignas(64) inline constexpr auto compressed_lanes_table = compressed_lanes<Index, lanes>();

/// What hn::Compress does, for vectors with as many lanes as those of D. Highway before 1.0.4 copies its table of a
/// kilobyte each time where GCC compiles it for AVX2 (google/highway, issue 1139).
template <class D>
class Compressor {
 public:
  HWY_INLINE Compressor(D d, hn::Mask<D> mask) : lanes_(hn::IndicesFromVec(d, load(bits(d, mask)))) {}

  template <class V>
  HWY_INLINE V operator()(V v) const {
    return hn::BitCast(hn::DFromV<V>(), hn::TableLookupLanes(hn::BitCast(D(), v), lanes_));
  }

 private:
  using Indices = hn::RebindToSigned<D>;
  using Index = hn::TFromD<Indices>;
  static constexpr int lanes = static_cast<int>(hn::MaxLanes(D()));

  static HWY_INLINE unsigned bits(D d, hn::Mask<D> mask) {
    std::uint8_t bytes[8] = {};
    hn::StoreMaskBits(d, mask, bytes);
    return bytes[0];
  }

  static HWY_INLINE hn::Vec<Indices> load(unsigned mask) {
    const Indices d;
    if constexpr (lanes <= 4) {
      return hn::Load(d, compressed_lanes_table<Index, lanes>[mask].data());
    } else {
      const hn::Rebind<std::uint8_t, Indices> narrow;
      return hn::PromoteTo(d, hn::LoadU(narrow, compressed_lanes_table<std::uint8_t, lanes>[mask].data()));
    }
  }

  decltype(hn::IndicesFromVec(D(), hn::Zero(Indices()))) lanes_;
};

#endif

}  // namespace grapevine::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
