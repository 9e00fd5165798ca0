#pragma once

#include <functional>
#include <vector>

#include "engine/model.hpp"
#include "formats/text/extxyz.hpp"
#include "structures/evaluate_frame.hpp"

/// What every model has to hold, whatever its formulas.
namespace grapevine::test {

FrameResult evaluate(const Potential& potential, const Frame& frame, Precision precision = Precision::double_precision,
                     int threads = 1);

/// The largest component, at least 1.
double largest_of(const std::vector<double>& forces);

void expect_same_in_another_order(const Potential& potential, const Frame& frame);
void expect_mixed_close_to_double(const Potential& potential, const Frame& frame);
void expect_same_on_threads(const Potential& potential, const Frame& large);
void expect_frames_are_forgotten(const Potential& potential, const Frame& before, const Frame& frame);
/// Kernels are compiled once for every instruction set; the processor here has several of them.
void expect_same_in_all_instruction_sets(const Potential& potential, const Frame& frame);

/// Ni and O, whose energy and force vanish at the cutoff and not before.
void expect_nothing_beyond_the_cutoff(const Potential& potential);

}  // namespace grapevine::test
