#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "formats/archives/torch_archive.hpp"
#include "formats/model_files/model_file.hpp"
#include "formats/text/para_file.hpp"
#include "models/reann/parameters.hpp"

namespace grapevine {

/// What a REANN file may leave unsaid. Settings from the user win over the para files, never over the file itself.
struct ReannImportOptions {
  std::optional<ParaFile> para;                             ///< of `--para`
  std::optional<reann::ActivationKind> activation;          ///< of the readout networks
  std::optional<reann::ActivationKind> message_activation;  ///< of the message networks
  std::optional<int> gaussian_sign;  ///< +1: the model has exp(inta (r - rs)^2); -1: exp(-inta (r - rs)^2)
};

struct ReannImport {
  reann::Parameters parameters;
  std::string kind;                ///< which of REANN's files it was
  std::vector<std::string> notes;  ///< one line each, for the user
};

/// "Relu_like" or "Tanh_like", as REANN's input files say it. Throws Error, starting with `where`, for other names.
reann::ActivationKind parse_activation(const std::string& name, const std::string& where);

/// Reads a training checkpoint (REANN.pth), a TorchScript file (PES.pt) or an archive of REANN-MPI or LibTorch. Throws
/// Error if it is none of these, says something that Grapevine does not support or that contradicts the options, or
/// does not say enough; the message then names the option to add.
ReannImport import_reann(const TorchArchive& archive, const ReannImportOptions& options);

}  // namespace grapevine
