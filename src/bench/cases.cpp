#include "bench/cases.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace grapevine::bench {
namespace {

constexpr double room_temperature = 300;
constexpr double nearly_at_rest = 3;
// Uniform to both sides; its root mean square, 0.075 Angstrom, is that of a metal at 300 K.
constexpr double displacement = 0.13;

std::string types_in_equal_shares(const Case& c, std::int64_t atoms) {
  std::string text;
  const auto kinds = static_cast<std::int64_t>(c.elements.size());
  for (std::int64_t type = 2; type <= kinds; ++type)
    text += fmt::format("set type 1 type/subset {} {} {}\n", type, atoms / kinds, 48270 + type);
  return text;
}

std::string masses(const Case& c) {
  std::string text;
  for (std::size_t n = 0; n < c.elements.size(); ++n) text += fmt::format("mass {} {}\n", n + 1, c.elements[n].mass);
  return text;
}

std::string our_pair(const std::filesystem::path& model, const std::string& precision, const std::string& symbols) {
  return fmt::format("pair_style grapevine {}\npair_coeff * * \"{}\" {}\n", precision, model.string(), symbols);
}

}  // namespace

std::int64_t Case::atoms(const Cells& cells) const {
  return static_cast<std::int64_t>(atoms_per_cell()) * cells[0] * cells[1] * cells[2];
}

Case silver_case(const std::filesystem::path& model, const std::string& precision, bool quiet) {
  return {.name = "silver",
          .label = "Grapevine, silver",
          .lattice = "fcc",
          .length = 4.09,
          .elements = {{"Ag", 107.868}},
          .pair = our_pair(model, precision, "Ag"),
          .temperature = quiet ? nearly_at_rest : room_temperature};
}

Case alloy_case(const std::filesystem::path& model, const std::string& precision) {
  return {.name = "alloy",
          .label = "Grapevine, NbMoTaW",
          .lattice = "bcc",
          .length = 3.24,
          .elements = {{"Nb", 92.906}, {"Mo", 95.95}, {"Ta", 180.948}, {"W", 183.84}},
          .pair = our_pair(model, precision, "Nb Mo Ta W"),
          .slowness = 4};
}

Case eam_case() {
  return {.name = "eam",
          .label = "eam, silver",
          .lattice = "fcc",
          .length = 4.09,
          .elements = {{"Ag", 107.868}},
          .pair = "pair_style eam\npair_coeff * * Ag_u3.eam\n"};
}

Case meam_case() {
  return {.name = "meam",
          .label = "meam, MoVFeCr",
          .lattice = "bcc",
          .length = 3.0,
          .elements = {{"Mo", 95.95}, {"V", 50.942}, {"Fe", 55.845}, {"Cr", 51.996}},
          .pair =
              "pair_style meam\npair_coeff * * library_2nn.meam Mo Co Ni V Fe Al Cr MoCoNiVFeAlCr_2nn.meam "
              "Mo V Fe Cr\n",
          .slowness = 4};
}

Case meam_tungsten_case() {
  return {.name = "meam-w",
          .label = "meam, W",
          .lattice = "bcc",
          .length = 3.165,
          .elements = {{"W", 183.84}},
          .pair = "pair_style meam\npair_coeff * * library.meam WL WL.meam WL\n",
          .slowness = 2};
}

Case snap_case() {
  return {.name = "snap",
          .label = "snap, Ta",
          .lattice = "bcc",
          .length = 3.316,
          .elements = {{"Ta", 180.948}},
          .pair =
              "pair_style hybrid/overlay zbl 4.0 4.8 snap\npair_coeff 1 1 zbl 73 73\n"
              "pair_coeff * * snap Ta06A.snapcoeff Ta06A.snapparam Ta\n",
          .slowness = 20};
}

Cells cube_of(const Case& c, std::int64_t atoms) {
  const double cells = static_cast<double>(atoms) / c.atoms_per_cell();
  const int side = std::max(2, static_cast<int>(std::lround(std::cbrt(cells))));
  return {side, side, side};
}

std::string deck(const Case& c, const Cells& cells, const Length& length, const std::string& after, Boundary boundary) {
  std::string text = fmt::format("# {}; written by grapevine bench\n", c.label);
  text +=
      fmt::format("units metal\natom_style atomic\nboundary {}\n", boundary == Boundary::periodic ? "p p p" : "s s s");
  text += fmt::format("lattice {} {}\n", c.lattice, c.length);
  text += fmt::format("region box block 0 {} 0 {} 0 {}\n", cells[0], cells[1], cells[2]);
  text += fmt::format("create_box {} box\n", c.elements.size());
  // Without periodic copies the upper faces of the box have atoms of cells that begin there.
  if (boundary == Boundary::open)
    text += fmt::format("region atoms block 0 {} 0 {} 0 {}\ncreate_atoms 1 region atoms\n", cells[0] - 0.25,
                        cells[1] - 0.25, cells[2] - 0.25);
  else
    text += "create_atoms 1 box\n";
  text += types_in_equal_shares(c, c.atoms(cells));
  text += masses(c);
  text += c.pair;
  text += fmt::format("neighbor {:.1f} bin\nneigh_modify every 1 delay 5 check yes\n", skin);
  text += fmt::format("displace_atoms all random {0} {0} {0} 71077 units box\n", displacement);
  text += fmt::format("velocity all create {:.1f} 20251 mom yes rot no dist gaussian\n", c.temperature);
  text += "fix motion all nve\ntimestep 0.002\nthermo 1000000\n";
  text += fmt::format("run {}\nrun {}\n", length.warm_up, length.steps);
  return text + after;
}

}  // namespace grapevine::bench
