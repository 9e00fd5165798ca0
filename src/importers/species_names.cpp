#include "importers/species_names.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "support/error.hpp"

namespace grapevine {
namespace {

void rename(std::vector<std::string>& names, const std::vector<std::string>& old, const std::string& item) {
  const std::size_t equals = item.find('=');
  if (equals == std::string::npos || equals == 0 || equals + 1 == item.size())
    throw Error(fmt::format("--species: \"{}\" is not of the form C1=C", item));
  const auto found = std::find(old.begin(), old.end(), item.substr(0, equals));
  if (found == old.end())
    throw Error(fmt::format("--species: the model has no {}; it has {}", item.substr(0, equals), fmt::join(old, " ")));
  names[static_cast<std::size_t>(found - old.begin())] = item.substr(equals + 1);
}

}  // namespace

std::vector<std::string> renamed_species(const std::vector<std::string>& names, const std::string& renaming) {
  std::vector<std::string> result = names;
  for (std::size_t begin = 0; begin <= renaming.size();) {
    const std::size_t end = std::min(renaming.find(',', begin), renaming.size());
    rename(result, names, renaming.substr(begin, end - begin));
    begin = end + 1;
  }
  std::set<std::string> seen;
  for (const std::string& name : result)
    if (!seen.insert(name).second)
      throw Error(
          fmt::format("--species: two types would have the name {}; keep their names or choose different ones", name));
  return result;
}

}  // namespace grapevine
