#include "dense/product.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "dense/product.cpp"
#include <hwy/foreach_target.h>

#include "simd/multiply_add-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace grapevine::detail::HWY_NAMESPACE {

void multiply_add_in_double(const Matrix& a, bool transposed, const Matrix& b, Matrix& c) {
  const auto stride = static_cast<std::ptrdiff_t>(a.stride());
  const auto inner = static_cast<int>(transposed ? a.rows() : a.columns());
  const simd::HWY_NAMESPACE::MatrixView<double> view{a.row(0), transposed ? 1 : stride, transposed ? stride : 1};
  simd::HWY_NAMESPACE::multiply_add(static_cast<int>(c.rows()), inner, static_cast<int>(c.columns()), view, b.row(0),
                                    static_cast<std::ptrdiff_t>(b.stride()), c.row(0),
                                    static_cast<std::ptrdiff_t>(c.stride()));
}

}  // namespace grapevine::detail::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace grapevine::detail {
HWY_EXPORT(multiply_add_in_double);

void add_product(const Matrix& a, bool transposed, const Matrix& b, Matrix& c) {
  HWY_DYNAMIC_DISPATCH(multiply_add_in_double)(a, transposed, b, c);
}

}  // namespace grapevine::detail
#endif
