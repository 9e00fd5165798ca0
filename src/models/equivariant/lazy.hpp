#pragma once

#include <atomic>
#include <mutex>
#include <optional>

namespace grapevine::equivariant {

/// A value made when it is first asked for. Any thread may ask.
template <class Value>
class Lazy {
 public:
  /// `make` has to give the same whoever calls.
  template <class Make>
  const Value& get(const Make& make) {
    if (const Value* made = made_.load(std::memory_order_acquire)) return *made;
    std::call_once(once_, [&] { made_.store(&value_.emplace(make()), std::memory_order_release); });
    return *value_;
  }

 private:
  // What is made is asked for at every edge; std::call_once alone takes longer than a load.
  std::atomic<const Value*> made_{nullptr};
  std::once_flag once_;
  std::optional<Value> value_;
};

}  // namespace grapevine::equivariant
