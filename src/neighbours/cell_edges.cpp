#include "neighbours/cell_edges.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <limits>
#include <memory>

#include "neighbours/grid.hpp"
#include "neighbours/positions.hpp"

namespace grapevine {

namespace {

// What rounding may take from a distance between a cell and an atom in it, Angstrom.
constexpr double slack = 1e-6;

// Centres further apart than this share too few of the atoms near them to be looked at together.
constexpr double widest_in_reach = 6;

struct ToGrid {
  double inverse_spacing;
  std::int32_t operator()(double x) const { return on_grid(x, inverse_spacing); }
};

struct AsItIs {
  double operator()(double x) const { return x; }
};

template <class Real>
auto coordinate_of(double spacing) {
  if constexpr (std::is_same_v<Real, float>)
    return ToGrid{1 / spacing};
  else
    return AsItIs{};
}

// As many numbers as fill the vectors of any instruction set: arrays that are read by vectors have these behind them.
constexpr std::size_t padding = 16;

template <class Number>
Number* next_array(std::byte*& end, std::size_t size) {
  auto* array = reinterpret_cast<Number*>(end);
  end += size * sizeof(Number);
  return array;
}

/// Copies a few numbers; both arrays have room for padding.
template <class Number>
void copy_padded(const Number* from, int count, Number* to) {
  for (std::size_t n = 0; n < static_cast<std::size_t>(count); n += padding)
    std::memcpy(to + n, from + n, padding * sizeof(Number));
}

}  // namespace

// The atoms of some ranges of the order, side by side: what lies apart in memory is looked up once for all centres.
template <class Real>
class CellEdges<Real>::Candidates {
 public:
  using Index = std::conditional_t<std::is_same_v<Real, float>, std::int32_t, std::int64_t>;

  /// With all atoms of the ranges that are in `place`, which is as it is now, or simply all. `far` is a point beyond
  /// the cutoff of all centres.
  Candidates(const CellEdges& all, std::span<const CellList::Range> ranges, const Bounds* place,
             const std::array<Coordinate, 3>& far) {
    std::size_t size = padding;
    for (const CellList::Range& range : ranges) size += static_cast<std::size_t>(range.last - range.first);
    storage_ = std::make_unique_for_overwrite<std::byte[]>(
        size * (3 * sizeof(Coordinate) + 3 * sizeof(Real) + sizeof(Index) + sizeof(int)));
    std::byte* end = storage_.get();  // widest numbers first, so that all are aligned
    auto* x = next_array<Coordinate>(end, size);
    auto* y = next_array<Coordinate>(end, size);
    auto* z = next_array<Coordinate>(end, size);
    auto* atoms = next_array<Index>(end, size);
    edges.x = next_array<Real>(end, size);
    edges.y = next_array<Real>(end, size);
    edges.z = next_array<Real>(end, size);
    edges.atom = next_array<int>(end, size);
    const int* order = all.cells_.order().data();
    std::size_t n = 0;
    for (const CellList::Range& range : ranges)
      for (auto k = static_cast<std::size_t>(range.first); k < static_cast<std::size_t>(range.last); ++k) {
        if (place != nullptr && !place->contains(all.positions_ + 3 * static_cast<std::ptrdiff_t>(order[k]))) continue;
        x[n] = all.x_[k];
        y[n] = all.y_[k];
        z[n] = all.z_[k];
        atoms[n++] = order[k];
      }
    near = {x, y, z, atoms, static_cast<int>(n)};
    std::fill_n(x + n, padding, far[0]);
    std::fill_n(y + n, padding, far[1]);
    std::fill_n(z + n, padding, far[2]);
    std::fill_n(atoms + n, padding, Index(-1));
  }

  NearAtoms<Coordinate, Index> near;
  NearEdges<Real> edges;  // of one centre after another

