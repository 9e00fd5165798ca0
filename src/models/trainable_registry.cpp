#include "models/trainable_registry.hpp"

#include <algorithm>
#include <map>

#include "models/mace/file.hpp"
#include "models/mace/training/architecture.hpp"
#include "models/nequip/file.hpp"
#include "models/nequip/training/architecture.hpp"
#include "models/reann/file.hpp"
#include "models/reann/trainable_architecture.hpp"

namespace grapevine {
namespace {

// Every architecture that can be trained has its line here and nowhere else.
const std::map<std::string, const TrainableArchitecture*>& architectures() {
  static const std::map<std::string, const TrainableArchitecture*> all = {
      {mace::architecture, &mace::trainable_architecture()},
      {nequip::architecture, &nequip::trainable_architecture()},
      {reann::architecture, &reann::trainable_architecture()}};
  return all;
}

}  // namespace

std::vector<std::string> trainable_architectures() {
  std::vector<std::string> names;
  for (const auto& [name, architecture] : architectures()) names.push_back(name);
  return names;
}

std::vector<std::string> trainable_groups() {
  std::vector<std::string> groups;
  for (const auto& [name, architecture] : architectures())
    for (const std::string& group : architecture->groups())
      if (std::find(groups.begin(), groups.end(), group) == groups.end()) groups.push_back(group);
  return groups;
}

const TrainableArchitecture* find_trainable_architecture(const std::string& name) {
  const auto found = architectures().find(name);
  return found == architectures().end() ? nullptr : found->second;
}

}  // namespace grapevine
