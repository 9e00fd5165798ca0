#include "cli/import_command.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <string>

#include "cli/interrupt.hpp"
#include "importers/import_model.hpp"
#include "support/one_line.hpp"

namespace grapevine {
namespace {

void run_import(const ImportRequest& request) {
  const InterruptGuard guard;
  const ImportSummary summary = import_model(request);
  for (const std::string& note : summary.notes) fmt::print(stderr, "grapevine: note: {}\n", one_line(note));
  fmt::print("{}\n", one_line(fmt::format("{}: {}; {}", request.output.string(), summary.kind, summary.text)));
}

}  // namespace

void add_import_command(CLI::App& app) {
  const auto request = std::make_shared<ImportRequest>();
  CLI::App* command = app.add_subcommand(
      "import",
      "Make a model file from a REANN checkpoint (REANN.pth), TorchScript file (PES.pt) or LibTorch archive, from a "
      "SevenNet checkpoint, a checkpoint (.ckpt) or package (.nequip.zip) of NequIP, a Nequix model (.nqx) or a MACE "
      "model (.model)");
  command
      ->add_option("source", request->source,
                   "file written by REANN, REANN-MPI, LibTorch, SevenNet, NequIP, Nequix or mace-torch")
      ->required();
  command->add_option("-o,--output", request->output, "model file to write, e.g. model.safetensors")->required();
  command->add_option("--para", request->para, "REANN's para folder, with input_nn and input_density");
  command->add_option(
      "--activation", request->activation,
      "activation of the readout networks, Relu_like or Tanh_like, where neither file nor para says it");
  command->add_option("--message-activation", request->message_activation, "the same of the message networks");
  command->add_option(
      "--gaussian-sign", request->gaussian_sign,
      "plus (default): exp(+inta (r - rs)^2); minus: exp(-inta (r - rs)^2), as one REANN revision has it");
  command->add_option("--modality", request->modality,
                      "which modality to take of a SevenNet model of several, e.g. PBE");
  command->add_option("--species", request->species,
                      "new names for types of a NequIP model, e.g. C1=C,O2=O; the others keep theirs");
  command->add_option("--head", request->head, "which head to take of a MACE model of several, e.g. default");
  command->add_option("--note", request->note, "text kept in the provenance: training data, errors, citation");
  command->footer(
      "Examples:\n"
      "  grapevine import REANN.pth --para para -o copper.safetensors\n"
      "  grapevine import checkpoint_sevennet_0.pth -o sevennet-0.safetensors\n"
      "  grapevine import NequIP-OAM-S.nequip.zip -o nequip-oam-s.safetensors\n"
      "  grapevine import nequix-mp-1.nqx -o nequix-mp-1.safetensors\n"
      "  grapevine import MACE.model -o mace.safetensors\n"
      "PyTorch is not needed, and nothing in the file is executed.");
  command->callback([request] { run_import(*request); });
}

}  // namespace grapevine
