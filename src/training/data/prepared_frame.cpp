#include "training/data/prepared_frame.hpp"

#include <atomic>

#include "structures/frame_graph.hpp"
#include "support/error.hpp"
#include "support/error_context.hpp"
#include "threads/interruption.hpp"
#include "threads/shares.hpp"

namespace grapevine {
namespace {

void find_edges(int i, const FrameGraph& graph, const Frame& frame, EdgeBlock<double>& block) {
  try {
    graph.edges({&i, 1}, block);
  } catch (const AtomError& problem) {
    throw graph.describe(problem, frame);
  }
}

PreparedFrame prepare(const LabelledFrame& labelled, FrameGraph& graph) {
  graph.build(labelled.frame);
  const int atoms = graph.own();
  PreparedFrame result;
  result.species.assign(graph.species().begin(), graph.species().begin() + atoms);
  result.first.push_back(0);
  result.reference = labelled.reference;
  result.place = labelled.place;
  result.weights = labelled.weights_in_loss();
  EdgeBlock<double> block;
  for (int i = 0; i < atoms; ++i) {
    find_edges(i, graph, labelled.frame, block);
    for (int e = 0; e < block.edges(); ++e) {
      const int j = block.neighbour[static_cast<std::size_t>(e)];
      result.neighbour.push_back(j < atoms ? j : graph.owner()[static_cast<std::size_t>(j - atoms)]);
      for (const auto* component : {&block.x, &block.y, &block.z})
        result.vector.push_back((*component)[static_cast<std::size_t>(e)]);
    }
    result.first.push_back(result.neighbour.size());
  }
  return result;
}

}  // namespace

std::vector<PreparedFrame> prepare_frames(std::span<const LabelledFrame> frames,
                                          const std::vector<std::string>& species, double cutoff, int threads) {
  std::vector<PreparedFrame> prepared(frames.size());
  std::atomic<std::size_t> next = 0;
  run_shares(threads, [&](int) {
    FrameGraph graph(species, cutoff, 1);
    for (std::size_t f = next++; f < frames.size(); f = next++) {
      interruption_point();
      prepared[f] = with_context(frames[f].place, [&] { return prepare(frames[f], graph); });
    }
  });
  return prepared;
}

void FrameBatch::clear() {
  frames_.clear();
  first_atom_.assign(1, 0);
  frame_of_.clear();
  species_.clear();
  centres_.clear();
}

void FrameBatch::add(const PreparedFrame& frame) {
  for (const int species : frame.species) {
    centres_.push_back(static_cast<int>(species_.size()));
    species_.push_back(species);
    frame_of_.push_back(static_cast<int>(frames_.size()));
  }
  frames_.push_back(&frame);
  first_atom_.push_back(static_cast<int>(species_.size()));
}

void FrameBatch::edges(std::span<const int> centres, EdgeBlock<float>& block) const { copy_edges(centres, block); }

void FrameBatch::edges(std::span<const int> centres, EdgeBlock<double>& block) const { copy_edges(centres, block); }

template <class Real>
void FrameBatch::copy_edges(std::span<const int> centres, EdgeBlock<Real>& block) const {
  block.clear();
  for (const int i : centres) {
    const auto f = static_cast<std::size_t>(frame_of_[static_cast<std::size_t>(i)]);
    const PreparedFrame& frame = *frames_[f];
    const int first_atom = first_atom_[f];
    const auto atom = static_cast<std::size_t>(i - first_atom);
    const std::size_t begin = frame.first[atom];
    const auto count = static_cast<int>(frame.first[atom + 1] - begin);
    block.reserve(count);
    const auto to = static_cast<std::size_t>(block.edges());
    for (std::size_t e = 0; e < static_cast<std::size_t>(count); ++e) {
      const double* d = &frame.vector[3 * (begin + e)];
      block.neighbour[to + e] = first_atom + frame.neighbour[begin + e];
      block.x[to + e] = static_cast<Real>(d[0]);
      block.y[to + e] = static_cast<Real>(d[1]);
      block.z[to + e] = static_cast<Real>(d[2]);
    }
    block.close(i, count);
  }
}

}  // namespace grapevine
