#include "models/information.hpp"

#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "engine/model.hpp"
#include "formats/mapped_file.hpp"
#include "formats/model_files/model_file.hpp"
#include "formats/model_files/safetensors.hpp"
#include "formats/sha256.hpp"
#include "models/registry.hpp"

namespace grapevine {
namespace {

std::vector<int> message_widths(const Potential& potential) {
  std::vector<int> widths;
  for (int t = 1; t <= potential.layers(); ++t) widths.push_back(potential.width(t));
  return widths;
}

std::set<std::string> number_types(const TensorFile& file) {
  std::set<std::string> types;
  for (const auto& [name, view] : file.tensors()) types.emplace(dtype_name(view.dtype));
  return types;
}

}  // namespace

nlohmann::ordered_json model_information(const std::filesystem::path& path) {
  const TensorFile file = TensorFile::read(path);
  const std::shared_ptr<const Potential> potential = make_potential(file);
  const ModelDescription description = read_description(file);
  const Provenance& provenance = description.provenance;
  return {{"file", path.string()},
          {"file_bytes", std::filesystem::file_size(path)},
          {"file_sha256", sha256(MappedFile(path).bytes())},
          {"format_version", file.metadata("format_version")},
          {"architecture", description.architecture},
          {"species", description.species},
          {"cutoff", potential->cutoff()},
          {"layers", potential->layers()},
          {"message_width", message_widths(*potential)},
          {"parameters", potential->parameter_count()},
          {"number_types", number_types(file)},
          {"units", nlohmann::ordered_json::parse(file.metadata("units"))},
          {"hyperparameters", nlohmann::ordered_json::parse(file.metadata("hyperparameters"))},
          {"provenance",
           {{"source", provenance.source},
            {"source_sha256", provenance.source_sha256},
            {"source_kind", provenance.source_kind},
            {"note", provenance.note}}}};
}

}  // namespace grapevine
