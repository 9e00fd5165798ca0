#include "parallel/mpi_ranks.hpp"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <thread>
#include <utility>

#include "parallel/mpi_library.hpp"
#include "support/error.hpp"

namespace grapevine {
namespace {

constexpr std::size_t largest_message = std::size_t{1} << 30;  // elements; MPI counts in int

// A launcher that hears of an abort drops what it has not yet read of a rank's output, or not yet passed on.
constexpr std::chrono::milliseconds longest_reading{2000};
constexpr std::chrono::milliseconds forwarding_time{100};

/// Returns when nothing is left unread in the pipe behind a file descriptor, or after `longest_reading`.
void wait_for_reader(int descriptor) {
  const auto give_up = std::chrono::steady_clock::now() + longest_reading;
  struct stat file {};
  int unread = 0;
  if (fstat(descriptor, &file) != 0 || !S_ISFIFO(file.st_mode)) return;
  while (ioctl(descriptor, FIONREAD, &unread) == 0 && unread > 0 && std::chrono::steady_clock::now() < give_up)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

/// The first `largest_message` elements of what is left, until nothing is.
template <class T, class Action>
void for_messages(std::span<T> values, Action action) {
  while (!values.empty()) {
    const std::size_t count = std::min(values.size(), largest_message);
    action(values.data(), static_cast<int>(count));
    values = values.subspan(count);
  }
}

class MpiRanks final : public Ranks {
 public:
  explicit MpiRanks(MpiLibrary library) : mpi_(std::move(library)), exceptions_(std::uncaught_exceptions()) {
    int level = 0;
    if (mpi_.init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &level) != MPI_SUCCESS)
      throw Error(fmt::format("{}: MPI cannot be started", mpi_.path));
    mpi_.comm_rank(MPI_COMM_WORLD, &rank_);
    mpi_.comm_size(MPI_COMM_WORLD, &size_);
    neighbours_ = count_neighbours();
  }
  ~MpiRanks() override {
    // To leave MPI is to wait for all ranks, and not all come this way if one has failed.
    if (std::uncaught_exceptions() <= exceptions_) mpi_.finalize();
  }
  MpiRanks(const MpiRanks&) = delete;
  MpiRanks& operator=(const MpiRanks&) = delete;

  const std::string& library() const { return mpi_.path; }
  int rank() const override { return rank_; }
  int size() const override { return size_; }
  int neighbours() const override { return neighbours_; }

  void sum(std::span<double> values) override { sum(values, MPI_DOUBLE); }
  void sum(std::span<float> values) override { sum(values, MPI_FLOAT); }

  void broadcast(std::span<std::byte> bytes) override {
    for_messages(bytes, [&](std::byte* first, int count) { mpi_.bcast(first, count, MPI_BYTE, 0, MPI_COMM_WORLD); });
  }

  double max(double value) override {
    double result = value;
    mpi_.allreduce(&value, &result, 1, MPI_DOUBLE, MPI_MAX, MPI_COMM_WORLD);
    return result;
  }

  void barrier() override { mpi_.barrier(MPI_COMM_WORLD); }

  [[noreturn]] void abort(int exit_code) override {
    std::fflush(nullptr);
    wait_for_reader(STDOUT_FILENO);
    wait_for_reader(STDERR_FILENO);
    std::this_thread::sleep_for(forwarding_time);
    // The reason has been reported; MPI would add a line that says nothing.
    std::FILE* silenced = std::freopen("/dev/null", "w", stderr);
    static_cast<void>(silenced);
    mpi_.abort(MPI_COMM_WORLD, exit_code);
    std::_Exit(exit_code);
  }

 private:
  /// MPI_Allreduce may add up in another order on each rank; one rank adds, and all have its result.
  template <class T>
  void sum(std::span<T> values, MPI_Datatype type) {
    for_messages(values, [&](T* first, int count) {
      mpi_.reduce(rank_ == 0 ? MPI_IN_PLACE : first, rank_ == 0 ? first : nullptr, count, type, MPI_SUM, 0,
                  MPI_COMM_WORLD);
      mpi_.bcast(first, count, type, 0, MPI_COMM_WORLD);
    });
  }

  int count_neighbours() const {
    MPI_Comm machine = MPI_COMM_NULL;
    int count = 1;
    mpi_.comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &machine);
    mpi_.comm_size(machine, &count);
    mpi_.comm_free(&machine);
    return count;
  }

  MpiLibrary mpi_;
  int exceptions_;
  int rank_ = 0;
  int size_ = 1;
  int neighbours_ = 1;
};

}  // namespace

std::unique_ptr<Ranks> join_mpi_ranks(const Launcher& launcher) {
  auto ranks = std::make_unique<MpiRanks>(open_mpi_library());
  const bool fits = launcher.kind == LauncherKind::pmi
                        ? ranks->size() == launcher.size && ranks->rank() == launcher.rank
                        : launcher.rank < ranks->size();
  if (!fits)
    throw Error(fmt::format("the launcher says rank {}{}, but {} says rank {} of {}: use the mpirun of the same MPI",
                            launcher.rank, launcher.size > 0 ? fmt::format(" of {}", launcher.size) : std::string(),
                            ranks->library(), ranks->rank(), ranks->size()));
  return ranks;
}

}  // namespace grapevine
