#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "models/core/core.hpp"
#include "models/trainable.hpp"
#include "training/data/labelled_frame.hpp"
#include "training/data/prepared_frame.hpp"
#include "training/options/options.hpp"

namespace grapevine {

/// Gives `options` the sizes of the model that options.start names and returns its species; none if it names none.
/// Throws Error for an architecture that cannot be trained, for options of the command line, or of a configuration if
/// they are not the defaults, that contradict the model, and for energies of isolated atoms that it cannot have.
std::vector<std::string> adopt_start(TrainingOptions& options);

/// Reference energies of the species of the model that options.start names, eV; nothing if it names none.
std::vector<double> starting_energies(const TrainingOptions& options);

/// The core of the model that options.start names; nothing if it has none, or none is named. Throws
/// Error if it does not fit the cutoff of options.model.
std::optional<Core> core_of_start(const TrainingOptions& options);

/// The model that a training starts from: of random weights, fitted to the atoms of `frames`, or options.start with
/// elements added. `species` is its elements, those of options.start first; their reference energies are fitted to
/// `labelled`: those that the model of options.start knows to what is left of the energies when the model's are taken
/// off, if options.refit_energies, otherwise they stay. `labelled` and `frames` are the same structures. Throws Error.
std::unique_ptr<Trainable> make_initial_model(const TrainingOptions& options, const std::vector<std::string>& species,
                                              std::span<const LabelledFrame> labelled,
                                              std::span<const PreparedFrame> frames, std::uint64_t seed,
                                              int threads = 1);

}  // namespace grapevine
