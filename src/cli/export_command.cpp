#include "cli/export_command.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "cli/interrupt.hpp"
#include "exporters/mace.hpp"
#include "exporters/reann.hpp"
#include "exporters/sevennet.hpp"
#include "exporters/torch_state.hpp"
#include "formats/model_files/safetensors.hpp"
#include "models/core/file.hpp"
#include "models/mace/file.hpp"
#include "models/nequip/file.hpp"
#include "models/reann/file.hpp"
#include "support/error.hpp"
#include "support/error_context.hpp"
#include "support/output_path.hpp"

namespace grapevine {
namespace {

struct ExportArguments {
  std::string to;
  std::string model;
  std::string output;
  std::string numbers = "auto";
  std::optional<double> initpot;
  bool distributed = false;
  bool overwrite = false;
  bool without_core = false;
};

ReannNumbers parse_numbers(const std::string& text) {
  if (text == "auto") return ReannNumbers::as_needed;
  if (text == "float32") return ReannNumbers::float32;
  if (text == "float64") return ReannNumbers::float64;
  throw Error(fmt::format("--numbers: \"{}\" is none of auto, float32 and float64", text));
}

/// The file of a model, without a core or with leave to forget it.
TensorFile read_model(const ExportArguments& arguments, const char* program) {
  TensorFile file = TensorFile::read(arguments.model);
  if (!arguments.without_core && read_core(file))
    throw Error(fmt::format(
        "{}: the model has a core (repulsion of nuclei at short distances), which {} has not; --without-core exports "
        "the rest, the same where no two atoms are within the core",
        arguments.model, program));
  return file;
}

ReannExport export_model(const ExportArguments& arguments) {
  const reann::Parameters parameters = reann::read_parameters(read_model(arguments, "REANN's program"));
  return with_context(arguments.model, [&] {
    return export_reann(parameters, {parse_numbers(arguments.numbers), arguments.initpot, arguments.distributed});
  });
}

void run_reann(const ExportArguments& arguments) {
  const std::filesystem::path inputs[] = {arguments.model};
  for (const std::filesystem::path& file : reann_files(arguments.output)) check_not_input(file, inputs);
  const ReannExport exported = export_model(arguments);
  write_reann(arguments.output, exported, arguments.overwrite);
  for (const std::string& note : exported.notes) fmt::print(stderr, "grapevine: note: {}\n", note);
  fmt::print("{0}: REANN.pth, para/input_nn and para/input_density\n", arguments.output);
}

DType number_type(const ExportArguments& arguments, DType preferred) {
  switch (parse_numbers(arguments.numbers)) {
    case ReannNumbers::as_needed: return preferred;
    case ReannNumbers::float32: return DType::f32;
    case ReannNumbers::float64: return DType::f64;
  }
  return preferred;
}

/// Programs that load one file of torch.
template <class Parameters>
void run_torch(const ExportArguments& arguments, Parameters (*read)(const TensorFile&),
               PickleValue (*make)(const Parameters&, DType), DType preferred) {
  if (arguments.initpot || arguments.distributed) throw Error("--initpot and --distributed go with --to reann alone");
  const DType dtype = number_type(arguments, preferred);
  const std::filesystem::path inputs[] = {arguments.model};
  check_not_input(arguments.output, inputs);
  const Parameters parameters = read(read_model(arguments, arguments.to == "mace" ? "mace-torch" : "SevenNet"));
  const PickleValue root = with_context(arguments.model, [&] { return make(parameters, dtype); });
  write_torch_file(arguments.output, root, arguments.overwrite);
  fmt::print("{}: {} as PyTorch saves it, in {}\n", arguments.output,
             arguments.to == "mace" ? "sizes and weights" : "a checkpoint",
             dtype == DType::f32 ? "float32" : "float64");
}

void run_export(const ExportArguments& arguments) {
  const InterruptGuard guard;
  if (arguments.to == "reann") return run_reann(arguments);
  if (arguments.to == "mace") return run_torch(arguments, mace::read_parameters, export_mace, DType::f64);
  if (arguments.to == "sevennet") return run_torch(arguments, nequip::read_parameters, export_sevennet, DType::f32);
  throw Error(
      fmt::format("--to: \"{}\" is not known; models can be exported to reann, mace and sevennet", arguments.to));
}

}  // namespace

void add_export_command(CLI::App& app) {
  const auto arguments = std::make_shared<ExportArguments>();
  CLI::App* command = app.add_subcommand("export", "Write a model as the program that it is of loads it to go on");
  command->add_option("--to", arguments->to, "program to export to: reann, mace (mace-torch) or sevennet")->required();
  command->add_option("model", arguments->model, "model file")->required();
  command
      ->add_option("output", arguments->output,
                   "reann: folder for REANN.pth and para, made if it is not there; mace and sevennet: the file")
      ->required();
  command->add_option("--numbers", arguments->numbers,
                      "auto (default): of reann float32 where every number survives it, else float64, of mace float64, "
                      "of sevennet float32; float32: rounded; float64");
  command->add_option("--initpot", arguments->initpot,
                      "reann, eV: the mean energy per atom of the data REANN is to train on (all energies over all "
                      "atoms), which it takes off them; the rest of the model's energies goes into the networks");
  command->add_flag("--distributed", arguments->distributed, "reann: for a training on several processes");
  command->add_flag("--without-core", arguments->without_core,
                    "leave out the repulsion of nuclei at short distances that a model may have");
  command->add_flag("--overwrite", arguments->overwrite, "replace files that are there already");
  command->footer(
      "Examples:\n"
      "  grapevine export --to reann models/water.safetensors water-reann --initpot -156.0643\n"
      "  grapevine export --to mace mine.safetensors mine-mace.pt\n"
      "  grapevine export --to sevennet mine.safetensors checkpoint_mine.pth\n"
      "REANN has one energy per atom for all species (initpot). Total energies of the exported model are the same as\n"
      "here: where species differ in their energies, the differences are put into the networks. But when REANN goes "
      "on\n"
      "training it replaces initpot by the mean of its data; --initpot makes the model fit that. Its --distributed\n"
      "names are those of a run on several processes. What the program has not is refused. PyTorch is not needed.");
  command->callback([arguments] { run_export(*arguments); });
}

}  // namespace grapevine
