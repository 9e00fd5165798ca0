#pragma once

#include <filesystem>
#include <string>

#include "bench/options.hpp"

namespace grapevine::bench {

/// A model of silver to run, and whether its weights are random.
struct SilverModel {
  std::filesystem::path path;
  bool random = false;
};

/// A file that comes with Grapevine, e.g. "models/nbmotaw.safetensors": beside the program, in the checkout that it was
/// built in, or in the installed tree. An empty path if it is in neither.
std::filesystem::path find_shipped(const std::filesystem::path& executable, const std::filesystem::path& name);

/// Writes a model of random weights with the sizes of the published silver model, but `layers` message layers, into
/// `folder`.
SilverModel random_silver(const std::filesystem::path& folder, int layers);

/// The model the user names, else random_silver with one layer. Throws Error if the model cannot be read.
SilverModel choose_silver(const Options& options);

/// The model the user names, else the one that comes with Grapevine. Throws Error if there is none.
std::filesystem::path choose_alloy(const Options& options);

/// Numbers that a step sends per halo atom in each direction: the sum of the layers' widths.
int message_numbers(const std::filesystem::path& model);

}  // namespace grapevine::bench
