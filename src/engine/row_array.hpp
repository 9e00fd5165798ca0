#pragma once

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <new>

namespace grapevine {

/// Rows of numbers that are zero when the array has grown and otherwise keep what was written. Memory that nobody
/// touches costs nothing: the system has pages of zeros without writing them.
template <class Real>
class RowArray {
 public:
  void resize(std::size_t size) {
    size_ = size;
    if (size <= capacity_) return;
    capacity_ = size + size / 8;
    numbers_.reset();
    numbers_.reset(static_cast<Real*>(std::calloc(capacity_, sizeof(Real))));
    if (!numbers_) throw std::bad_alloc();
  }

  Real* data() { return numbers_.get(); }
  std::size_t size() const { return size_; }
  std::size_t capacity() const { return capacity_; }

 private:
  struct Free {
    void operator()(Real* numbers) const { std::free(numbers); }
  };

  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
  std::unique_ptr<Real[], Free> numbers_;
};

}  // namespace grapevine
