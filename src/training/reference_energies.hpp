#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "training/labelled_frame.hpp"

namespace grapevine {

/// Energies of the elements in frames of one atom alone, eV: see is_isolated_atom(). Throws Error if two frames of one
/// element differ by more than 1 meV.
std::map<std::string, double> isolated_atom_energies(std::span<const LabelledFrame> frames);

/// Reference energies of `species`, in their order, eV: those of `fixed` where it has the species, the others by least
/// squares of the frames' energies per atom against their composition. Where the data do not tell energies of
/// elements apart, because they always occur together, theirs are as small as can be (minimum norm); without any
/// energy they are zero. Elements of the frames must be among `species`.
std::vector<double> fit_reference_energies(std::span<const LabelledFrame> frames,
                                           const std::vector<std::string>& species,
                                           const std::map<std::string, double>& fixed);

}  // namespace grapevine
