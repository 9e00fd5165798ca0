#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <mutex>
#include <stdexcept>
#include <thread>

namespace grapevine {

/// Thrown on the way out of work that the user has interrupted, so that destructors remove unfinished files.
class Interrupted : public std::runtime_error {
 public:
  Interrupted() : std::runtime_error("interrupted") {}
};

/// While it lives, SIGINT, SIGTERM, SIGHUP and SIGPIPE wait; requested() and check() ask whether one has come. When it
/// ends, a signal that waits takes its usual effect. Make it before any thread starts and before any AtomicFile, so
/// that it outlives them.
///
/// Work that has not ended within most of a second of the signal, e.g. as it waits for a pipe, is not waited for:
/// unfinished files are removed, and the signal takes its effect. Where there is something to save, it gets longer.
class InterruptGuard {
 public:
  InterruptGuard();
  ~InterruptGuard();
  InterruptGuard(const InterruptGuard&) = delete;
  InterruptGuard& operator=(const InterruptGuard&) = delete;

  /// Whether a signal waits.
  bool requested() const;

  /// Throws Interrupted if a signal waits.
  void check() const;

  /// From now on there is something to save when a signal comes.
  void allow_saving() const { patience_ = patience_to_save; }

 private:
  static constexpr std::chrono::milliseconds usual_patience{700};
  static constexpr std::chrono::milliseconds patience_to_save{10000};

  void watch();

  sigset_t watched_;
  sigset_t before_;
  std::mutex mutex_;
  std::condition_variable ending_;
  bool ends_ = false;
  mutable std::atomic<std::chrono::milliseconds> patience_ = usual_patience;
  std::thread watcher_;
};

}  // namespace grapevine
