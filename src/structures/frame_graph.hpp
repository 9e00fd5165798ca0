#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "engine/graph.hpp"
#include "formats/text/extxyz.hpp"
#include "neighbours/edge_stripper.hpp"
#include "structures/cell.hpp"

namespace grapevine {

struct AtomPair;
class PairSearch;

/// The neighbourhood of the atoms of one structure: any cell, any mix of periodic directions, cells smaller than the
/// cutoff included. Own atoms are the structure's atoms in order; ghosts are their periodic images that edges use, one
/// per atom and lattice vector. Neighbours are in a fixed order, so that results do not depend on threads.
///
/// With a skin, neighbours are searched that much further out and the lists serve further structures for as long as no
/// pair of atoms outside them can have come within the cutoff (Verlet 1967): the edges are the same, their order may
/// not be.
class FrameGraph : public Graph {
 public:
  /// `species` are the model's elements in order, `cutoff` and `skin` are in Angstrom. `threads` search neighbours.
  FrameGraph(const std::vector<std::string>& species, double cutoff, int threads, double skin = 0);
  ~FrameGraph() override;
  FrameGraph(const FrameGraph&) = delete;
  FrameGraph& operator=(const FrameGraph&) = delete;

  /// Takes the place of the structure before. Throws Error for an element that the model has not, positions that are
  /// not finite, and cells that are degenerate along a periodic direction or absurdly small.
  void build(const Frame& frame);

  int own() const override { return own_; }
  int ghosts() const override { return static_cast<int>(owner_.size()); }
  std::span<const int> centres() const override { return {row_.data(), static_cast<std::size_t>(own_)}; }
  std::span<const int> species() const override { return species_; }
  std::span<const unsigned char> at_boundary() const override { return {}; }
  void edges(std::span<const int> centres, EdgeBlock<float>& block) const override;
  void edges(std::span<const int> centres, EdgeBlock<double>& block) const override;

  /// [ghosts] the own atom that each ghost is an image of.
  std::span<const int> owner() const { return owner_; }

  /// The error in terms of the structure's atoms as its user counts them; a ghost is an image of its owner.
  Error describe(const AtomError& problem, const Frame& frame) const;

  std::size_t edge_count() const { return neighbour_.size(); }  ///< with those that reach into the skin
  std::size_t searches() const { return searches_; }            ///< how often neighbours were searched

 private:
  struct Listed;

  void search(const Frame& frame);
  std::optional<Matrix3> strain_since_search(const Frame& frame) const;
  bool lists_cover(const Frame& frame, const Matrix3& strain) const;
  void follow(const Frame& frame, const Matrix3& strain);
  void map_species(const Frame& frame);
  void place_atoms(const Frame& frame);
  void check_image_count() const;
  void move(std::size_t atom, std::size_t k, double multiple);
  bool is_nearly_empty() const;
  void compact(const std::vector<Vector3>& fractions, std::size_t k);
  void pack_pairs(const std::vector<AtomPair>& pairs, std::vector<std::uint64_t>& packed);
  void make_ghosts(const std::vector<std::uint64_t>& packed);
  void place_ghost(std::uint64_t ghost, double* position) const;
  void number_neighbours(const std::vector<std::uint64_t>& packed);
  template <class Real>
  void fill(const EdgeStripper<Real>& stripper, std::span<const int> centres, EdgeBlock<Real>& block) const;

  std::vector<std::string> names_;
  std::unordered_map<std::string, int> index_of_;
  double cutoff_;
  double reach_;  // of the lists: cutoff and skin

  int own_ = 0;
  SearchBox box_;
  std::vector<int> species_;          // [own + ghosts]
  std::vector<double> positions_;     // [own + ghosts][3], own atoms moved into the box
  std::vector<int> owner_;            // [ghosts]
  std::vector<std::uint64_t> ghost_;  // [ghosts] packed atom and shift, ascending
  std::vector<std::size_t> first_;    // [own + 1]
  std::vector<int> neighbour_;        // [edges]
  std::vector<int> row_;              // [own + ghosts] each atom has a row of its own
  EdgeStripper<float> in_float_;
  EdgeStripper<double> in_double_;
  std::unique_ptr<PairSearch> pairs_;
  std::unique_ptr<Listed> listed_;  // what the lists were made for; null without a skin
  std::size_t searches_ = 0;
};

}  // namespace grapevine
