#pragma once

#include <cstddef>
#include <istream>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "training/data/labelled_frame.hpp"

namespace grapevine {

/// Neighbours within the cutoff, of the atoms of a sample of structures.
struct NeighbourSample {
  std::size_t frames = 0;
  double per_atom = 0;            ///< mean number of neighbours; 0 where no atom has any
  std::optional<double> nearest;  ///< shortest distance, Angstrom; nothing where no atom has a neighbour
};

/// Searches neighbours in a few frames, evenly spaced, at least one, and no more than do not take long. Throws Error
/// with the frame's place for atoms on top of each other and elements that are not among `species`.
NeighbourSample sample_neighbours(std::span<const LabelledFrame> frames, const std::vector<std::string>& species,
                                  double cutoff);

/// Bytes that the neighbour lists of a training take, kept over all epochs.
double neighbour_list_bytes(double edges);

/// Bytes of memory that programs can still have, from the text of /proc/meminfo; nothing where it does not say.
std::optional<double> available_memory(std::istream& meminfo);
std::optional<double> available_memory();

/// Throws Error, with `what` takes the memory and how to need less of it, if there is not enough.
void check_memory(double bytes, std::optional<double> available, const std::string& what, const std::string& advice);

/// A number of bytes as people write it, e.g. "3.2 GB".
std::string format_bytes(double bytes);

}  // namespace grapevine
