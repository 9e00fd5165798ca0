#pragma once

#include <cstddef>
#include <exception>
#include <memory>
#include <span>
#include <vector>

#include "structures/evaluate_frame.hpp"

namespace grapevine {

/// Evaluates many structures on several threads: over structures where there are enough of them, over the atoms of
/// one structure after another otherwise.
class BatchEvaluator {
 public:
  /// Throws Error if there can be no such number of threads.
  BatchEvaluator(std::shared_ptr<const Potential> potential, Precision precision, int threads);

  /// Whether structures of so many atoms together are enough for one call: all threads are busy, memory is bounded, and
  /// the call is over within seconds.
  bool is_batch(std::size_t frames, std::size_t atoms) const;

  /// The result of one structure, or why there is none.
  struct Item {
    FrameResult result;
    std::exception_ptr problem;
  };

  /// One item per frame, in order. Throws Error if the threads cannot be started. Can be interrupted.
  std::vector<Item> evaluate(std::span<const Frame> frames);

 private:
  FrameEvaluator& together();

  std::shared_ptr<const Potential> potential_;
  Precision precision_;
  int threads_;
  std::vector<std::unique_ptr<FrameEvaluator>> singles_;  // [threads] with one thread each
  std::unique_ptr<FrameEvaluator> together_;              // with all threads
};

}  // namespace grapevine
