#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/model.hpp"
#include "models/trainable.hpp"
#include "training/labelled_frame.hpp"
#include "training/options.hpp"
#include "training/prepared_frame.hpp"

namespace grapevine {

/// The model that options.start names. Throws Error for an architecture that cannot be trained.
std::shared_ptr<const Potential> load_start(const std::filesystem::path& path);

/// Gives `options` the sizes of the model that options.start names and returns its species; none if it names none.
/// Throws Error for an architecture that cannot be trained, for options of the command line, or of a configuration if
/// they are not the defaults, that contradict the model, and for energies of isolated atoms that it cannot have.
std::vector<std::string> adopt_start(TrainingOptions& options);

/// The model that a training starts from: of random weights, fitted to the atoms of `frames`, or options.start with
/// elements added. `species` is its elements, those of options.start first; their reference energies are fitted to
/// `labelled`, but for those that the model of options.start knows. Throws Error.
std::unique_ptr<Trainable> make_initial_model(const TrainingOptions& options, const std::vector<std::string>& species,
                                              std::span<const LabelledFrame> labelled,
                                              std::span<const PreparedFrame> frames, std::uint64_t seed);

}  // namespace grapevine
