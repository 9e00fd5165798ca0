#pragma once

#include <cstdlib>

#include "parallel/ranks.hpp"

namespace grapevine {

/// One process, to which every collective operation is trivial.
class Alone final : public Ranks {
 public:
  int rank() const override { return 0; }
  int size() const override { return 1; }
  int neighbours() const override { return 1; }
  void sum(std::span<double>) override {}
  void sum(std::span<float>) override {}
  void broadcast(std::span<std::byte>) override {}
  double max(double value) override { return value; }
  void barrier() override {}
  [[noreturn]] void abort(int exit_code) override { std::_Exit(exit_code); }
};

}  // namespace grapevine
