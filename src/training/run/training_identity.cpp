#include "training/run/training_identity.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "formats/mapped_file.hpp"
#include "formats/sha256.hpp"
#include "training/options/config.hpp"

namespace grapevine {
namespace {

std::string text_of(TrainingOptions options, std::uint64_t seed) {
  options.resume = false;
  options.overwrite = false;
  options.threads = 0;
  options.optimiser.patience = 0;  // decides when it ends, not what it comes to by then
  options.output.clear();
  options.committee = 1;
  options.seed = seed;
  return commented_config(options);
}

/// A folder stands for the file in REANN's format that it holds.
std::filesystem::path file_of(const std::filesystem::path& path) {
  return std::filesystem::is_directory(path) ? path / "configuration" : path;
}

}  // namespace

InputDigests digest_inputs(const TrainingOptions& options) {
  InputDigests digests;
  Sha256 all;
  for (const std::filesystem::path& path : options.data.train) {
    const MappedFile file(file_of(path));
    all.add(file.bytes());
    digests.files[path.string()] = sha256(file.bytes());
  }
  digests.train = all.digits();
  for (const auto* paths : {&options.data.valid, &options.replay.files})
    for (const std::filesystem::path& path : *paths)
      digests.files[path.string()] = sha256(MappedFile(file_of(path)).bytes());
  if (!options.start.empty()) digests.files[options.start.string()] = sha256(MappedFile(options.start).bytes());
  return digests;
}

TrainingIdentity identity_of(const TrainingOptions& options, std::uint64_t seed, const std::filesystem::path& model,
                             const InputDigests& inputs, const FrameSplit& split) {
  const std::string validated = fmt::format("{}", fmt::join(split.valid, " "));
  return {model, text_of(options, seed), inputs, Sha256().add(validated).digits()};
}

}  // namespace grapevine
