#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <vector>

#include "models/core/core.hpp"
#include "training/data/prepared_frame.hpp"

namespace grapevine {

/// What a core adds to a structure.
struct CoreTerms {
  double energy = 0;               ///< eV
  std::vector<double> forces;      ///< [atoms][3] eV/Angstrom
  std::array<double, 9> virial{};  ///< eV, as in ReferenceValues
  std::vector<char> pairs;         ///< [species][species] whether two such atoms are within the core
  bool any = false;
};

CoreTerms core_terms(const Core& core, const PreparedFrame& frame);

/// Takes the core off the references of all frames, so that the rest of the model is trained on what remains. Returns
/// for [species][species] whether any two such atoms are within the core.
std::vector<char> take_off_core(const Core& core, std::span<PreparedFrame> frames);

/// Puts it on the references of structures that were labelled without it; `frames` are the same structures.
void put_on_core(const Core& core, std::span<const PreparedFrame> frames, std::span<LabelledFrame> labelled);

}  // namespace grapevine
