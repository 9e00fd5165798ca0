#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "engine/block_list.hpp"
#include "engine/graph.hpp"
#include "formats/text/extxyz.hpp"
#include "models/reann/parameters.hpp"
#include "neighbours/edge_stripper.hpp"

namespace grapevine::kernel_bench {

/// A structure with neighbour lists that reach a skin beyond the cutoff, as a molecular dynamics program gives them.
class ListGraph final : public Graph {
 public:
  /// Every position must be inside the cell. `species` are the model's elements; `cutoff` and `skin` in Angstrom.
  ListGraph(const Frame& frame, const std::vector<std::string>& species, double cutoff, double skin);

  int own() const override { return own_; }
  int ghosts() const override { return static_cast<int>(owner_.size()); }
  std::span<const int> centres() const override { return {row_.data(), static_cast<std::size_t>(own_)}; }
  std::span<const int> species() const override { return species_; }
  std::span<const unsigned char> at_boundary() const override { return {}; }
  void edges(std::span<const int> centres, EdgeBlock<float>& block) const override { fill(in_float_, centres, block); }
  void edges(std::span<const int> centres, EdgeBlock<double>& block) const override {
    fill(in_double_, centres, block);
  }

  std::span<const int> owner() const { return owner_; }
  std::size_t list_entries() const { return neighbour_.size(); }
  std::size_t list_entries(std::span<const int> centres) const;

 private:
  template <class Real>
  void fill(const EdgeStripper<Real>& stripper, std::span<const int> centres, EdgeBlock<Real>& block) const;

  int own_;
  std::vector<int> species_;       // [own + ghosts]
  std::vector<int> owner_;         // [ghosts]
  std::vector<int> row_;           // [own + ghosts] each atom has a row of its own
  std::vector<double> positions_;  // [own + ghosts][3]
  std::vector<std::size_t> first_{0};
  std::vector<int> neighbour_;
  EdgeStripper<float> in_float_;
  EdgeStripper<double> in_double_;
};

/// A system to run a model on, the same in every run.
struct System {
  std::string name;
  ListGraph graph;

  /// Centres in blocks of up to `size`, as the evaluator makes them.
  BlockList blocks(int size) const;
};

/// With a REANN model for it.
struct Sample : System {
  reann::Parameters parameters;
};

/// fcc silver, a = 4.09 Angstrom, 4,000 atoms displaced by up to 0.1 Angstrom; the published silver model's sizes.
Sample make_silver();

/// A random alloy of four species on a bcc lattice, a = 3.24 Angstrom, displaced alike; K = 8 and a cutoff of 5.
Sample make_alloy();

/// Water of 1 g/cm3, 648 atoms: molecules on a cubic lattice, each turned at random; an atom has 52 neighbours within 5
/// Angstrom. Species are H and O.
System make_water();

}  // namespace grapevine::kernel_bench
