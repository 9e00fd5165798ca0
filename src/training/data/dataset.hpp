#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "structures/reference_values.hpp"
#include "training/data/labelled_frame.hpp"

namespace grapevine {

/// What the coordinates in files of REANN's format are, which the files do not say.
enum class ReannCoordinates { automatic, cartesian, fractional };

/// Reads structures with their reference values, in eV and Angstrom, and their weights, from an extended XYZ file, or
/// from a file in REANN's format or a folder with a file `configuration` in it; `keys` are names in extended XYZ.
/// Frames without any reference value are among the result. Throws Error with file, line and frame for what cannot be
/// read, a number that is not finite, a symbol that is not an element, and a cell that is degenerate along a periodic
/// direction; and for coordinates in REANN's format that look fractional, if `coordinates` does not say what they are.
std::vector<LabelledFrame> read_labelled_frames(const std::filesystem::path& path, const ReferenceKeys& keys,
                                                ReannCoordinates coordinates = ReannCoordinates::automatic);

bool has_reference(const LabelledFrame& frame);

/// Whether the structure is one atom alone whose energy is known: without periodicity, or with periodic images so far
/// away (8 Angstrom) that it does not feel them.
bool is_isolated_atom(const LabelledFrame& frame);

/// Indices of the frames to train on and to validate with, each in ascending order.
struct FrameSplit {
  std::vector<std::size_t> train;
  std::vector<std::size_t> valid;
};

/// Picks `fraction` of the frames, rounded, at least one and not all (if there are two), for training; the choice
/// depends on `seed` and the frames alone, not on the platform. Every element and all isolated atoms are among those
/// trained on.
FrameSplit split_frames(std::span<const LabelledFrame> frames, double fraction, std::uint64_t seed);

struct Range {
  double low = std::numeric_limits<double>::infinity();
  double high = -std::numeric_limits<double>::infinity();

  void include(double value);
  bool empty() const { return low > high; }
};

/// Frames and atoms of one element.
struct ElementCount {
  std::size_t frames = 0;
  std::size_t atoms = 0;
};

/// What a set of structures holds.
struct DataSummary {
  std::size_t frames = 0;
  std::size_t atoms = 0;
  std::size_t with_energy = 0;  ///< frames
  std::size_t with_forces = 0;
  std::size_t with_virial = 0;
  std::size_t stresses_left_out = 0;             ///< frames whose stress means nothing: see ReferenceValues
  std::size_t isolated_atoms = 0;                ///< frames of one atom alone with an energy
  std::size_t smallest = 0;                      ///< atoms of the smallest frame
  std::size_t largest = 0;                       ///< and of the largest
  Range volume_per_atom;                         ///< Angstrom^3, of frames periodic in three directions
  std::map<std::string, ElementCount> elements;  ///< by chemical symbol
};

DataSummary summarise(std::span<const LabelledFrame> frames);

/// Elements of the frames by atomic number.
std::vector<std::string> elements_of(std::span<const LabelledFrame> frames);

}  // namespace grapevine
