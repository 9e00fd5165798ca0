#pragma once

#include <cstddef>
#include <cstdint>

namespace grapevine {

/// What an exchange has sent, for the proof of work at the end of a run.
struct ExchangeTally {
  std::int64_t gathers = 0;         ///< gather operations
  std::int64_t gather_atoms = 0;    ///< ghosts filled, summed over gathers
  std::int64_t gather_numbers = 0;  ///< numbers received for ghosts, summed over gathers
  std::int64_t scatters = 0;
  std::int64_t scatter_atoms = 0;
  std::int64_t scatter_numbers = 0;
  std::int64_t messages = 0;  ///< sent by this rank, both directions
};

/// Numbers that belong to atoms: `width` of them for each, those of atom i from data + i * stride on.
template <class Real>
struct Field {
  Real* data = nullptr;
  int width = 0;
  int stride = 0;

  Real* row(int atom) const { return data + static_cast<std::ptrdiff_t>(atom) * stride; }
};

/// Moves per-atom numbers between owners and ghosts.
///
/// Every ghost is a copy of an atom that some rank (perhaps this one) owns. An exchange knows that relation and
/// nothing else: not what the numbers mean, nor which model wants them. Two operations, both named from the point of
/// view of the rank that holds the ghosts:
///
///   gather       owner -> ghosts: each ghost's numbers become its owner's;
///   scatter_add  ghosts -> owner: each ghost's numbers are added to its owner's.
///
/// They are each other's transpose, so that a gradient taken through gather is a scatter_add. Fields have a row for
/// each own atom and each ghost. Both operations are collective over the ranks that share the graph. They come in two
/// halves: between begin and end the caller may work on own atoms' numbers that the operation does not change
/// (gather reads own rows, writes ghost rows; scatter_add reads ghost rows, adds to own rows).
template <class Real>
class Exchange {
 public:
  virtual ~Exchange() = default;

  virtual void gather_begin(Field<Real> field) = 0;
  virtual void gather_end() = 0;
  virtual void scatter_add_begin(Field<Real> field) = 0;
  virtual void scatter_add_end() = 0;

  void gather(Field<Real> field) {
    gather_begin(field);
    gather_end();
  }
  void scatter_add(Field<Real> field) {
    scatter_add_begin(field);
    scatter_add_end();
  }

  const ExchangeTally& tally() const { return tally_; }

 protected:
  ExchangeTally tally_;
};

}  // namespace grapevine
