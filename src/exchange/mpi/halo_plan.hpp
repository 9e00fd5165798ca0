#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "exchange/mpi/communicator.hpp"

namespace grapevine {

/// The rank that owns an atom, and the atom's index there.
struct Owner {
  int rank = 0;
  int atom = 0;
};

/// Who sends what to whom: built once per neighbour list, used for every field until the next.
///
/// The halo of a rank are the distinct atoms of other ranks that its edges use. Each has one row in arrays over atoms,
/// that of the first ghost which is a copy of it; further images share that row. Periodic images of the rank's own
/// atoms share their owner's row: they are neither copied nor sent. Counts are named from the point of view of a
/// gather: halo atoms are received, sent atoms are sent.
class HaloPlan {
 public:
  /// Rows that one other rank receives or sends.
  struct Peer {
    int rank;
    std::vector<int> rows;
  };

  /// Collective. `ghosts` tells whose copies the ghosts own .. own + ghosts - 1 are, `used` [ghosts] which of them
  /// edges use. Throws Error on a rank that names an owner that is no rank, or is asked for an atom it does not own,
  /// or has 2^31 atoms and ghosts or more; std::invalid_argument if `ghosts` and `used` differ in length.
  HaloPlan(std::shared_ptr<const Communicator> communicator, int own, std::span<const Owner> ghosts,
           std::span<const unsigned char> used);

  /// [ghosts] the row of each ghost; own atoms use their own. Ghosts that no edge uses keep rows of their own, which
  /// nothing is sent to.
  const std::vector<int>& ghost_rows() const { return ghost_rows_; }

  /// The ranks that own this rank's halo, and the rows they fill; in order of rank, rows in order of the owner's atoms.
  const std::vector<Peer>& owners() const { return owners_; }
  /// The ranks whose halo has atoms of this rank, and the rows of those atoms.
  const std::vector<Peer>& holders() const { return holders_; }

  int halo_atoms() const;           ///< received in a gather
  std::int64_t sent_atoms() const;  ///< sent in a gather, counted once for each rank they go to

  const Communicator& communicator() const { return *communicator_; }
  double bytes() const;

 private:
  std::vector<std::vector<int>> assign_rows(int own, std::span<const Owner> ghosts,
                                            std::span<const unsigned char> used);
  void find_holders(int own, const std::vector<std::vector<int>>& wanted);

  std::shared_ptr<const Communicator> communicator_;
  std::vector<int> ghost_rows_;
  std::vector<Peer> owners_;
  std::vector<Peer> holders_;
};

}  // namespace grapevine
