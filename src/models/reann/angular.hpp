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

  /// sum_p weight[p] dA_p/dd, from the values of `evaluate`; `gradient` is [3], overwritten.
  template <class Real>
  void gradient(const Real* value, const Real* weight, Real* gradient) const {
    for (int x = 0; x < 3; ++x) gradient[x] = Real(0);
    for (int p = 1; p < size(); ++p)
      for (int x = 0; x < 3; ++x)
        if (components_[p].power[x] > 0)
          gradient[x] += Real(components_[p].power[x]) * weight[p] * value[components_[p].lower[x]];
  }

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
