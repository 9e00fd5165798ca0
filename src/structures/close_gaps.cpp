#include "structures/close_gaps.hpp"

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <utility>

namespace grapevine {
namespace {

/// From one place to the next on a circle of circumference 1.
double distance_around(double from, double to) { return to > from ? to - from : to - from + 1; }

void begin_behind_widest_gap(const std::vector<double>& places, std::vector<std::size_t>& order) {
  std::size_t first = 0;
  double widest = distance_around(places[order.back()], places[order.front()]);
  for (std::size_t n = 1; n < order.size(); ++n)
    if (const double gap = places[order[n]] - places[order[n - 1]]; gap > widest) {
      first = n;
      widest = gap;
    }
  std::rotate(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(first), order.end());
}

}  // namespace

ClosedGaps close_gaps(const std::vector<double>& places, double widest, bool on_circle) {
  std::vector<std::size_t> order(places.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return std::pair(places[a], a) < std::pair(places[b], b); });
  if (on_circle) begin_behind_widest_gap(places, order);
  ClosedGaps closed{std::vector<double>(places.size()), 0};
  double move = -places[order.front()];
  closed.moves[order.front()] = move;
  for (std::size_t n = 1; n < order.size(); ++n) {
    const double before = places[order[n - 1]];
    const double place = places[order[n]];
    const double turn = place < before ? 1 : 0;
    if (place - before + turn > widest)
      move += before + widest - place;
    else
      move += turn;
    closed.moves[order[n]] = move;
  }
  closed.length = places[order.back()] + move;
  if (on_circle) closed.length += std::min(widest, distance_around(places[order.back()], places[order.front()]));
  return closed;
}

}  // namespace grapevine
