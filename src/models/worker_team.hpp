#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "engine/block_list.hpp"
#include "models/gradient_worker.hpp"
#include "models/shared_rows.hpp"

namespace grapevine {

/// A worker and those that help it with one graph, a thread each. Workers have `rows`, of SharedRows, of which the
/// first one's features are all's.
template <class Worker>
class WorkerTeam {
 public:
  WorkerTeam(Worker& first, std::span<GradientWorker* const> helpers) : members_{&first} {
    for (GradientWorker* helper : helpers) members_.push_back(static_cast<Worker*>(helper));
  }

  int size() const { return static_cast<int>(members_.size()); }
  const std::vector<Worker*>& members() const { return members_; }

  /// See SharedRows.
  void start_rows(int t, std::size_t numbers) const {
    auto& rows = members_.front()->rows;
    rows.start(t, numbers);
    for (Worker* helper : helpers()) helper->rows.follow(t, rows);
  }

  void sum_gradients(int t) const {
    auto& rows = members_.front()->rows;
    std::vector<decltype(&rows)> others;
    for (Worker* helper : helpers()) others.push_back(&helper->rows);
    rows.sum_gradients(t, others);
  }

  /// Calls step(worker, block) for all blocks, each member at some of them.
  template <class Step>
  void run(const BlockList& blocks, const Step& step) const {
    run_blocks(blocks, size(), [&](int part, int b) { step(*members_[static_cast<std::size_t>(part)], b); });
  }

 private:
  std::span<Worker* const> helpers() const { return std::span(members_).subspan(1); }

  std::vector<Worker*> members_;
};

}  // namespace grapevine
