#pragma once

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "training/data/labelled_frame.hpp"

namespace grapevine {

/// Energies of isolated atoms that differ by less, eV, are the same.
constexpr double same_energy = 1e-3;

/// Energies of the elements in frames of one atom alone, eV: see is_isolated_atom(). Throws Error if two frames of one
/// element differ by more than 1 meV.
std::map<std::string, double> isolated_atom_energies(std::span<const LabelledFrame> frames);

/// Reference energies of `species`, in their order, eV: those of `fixed` where it has the species, the others by least
/// squares of the frames' energies per atom against their composition; frames whose energies have weight zero do not
/// count. Where the data do not tell energies of elements apart, because they always occur together, theirs are as near
/// as can be to those of isolated atoms, `near`, or to zero (minimum norm). Elements of the frames must be among
/// `species`.
std::vector<double> fit_reference_energies(std::span<const LabelledFrame> frames,
                                           const std::vector<std::string>& species,
                                           const std::map<std::string, double>& fixed,
                                           const std::map<std::string, double>& near = {});

/// Energy per atom of a frame beyond what its composition suggests, eV.
struct EnergyDeviation {
  std::size_t frame = 0;
  double energy = 0;
};

/// Deviations of all frames with an energy, but for isolated atoms, from a fit of reference energies, off their median:
/// the smallest first.
std::vector<EnergyDeviation> energy_deviations(std::span<const LabelledFrame> frames,
                                               const std::vector<std::string>& species);

/// Elements of `species`, but for those of `known`, whose reference energies the frames do not determine.
std::vector<std::string> undetermined_elements(std::span<const LabelledFrame> frames,
                                               const std::vector<std::string>& species,
                                               const std::map<std::string, double>& known);

}  // namespace grapevine
