#include "cli/import_command.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>

#include "formats/mapped_file.hpp"
#include "formats/para_file.hpp"
#include "formats/sha256.hpp"
#include "formats/torch_archive.hpp"
#include "importers/reann.hpp"
#include "models/reann/file.hpp"
#include "support/error.hpp"

namespace grapevine {
namespace {

struct ImportArguments {
  std::string source;
  std::string para;
  std::string activation;
  std::string message_activation;
  std::string gaussian_sign;
  std::string note;
  std::string output;
};

int parse_sign(const std::string& text) {
  if (text == "plus") return 1;
  if (text == "minus") return -1;
  throw Error(fmt::format("--gaussian-sign: \"{}\" is neither plus nor minus", text));
}

ReannImportOptions options_of(const ImportArguments& arguments) {
  ReannImportOptions options;
  if (!arguments.para.empty()) options.para = ParaFile::read(arguments.para);
  if (!arguments.activation.empty()) options.activation = parse_activation(arguments.activation, "--activation");
  if (!arguments.message_activation.empty())
    options.message_activation = parse_activation(arguments.message_activation, "--message-activation");
  if (!arguments.gaussian_sign.empty()) options.gaussian_sign = parse_sign(arguments.gaussian_sign);
  return options;
}

void check_output(const ImportArguments& arguments) {
  std::error_code ignored;
  if (std::filesystem::equivalent(arguments.source, arguments.output, ignored))
    throw Error(
        fmt::format("{}: the model would be written over its source; choose another name for -o", arguments.output));
}

void run_import(const ImportArguments& arguments) {
  check_output(arguments);
  const ReannImportOptions options = options_of(arguments);
  const MappedFile file(arguments.source);
  const ReannImport import = import_reann(parse_torch_archive(file.bytes(), arguments.source), options);
  const Provenance provenance{std::filesystem::path(arguments.source).filename().string(), sha256(file.bytes()),
                              import.kind, arguments.note};
  reann::write_model(arguments.output, import.parameters, provenance);
  for (const std::string& note : import.notes) fmt::print(stderr, "grapevine: note: {}\n", note);
  fmt::print("{}: {}; species {}, cutoff {} Angstrom, {} message layers, {} parameters\n", arguments.output,
             import.kind, fmt::join(import.parameters.species, " "), import.parameters.cutoff, import.parameters.layers,
             import.parameters.count());
}

}  // namespace

void add_import_command(CLI::App& app) {
  const auto arguments = std::make_shared<ImportArguments>();
  CLI::App* command = app.add_subcommand(
      "import", "Make a model file from a REANN checkpoint (REANN.pth), TorchScript file (PES.pt) or LibTorch archive");
  command->add_option("source", arguments->source, "file written by REANN, REANN-MPI or LibTorch")->required();
  command->add_option("-o,--output", arguments->output, "model file to write, e.g. model.safetensors")->required();
  command->add_option("--para", arguments->para, "REANN's para folder, with input_nn and input_density");
  command->add_option(
      "--activation", arguments->activation,
      "activation of the readout networks, Relu_like or Tanh_like, where neither file nor para says it");
  command->add_option("--message-activation", arguments->message_activation, "the same of the message networks");
  command->add_option(
      "--gaussian-sign", arguments->gaussian_sign,
      "plus (default): exp(+inta (r - rs)^2); minus: exp(-inta (r - rs)^2), as one REANN revision has it");
  command->add_option("--note", arguments->note, "text kept in the provenance: training data, errors, citation");
  command->footer(
      "Example:\n"
      "  grapevine import REANN.pth --para para -o copper.safetensors\n"
      "PyTorch is not needed, and nothing in the file is executed.");
  command->callback([arguments] { run_import(*arguments); });
}

}  // namespace grapevine
