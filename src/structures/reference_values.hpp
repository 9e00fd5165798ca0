#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "formats/text/extxyz.hpp"

namespace grapevine {

/// Reference values (labels) of one structure.
struct ReferenceValues {
  std::optional<double> energy;                 ///< eV
  std::optional<std::vector<double>> forces;    ///< [atoms][3] eV/Angstrom
  std::optional<std::array<double, 9>> virial;  ///< eV, minus the derivative of the energy by strain
  bool stress_left_out = false;  ///< there is one, of a structure that is not periodic in three directions
};

/// Under which names a file has its reference values; empty means the usual ones.
struct ReferenceKeys {
  std::string energy;
  std::string forces;
  std::string virial;  ///< a name with "stress" in it is read as stress

  bool operator==(const ReferenceKeys&) const = default;
};

/// Finds the reference values of a frame. The usual names, in this order and whatever their capitals, are ref_X, dft_X,
/// reference_X, X with X = energy or else free_energy; forces or else force; virial, virials or else stress. Stress is
/// in ASE's sign and units (eV/Angstrom^3) and counts for structures periodic in three directions only; tensors have 9
/// numbers, or 6 in Voigt order xx yy zz yz xz xy. Names without a prefix do not count in frames that grapevine has
/// written, where they are its own results. Throws Error if a value is not what its name says.
ReferenceValues find_reference_values(const Frame& frame, const ReferenceKeys& keys);

}  // namespace grapevine
