#include "training/run/output_files.hpp"

#include <fmt/format.h>

#include <system_error>
#include <vector>

#include "formats/file_endings.hpp"
#include "support/atomic_file.hpp"
#include "support/error.hpp"
#include "support/output_path.hpp"
#include "training/run/training_log.hpp"
#include "training/run/training_report.hpp"

namespace grapevine {
namespace {

using Paths = std::vector<std::filesystem::path>;

constexpr const char* model_ending = ".safetensors";

Paths inputs_of(const TrainingOptions& options, const std::filesystem::path& config) {
  Paths inputs = {config, options.start};
  for (const Paths* files : {&options.data.train, &options.data.valid, &options.data.test, &options.replay.files})
    for (const std::filesystem::path& file : *files) inputs.insert(inputs.end(), {file, file / "configuration"});
  return inputs;
}

Paths files_of(const std::filesystem::path& model) {
  return {model, checkpoint_path(model), log_path(model), report_path(model)};
}

void check_can_go_on(const TrainingOptions& options) {
  std::error_code ignored;
  if (!options.resume || options.committee > 1 || std::filesystem::exists(checkpoint_path(options.output), ignored))
    return;
  throw Error(fmt::format("there is no training to go on with: {} is not there; without --resume one begins",
                          checkpoint_path(options.output).string()));
}

void check_is_new(const TrainingOptions& options, const std::filesystem::path& model) {
  std::error_code ignored;
  if (options.overwrite || (options.resume && std::filesystem::exists(checkpoint_path(model), ignored))) return;
  for (const std::filesystem::path& file : files_of(model))
    if (std::filesystem::exists(file, ignored))
      throw Error(
          fmt::format("{} exists already: --overwrite trains anew in its place, --resume goes on from a "
                      "checkpoint, another name for -o keeps it",
                      file.string()));
}

}  // namespace

std::string model_name(const std::filesystem::path& model) {
  return (model.extension() == model_ending ? model.stem() : model.filename()).string();
}

std::filesystem::path beside_model(const std::filesystem::path& model, const std::string& ending) {
  return model.parent_path() / (model_name(model) + ending);
}

std::filesystem::path checkpoint_path(const std::filesystem::path& model) {
  return beside_model(model, checkpoint_ending);
}

std::filesystem::path member_path(const TrainingOptions& options, int member) {
  if (options.committee == 1) return options.output;
  const bool usual = options.output.extension() == model_ending;
  return beside_model(options.output, fmt::format("-{}{}", member + 1, usual ? model_ending : ""));
}

void check_output(const TrainingOptions& options, const std::filesystem::path& config) {
  check_model_ending(options.output);
  const Paths inputs = inputs_of(options, config);
  for (int n = 0; n < options.committee; ++n) {
    const std::filesystem::path model = member_path(options, n);
    for (const std::filesystem::path& file : files_of(model)) check_not_input(file, inputs);
    check_no_input_in(plots_path(model), inputs);
    check_is_new(options, model);
  }
  const AtomicFile probe(options.output);
  check_can_go_on(options);
}

}  // namespace grapevine
