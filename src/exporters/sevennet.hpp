#pragma once

#include "formats/archives/pickle.hpp"
#include "models/nequip/parameters.hpp"

namespace grapevine {

/// A checkpoint that SevenNet 0.13.0 loads, for torch.save: {'config', 'model_state_dict', 'epoch', 'time', 'hash'}.
/// Numbers are of `dtype`, f32 or f64; SevenNet computes in the former. Throws Error, in one line, for what SevenNet
/// has not.
PickleValue export_sevennet(const nequip::Parameters& parameters, DType dtype);

}  // namespace grapevine
