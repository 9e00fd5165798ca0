#pragma once

#include <map>
#include <string>
#include <vector>

#include "formats/model_files/safetensors.hpp"

namespace grapevine {

/// Where the numbers of a model came from. Nothing in it changes from run to run, so that importing a file twice gives
/// the same bytes.
struct Provenance {
  std::string source;         ///< name of the imported file, without its folder
  std::string source_sha256;  ///< 64 hexadecimal digits
  std::string source_kind;    ///< e.g. "REANN training checkpoint"
  std::string note;           ///< training data, errors, citation; may be empty

  bool operator==(const Provenance&) const = default;
};

/// The part of a model file that is the same for every architecture.
struct ModelDescription {
  std::string architecture;          ///< e.g. "reann"
  std::vector<std::string> species;  ///< chemical symbols or other names, in the model's order
  Provenance provenance;
};

/// What a model file holds, as metadata and tensors.
struct FileContents {
  std::map<std::string, std::string> metadata;
  std::vector<NamedTensor> tensors;
};

/// Reads the part of the metadata that does not depend on the architecture. Throws Error, naming file and key, for a
/// file that is not a Grapevine model (for the checkpoint of a training with where its model is), a format version or
/// unit this program does not know, and what check_species_names refuses.
ModelDescription read_description(const TensorFile& file);

/// The metadata that read_description reads; the architecture adds its own. Throws Error for species that
/// read_description would refuse.
std::map<std::string, std::string> description_metadata(const ModelDescription& description);

/// Throws Error, starting with `where`, unless `species` are different names, at least one: letters and digits that
/// `pair_coeff` and extended XYZ can take.
void check_species_names(const std::vector<std::string>& species, const std::string& where);

/// The same, but all are chemical symbols.
void check_species(const std::vector<std::string>& species, const std::string& where);

}  // namespace grapevine
