#include "threads/shares.hpp"

#include <fmt/format.h>
#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <exception>
#include <memory>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "support/error.hpp"
#include "threads/interruption.hpp"

namespace grapevine {
namespace {

using Clock = std::chrono::steady_clock;

// How long a thread that waits looks before it sleeps: first without giving way, as what it waits for mostly comes
// within a microsecond, then letting others have the core.
constexpr std::chrono::microseconds watching{20};
constexpr std::chrono::microseconds giving_way{500};
constexpr std::chrono::milliseconds between_checks{20};

void pause_briefly() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

template <class Ready>
bool watch(const Ready& ready) {
  constexpr int looks = 32;  // between readings of the clock
  const auto start = Clock::now();
  while (true) {
    for (int i = 0; i < looks; ++i) {
      if (ready()) return true;
      pause_briefly();
    }
    const auto waited = Clock::now() - start;
    if (waited > watching) std::this_thread::yield();
    if (waited > giving_way) return ready();
  }
}

/// Where one thread waits for what another brings about. Both sides order their flags sequentially, so that either the
/// one that goes to sleep sees what it waits for, or the other sees that it sleeps.
class WaitingPlace {
 public:
  template <class Ready>
  void wait(const Ready& ready) {
    if (watch(ready)) return;
    std::unique_lock lock(mutex_);
    sleeps_ = true;
    wake_.wait(lock, ready);
    sleeps_ = false;
  }

  /// Calls `meanwhile` several times a second.
  template <class Ready, class Meanwhile>
  void wait(const Ready& ready, const Meanwhile& meanwhile) {
    if (watch(ready)) return;
    std::unique_lock lock(mutex_);
    sleeps_ = true;
    while (!wake_.wait_for(lock, between_checks, ready)) {
      lock.unlock();
      meanwhile();
      lock.lock();
    }
    sleeps_ = false;
  }

  void wake() {
    if (!sleeps_) return;
    const std::lock_guard lock(mutex_);
    wake_.notify_one();
  }

 private:
  std::mutex mutex_;
  std::condition_variable wake_;
  std::atomic<bool> sleeps_ = false;
};

/// What one call of run_shares asks for.
struct Job {
  const std::function<void(int)>& work;
  std::atomic<bool> given_up = false;
  std::exception_ptr interruption{};
};

// Whether this thread is at work on a share.
thread_local bool in_share = false;

std::exception_ptr run_share(const Job& job, int share) {
  in_share = true;
  std::exception_ptr problem;
  try {
    job.work(share);
  } catch (...) {
    problem = std::current_exception();
  }
  in_share = false;
  return problem;
}

/// A thread that does the share of one number, if it begins before the share is taken back.
class Helper {
 public:
  Helper(int share, WaitingPlace& caller) : share_(share), caller_(caller), thread_([this] { run(); }) {}
  ~Helper() {
    state_ = State::ended;
    place_.wake();
    thread_.join();
  }
  Helper(const Helper&) = delete;
  Helper& operator=(const Helper&) = delete;

  void offer(const Job& job) {
    job_ = &job;
    state_ = State::offered;
    place_.wake();
  }

  /// False if the share has been begun.
  bool take_back() {
    State expected = State::offered;
    return state_.compare_exchange_strong(expected, State::idle);
  }

  bool is_idle() const { return state_ == State::idle; }

  std::exception_ptr problem() { return std::exchange(problem_, nullptr); }

 private:
  enum class State { idle, offered, begun, ended };

  void run() {
    while (true) {
      place_.wait([this] { return state_ == State::offered || state_ == State::ended; });
      State expected = State::offered;
      if (state_.compare_exchange_strong(expected, State::begun)) {
        {
          const HelperInterruption interruption(job_->given_up);
          problem_ = run_share(*job_, share_);
        }
        state_ = State::idle;
        caller_.wake();
      } else if (expected == State::ended) {
        return;
      }
    }
  }

