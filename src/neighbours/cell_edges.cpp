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

  /// Ranges of own atoms and of ghosts.
  using Ranges = std::array<std::vector<CellList::Range>, 2>;

  /// With all atoms of the ranges that are in `place`, which is as it is now, or simply all. `far` is a point beyond
  /// the cutoff of all centres.
  Candidates(const CellEdges& all, const Ranges& ranges, const Bounds* place, const std::array<Coordinate, 3>& far) {
    std::size_t size = padding;
    for (const auto& of : ranges)
      for (const CellList::Range& range : of) size += static_cast<std::size_t>(range.last - range.first);
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
    std::size_t n = 0;
    for (std::size_t s = 0; s < 2; ++s)
      for (const CellList::Range& range : ranges[s])
        for (auto k = static_cast<std::size_t>(range.first); k < static_cast<std::size_t>(range.last); ++k) {
          const Sorted& from = all.sorted_[s];
          const int atom = from.first + from.cells.order()[k];
          if (place != nullptr && !place->contains(all.positions_ + 3 * static_cast<std::ptrdiff_t>(atom))) continue;
          const std::array<Coordinate, 3> r =
              from.keeps_coordinates() ? std::array{from.x[k], from.y[k], from.z[k]} : all.coordinates(atom);
          x[n] = r[0];
          y[n] = r[1];
          z[n] = r[2];
          atoms[n++] = atom;
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
void CellEdges<Real>::sort(const double* positions, int own, int ghosts, double cutoff, double skin) {
  cutoff_ = longest_ = cutoff;
  skin_ = skin;
  const double reach = cutoff + skin;
  spacing_ = grid_spacing(reach);
  widest_ = widest_in_reach * reach;
  if (std::is_same_v<Real, float>) {
    wrap_ = std::ldexp(spacing_, 32) - reach - slack;
    widest_ = std::min(widest_, wrap_ - reach - slack);
  }
  check_positions(positions, own + ghosts);
  const bool keep = static_cast<std::size_t>(own) <= most_kept_;
  for (Sorted& sorted : sorted_) {
    const bool is_own = &sorted == sorted_.data();
    sorted.first = is_own ? 0 : own;
    sorted.cells.sort(positions + 3 * static_cast<std::ptrdiff_t>(sorted.first), is_own ? own : ghosts,
                      cutoff + 0.5 * skin);
    for (auto* array : {&sorted.x, &sorted.y, &sorted.z})
      array->resize(keep ? static_cast<std::size_t>(sorted.atoms()) : 0);
  }
}

template <class Real>
void CellEdges<Real>::update(const double* positions, const AtomRows& rows) {
  positions_ = positions;
  rows_ = rows;
  bool finite = true;
  for (Sorted& sorted : sorted_)
    if (sorted.atoms() > 0) finite = sorted.keeps_coordinates() && follow(sorted) && finite;
  if (!finite) check_positions(positions, sorted_[0].atoms() + sorted_[1].atoms());
}

// Whether all of them are finite.
template <class Real>
bool CellEdges<Real>::follow(Sorted& sorted) {
  const auto coordinate = coordinate_of<Real>(spacing_);
  const double* positions = positions_ + 3 * static_cast<std::ptrdiff_t>(sorted.first);
  const std::span<const int> order = sorted.cells.order();
  double check = 0;
  for (std::size_t n = 0; n < order.size(); ++n) {
    const double* r = positions + 3 * static_cast<std::ptrdiff_t>(order[n]);
    check += 0 * (r[0] + r[1] + r[2]);
    sorted.x[n] = coordinate(r[0]);
    sorted.y[n] = coordinate(r[1]);
    sorted.z[n] = coordinate(r[2]);
  }
  return check == 0;
}

template <class Real>
std::array<typename CellEdges<Real>::Coordinate, 3> CellEdges<Real>::coordinates(int atom) const {
  const auto coordinate = coordinate_of<Real>(spacing_);
  const double* r = positions_ + 3 * static_cast<std::ptrdiff_t>(atom);
  return {coordinate(r[0]), coordinate(r[1]), coordinate(r[2])};
}

template <class Real>
double CellEdges<Real>::bytes() const {
  double sum = 0;
  for (const Sorted& of : sorted_)
    sum += of.cells.bytes() +
           static_cast<double>((of.x.capacity() + of.y.capacity() + of.z.capacity()) * sizeof(Coordinate));
  return sum;
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
  typename Candidates::Ranges ranges;
  bool wraps = false;
  for (std::size_t s = 0; s < 2; ++s) {
    const CellList& cells = sorted_[s].cells;
    ranges[s].reserve(32);
    cells.near(bounds, reach + slack, ranges[s]);
    for (std::size_t k = 0; k < 3; ++k) wraps = wraps || bounds.extent(k) + reach + skin_ + cells.sides()[k] > wrap_;
  }
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
  const std::array<Coordinate, 3> r = coordinates(centre);
  const NearCentre<Coordinate> of{r[0], r[1], r[2], centre};
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
