#pragma once

#include <memory>

#include "engine/evaluator.hpp"

namespace grapevine {

/// An evaluator of one model for whatever number of threads is asked for, kept as long as that stays the same.
template <class Real>
class EvaluatorOnThreads {
 public:
  /// `model` is always the same.
  Evaluator<Real>& on(const std::shared_ptr<const Model<Real>>& model, int threads) {
    if (!evaluator_ || threads != threads_) evaluator_ = std::make_unique<Evaluator<Real>>(model, threads);
    threads_ = threads;
    return *evaluator_;
  }

 private:
  std::unique_ptr<Evaluator<Real>> evaluator_;
  int threads_ = 0;
};

}  // namespace grapevine
