#pragma once

#include <cstdint>
#include <memory>

#include "models/trainable.hpp"

namespace grapevine {

/// The model with fewer weights (LoRA: Hu et al., arXiv:2106.09685). Each matrix that is larger than `rank` in both
/// directions is W0 + A B, with W0 as it is in `model`, A [rows][rank] random and B [rank][columns] zero at first: it
/// starts as the same model. Matrices that are no larger are free, as a change of such a rank is any; vectors stay.
/// Files have the matrices whole. Throws Error if there is no matrix that is larger.
std::unique_ptr<Trainable> make_low_rank(std::unique_ptr<Trainable> model, int rank, std::uint64_t seed);

}  // namespace grapevine
