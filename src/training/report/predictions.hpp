#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "engine/model.hpp"
#include "training/data/labelled_frame.hpp"
#include "training/report/training_summary.hpp"

namespace grapevine {

/// Evaluates structures in double precision and compares with what is known of them. `after_batch` is called every
/// few seconds; what it throws ends the evaluation. Throws Error with the structure's place if it cannot be evaluated
/// or the model says something that is not finite.
SetResult judge_set(const std::string& name, const Potential& potential, std::span<const LabelledFrame> frames,
                    int threads, const std::function<void()>& after_batch = {});

/// One curve for every pair of `species`, which the model knows, from 0.6 Angstrom to the cutoff, in double precision.
/// Distances at which the energy is not finite are left out.
std::vector<DimerCurve> dimer_curves(const Potential& potential, const std::vector<std::string>& species);

}  // namespace grapevine
