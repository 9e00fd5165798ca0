#pragma once

#include <memory>
#include <span>

namespace grapevine {

/// The processes that work on one task together.
class Ranks {
 public:
  virtual ~Ranks() = default;

  virtual int rank() const = 0;
  virtual int size() const = 0;

  /// Each number becomes its sum over all ranks, the same to the bit on each. Collective.
  virtual void sum(std::span<double> numbers) = 0;
};

/// One process alone.
class OneRank final : public Ranks {
 public:
  int rank() const override { return 0; }
  int size() const override { return 1; }
  void sum(std::span<double> /*numbers*/) override {}
};

}  // namespace grapevine
