#pragma once

#include <array>
#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "report/error_statistics.hpp"
#include "report/parity_plot.hpp"
#include "structures/evaluate_frame.hpp"
#include "structures/reference_values.hpp"

namespace grapevine {

/// Gathers the differences between what a potential says and the reference values of the structures.
class Comparison {
 public:
  /// Forces are coloured by element, those of `species` first and in this order.
  explicit Comparison(const std::vector<std::string>& species);

  /// Compares what there is a reference value of. `frame_index` is the place errors are found at.
  void add(std::size_t frame_index, const Frame& frame, const ReferenceValues& reference, const FrameResult& result);

  const PotentialErrors& errors() const { return errors_; }
  /// Energy, forces, virial. Where compositions differ, energies are those that are left when reference energies of
  /// the elements, fitted to the reference values, are subtracted: between elements they differ by far more than
  /// between structures.
  std::vector<ParityPanel> panels() const;

 private:
  struct EnergyPair {
    std::size_t composition;
    double reference, predicted;  // eV/atom
  };

  void add_energy(std::size_t index, const Frame& frame, double reference, double predicted);
  void add_forces(std::size_t index, const Frame& frame, const std::vector<double>& reference,
                  const std::vector<double>& predicted);
  void add_virial(std::size_t index, int atoms, const std::array<double, 9>& reference,
                  const std::array<double, 9>& predicted);

  std::vector<double> shares_of_species(const Frame& frame) const;
  std::size_t species_present() const;
  std::vector<double> baseline_of_compositions() const;
  ParityPanel energy_panel() const;

  PotentialErrors errors_;
  std::map<std::string, std::size_t> species_;
  std::map<std::vector<double>, std::size_t> compositions_;  // by the shares of the species
  std::vector<EnergyPair> energies_;
  ParityPanel forces_, virial_;
};

}  // namespace grapevine
