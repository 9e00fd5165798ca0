#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "engine/graph.hpp"
#include "training/data/labelled_frame.hpp"

namespace grapevine {

/// A structure with its edges, found once for a whole training. Periodic images of an atom are the atom itself.
struct PreparedFrame {
  std::vector<int> species;        ///< [atoms] indices into the model's species
  std::vector<std::size_t> first;  ///< [atoms + 1]
  std::vector<int> neighbour;      ///< [edges]
  std::vector<double> vector;      ///< [edges][3] r_i - r_j, Angstrom
  ReferenceValues reference;
  std::string place;
  StructureWeights weights;  ///< in the loss

  int atoms() const { return static_cast<int>(species.size()); }
};

/// Finds the edges of all frames. Throws Error, naming the frame, for elements that are not among `species`, atoms on
/// top of each other, and whatever FrameGraph refuses.
std::vector<PreparedFrame> prepare_frames(std::span<const LabelledFrame> frames,
                                          const std::vector<std::string>& species, double cutoff, int threads);

/// Several structures side by side as one graph.
class FrameBatch final : public Graph {
 public:
  void clear();
  void add(const PreparedFrame& frame);  ///< the frame has to outlive its use

  std::span<const PreparedFrame* const> frames() const { return frames_; }
  /// The first atom of frame f; that of the frame behind the last is own().
  int first_atom(std::size_t f) const { return first_atom_[f]; }

  int own() const override { return static_cast<int>(species_.size()); }
  int ghosts() const override { return 0; }
  std::span<const int> centres() const override { return centres_; }
  std::span<const int> species() const override { return species_; }
  std::span<const unsigned char> at_boundary() const override { return {}; }
  void edges(std::span<const int> centres, EdgeBlock<float>& block) const override;
  void edges(std::span<const int> centres, EdgeBlock<double>& block) const override;

 private:
  template <class Real>
  void copy_edges(std::span<const int> centres, EdgeBlock<Real>& block) const;

  std::vector<const PreparedFrame*> frames_;
  std::vector<int> first_atom_{0};
  std::vector<int> frame_of_;  // [own]
  std::vector<int> species_;   // [own]
  std::vector<int> centres_;   // [own]
};

}  // namespace grapevine
