#include "importers/import_model.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstddef>
#include <functional>
#include <initializer_list>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "formats/archives/torch_archive.hpp"
#include "formats/archives/torch_package.hpp"
#include "formats/file_endings.hpp"
#include "formats/mapped_file.hpp"
#include "formats/sha256.hpp"
#include "formats/text/para_file.hpp"
#include "importers/mace.hpp"
#include "importers/nequip_checkpoint.hpp"
#include "importers/nequip_package.hpp"
#include "importers/nequix.hpp"
#include "importers/reann.hpp"
#include "importers/sevennet.hpp"
#include "importers/species_names.hpp"
#include "models/mace/file.hpp"
#include "models/nequip/file.hpp"
#include "models/reann/file.hpp"
#include "support/error.hpp"
#include "support/output_path.hpp"

namespace grapevine {
namespace {

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

ReannImportOptions options_of(const ImportRequest& request) {
  ReannImportOptions options;
  if (!request.para.empty()) options.para = ParaFile::read(request.para);
  if (!request.activation.empty()) options.activation = parse_activation(request.activation, "--activation");
  if (!request.message_activation.empty())
    options.message_activation = parse_activation(request.message_activation, "--message-activation");
  if (!request.gaussian_sign.empty()) options.gaussian_sign = parse_sign(request.gaussian_sign);
  return options;
}

void check_output(const ImportRequest& request) {
  check_model_ending(request.output);
  std::vector<std::filesystem::path> inputs = {request.source};
  if (const std::filesystem::path para = request.para; !para.empty())
    inputs.insert(inputs.end(), {para / "input_nn", para / "input_density"});
  check_not_input(request.output, inputs);
}

/// A flag that says something about files of one kind only.
struct FlagOfKind {
  const char* flag;
  const std::string& value;
};

void refuse_flags(const ImportRequest& request, const char* kind, std::initializer_list<FlagOfKind> flags) {
  for (const FlagOfKind& entry : flags)
    if (!entry.value.empty())
      throw Error(
          fmt::format("{}: {} has no meaning for a {}; leave it out", request.source.string(), entry.flag, kind));
}

void refuse_reann_flags(const ImportRequest& request, const char* kind) {
  refuse_flags(request, kind,
               {{"--para", request.para},
                {"--activation", request.activation},
                {"--message-activation", request.message_activation},
                {"--gaussian-sign", request.gaussian_sign}});
}

std::string summary_of(const std::vector<std::string>& species, double cutoff, const std::string& layers,
                       std::size_t parameters) {
  return fmt::format("species {}, cutoff {} Angstrom, {}, {} parameters", fmt::join(species, " "), cutoff, layers,
                     parameters);
}

ImportedModel import_reann_file(const TorchArchive& archive, const ImportRequest& request) {
  refuse_flags(request, "file of REANN",
               {{"--modality", request.modality}, {"--species", request.species}, {"--head", request.head}});
  ReannImport import = import_reann(archive, options_of(request));
  const reann::Parameters& p = import.parameters;
  return {import.kind, "", import.notes,
          summary_of(p.species, p.cutoff, fmt::format("{} message layers", p.layers), p.count()),
          [p](const Provenance& provenance) { return reann::file_contents(p, provenance); }};
}

ImportedModel nequip_model(const char* kind, nequip::Parameters p) {
  const std::string summary =
      summary_of(p.species, p.cutoff(), fmt::format("{} interactions", p.interactions.size()), p.count());
  return {kind, "", {}, summary, [p = std::move(p)](const Provenance& provenance) {
            return nequip::file_contents(p, provenance);
          }};
}

ImportedModel import_sevennet_file(const TorchArchive& archive, const ImportRequest& request) {
  refuse_reann_flags(request, sevennet_kind);
  refuse_flags(request, sevennet_kind, {{"--species", request.species}, {"--head", request.head}});
  SevenNetImportOptions options;
  if (!request.modality.empty()) options.modality = request.modality;
  SevenNetImport import = import_sevennet(archive, options);
  ImportedModel model = nequip_model(sevennet_kind, std::move(import.parameters));
  model.origin = std::move(import.origin);
  model.notes = std::move(import.notes);
  return model;
}

ImportedModel import_nequix_file(std::span<const std::byte> bytes, const ImportRequest& request) {
  refuse_reann_flags(request, nequix_kind);
  refuse_flags(request, nequix_kind,
               {{"--modality", request.modality}, {"--species", request.species}, {"--head", request.head}});
  return nequip_model(nequix_kind, import_nequix(bytes, request.source.string()));
}

ImportedModel import_nequip_file(const char* kind, NequipNetwork network, const ImportRequest& request) {
  refuse_reann_flags(request, kind);
  refuse_flags(request, kind, {{"--modality", request.modality}, {"--head", request.head}});
  NequipImport import = import_network(std::move(network));
  std::vector<std::string>& species = import.parameters.species;
  if (!request.species.empty()) species = renamed_species(species, request.species);
  ImportedModel model = nequip_model(kind, std::move(import.parameters));
  model.origin = std::move(import.origin);
  model.notes = std::move(import.notes);
  return model;
}

ImportedModel import_mace_file(std::span<const std::byte> bytes, const TorchHead& head, const ImportRequest& request) {
  refuse_reann_flags(request, mace_kind);
  refuse_flags(request, mace_kind, {{"--modality", request.modality}, {"--species", request.species}});
  MaceImport import = import_mace(read_mace_archive(bytes, head, request.source.string()), request.head);
  const mace::Parameters& p = import.parameters;
  const std::string summary =
      summary_of(p.species, p.cutoff(), fmt::format("{} interactions", p.interactions.size()), p.count());
  return {
      mace_kind,
      std::move(import.origin),
      {},
      summary,
      [p = std::move(import.parameters)](const Provenance& provenance) { return mace::file_contents(p, provenance); }};
}

/// Compiled models are many formats; all have these endings.
void refuse_compiled(const std::filesystem::path& source) {
  const std::string name = source.filename().string();
  for (const char* ending : {".nequip.pth", ".nequip.pt2", ".nequip.pt"})
    if (name.ends_with(ending))
      throw Error(fmt::format(
          "{}: a compiled NequIP model; import the checkpoint or the package (.nequip.zip) it was made from",
          source.string()));
}

ImportedModel import_file(std::span<const std::byte> bytes, const ImportRequest& request) {
  const std::string name = request.source.string();
  if (is_nequix(bytes)) return import_nequix_file(bytes, request);
  if (TorchPackage::is_one(bytes)) {
    TorchPackage package(bytes, name);
    return import_nequip_file(nequip_package_kind, read_nequip_package(package), request);
  }
  if (const TorchHead head = torch_head(bytes); is_mace(head)) return import_mace_file(bytes, head, request);
  const TorchArchive archive = parse_torch_archive(bytes, name);
  refuse_mace_weights(archive);
  if (is_nequip_checkpoint(archive))
    return import_nequip_file(nequip_checkpoint_kind, read_nequip_checkpoint(archive), request);
  return is_sevennet(archive) ? import_sevennet_file(archive, request) : import_reann_file(archive, request);
}

std::string joined(const std::string& a, const std::string& b) { return a.empty() || b.empty() ? a + b : a + "; " + b; }

}  // namespace

ImportSummary import_model(const ImportRequest& request) {
  check_output(request);
  refuse_compiled(request.source);
  const MappedFile file(request.source);
  const ImportedModel model = import_file(file.bytes(), request);
  const Provenance provenance{request.source.filename().string(), sha256(file.bytes()), model.kind,
                              joined(model.origin, request.note)};
  const FileContents contents = model.contents(provenance);
  write_tensor_file(request.output, contents.metadata, contents.tensors);
  return {model.kind, model.notes, model.summary};
}

}  // namespace grapevine
