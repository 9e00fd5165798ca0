#pragma once

#include <cstddef>
#include <filesystem>
#include <istream>
#include <memory>
#include <string>

#include "formats/text/extxyz.hpp"

namespace grapevine {

/// Whether a file looks like REANN's `configuration`: its fifth line starts with the word pbc. Only the beginning is
/// read; false for what is not a regular file.
bool is_reann_configuration(const std::filesystem::path& path);

/// Reads the structures of a file `configuration` of REANN's training program, one at a time. A structure is
///
///     point= 1                       a comment
///     7.5 0 0                        three lines: the cell vectors, Angstrom
///     0 7.5 0
///     0 0 20
///     pbc 1 1 0
///     O 15.999 x y z fx fy fz        per atom: element, mass, coordinates and, in all of a structure or none, forces
///     abprop: -206.67                the energy; of several numbers the first, as in REANN
///
/// Frames have the energy as info `energy`, further numbers as info `abprop`, and forces as column `forces`. The
/// coordinates are as in the file, which does not say whether they are Cartesian or fractional (`table_coor` in
/// REANN's input): see make_cartesian().
class ReannConfigurationReader {
 public:
  explicit ReannConfigurationReader(const std::filesystem::path& path);
  ReannConfigurationReader(std::unique_ptr<std::istream> stream, std::string name);
  ~ReannConfigurationReader();

  /// Reads the next structure into `frame`; false at the end of the file. Throws Error with file and line for anything
  /// that is not in this format, numbers that are not finite included.
  bool next(Frame& frame);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Turns fractional coordinates of the cell vectors into Cartesian ones.
void make_cartesian(Frame& frame);

}  // namespace grapevine
