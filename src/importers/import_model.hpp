#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace grapevine {

/// What the user says to an import. Texts that are empty are not said.
struct ImportRequest {
  std::filesystem::path source;  ///< file written by REANN, REANN-MPI, LibTorch, SevenNet, NequIP, Nequix or mace-torch
  std::filesystem::path output;  ///< model file to write
  std::string para;              ///< REANN's folder of inputs
  std::string activation;        ///< of the readout networks, Relu_like or Tanh_like
  std::string message_activation;  ///< of the message networks
  std::string gaussian_sign;       ///< plus or minus
  std::string modality;            ///< of a SevenNet model of several
  std::string species;             ///< new names of a NequIP model's types, e.g. "C1=C,O2=O"
  std::string head;                ///< of a MACE model of several
  std::string note;                ///< kept in the provenance
};

struct ImportSummary {
  std::string kind;                ///< of the source
  std::vector<std::string> notes;  ///< for the user, a line each
  std::string text;                ///< species, cutoff, layers and parameters in a line
};

/// Makes a model file from another program's, whatever its architecture. Throws Error, naming file and flag, for a
/// source that is none of these, a setting that has no meaning for it or is missing, and an output that cannot be
/// written or is the source itself.
ImportSummary import_model(const ImportRequest& request);

}  // namespace grapevine
