#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace grapevine::bench {

/// Unit cells of a box along x, y and z.
using Cells = std::array<int, 3>;

/// One kind of atom.
struct Element {
  std::string symbol;
  double mass = 0;  ///< g/mol
};

/// A potential with a crystal to run it on.
struct Case {
  std::string name;               ///< as in --only and in names of files
  std::string label;              ///< for tables and charts
  std::string lattice;            ///< LAMMPS's style, fcc or bcc
  double length = 0;              ///< edge of the cubic cell, Angstrom
  std::vector<Element> elements;  ///< in equal shares, at random
  std::string pair;               ///< LAMMPS commands
  double temperature = 300;       ///< of the velocities, K
  int slowness = 1;               ///< about how many times fewer steps suffice than of the fastest

  int atoms_per_cell() const { return lattice == "fcc" ? 4 : 2; }
  double atoms_per_volume() const { return atoms_per_cell() / (length * length * length); }
  std::int64_t atoms(const Cells& cells) const;
};

/// Our potential on fcc silver. A model of random weights does not hold a crystal: it is run on the same thermally
/// displaced lattice, but nearly at rest (`quiet`).
Case silver_case(const std::filesystem::path& model, const std::string& precision, bool quiet);

/// Our potential on the bcc alloy NbMoTaW.
Case alloy_case(const std::filesystem::path& model, const std::string& precision);

/// LAMMPS's own potentials, with the parameters that come with it.
Case eam_case();            ///< eam, Ag_u3.eam: the same silver
Case meam_case();           ///< meam of a bcc alloy of four elements, as ours is
Case meam_tungsten_case();  ///< meam of pure tungsten with nearest neighbours only: the cheapest one there is
Case snap_case();           ///< snap, Ta06A with the ZBL potential that belongs to it

/// A cube of whole cells with a number of atoms as close to `atoms` as possible, at least 2 cells wide.
Cells cube_of(const Case& c, std::int64_t atoms);

struct Length {
  int warm_up = 0;  ///< steps before the timed ones, in the same process
  int steps = 0;    ///< timed
};

enum class Boundary { periodic, open };

/// The LAMMPS input: a lattice with thermal displacements, some steps to warm up, then the timed run at constant
/// energy. `after` is added at the end.
std::string deck(const Case& c, const Cells& cells, const Length& length, const std::string& after = "",
                 Boundary boundary = Boundary::periodic);

/// The skin of the neighbour list in the decks, Angstrom.
inline constexpr double skin = 1.0;

}  // namespace grapevine::bench
