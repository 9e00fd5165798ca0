#include "arrays.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "formats/elements.hpp"
#include "structures/result_frame.hpp"
#include "support/error.hpp"

namespace grapevine::python {
namespace {

std::string symbol_of(std::int64_t number, std::size_t atom) {
  std::string symbol(element_symbol(static_cast<long>(number)));
  if (symbol.empty()) throw Error(fmt::format("atom {} has atomic number {}, which is no element", atom + 1, number));
  return symbol;
}

}  // namespace

Frame make_frame(const Numbers& numbers, const Positions& positions, const Cell& cell, const Periodic& periodic) {
  const std::size_t atoms = numbers.shape(0);
  if (atoms == 0) throw Error("the structure has no atoms");
  if (positions.shape(0) != atoms)
    throw Error(fmt::format("{} atomic numbers, but {} positions", atoms, positions.shape(0)));
  Frame frame;
  frame.symbols.reserve(atoms);
  for (std::size_t i = 0; i < atoms; ++i) frame.symbols.push_back(symbol_of(numbers(i), i));
  frame.positions.assign(positions.data(), positions.data() + 3 * atoms);
  std::copy_n(cell.data(), 9, frame.cell.begin());
  std::copy_n(periodic.data(), 3, frame.periodic.begin());
  return frame;
}

nb::dict to_dict(const Frame& frame, FrameResult result, Wanted wanted) {
  const std::size_t atoms = result.energies.size();
  nb::dict dict;
  if (wanted.virial)
    if (const auto stress = stress_of(frame, result))
      dict["stress"] = to_array({stress->begin(), stress->end()}, {3, 3});
  if (wanted.virials && has_stress(frame)) dict["stresses"] = to_array(stresses_of(frame, result), {atoms, 3, 3});
  dict["energy"] = result.energy;
  dict["energies"] = to_array(std::move(result.energies), {atoms});
  dict["forces"] = to_array(std::move(result.forces), {atoms, 3});
  dict["virial"] = to_array({result.virial.begin(), result.virial.end()}, {3, 3});
  return dict;
}

}  // namespace grapevine::python