  int share_;
  WaitingPlace& caller_;
  WaitingPlace place_;
  const Job* job_ = nullptr;
  std::exception_ptr problem_;
  std::atomic<State> state_ = State::idle;
  std::thread thread_;
};

/// Threads that start meanwhile are not chosen to handle signals: the one that called may have to be woken by them.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t before_;
};

/// The helpers of one thread.
class Team {
 public:
  void run(int shares, const std::function<void(int)>& work) {
    start(shares - 1);
    std::vector<std::exception_ptr> problems(static_cast<std::size_t>(shares));
    Job job{work};  // from the first offer until all helpers are idle, nothing is thrown
    for (int i = 1; i < shares; ++i) helper(i).offer(job);
    problems[0] = run_here(job, 0);
    for (int i = shares - 1; i > 0; --i)
      if (helper(i).take_back() && !job.given_up) problems[static_cast<std::size_t>(i)] = run_here(job, i);
    for (int i = 1; i < shares; ++i) wait_for(helper(i), job);
    for (int i = 1; i < shares; ++i)
      if (auto problem = helper(i).problem()) problems[static_cast<std::size_t>(i)] = problem;
    if (job.interruption) std::rethrow_exception(job.interruption);
    for (const std::exception_ptr& problem : problems)
      if (problem) std::rethrow_exception(problem);
  }

  void end() { helpers_.clear(); }

 private:
  Helper& helper(int share) { return *helpers_[static_cast<std::size_t>(share - 1)]; }

  void start(int helpers) {
    if (static_cast<int>(helpers_.size()) >= helpers) return;
    end_before_fork();
    const SignalsBlocked here;
    while (static_cast<int>(helpers_.size()) < helpers) try {
        helpers_.push_back(std::make_unique<Helper>(static_cast<int>(helpers_.size()) + 1, place_));
      } catch (const std::system_error&) {
        const auto started = helpers_.size();
        end();
        throw Error(
            fmt::format("{} threads cannot be started, the system allows {}; ask for fewer", helpers + 1, started + 1));
      }
  }

  static void end_before_fork();

  static std::exception_ptr run_here(Job& job, int share) {
    std::exception_ptr problem = run_share(job, share);
    if (problem && was_interrupted()) give_up(job, problem);
    return problem;
  }

  static void give_up(Job& job, const std::exception_ptr& problem) {
    job.interruption = problem;
    job.given_up = true;
  }

  void wait_for(Helper& helper, Job& job) {
    const auto ready = [&] { return helper.is_idle(); };
    if (!can_be_interrupted()) return place_.wait(ready);
    place_.wait(ready, [&] {
      if (job.given_up) return;
      try {
        interruption_point();
      } catch (...) {
        give_up(job, std::current_exception());
      }
    });
  }

  WaitingPlace place_;
  std::vector<std::unique_ptr<Helper>> helpers_;
};

thread_local Team team;

void end_team() { team.end(); }

void Team::end_before_fork() {
  static std::atomic_flag is_arranged;
  if (!is_arranged.test_and_set()) pthread_atfork(end_team, nullptr, nullptr);
}

}  // namespace

void run_shares(int shares, const std::function<void(int)>& work) {
  if (shares > 1 && !in_share) return team.run(shares, work);
  for (int i = 0; i < shares; ++i) work(i);
}

void run_each(int threads, std::size_t count, const std::function<void(std::size_t)>& work) {
  std::atomic<std::size_t> next = 0;
  run_shares(static_cast<int>(std::min<std::size_t>(static_cast<std::size_t>(std::max(threads, 1)), count)), [&](int) {
    for (std::size_t i = next++; i < count; i = next++) work(i);
  });
}

void run_ranges(int threads, std::size_t count, const std::function<void(std::size_t, std::size_t)>& work) {
  run_shares(threads, [&](int part) { work(part_begin(count, threads, part), part_begin(count, threads, part + 1)); });
}

std::size_t part_begin(std::size_t count, int parts, int part) {
  const auto n = static_cast<std::size_t>(parts);
  const auto p = static_cast<std::size_t>(part);
  return count / n * p + std::min(p, count % n);
}

}  // namespace grapevine
