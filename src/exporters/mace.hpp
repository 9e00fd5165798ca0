#pragma once

#include "formats/archives/pickle.hpp"
#include "models/mace/parameters.hpp"

namespace grapevine {

/// What docs/mace.md makes a module of mace-torch of, for torch.save: {'sizes': keywords of a ScaleShiftMACE, classes
/// and irreps as text; 'state_dict': all that it learns, and what else the energies depend on}. Numbers are of `dtype`,
/// f32 or f64. Energies of isolated atoms hold the shift. Throws Error, in one line, for what mace-torch has not.
PickleValue export_mace(const mace::Parameters& parameters, DType dtype);

}  // namespace grapevine
