#include "bench/models.hpp"

#include <fmt/format.h>

#include <initializer_list>

#include "models/reann/file.hpp"
#include "models/reann/random_parameters.hpp"
#include "models/registry.hpp"
#include "support/error.hpp"

namespace grapevine::bench {
namespace {

constexpr std::uint64_t seed = 20251;

/// LAMMPS runs in folders of its own.
std::filesystem::path checked(const std::string& name) {
  load_potential(name);
  return std::filesystem::absolute(name);
}

}  // namespace

std::filesystem::path find_shipped(const std::filesystem::path& executable, const std::filesystem::path& name) {
  const std::filesystem::path root = executable.parent_path().parent_path();
  for (const std::filesystem::path& folder : {root.parent_path(), root / "share" / "grapevine"})
    if (std::filesystem::is_regular_file(folder / name)) return folder / name;
  return {};
}

SilverModel random_silver(const std::filesystem::path& folder, int layers) {
  std::filesystem::create_directories(folder);
  const std::filesystem::path path = folder / fmt::format("random-silver-{}.safetensors", layers);
  reann::Sizes sizes;
  sizes.layers = layers;
  reann::write_model(path, reann::random_parameters(sizes, seed),
                     {"none", std::string(64, '0'), "random weights", "For measuring speed only."});
  return {std::filesystem::absolute(path), true};
}

SilverModel choose_silver(const Options& options) {
  if (options.silver_model.empty()) return random_silver(options.output / "models", 1);
  return {checked(options.silver_model), false};
}

std::filesystem::path choose_alloy(const Options& options) {
  if (!options.alloy_model.empty()) return checked(options.alloy_model);
  std::filesystem::path found = find_shipped(options.executable, "models/nbmotaw.safetensors");
  if (found.empty()) throw Error("models/nbmotaw.safetensors is not beside this program; name it by --alloy-model");
  return found;
}

int message_numbers(const std::filesystem::path& model) {
  const auto potential = load_potential(model);
  int numbers = 0;
  for (int t = 1; t <= potential->layers(); ++t) numbers += potential->width(t);
  return numbers;
}

}  // namespace grapevine::bench
