#pragma once

#include <algorithm>
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
  LocalExchange(int own, std::span<const int> owner) : own_(own), owner_(owner.begin(), owner.end()) {
    for (const int atom : owner_)
      if (atom < 0 || atom >= own) throw std::out_of_range("LocalExchange: the owner of a ghost is not an own atom");
  }

  void gather_begin(Field<Real> field) override {
    int ghost = own_;
    for (const int atom : owner_) std::copy_n(field.row(atom), field.width, field.row(ghost++));
    this->tally_.gathers += 1;
    this->tally_.gather_atoms += static_cast<std::int64_t>(owner_.size());
    this->tally_.gather_numbers += static_cast<std::int64_t>(owner_.size()) * field.width;
  }
  void gather_end() override {}

  void scatter_add_begin(Field<Real> field) override {
    int ghost = own_;
    for (const int atom : owner_) {
      const Real* from = field.row(ghost++);
      Real* row = field.row(atom);
      for (int k = 0; k < field.width; ++k) row[k] += from[k];
    }
    this->tally_.scatters += 1;
    this->tally_.scatter_atoms += static_cast<std::int64_t>(owner_.size());
    this->tally_.scatter_numbers += static_cast<std::int64_t>(owner_.size()) * field.width;
  }
  void scatter_add_end() override {}

 private:
  int own_;
  std::vector<int> owner_;
};

}  // namespace grapevine
