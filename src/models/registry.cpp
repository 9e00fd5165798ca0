#include "models/registry.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "formats/mapped_file.hpp"
#include "formats/model_files/model_file.hpp"
#include "formats/sha256.hpp"
#include "models/core/cored_potential.hpp"
#include "models/core/file.hpp"
#include "models/mace/file.hpp"
#include "models/mace/model.hpp"
#include "models/nequip/file.hpp"
#include "models/nequip/model.hpp"
#include "models/reann/file.hpp"
#include "models/reann/model.hpp"
#include "support/error.hpp"
#include "support/error_context.hpp"

namespace grapevine {

namespace {

using Reader = std::shared_ptr<const Potential> (*)(const TensorFile&);

std::shared_ptr<const Potential> read_reann(const TensorFile& file) {
  return std::make_shared<reann::ReannPotential>(reann::read_parameters(file));
}

std::shared_ptr<const Potential> read_mace(const TensorFile& file) {
  return std::make_shared<mace::MacePotential>(mace::read_parameters(file));
}

std::shared_ptr<const Potential> read_nequip(const TensorFile& file) {
  return std::make_shared<nequip::NequipPotential>(nequip::read_parameters(file));
}

// Every architecture has its line here and nowhere else.
const std::map<std::string, Reader>& readers() {
  static const std::map<std::string, Reader> all = {
      {mace::architecture, read_mace}, {nequip::architecture, read_nequip}, {reann::architecture, read_reann}};
  return all;
}

std::vector<std::string> known_architectures() {
  std::vector<std::string> names;
  for (const auto& [name, reader] : readers()) names.push_back(name);
  return names;
}

}  // namespace

std::shared_ptr<const Potential> make_potential(const TensorFile& file) {
  const std::string architecture = read_description(file).architecture;
  const auto reader = readers().find(architecture);
  if (reader == readers().end())
    throw Error(fmt::format("{}: architecture '{}' is not known; this program reads: {}", file.name(), architecture,
                            fmt::join(known_architectures(), ", ")));
  std::shared_ptr<const Potential> potential = reader->second(file);
  const std::optional<Core> core = read_core(file);
  return core ? with_context(file.name(), [&] { return with_core(std::move(potential), *core); }) : potential;
}

LoadedModel load_model(const std::filesystem::path& path) {
  const MappedFile bytes(path);
  const TensorFile file = TensorFile::parse(bytes.bytes(), path.string());
  return {make_potential(file), read_description(file).architecture, sha256(bytes.bytes())};
}

std::shared_ptr<const Potential> load_potential(const std::filesystem::path& path) {
  return make_potential(TensorFile::read(path));
}

}  // namespace grapevine
