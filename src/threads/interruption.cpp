#include "threads/interruption.hpp"

#include <stdexcept>
#include <utility>

namespace grapevine {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds interval{50};

thread_local Interruptible* innermost = nullptr;
thread_local const std::atomic<bool>* helped = nullptr;

class GivenUp : public std::runtime_error {
 public:
  GivenUp() : std::runtime_error("the work was given up") {}
};

}  // namespace

Interruptible::Interruptible(std::function<void()> check)
    : check_(std::move(check)), next_(Clock::now() + interval), outer_(std::exchange(innermost, this)) {}

Interruptible::~Interruptible() { innermost = outer_; }

void interruption_point() {
  if (helped != nullptr && helped->load(std::memory_order_relaxed)) throw GivenUp();
  Interruptible* const here = innermost;
  if (here == nullptr || !here->check_) return;
  const auto now = Clock::now();
  if (now < here->next_) return;
  here->next_ = now + interval;
  try {
    here->check_();
  } catch (...) {
    here->thrown_ = true;
    throw;
  }
}

bool was_interrupted() {
  return (helped != nullptr && helped->load(std::memory_order_relaxed)) || (innermost != nullptr && innermost->thrown_);
}

bool can_be_interrupted() { return innermost != nullptr && innermost->check_; }

HelperInterruption::HelperInterruption(const std::atomic<bool>& given_up) { helped = &given_up; }

HelperInterruption::~HelperInterruption() { helped = nullptr; }

}  // namespace grapevine
