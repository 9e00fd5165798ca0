#pragma once

#include "dense/matrix.hpp"

namespace grapevine::detail {

/// c += op(a) b, in the best instruction set that this processor has; op is the transpose or nothing.
void add_product(const Matrix& a, bool transposed, const Matrix& b, Matrix& c);

}  // namespace grapevine::detail
