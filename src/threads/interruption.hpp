#pragma once

#include <atomic>
#include <chrono>
#include <functional>

namespace grapevine {

/// While it lives, what this thread does, and what others do for it in run_shares, can be interrupted: `check` is
/// called on this thread several times a second, from interruption_point(), and throws to end the work. One within
/// another takes its place until it ends; with a check that is null, nothing is interrupted meanwhile.
class Interruptible {
 public:
  explicit Interruptible(std::function<void()> check);
  ~Interruptible();
  Interruptible(const Interruptible&) = delete;
  Interruptible& operator=(const Interruptible&) = delete;

 private:
  friend void interruption_point();
  friend bool can_be_interrupted();
  friend bool was_interrupted();

  std::function<void()> check_;
  std::chrono::steady_clock::time_point next_;
  bool thrown_ = false;
  Interruptible* outer_;
};

/// What takes long calls this at least every few milliseconds; it costs some nanoseconds. Throws what the check throws.
void interruption_point();

/// Whether the check has thrown on this thread, or the work that it helps with has been given up: for those that keep
/// exceptions for later, which this one must not be.
bool was_interrupted();

bool can_be_interrupted();  ///< whether there is a check on this thread

/// While it lives, interruption_point() throws on this thread as soon as `given_up` is set: for helpers of a thread
/// that was interrupted.
class HelperInterruption {
 public:
  explicit HelperInterruption(const std::atomic<bool>& given_up);
  ~HelperInterruption();
  HelperInterruption(const HelperInterruption&) = delete;
  HelperInterruption& operator=(const HelperInterruption&) = delete;
};

}  // namespace grapevine
