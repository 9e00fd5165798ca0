#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <vector>

#include "engine/exchange.hpp"

namespace grapevine {

/// Exchange where one rank holds everything: each ghost is a periodic image of an own atom. Sums are formed in the
/// order of the ghosts, so that the same graph gives the same bits.
template <class Real>
class LocalExchange : public Exchange<Real> {
 public:
  /// `owner` [ghosts] is the own atom (0 .. own - 1) of which ghost own + g is an image.
  LocalExchange(int own, std::span<const int> owner)
      : own_(static_cast<std::size_t>(own)), owner_(owner.begin(), owner.end()) {
    for (const int atom : owner_)
      if (atom < 0 || atom >= own) throw std::out_of_range("LocalExchange: the owner of a ghost is not an own atom");
  }

  void gather_begin(Real* field, int width) override {
    const std::size_t numbers = static_cast<std::size_t>(width);
    const Real* const own_rows = field;
    Real* ghost = field + own_ * numbers;
    for (const int atom : owner_) {
      const Real* row = own_rows + static_cast<std::size_t>(atom) * numbers;
      for (std::size_t k = 0; k < numbers; ++k) ghost[k] = row[k];
      ghost += numbers;
    }
    this->tally_.gathers += 1;
    this->tally_.gather_atoms += static_cast<std::int64_t>(owner_.size());
    this->tally_.gather_numbers += static_cast<std::int64_t>(owner_.size()) * width;
  }
  void gather_end() override {}

  void scatter_add_begin(Real* field, int width) override {
    const std::size_t numbers = static_cast<std::size_t>(width);
    const Real* ghost = field + own_ * numbers;
    for (const int atom : owner_) {
      Real* row = field + static_cast<std::size_t>(atom) * numbers;
      for (std::size_t k = 0; k < numbers; ++k) row[k] += ghost[k];
      ghost += numbers;
    }
    this->tally_.scatters += 1;
    this->tally_.scatter_atoms += static_cast<std::int64_t>(owner_.size());
    this->tally_.scatter_numbers += static_cast<std::int64_t>(owner_.size()) * width;
  }
  void scatter_add_end() override {}

 private:
  std::size_t own_;
  std::vector<int> owner_;
};

}  // namespace grapevine
