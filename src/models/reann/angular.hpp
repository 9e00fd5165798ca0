#pragma once

#include <array>
#include <cstddef>

namespace grapevine::reann {

/// A product of components of an edge vector d.
struct AngularComponent {
  std::array<int, 3> power{};  ///< of x, y, z
  int order = 0;
  double multiplicity = 1;  ///< ordered products that are equal to it: l! / (a! b! c!)
  int parent = 0;           ///< A_p = A_parent * d[axis]; axes never decrease from a parent to its children
  int axis = 0;
  std::array<int, 3> lower{};  ///< component with one power of x, y, z less, where there is one
};

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
  explicit constexpr AngularBasis(int max_order) : max_order_(max_order) {}

  constexpr int size() const { return size_of_order(max_order_); }
  constexpr int max_order() const { return max_order_; }
  /// Components of `order` are first(order) .. first(order + 1) - 1, whatever the largest order.
  static constexpr int first(int order) { return size_of_order(order - 1); }
  static constexpr const AngularComponent& component(int p);

  static constexpr double multiplicity(int p) { return component(p).multiplicity; }

  /// A_p(d) for every component; `value` is [size()].
  template <class Real>
  void evaluate(const Real* d, Real* value) const {
    value[0] = Real(1);
    for (int p = 1; p < size(); ++p) value[p] = value[component(p).parent] * d[component(p).axis];
  }

  /// dA_p/d(axis) = power(p, axis) A_lower(p, axis), 0 where the power is 0.
  static constexpr int power(int p, int axis) { return component(p).power[static_cast<std::size_t>(axis)]; }
  static constexpr int lower(int p, int axis) { return component(p).lower[static_cast<std::size_t>(axis)]; }

 private:
  int max_order_;
};

namespace detail {

constexpr double factorial(int n) { return n < 2 ? 1.0 : n * factorial(n - 1); }

/// Place of x^a y^b z^c among the components.
constexpr int component_at(const std::array<int, 3>& power) {
  const int below_x = power[1] + power[2];
  return AngularBasis::first(below_x + power[0]) + below_x * (below_x + 1) / 2 + power[2];
}

constexpr AngularComponent make_component(const std::array<int, 3>& power) {
  AngularComponent component;
  component.power = power;
  component.order = power[0] + power[1] + power[2];
  component.multiplicity =
      factorial(component.order) / (factorial(power[0]) * factorial(power[1]) * factorial(power[2]));
  for (std::size_t axis = 0; axis < 3; ++axis) {
    if (power[axis] == 0) continue;
    std::array<int, 3> lower = power;
    --lower[axis];
    component.lower[axis] = component_at(lower);
    component.parent = component.lower[axis];
    component.axis = static_cast<int>(axis);
  }
  return component;
}

constexpr auto make_components() {
  std::array<AngularComponent, AngularBasis::size_of_order(AngularBasis::highest_order)> components{};
  for (int order = 0; order <= AngularBasis::highest_order; ++order)
    for (int a = order; a >= 0; --a)
      for (int b = order - a; b >= 0; --b) {
        const std::array<int, 3> power{a, b, order - a - b};
        components[static_cast<std::size_t>(component_at(power))] = make_component(power);
      }
  return components;
}

inline constexpr auto components = make_components();

}  // namespace detail

constexpr const AngularComponent& AngularBasis::component(int p) {
  return detail::components[static_cast<std::size_t>(p)];
}

}  // namespace grapevine::reann
