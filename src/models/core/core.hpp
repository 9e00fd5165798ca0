#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace grapevine {

/// Where the nuclei of two species repel each other.
struct CorePair {
  double inner = 0;  ///< Angstrom; closer than this the repulsion is whole
  double outer = 0;  ///< Angstrom; from here on there is none. 0: none at all
  double scale = 1;  ///< factor of the repulsion, at least 1

  bool operator==(const CorePair&) const = default;
};

/// A repulsion of nuclei that a model of any architecture has on top of its own energy: half of
///   s_ij  Z_i Z_j e^2 / r  phi( r / a_ij )  f( r )
/// for each of two atoms, with the universal function phi of Ziegler, Biersack and Littmark (1985), and f falling from
/// 1 at the pair's inner radius to 0 at the outer one, twice continuously differentiable.
struct Core {
  std::vector<double> charge;   ///< [species] Z, of the nuclei
  std::vector<CorePair> pairs;  ///< [species][species], symmetric

  std::size_t species() const { return charge.size(); }
  CorePair& pair(std::size_t a, std::size_t b) { return pairs[a * species() + b]; }
  const CorePair& pair(std::size_t a, std::size_t b) const { return pairs[a * species() + b]; }
  void set(std::size_t a, std::size_t b, const CorePair& pair);  ///< both ways

  bool operator==(const Core&) const = default;
};

/// Energy of a pair, eV, and its derivative by the distance, eV/Angstrom.
struct CoreValue {
  double energy = 0;
  double slope = 0;
};

/// Without switch and scale, at any distance above zero.
CoreValue zbl(double first_charge, double second_charge, double distance);

/// All of a pair's energy, of which each atom has half.
CoreValue core_value(const Core& core, std::size_t a, std::size_t b, double distance);

/// The core that repels nobody. Throws Error for a species that is not an element.
Core empty_core(const std::vector<std::string>& species);

/// Throws Error unless all of it makes sense for a model of this cutoff, Angstrom.
void check(const Core& core, double cutoff);

}  // namespace grapevine
