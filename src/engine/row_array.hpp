#pragma once

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <new>

namespace grapevine {

/// Rows of numbers that are zero when the array has grown and otherwise keep what was written. Memory that nobody
/// touches costs nothing: the system has pages of zeros without writing them. Starts at a cache line, so that rows of
/// whole lines stay whole.
template <class Real>
class RowArray {
 public:
  void resize(std::size_t size) {
    size_ = size;
    if (size <= capacity_) return;
    capacity_ = size + size / 8;
    numbers_.reset();
    std::size_t room = capacity_ * sizeof(Real) + line;
    numbers_.reset(std::calloc(room, 1));
    if (!numbers_) throw std::bad_alloc();
    void* start = numbers_.get();
    start_ = static_cast<Real*>(std::align(line, capacity_ * sizeof(Real), start, room));
  }

  Real* data() { return start_; }
  std::size_t size() const { return size_; }
  std::size_t capacity() const { return capacity_; }

 private:
  static constexpr std::size_t line = 64;
  struct Free {
    void operator()(void* numbers) const { std::free(numbers); }
  };

  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
  std::unique_ptr<void, Free> numbers_;
  Real* start_ = nullptr;  // the first whole cache line in them
};

}  // namespace grapevine
