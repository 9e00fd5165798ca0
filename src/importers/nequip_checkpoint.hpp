#pragma once

#include "formats/archives/torch_archive.hpp"
#include "importers/nequip_network.hpp"

namespace grapevine {

inline constexpr const char* nequip_checkpoint_kind = "NequIP checkpoint";

/// Whether the archive looks like a checkpoint of Lightning, with which nequip trains, or like a compiled model of
/// nequip; readable or not.
bool is_nequip_checkpoint(const TorchArchive& archive);

/// Reads a training checkpoint of nequip 0.10 to 0.19. Of EMALightningModule the averaged weights are taken. What the
/// configuration does not say follows from the rules of the version that wrote it. Throws Error, naming the file, for
/// other files, for settings it does not know or support, and for tensors that are not there.
NequipNetwork read_nequip_checkpoint(const TorchArchive& archive);

}  // namespace grapevine
