#pragma once

#include <filesystem>
#include <string>

#include "training/options/options.hpp"

namespace grapevine {

/// The name of a model without folder and `.safetensors`; any other ending belongs to the name, so that `run.1` and
/// `run.2` are two.
std::string model_name(const std::filesystem::path& model);

/// A file that stands beside a model: with `.log.csv`, `model.safetensors` has `model.log.csv`, `run.1` has
/// `run.1.log.csv`.
std::filesystem::path beside_model(const std::filesystem::path& model, const std::string& ending);

/// The checkpoint of a model's training.
std::filesystem::path checkpoint_path(const std::filesystem::path& model);

/// The file of the model of index `member`: options.output, or of a committee `model-1.safetensors` and so on.
std::filesystem::path member_path(const TrainingOptions& options, int member);

/// Throws Error if the model could not be written (better known before hours of work than after), if it or a file
/// beside it would replace an input of the training, of which `config` is one, or has a name that other kinds of files
/// have, and if there is a training of that name already, unless the options say resume or overwrite.
void check_output(const TrainingOptions& options, const std::filesystem::path& config = {});

}  // namespace grapevine
