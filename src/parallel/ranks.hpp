#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>

namespace grapevine {

/// The processes that work on one task together, each with its own part of the data: those that `mpirun -np N` has
/// started, or this one alone. All functions but rank(), size(), neighbours() and abort() are collective: every rank
/// calls them, in the same order and with spans of the same length; one that does not leaves the others waiting. Only
/// the thread that joined may call them.
class Ranks {
 public:
  virtual ~Ranks() = default;

  virtual int rank() const = 0;        ///< 0 .. size() - 1
  virtual int size() const = 0;        ///< 1 for a process alone
  virtual int neighbours() const = 0;  ///< ranks on this machine, this one included: they share its cores

  /// Element by element the sum over all ranks, in place. The same bits on every rank.
  virtual void sum(std::span<double> values) = 0;
  virtual void sum(std::span<float> values) = 0;

  /// Rank 0's values, to all.
  virtual void broadcast(std::span<std::byte> bytes) = 0;
  void broadcast(std::span<double> values) { broadcast(std::as_writable_bytes(values)); }
  void broadcast(std::span<float> values) { broadcast(std::as_writable_bytes(values)); }

  virtual double max(double value) = 0;  ///< the largest of all ranks
  virtual void barrier() = 0;            ///< returns when every rank has called it

  /// Ends all ranks at once, wherever they are.
  [[noreturn]] virtual void abort(int exit_code) = 0;
};

/// Joins the ranks of this run: those of the MPI launcher that started this process, or it alone. MPI's library
/// (libmpi.so.12 of MPICH and what is compatible with it) is opened only if there are several ranks. To be called once
/// in a process; destroying the Ranks leaves MPI, which waits for the other ranks, except where an exception is under
/// way. Throws Error if the launcher belongs to another MPI, or if the library is missing or does not fit.
std::unique_ptr<Ranks> join_ranks();

/// Calls `action` with the ranks of this run. An exception that leaves it does not keep other ranks waiting: where
/// there are any, `report` is called with its text and all ranks are ended (exit code 1), so that this does not return.
/// Where all ranks fail alike, rank 0 reports. A process alone lets the exception pass.
void run_on_ranks(const std::function<void(Ranks&)>& action, const std::function<void(const std::string&)>& report);

}  // namespace grapevine
