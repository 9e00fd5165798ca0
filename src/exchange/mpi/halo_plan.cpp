#include "exchange/mpi/halo_plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <limits>
#include <numeric>
#include <stdexcept>
#include <thread>
#include <tuple>
#include <utility>

#include "support/error.hpp"

namespace grapevine {

namespace {

struct Copy {
  Owner owner;
  int row;
};

bool same_atom(const Copy& a, const Copy& b) { return a.owner.rank == b.owner.rank && a.owner.atom == b.owner.atom; }

std::int64_t count(const std::vector<HaloPlan::Peer>& peers) {
  return std::accumulate(peers.begin(), peers.end(), std::int64_t{0}, [](std::int64_t sum, const HaloPlan::Peer& peer) {
    return sum + static_cast<std::int64_t>(peer.rows.size());
  });
}

void check_owned(int atom, int own, int owner, int asking) {
  if (atom < 0 || atom >= own)
    throw Error(fmt::format("rank {} asks rank {} for atom {}, but it owns {}", asking, owner, atom, own));
}

constexpr int request_tag = 1;

}  // namespace

HaloPlan::HaloPlan(std::shared_ptr<const Communicator> communicator, int own, std::span<const Owner> ghosts,
                   std::span<const unsigned char> used)
    : communicator_(std::move(communicator)) {
  find_holders(own, assign_rows(own, ghosts, used));
}

// Fills rows and owners; returns the atoms wanted of each owner, in the order of its rows.
std::vector<std::vector<int>> HaloPlan::assign_rows(int own, std::span<const Owner> ghosts,
                                                    std::span<const unsigned char> used) {
  if (used.size() != ghosts.size()) throw std::invalid_argument("HaloPlan: ghosts and used differ in length");
  if (ghosts.size() > static_cast<std::size_t>(std::numeric_limits<int>::max() - own))
    throw Error(fmt::format("{} atoms and {} ghosts are 2^31 or more on one rank; use more ranks", own, ghosts.size()));
  ghost_rows_.resize(ghosts.size());
  std::iota(ghost_rows_.begin(), ghost_rows_.end(), own);
  std::vector<Copy> copies;
  for (std::size_t g = 0; g < ghosts.size(); ++g) {
    const Owner& owner = ghosts[g];
    if (owner.rank < 0 || owner.rank >= communicator_->size())
      throw Error(
          fmt::format("ghost {} belongs to rank {}, which is none of the {}", g, owner.rank, communicator_->size()));
    if (owner.rank == communicator_->rank()) {
      check_owned(owner.atom, own, owner.rank, owner.rank);
      ghost_rows_[g] = owner.atom;
    } else if (used[g]) {
      copies.push_back({owner, own + static_cast<int>(g)});
    }
  }
  std::sort(copies.begin(), copies.end(), [](const Copy& a, const Copy& b) {
    return std::tie(a.owner.rank, a.owner.atom, a.row) < std::tie(b.owner.rank, b.owner.atom, b.row);
  });
  std::vector<std::vector<int>> wanted;
  for (std::size_t n = 0; n < copies.size(); ++n) {
    const Copy& copy = copies[n];
    if (n > 0 && same_atom(copies[n - 1], copy)) {
      ghost_rows_[copy.row - own] = owners_.back().rows.back();
      continue;
    }
    if (owners_.empty() || owners_.back().rank != copy.owner.rank) {
      owners_.push_back({copy.owner.rank, {}});
      wanted.emplace_back();
    }
    owners_.back().rows.push_back(copy.row);
    wanted.back().push_back(copy.owner.atom);
  }
  return wanted;
}

// Each rank knows whom it wants atoms of, but not who wants its own. Nonblocking consensus (Hoefler, Siebert and
// Lumsdaine, PPoPP 2010): synchronous sends to the owners; when all of mine have been received I enter a barrier; when
// everybody has, no request is under way. Costs in proportion to the neighbours, not to the ranks.
void HaloPlan::find_holders(int own, const std::vector<std::vector<int>>& wanted) {
  MPI_Comm comm = communicator_->get();
  // A fast rank may send the requests of its next plan while a slow one has not seen the barrier of this one.
  const int tag = request_tag + communicator_->next_parity();
  std::vector<MPI_Request> requests(wanted.size());
  for (std::size_t n = 0; n < wanted.size(); ++n)
    MPI_Issend(wanted[n].data(), static_cast<int>(wanted[n].size()), MPI_INT, owners_[n].rank, tag, comm, &requests[n]);

  MPI_Request barrier = MPI_REQUEST_NULL;
  bool in_barrier = false;
  for (int done = 0; !done;) {
    int arrived = 0;
    MPI_Status status;
    MPI_Iprobe(MPI_ANY_SOURCE, tag, comm, &arrived, &status);
    if (arrived) {
      int size = 0;
      MPI_Get_count(&status, MPI_INT, &size);
      Peer& holder = holders_.emplace_back(Peer{status.MPI_SOURCE, std::vector<int>(static_cast<std::size_t>(size))});
      MPI_Recv(holder.rows.data(), size, MPI_INT, holder.rank, tag, comm, MPI_STATUS_IGNORE);
    } else {
      std::this_thread::yield();  // to other ranks on this core
    }
    if (in_barrier) {
      MPI_Test(&barrier, &done, MPI_STATUS_IGNORE);
    } else {
      int all_sent = 0;
      MPI_Testall(static_cast<int>(requests.size()), requests.data(), &all_sent, MPI_STATUSES_IGNORE);
      if (all_sent) {
        MPI_Ibarrier(comm, &barrier);
        in_barrier = true;
      }
    }
  }
  std::sort(holders_.begin(), holders_.end(), [](const Peer& a, const Peer& b) { return a.rank < b.rank; });
  for (const Peer& holder : holders_)
    for (const int row : holder.rows) check_owned(row, own, communicator_->rank(), holder.rank);
}

int HaloPlan::halo_atoms() const { return static_cast<int>(count(owners_)); }

std::int64_t HaloPlan::sent_atoms() const { return count(holders_); }

double HaloPlan::bytes() const {
  return static_cast<double>((ghost_rows_.capacity() + static_cast<std::size_t>(count(owners_) + count(holders_))) *
                             sizeof(int));
}

}  // namespace grapevine
