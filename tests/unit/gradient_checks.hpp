#pragma once

#include <string>
#include <vector>

#include "formats/text/extxyz.hpp"
#include "models/trainable.hpp"
#include "training/data/prepared_frame.hpp"

/// What gradients by weights have to hold, whatever the architecture.
namespace grapevine::test {

/// A cluster, a crystal of a small cell and two atoms.
struct GradientBatch {
  GradientBatch(const std::vector<std::string>& species, double cutoff);

  std::vector<PreparedFrame> prepared;
  FrameBatch batch;
  Frame first;
};

/// For losses of energies, forces, virials and all of them, and weights of every part. The model is in double.
void expect_gradient_equals_differences(Trainable& model, const GradientBatch& data);

void expect_float_agrees_with_double(const Trainable& in_double, const Trainable& in_float, const GradientBatch& data);

/// The model is in double.
void expect_workers_share_the_work(const Trainable& model, const GradientBatch& data);

/// Workers that help one of them, each with atoms of all structures. The model is in double.
void expect_helpers_share_the_work(const Trainable& model, const GradientBatch& data);

/// And the potential is that of the weights: its energy to `tolerance` in eV, forces to ten times that.
void expect_weights_come_back(Trainable& model, const GradientBatch& data, double tolerance);

}  // namespace grapevine::test
