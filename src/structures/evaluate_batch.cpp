#include "structures/evaluate_batch.hpp"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <utility>

#include "threads/interruption.hpp"
#include "threads/shares.hpp"
#include "threads/thread_count.hpp"

namespace grapevine {
namespace {

// With so many structures per thread the threads end at about the same time.
constexpr std::size_t enough_frames_per_thread = 4;

constexpr std::size_t batch_atoms = 8192;
constexpr std::size_t batch_frames_per_thread = 32;

BatchEvaluator::Item evaluate_one(FrameEvaluator& evaluator, const Frame& frame) {
  BatchEvaluator::Item item;
  try {
    item.result = evaluator.evaluate(frame);
  } catch (...) {
    if (was_interrupted()) throw;
    item.problem = std::current_exception();
  }
  return item;
}

}  // namespace

BatchEvaluator::BatchEvaluator(std::shared_ptr<const Potential> potential, Precision precision, int threads)
    : potential_(std::move(potential)), precision_(precision), threads_(thread_count(std::max(1, threads))) {}

bool BatchEvaluator::is_batch(std::size_t frames, std::size_t atoms) const {
  return atoms >= batch_atoms || frames >= batch_frames_per_thread * static_cast<std::size_t>(threads_);
}

FrameEvaluator& BatchEvaluator::together() {
  if (!together_) together_ = std::make_unique<FrameEvaluator>(*potential_, precision_, threads_);
  return *together_;
}

std::vector<BatchEvaluator::Item> BatchEvaluator::evaluate(std::span<const Frame> frames) {
  std::vector<Item> items(frames.size());
  if (threads_ == 1 || frames.size() < enough_frames_per_thread * static_cast<std::size_t>(threads_)) {
    for (std::size_t f = 0; f < frames.size(); ++f) items[f] = evaluate_one(together(), frames[f]);
    return items;
  }
  while (singles_.size() < static_cast<std::size_t>(threads_))
    singles_.push_back(std::make_unique<FrameEvaluator>(*potential_, precision_, 1));
  std::atomic<std::size_t> next = 0;
  run_shares(threads_, [&](int thread) {
    FrameEvaluator& evaluator = *singles_[static_cast<std::size_t>(thread)];
    for (std::size_t f = next++; f < frames.size(); f = next++) items[f] = evaluate_one(evaluator, frames[f]);
  });
  return items;
}

}  // namespace grapevine
