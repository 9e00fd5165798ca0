#pragma once

#include <mpi.h>

namespace grapevine {

/// A communicator of our own over the ranks of another, so that no message of the host is ever taken for one of ours.
class Communicator {
 public:
  /// Collective over `parent`.
  explicit Communicator(MPI_Comm parent);
  /// Collective like the constructor; does nothing once MPI is finalized.
  ~Communicator();
  Communicator(const Communicator&) = delete;
  Communicator& operator=(const Communicator&) = delete;

  MPI_Comm get() const { return comm_; }
  int rank() const { return rank_; }
  int size() const { return size_; }

  /// 0, 1, 0, 1 ... with every collective operation that needs to tell itself from the one before.
  int next_parity() const { return parity_ ^= 1; }

 private:
  MPI_Comm comm_ = MPI_COMM_NULL;
  int rank_ = 0;
  int size_ = 1;
  mutable int parity_ = 1;
};

}  // namespace grapevine
