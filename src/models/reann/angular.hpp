#pragma once

#include <array>
#include <cstddef>
#include <vector>

namespace grapevine::reann {

/// The distinct products of components of an edge vector, orders 0 .. L: 1; x y z; xx xy xz yy yz zz; ...
///
/// REANN's density of order l sums over all 3^l ordered products; products that differ only in order are equal, so
/// that (l + 1)(l + 2) / 2 distinct ones with multinomial weights give the same sum.
class AngularBasis {
 public:
  static constexpr int highest_order = 6;
  /// Components of all orders up to `order`.
  static constexpr int size_of_order(int order) { return (order + 1) * (order + 2) * (order + 3) / 6; }

  /// max_order is at most highest_order.
  explicit AngularBasis(int max_order);

  int size() const { return static_cast<int>(components_.size()); }
  int max_order() const { return static_cast<int>(first_.size()) - 2; }
  /// Components of `order` are first(order) .. first(order + 1) - 1.
  int first(int order) const { return first_[order]; }
  double multiplicity(int p) const { return components_[p].multiplicity; }

  /// A_p(d) for every component; `value` is [size()].
  template <class Real>
  void evaluate(const Real* d, Real* value) const {
    value[0] = Real(1);
    for (int p = 1; p < size(); ++p) value[p] = value[components_[p].parent] * d[components_[p].axis];
  }

  /// dA_p/d(axis) = power(p, axis) A_lower(p, axis), 0 where the power is 0.
  int power(int p, int axis) const { return components_[p].power[axis]; }
  int lower(int p, int axis) const { return components_[p].lower[axis]; }

 private:
  struct Component {
    std::array<int, 3> power{};  // of x, y, z
    int parent = 0;              // A_p = A_parent * d[axis]
    int axis = 0;
    std::array<int, 3> lower{};  // component with one power of x, y, z less, where there is one
    double multiplicity = 1;     // l! / (a! b! c!)
  };
  std::vector<Component> components_;
  std::vector<int> first_;
};

}  // namespace grapevine::reann
