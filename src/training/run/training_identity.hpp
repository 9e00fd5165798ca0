#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

#include "training/data/dataset.hpp"
#include "training/options/options.hpp"

namespace grapevine {

/// SHA-256 of the files that decide what a training comes to.
struct InputDigests {
  std::map<std::string, std::string> files;  ///< by their names: all structures but test, the start
  std::string train;                         ///< of the files that are trained on, one after another
};

/// Throws Error for files that cannot be read, or are none, such as a pipe.
InputDigests digest_inputs(const TrainingOptions& options);

/// What makes a training what it is. A checkpoint keeps it, and only the same training goes on from there.
struct TrainingIdentity {
  std::filesystem::path model;  ///< the file it is written to
  std::string options;          ///< those that bear on its numbers, a line each
  InputDigests inputs;
  std::string split;  ///< SHA-256 of the numbers of the structures that are validated with
};

TrainingIdentity identity_of(const TrainingOptions& options, std::uint64_t seed, const std::filesystem::path& model,
                             const InputDigests& inputs, const FrameSplit& split);

}  // namespace grapevine
