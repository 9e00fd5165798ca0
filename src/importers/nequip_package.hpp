#pragma once

#include "formats/archives/torch_package.hpp"
#include "importers/nequip_network.hpp"

namespace grapevine {

inline constexpr const char* nequip_package_kind = "NequIP package";

/// Reads a package of nequip-package, format 2 (nequip 0.10 to 0.19): the attributes of its modules, as plain records.
/// The sources of Python in it are not read. Throws Error, naming the file, for other packages and for modules and
/// settings it does not know or support.
NequipNetwork read_nequip_package(TorchPackage& package);

}  // namespace grapevine
