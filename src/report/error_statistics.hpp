#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace grapevine {

/// Where in a file a value stands: frame and atom, counted from 0; atom is -1 for values of a whole frame.
struct Place {
  std::size_t frame = 0;
  int atom = -1;
};

/// Errors of predictions against references, gathered one by one.
class ErrorStatistics {
 public:
  void add(double reference, double prediction, Place place);

  std::size_t count() const { return count_; }
  double mean_absolute() const;  ///< 0 if nothing was added
  double root_mean_square() const;
  double maximum() const { return maximum_; }  ///< largest absolute error
  Place worst() const { return worst_; }       ///< where the largest absolute error is; the first of equals

 private:
  std::size_t count_ = 0;
  double sum_of_absolutes_ = 0;
  double sum_of_squares_ = 0;
  double maximum_ = 0;
  Place worst_;
};

/// Errors of all a potential predicts; forces component by component.
struct PotentialErrors {
  ErrorStatistics energy_per_atom;                                 ///< eV
  ErrorStatistics forces;                                          ///< eV/Angstrom
  std::vector<std::pair<std::string, ErrorStatistics>> forces_of;  ///< [species present] in order of appearance
  ErrorStatistics virial_per_atom;                                 ///< eV, nine components

  ErrorStatistics& forces_of_species(const std::string& symbol);
  bool any() const { return energy_per_atom.count() + forces.count() + virial_per_atom.count() > 0; }
};

/// The errors as a table of plain text.
std::string format_errors(const PotentialErrors& errors);

}  // namespace grapevine
