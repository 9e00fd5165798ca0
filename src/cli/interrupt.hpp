#pragma once

#include <csignal>
#include <stdexcept>

namespace grapevine {

/// Thrown on the way out of work that the user has interrupted, so that destructors remove unfinished files.
class Interrupted : public std::runtime_error {
 public:
  Interrupted() : std::runtime_error("interrupted") {}
};

/// While it lives, SIGINT, SIGTERM, SIGHUP and SIGPIPE wait; requested() and check() ask whether one has come. When it
/// ends, a signal that waits takes its usual effect. Make it before any thread starts and before any AtomicFile, so
/// that it outlives them.
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

 private:
  sigset_t watched_;
  sigset_t before_;
};

}  // namespace grapevine
