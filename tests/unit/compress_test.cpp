#include <cstdint>
#include <vector>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "compress_test.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "simd/compress-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace grapevine::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

/// Writes the lanes of a mask of bits, numbered from `first`, as numbers and as integers; returns the number of lanes.
template <class Real, class Integer>
HWY_INLINE int compress_lanes(std::uint32_t mask, int first, Real* numbers, Integer* integers) {
  const hn::ScalableTag<Real> d;
  const hn::RebindToSigned<decltype(d)> di;
  const int lanes = static_cast<int>(hn::Lanes(d));
  std::vector<Integer> chosen(lanes);
  for (int lane = 0; lane < lanes; ++lane) chosen[lane] = static_cast<Integer>((mask >> lane) & 1U);
  const auto is_chosen = hn::RebindMask(d, hn::Gt(hn::LoadU(di, chosen.data()), hn::Zero(di)));
  const simd::HWY_NAMESPACE::Compressor compressed(d, is_chosen);
  hn::StoreU(compressed(hn::Iota(d, static_cast<Real>(first))), d, numbers);
  hn::StoreU(compressed(hn::Iota(di, static_cast<Integer>(first))), di, integers);
  return lanes;
}

int compress_float(std::uint32_t mask, int first, float* numbers, std::int32_t* integers) {
  return compress_lanes(mask, first, numbers, integers);
}

int compress_double(std::uint32_t mask, int first, double* numbers, std::int64_t* integers) {
  return compress_lanes(mask, first, numbers, integers);
}

}  // namespace grapevine::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include <gtest/gtest.h>

namespace grapevine {
namespace {

HWY_EXPORT(compress_float);
HWY_EXPORT(compress_double);

constexpr int most_lanes = 64;

template <class Real, class Integer, class Compress>
void check_all_masks(const Compress& compress) {
  std::vector<Real> numbers(most_lanes);
  std::vector<Integer> integers(most_lanes);
  const int lanes = compress(0U, 1, numbers.data(), integers.data());
  ASSERT_LE(lanes, 16);
  for (std::uint32_t mask = 0; mask < (1U << lanes); ++mask) {
    compress(mask, 1, numbers.data(), integers.data());
    int place = 0;
    for (int lane = 0; lane < lanes; ++lane) {
      if (((mask >> lane) & 1U) == 0) continue;
      ASSERT_EQ(numbers[place], static_cast<Real>(1 + lane)) << mask;
      ASSERT_EQ(integers[place], static_cast<Integer>(1 + lane)) << mask;
      ++place;
    }
  }
}

TEST(Compress, LanesOfEveryMaskComeFirstAndInOrder) {
  const std::int64_t all = hwy::SupportedTargets();
  for (const std::int64_t target : hwy::SupportedAndGeneratedTargets()) {
    SCOPED_TRACE(hwy::TargetName(target));
    hwy::SetSupportedTargetsForTest(target);
    check_all_masks<float, std::int32_t>(
        [](auto... arguments) { return HWY_DYNAMIC_DISPATCH(compress_float)(arguments...); });
    check_all_masks<double, std::int64_t>(
        [](auto... arguments) { return HWY_DYNAMIC_DISPATCH(compress_double)(arguments...); });
  }
  hwy::SetSupportedTargetsForTest(0);
  EXPECT_EQ(hwy::SupportedTargets(), all);
}

}  // namespace
}  // namespace grapevine
#endif
