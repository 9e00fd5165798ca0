#pragma once

#include <cstddef>
#include <random>
#include <utility>
#include <vector>

namespace grapevine {

/// A bounded sample of all values added, each with the same probability. The same values in the same order give the
/// same sample.
template <class Value>
class Sample {
 public:
  explicit Sample(std::size_t capacity) : capacity_(capacity) {}

  void add(const Value& value) {
    ++count_;
    if (values_.size() < capacity_) {
      values_.push_back(value);
      return;
    }
    const std::size_t place = std::uniform_int_distribution<std::size_t>(0, count_ - 1)(random_);
    if (place < capacity_) values_[place] = value;
  }

  const std::vector<Value>& values() const { return values_; }
  std::vector<Value> take() && { return std::move(values_); }

 private:
  std::size_t capacity_;
  std::size_t count_ = 0;
  std::vector<Value> values_;
  std::mt19937_64 random_{0};
};

}  // namespace grapevine
