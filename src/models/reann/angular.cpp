#include "models/reann/angular.hpp"

namespace grapevine::reann {

namespace {

double factorial(int n) { return n < 2 ? 1.0 : n * factorial(n - 1); }

}  // namespace

AngularBasis::AngularBasis(int max_order) {
  const auto find = [this](const std::array<int, 3>& power) {
    for (int p = 0; p < size(); ++p)
      if (components_[p].power == power) return p;
    return -1;
  };
  for (int order = 0; order <= max_order; ++order) {
    first_.push_back(size());
    for (int a = order; a >= 0; --a)
      for (int b = order - a; b >= 0; --b) {
        Component component;
        component.power = {a, b, order - a - b};
        component.multiplicity = factorial(order) / (factorial(a) * factorial(b) * factorial(order - a - b));
        for (int x = 2; x >= 0; --x) {
          if (component.power[x] == 0) continue;
          std::array<int, 3> lower = component.power;
          --lower[x];
          component.lower[x] = find(lower);
          component.parent = component.lower[x];
          component.axis = x;
        }
        components_.push_back(component);
      }
  }
  first_.push_back(size());
}

}  // namespace grapevine::reann
