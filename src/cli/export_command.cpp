#include "cli/export_command.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "cli/interrupt.hpp"
#include "exporters/reann.hpp"
#include "formats/model_files/safetensors.hpp"
#include "models/reann/file.hpp"
#include "support/error.hpp"
#include "support/error_context.hpp"
#include "support/output_path.hpp"

namespace grapevine {
namespace {

struct ExportArguments {
  std::string to;
  std::string model;
  std::string folder;
  std::string numbers = "auto";
  std::optional<double> initpot;
  bool distributed = false;
  bool overwrite = false;
};

ReannNumbers parse_numbers(const std::string& text) {
  if (text == "auto") return ReannNumbers::as_needed;
  if (text == "float32") return ReannNumbers::float32;
  if (text == "float64") return ReannNumbers::float64;
  throw Error(fmt::format("--numbers: \"{}\" is none of auto, float32 and float64", text));
}

ReannExport export_model(const ExportArguments& arguments) {
  const reann::Parameters parameters = reann::read_parameters(TensorFile::read(arguments.model));
  return with_context(arguments.model, [&] {
    return export_reann(parameters, {parse_numbers(arguments.numbers), arguments.initpot, arguments.distributed});
  });
}

void run_export(const ExportArguments& arguments) {
  const InterruptGuard guard;
  if (arguments.to != "reann")
    throw Error(fmt::format("--to: \"{}\" is not known; models can be exported to reann", arguments.to));
  const std::filesystem::path inputs[] = {arguments.model};
  for (const std::filesystem::path& file : reann_files(arguments.folder)) check_not_input(file, inputs);
  const ReannExport exported = export_model(arguments);
  write_reann(arguments.folder, exported, arguments.overwrite);
  for (const std::string& note : exported.notes) fmt::print(stderr, "grapevine: note: {}\n", note);
  fmt::print("{0}: REANN.pth, para/input_nn and para/input_density\n", arguments.folder);
}

}  // namespace

void add_export_command(CLI::App& app) {
  const auto arguments = std::make_shared<ExportArguments>();
  CLI::App* command = app.add_subcommand("export", "Write a model as REANN's own program loads it to go on training");
  command->add_option("--to", arguments->to, "program to export to: reann")->required();
  command->add_option("model", arguments->model, "model file")->required();
  command->add_option("folder", arguments->folder, "folder for REANN.pth and para; made if it is not there")
      ->required();
  command->add_option(
      "--numbers", arguments->numbers,
      "auto (default): float32 where every number survives it, else float64; float32: rounded; float64");
  command->add_option("--initpot", arguments->initpot,
                      "eV: the mean energy per atom of the data REANN is to train on (all energies over all atoms), "
                      "which it takes off them; the rest of the model's energies goes into the networks");
  command->add_flag("--distributed", arguments->distributed, "for a training on several processes");
  command->add_flag("--overwrite", arguments->overwrite, "replace files that are there already");
  command->footer(
      "Example:\n"
      "  grapevine export --to reann models/water.safetensors water-reann --initpot -156.0643\n"
      "REANN has one energy per atom for all species (initpot). Total energies of the exported model are the same as\n"
      "here: where species differ in their energies, the differences are put into the networks. But when REANN goes "
      "on\n"
      "training it replaces initpot by the mean of its data; --initpot makes the model fit that. Its --distributed\n"
      "names are those of a run on several processes. PyTorch is not needed.");
  command->callback([arguments] { run_export(*arguments); });
}

}  // namespace grapevine
