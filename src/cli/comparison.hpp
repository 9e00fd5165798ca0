#pragma once

#include <cstddef>
#include <vector>

#include "report/error_statistics.hpp"
#include "report/parity_plot.hpp"
#include "structures/evaluate_frame.hpp"
#include "structures/reference_values.hpp"

namespace grapevine {

/// Gathers the differences between what a potential says and the reference values of the structures.
class Comparison {
 public:
  explicit Comparison(ReferenceKeys keys);

  /// Throws Error if the reference values of `frame` cannot be read.
  void add(std::size_t frame_index, const Frame& frame, const FrameResult& result);

  /// Throws Error if a name given for reference values was in no frame.
  void check_keys() const;

  const PotentialErrors& errors() const { return errors_; }
  const std::vector<ParityPanel>& panels() const { return panels_; }

 private:
  void add_energy(std::size_t index, int atoms, double reference, double predicted);
  void add_forces(std::size_t index, const Frame& frame, const std::vector<double>& reference,
                  const std::vector<double>& predicted);
  void add_virial(std::size_t index, int atoms, const std::array<double, 9>& reference,
                  const std::array<double, 9>& predicted);

  ReferenceKeys keys_;
  PotentialErrors errors_;
  std::vector<ParityPanel> panels_;  // energy, forces, virial
};

}  // namespace grapevine
