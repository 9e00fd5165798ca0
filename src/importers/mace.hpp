#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "formats/archives/torch_archive.hpp"
#include "models/mace/parameters.hpp"

namespace grapevine {

inline constexpr const char* mace_kind = "MACE model";

struct MaceImport {
  mace::Parameters parameters;
  std::string origin;  ///< the head, for the provenance; may be empty
};

/// Whether a PyTorch file is a model of mace-torch, saved whole or as TorchScript.
bool is_mace(const TorchHead& head);

/// Packages of the classes in such a file.
const PicklePackages& mace_packages();

/// The modules of a file that is_mace() as records of names and tensors; nothing is executed. Throws Error, naming the
/// file, for what is damaged, compiled (TorchScript) or converted for another program or library.
TorchArchive read_mace_archive(std::span<const std::byte> bytes, const TorchHead& head, const std::string& file);

/// A model of energies that mace-torch saved whole (torch.save), with e3nn's and mace-torch's constants folded into its
/// weights; of several heads the one called `wanted_head`, which may be empty where there is one. Throws Error, naming
/// the file, for what is not supported and for tensors that do not fit together.
MaceImport import_mace(const TorchArchive& archive, const std::string& wanted_head);

/// Throws Error, with what to do instead, for weights of mace-torch without their model.
void refuse_mace_weights(const TorchArchive& archive);

}  // namespace grapevine
