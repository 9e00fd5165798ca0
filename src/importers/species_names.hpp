#pragma once

#include <string>
#include <vector>

namespace grapevine {

/// The names with those replaced of which `renaming`, e.g. "C1=C,O2=O", tells another. Throws Error, in words about the
/// flag --species, for anything else than such a text, a name that there is not, and one that two of them would have.
std::vector<std::string> renamed_species(const std::vector<std::string>& names, const std::string& renaming);

}  // namespace grapevine
