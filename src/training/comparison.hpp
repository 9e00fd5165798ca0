#pragma once

#include <array>
#include <cstddef>
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
  const std::vector<ParityPanel>& panels() const { return panels_; }

 private:
  void add_energy(std::size_t index, int atoms, double reference, double predicted);
  void add_forces(std::size_t index, const Frame& frame, const std::vector<double>& reference,
                  const std::vector<double>& predicted);
  void add_virial(std::size_t index, int atoms, const std::array<double, 9>& reference,
                  const std::array<double, 9>& predicted);

  PotentialErrors errors_;
  std::vector<ParityPanel> panels_;  // energy, forces, virial
};

}  // namespace grapevine