 private:
  std::unique_ptr<std::byte[]> storage_;
};

template <class Real>
void CellEdges<Real>::sort(const double* positions, int atoms, double cutoff, double skin) {
  cutoff_ = longest_ = cutoff;
  skin_ = skin;
  const double reach = cutoff + skin;
  spacing_ = grid_spacing(reach);
  widest_ = widest_in_reach * reach;
  if (std::is_same_v<Real, float>) {
    wrap_ = std::ldexp(spacing_, 32) - reach - slack;
    widest_ = std::min(widest_, wrap_ - reach - slack);
  }
  cells_.sort(positions, atoms, cutoff + 0.5 * skin);
  for (auto* array : {&x_, &y_, &z_}) array->resize(static_cast<std::size_t>(atoms));
}

template <class Real>
void CellEdges<Real>::update(const double* positions, const AtomRows& rows) {
  positions_ = positions;
  rows_ = rows;
  const auto coordinate = coordinate_of<Real>(spacing_);
  const std::span<const int> order = cells_.order();
  double check = 0;
  for (std::size_t n = 0; n < order.size(); ++n) {
    const double* r = positions + 3 * static_cast<std::ptrdiff_t>(order[n]);
    check += 0 * (r[0] + r[1] + r[2]);
    x_[n] = coordinate(r[0]);
    y_[n] = coordinate(r[1]);
    z_[n] = coordinate(r[2]);
  }
  if (check != 0) check_positions(positions, static_cast<int>(order.size()));
}

template <class Real>
Bounds CellEdges<Real>::bounds_of(std::span<const int> atoms) const {
  Bounds bounds;
  for (const int i : atoms) bounds.include(positions_ + 3 * static_cast<std::ptrdiff_t>(i));
  return bounds;
}

template <class Real>
bool CellEdges<Real>::is_wide(const Bounds& bounds) const {
  return std::max({bounds.extent(0), bounds.extent(1), bounds.extent(2)}) > widest_;
}

// Half the grid away from the middle in float, where no centre is within the cutoff as long as they are not wide.
template <class Real>
std::array<typename CellEdges<Real>::Coordinate, 3> CellEdges<Real>::far_from(const Bounds& bounds) const {
  if constexpr (std::is_same_v<Real, float>) {
    const auto far = [&](std::size_t k) {
      const double middle = bounds.low[k] + 0.5 * bounds.extent(k);
      return coordinate_of<Real>(spacing_)(middle + std::ldexp(spacing_, 31));
    };
    return {far(0), far(1), far(2)};
  } else {
    constexpr double infinity = std::numeric_limits<double>::infinity();
    return {infinity, infinity, infinity};
  }
}

// Where cells are long, some atoms in them are so far away that differences on the grid would wrap around.
template <class Real>
typename CellEdges<Real>::Candidates CellEdges<Real>::candidates(const Bounds& bounds, double reach) const {
  std::vector<CellList::Range> ranges;
  ranges.reserve(32);
  cells_.near(bounds, reach + slack, ranges);
  bool wraps = false;
  for (std::size_t k = 0; k < 3; ++k) wraps = wraps || bounds.extent(k) + reach + skin_ + cells_.sides()[k] > wrap_;
  const Bounds place = bounds.widened(reach + slack);
  return Candidates(*this, ranges, wraps ? &place : nullptr, far_from(bounds));
}

template <class Real>
template <class Work>
void CellEdges<Real>::for_each_group(std::span<const int> centres, double reach, const Work& work) const {
  if (centres.empty()) return;
  const Bounds bounds = bounds_of(centres);
  if (centres.size() == 1 || !is_wide(bounds)) return work(centres, candidates(bounds, reach));
  for_each_group(centres.first(centres.size() / 2), reach, work);
  for_each_group(centres.subspan(centres.size() / 2), reach, work);
}

template <class Real>
void CellEdges<Real>::append(std::span<const int> centres, EdgeBlock<Real>& block) const {
  for_each_group(centres, cutoff_ + 0.5 * skin_, [&](std::span<const int> group, const Candidates& all) {
    for (const int i : group) {
      const int found = strip(all, i, cutoff_);
      block.reserve(found);
      const auto start = static_cast<std::size_t>(block.edges());
      copy_padded(all.edges.x, found, &block.x[start]);
      copy_padded(all.edges.y, found, &block.y[start]);
      copy_padded(all.edges.z, found, &block.z[start]);
      for (int e = 0; e < found; ++e) block.neighbour[start + static_cast<std::size_t>(e)] = rows_(all.edges.atom[e]);
      block.close(i, found);
    }
  });
}

template <class Real>
void CellEdges<Real>::visit_lists(std::span<const int> centres,
                                  const std::function<void(int, std::span<const int>)>& visit) const {
  const double reach = longest_ + skin_;
  for_each_group(centres, reach, [&](std::span<const int> group, const Candidates& all) {
    for (const int i : group) visit(i, {all.edges.atom, static_cast<std::size_t>(strip(all, i, reach))});
  });
}

template <class Real>
int CellEdges<Real>::strip(const Candidates& all, int centre, double cutoff) const {
  const auto coordinate = coordinate_of<Real>(spacing_);
  const double* r = positions_ + 3 * static_cast<std::ptrdiff_t>(centre);
  const NearCentre<Coordinate> of{coordinate(r[0]), coordinate(r[1]), coordinate(r[2]), centre};
  const auto most = static_cast<Real>(cutoff * cutoff);
  int found = 0;
  Real nearest = 0;
  if constexpr (std::is_same_v<Real, float>)
    found = strip_near(all.near, of, static_cast<float>(spacing_), most, all.edges, nearest);
  else
    found = strip_near(all.near, of, most, all.edges, nearest);
  if (nearest < static_cast<Real>(smallest_distance * smallest_distance)) fail_too_close(centre, all.edges, found);
  // What is copied beyond the last edge may meet a gradient of zero, and has to give zero.
  for (Real* numbers : {all.edges.x, all.edges.y, all.edges.z}) std::fill_n(numbers + found, padding, Real(0));
  return found;
}

template <class Real>
void CellEdges<Real>::fail_too_close(int centre, const NearEdges<Real>& edges, int count) const {
  for (int e = 0; e < count; ++e) {
    const double distance = std::hypot(edges.x[e], edges.y[e], edges.z[e]);
    if (distance < smallest_distance) throw AtomError(centre, edges.atom[e], distance);
  }
}

template class CellEdges<float>;
template class CellEdges<double>;

}  // namespace grapevine
