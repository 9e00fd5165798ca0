#include "cli/import_command.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <vector>

#include "formats/mapped_file.hpp"
#include "formats/para_file.hpp"
#include "formats/sha256.hpp"
#include "formats/torch_archive.hpp"
#include "importers/reann.hpp"
#include "importers/sevennet.hpp"
#include "models/nequip/file.hpp"
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
  std::string modality;
  std::string note;
  std::string output;
};

/// A model from another program's file, whatever its architecture.
struct ImportedModel {
  std::string kind;                ///< of the file
  std::string origin;              ///< what else the file says of itself; may be empty
  std::vector<std::string> notes;  ///< for the user
  std::string summary;
  std::function<FileContents(const Provenance&)> contents;
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

/// A flag that says something about files of one kind only.
struct FlagOfKind {
  const char* flag;
  const std::string& value;
};

void refuse_flags(const ImportArguments& arguments, const char* kind, std::initializer_list<FlagOfKind> flags) {
  for (const FlagOfKind& entry : flags)
    if (!entry.value.empty())
      throw Error(fmt::format("{}: {} has no meaning for a {}; leave it out", arguments.source, entry.flag, kind));
}

std::string summary_of(const std::vector<std::string>& species, double cutoff, const std::string& layers,
                       std::size_t parameters) {
  return fmt::format("species {}, cutoff {} Angstrom, {}, {} parameters", fmt::join(species, " "), cutoff, layers,
                     parameters);
}

ImportedModel import_reann_file(const TorchArchive& archive, const ImportArguments& arguments) {
  refuse_flags(arguments, "file of REANN", {{"--modality", arguments.modality}});
  ReannImport import = import_reann(archive, options_of(arguments));
  const reann::Parameters& p = import.parameters;
  return {import.kind, "", import.notes,
          summary_of(p.species, p.cutoff, fmt::format("{} message layers", p.layers), p.count()),
          [p](const Provenance& provenance) { return reann::file_contents(p, provenance); }};
}

ImportedModel import_sevennet_file(const TorchArchive& archive, const ImportArguments& arguments) {
  refuse_flags(arguments, sevennet_kind,
               {{"--para", arguments.para},
                {"--activation", arguments.activation},
                {"--message-activation", arguments.message_activation},
                {"--gaussian-sign", arguments.gaussian_sign}});
  SevenNetImportOptions options;
  if (!arguments.modality.empty()) options.modality = arguments.modality;
  SevenNetImport import = import_sevennet(archive, options);
  const nequip::Parameters& p = import.parameters;
  return {sevennet_kind, import.origin, import.notes,
          summary_of(p.species, p.cutoff, fmt::format("{} interactions", p.interactions.size()), p.count()),
          [p](const Provenance& provenance) { return nequip::file_contents(p, provenance); }};
}

std::string joined(const std::string& a, const std::string& b) { return a.empty() || b.empty() ? a + b : a + "; " + b; }

void run_import(const ImportArguments& arguments) {
  check_output(arguments);
  const MappedFile file(arguments.source);
  const TorchArchive archive = parse_torch_archive(file.bytes(), arguments.source);
  const ImportedModel model =
      is_sevennet(archive) ? import_sevennet_file(archive, arguments) : import_reann_file(archive, arguments);
  const Provenance provenance{std::filesystem::path(arguments.source).filename().string(), sha256(file.bytes()),
                              model.kind, joined(model.origin, arguments.note)};
  const FileContents contents = model.contents(provenance);
  write_tensor_file(arguments.output, contents.metadata, contents.tensors);
  for (const std::string& note : model.notes) fmt::print(stderr, "grapevine: note: {}\n", note);
  fmt::print("{}: {}; {}\n", arguments.output, model.kind, model.summary);
}

}  // namespace

void add_import_command(CLI::App& app) {
  const auto arguments = std::make_shared<ImportArguments>();
  CLI::App* command = app.add_subcommand(
      "import",
      "Make a model file from a REANN checkpoint (REANN.pth), TorchScript file (PES.pt) or LibTorch archive, or from a "
      "SevenNet checkpoint");
  command->add_option("source", arguments->source, "file written by REANN, REANN-MPI, LibTorch or SevenNet")
      ->required();
  command->add_option("-o,--output", arguments->output, "model file to write, e.g. model.safetensors")->required();
  command->add_option("--para", arguments->para, "REANN's para folder, with input_nn and input_density");
  command->add_option(
      "--activation", arguments->activation,
      "activation of the readout networks, Relu_like or Tanh_like, where neither file nor para says it");
  command->add_option("--message-activation", arguments->message_activation, "the same of the message networks");
  command->add_option(
      "--gaussian-sign", arguments->gaussian_sign,
      "plus (default): exp(+inta (r - rs)^2); minus: exp(-inta (r - rs)^2), as one REANN revision has it");
  command->add_option("--modality", arguments->modality,
                      "which modality to take of a SevenNet model of several, e.g. PBE");
  command->add_option("--note", arguments->note, "text kept in the provenance: training data, errors, citation");
  command->footer(
      "Examples:\n"
      "  grapevine import REANN.pth --para para -o copper.safetensors\n"
      "  grapevine import checkpoint_sevennet_0.pth -o sevennet-0.safetensors\n"
      "PyTorch is not needed, and nothing in the file is executed.");
  command->callback([arguments] { run_import(*arguments); });
}

}  // namespace grapevine
