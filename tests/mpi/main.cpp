#include <gtest/gtest.h>
#include <mpi.h>

#include <iostream>
#include <string>

namespace {

/// Names the rank that failed. Ends all ranks when one leaves a test early: the others would wait for it forever.
class RankFailures : public ::testing::EmptyTestEventListener {
 public:
  explicit RankFailures(int rank) : rank_(rank) {}

  // Kept here because GoogleTest is locked, and cannot be asked, while it reports a result.
  void OnTestStart(const ::testing::TestInfo& test) override {
    test_ = std::string(test.test_suite_name()) + "." + test.name();
  }

  void OnTestPartResult(const ::testing::TestPartResult& result) override {
    if (!result.failed()) return;
    const char* file = result.file_name() ? result.file_name() : "unknown file";
    std::cerr << "rank " + std::to_string(rank_) + ", " + test_ + "\n" + file + ":" +
                     std::to_string(result.line_number()) + ": " + result.message() + "\n"
              << std::flush;
    if (result.fatally_failed()) MPI_Abort(MPI_COMM_WORLD, 1);
  }

 private:
  int rank_;
  std::string test_ = "outside of tests";
};

// A launcher of another MPI starts programs of one rank each, which would all pass.
bool as_many_ranks_as_asked(int argc, char** argv, int ranks) {
  if (argc == 1) return true;
  if (argc == 2 && argv[1] == "--ranks=" + std::to_string(ranks)) return true;
  std::cerr << "grapevine_mpi_tests: runs on " << ranks << " ranks, but was started with " << argv[1] << "\n";
  return false;
}

int run_tests(int argc, char** argv) {
  int rank = 0, ranks = 0;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &ranks);
  if (!as_many_ranks_as_asked(argc, argv, ranks)) return 1;
  auto& listeners = ::testing::UnitTest::GetInstance()->listeners();
  if (rank != 0) delete listeners.Release(listeners.default_result_printer());
  listeners.Append(new RankFailures(rank));
  int failed = RUN_ALL_TESTS();
  MPI_Allreduce(MPI_IN_PLACE, &failed, 1, MPI_INT, MPI_MAX, MPI_COMM_WORLD);
  return failed;
}

}  // namespace

int main(int argc, char** argv) {
  MPI_Init(&argc, &argv);
  ::testing::InitGoogleTest(&argc, argv);
  const int failed = run_tests(argc, argv);
  MPI_Finalize();
  return failed;
}
