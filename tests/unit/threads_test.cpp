#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <numeric>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "support/error.hpp"
#include "test_files.hpp"
#include "threads/interruption.hpp"
#include "threads/shares.hpp"
#include "threads/thread_count.hpp"

namespace grapevine::test {
namespace {

using testing::Each;
using testing::Eq;
using testing::HasSubstr;
using namespace std::chrono_literals;

/// An environment variable with another value, or none, for as long as this lives.
class Environment {
 public:
  Environment(std::string name, const char* value) : name_(std::move(name)) {
    if (const char* now = std::getenv(name_.c_str())) before_ = now;
    set(value);
  }
  ~Environment() { set(before_ ? before_->c_str() : nullptr); }
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

 private:
  void set(const char* value) {
    if (value != nullptr)
      setenv(name_.c_str(), value, 1);
    else
      unsetenv(name_.c_str());
  }

  std::string name_;
  std::optional<std::string> before_;
};

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         1e-6 * static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

std::vector<int> calls_of(int shares) {
  std::vector<int> calls(static_cast<std::size_t>(shares));
  run_shares(shares, [&](int share) { ++calls[static_cast<std::size_t>(share)]; });
  return calls;
}

TEST(Shares, EachIsDoneOnce) {
  for (const int shares : {0, 1, 2, 7, 3, 64, 2})
    for (int n = 0; n < 100; ++n) EXPECT_THAT(calls_of(shares), Each(Eq(1))) << shares;
}

TEST(Shares, SeveralThreadsMayCallAtOnce) {
  std::atomic<int> wrong = 0;
  const auto work = [&] {
    for (int n = 0; n < 300; ++n)
      for (const int calls : calls_of(1 + n % 5)) wrong += calls != 1;
  };
  std::vector<std::thread> callers;
  for (int n = 0; n < 3; ++n) callers.emplace_back(work);
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(wrong, 0);
}

TEST(Shares, OneWithinAnotherIsDoneInOrder) {
  std::vector<std::vector<int>> order(3);
  run_shares(3, [&](int share) {
    run_shares(4, [&](int inner) { order[static_cast<std::size_t>(share)].push_back(inner); });
  });
  EXPECT_THAT(order, Each(testing::ElementsAre(0, 1, 2, 3)));
}

TEST(Shares, TheFirstSharesProblemIsThrownWhenAllHaveEnded) {
  for (int n = 0; n < 50; ++n) {
    std::atomic<int> ended = 0;
    const auto work = [&](int share) {
      if (share == 1) std::this_thread::sleep_for(100us);
      ++ended;
      if (share > 0) throw std::runtime_error(std::to_string(share));
    };
    try {
      run_shares(4, work);
      FAIL();
    } catch (const std::runtime_error& problem) {
      EXPECT_STREQ(problem.what(), "1");
    }
    EXPECT_EQ(ended, 4);
  }
  EXPECT_THAT(calls_of(4), Each(Eq(1)));
}

TEST(Shares, RangesAndItemsAreCompleteWhateverTheThreads) {
  for (const int threads : {1, 2, 3, 7})
    for (const std::size_t count : {0u, 1u, 5u, 100u}) {
      std::vector<int> ranges(count);
      std::vector<int> items(count);
      run_ranges(threads, count, [&](std::size_t begin, std::size_t end) {
        for (std::size_t n = begin; n < end; ++n) ++ranges[n];
      });
      run_each(threads, count, [&](std::size_t n) { ++items[n]; });
      EXPECT_THAT(ranges, Each(Eq(1))) << threads << " threads, " << count;
      EXPECT_THAT(items, Each(Eq(1))) << threads << " threads, " << count;
    }
}

TEST(Shares, ThreadsThatWaitSleepSoon) {
  EXPECT_THAT(calls_of(8), Each(Eq(1)));
  const double before = cpu_seconds();
  std::this_thread::sleep_for(300ms);
  EXPECT_LT(cpu_seconds() - before, 0.1);
}

TEST(Shares, CallersDoNotWaitForEachOther) {
  std::atomic<bool> ends = false;
  std::thread other([&] {
    run_shares(2, [&](int) {
      while (!ends) std::this_thread::sleep_for(1ms);
    });
  });
  EXPECT_THAT(calls_of(2), Each(Eq(1)));
  ends = true;
  other.join();
}

TEST(Shares, AForkedProcessHasItsOwn) {
  EXPECT_THAT(calls_of(4), Each(Eq(1)));
  const pid_t child = fork();
  if (child == 0) {
    alarm(20);
    const std::vector<int> calls = calls_of(4);
    _exit(std::accumulate(calls.begin(), calls.end(), 0) == 4 ? 0 : 1);
  }
  int status = -1;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  EXPECT_THAT(calls_of(4), Each(Eq(1)));
}

class Stop : public std::runtime_error {
 public:
  Stop() : std::runtime_error("stop") {}
};

void work_for_ever(int) {
  while (true) interruption_point();
}

TEST(Interruption, EndsAllShares) {
  for (const int shares : {1, 2, 5}) {
    int checks = 0;
    const Interruptible interruptible([&] {
      if (++checks == 2) throw Stop();
    });
    EXPECT_THROW(run_shares(shares, work_for_ever), Stop);
    EXPECT_TRUE(was_interrupted());
  }
  EXPECT_FALSE(was_interrupted());
  EXPECT_THAT(calls_of(5), Each(Eq(1)));
}

TEST(Interruption, EndsTheHelpersThatTheCallerWaitsFor) {
  const Interruptible interruptible([] { throw Stop(); });
  const auto caller = std::this_thread::get_id();
  std::atomic<bool> begun = false;
  const auto work = [&](int share) {
    if (std::this_thread::get_id() != caller) begun = true;
    // Not before the helper has begun its own.
    while (share == 0 && !begun) std::this_thread::yield();
    if (share == 1) work_for_ever(share);
  };
  EXPECT_THROW(run_shares(2, work), Stop);
}

TEST(Interruption, CanBeHeldOff) {
  const Interruptible interruptible([] { throw Stop(); });
  const auto wait = [] {
    const auto end = std::chrono::steady_clock::now() + 200ms;
    while (std::chrono::steady_clock::now() < end) interruption_point();
  };
  {
    const Interruptible uninterrupted(nullptr);
    EXPECT_NO_THROW(wait());
    EXPECT_FALSE(was_interrupted());
  }
  EXPECT_THROW(wait(), Stop);
}

TEST(Interruption, IsAskedForNowAndThen) {
  int checks = 0;
  const Interruptible interruptible([&] { ++checks; });
  const auto end = std::chrono::steady_clock::now() + 500ms;
  int points = 0;
  for (; std::chrono::steady_clock::now() < end; ++points) interruption_point();
  EXPECT_GE(checks, 1);
  EXPECT_LE(checks, 50);
  EXPECT_GT(points, checks);
}

TEST(ThreadCount, IsWhatIsAskedForOrWhatTheEnvironmentSays) {
  const Environment variable("OMP_NUM_THREADS", "3");
  EXPECT_EQ(thread_count(5), 5);
  EXPECT_EQ(thread_count(0), 3);
  const Environment list("OMP_NUM_THREADS", " 4 , 2");
  EXPECT_EQ(thread_count(0), 4);
  const Environment none("OMP_NUM_THREADS", nullptr);
  EXPECT_GE(thread_count(0), 1);
}

TEST(ThreadCount, AbsurdNumbersAreRefused) {
  for (const int asked : {-1, 4097, 1000000000})
    EXPECT_THAT(error_of([&] { thread_count(asked); }), HasSubstr(std::to_string(asked)));
  for (const char* text : {"100000", "99999999999999999999", "0", "-2", "two", "2 3", "1.5"}) {
    const Environment variable("OMP_NUM_THREADS", text);
    EXPECT_THAT(error_of([] { thread_count(0); }), HasSubstr(std::string("OMP_NUM_THREADS is '") + text));
  }
}

TEST(ThreadCount, FollowsTheSizeOfTheWork) {
  EXPECT_EQ(threads_for(0, 100, 8), 1);
  EXPECT_EQ(threads_for(199, 100, 8), 1);
  EXPECT_EQ(threads_for(200, 100, 8), 2);
  EXPECT_EQ(threads_for(1e12, 100, 8), 8);
}

}  // namespace
}  // namespace grapevine::test
