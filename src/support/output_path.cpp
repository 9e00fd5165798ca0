#include "support/output_path.hpp"

#include <fmt/format.h>

#include <system_error>

#include "support/error.hpp"

namespace grapevine {
namespace {

constexpr int most_links = 40;  // as Linux has it

/// By device and inode if both exist.
bool same_file(const std::filesystem::path& a, const std::filesystem::path& b) {
  std::error_code problem;
  return std::filesystem::equivalent(a, b, problem);
}

bool same_place(const std::filesystem::path& a, const std::filesystem::path& b) {
  std::error_code problem;
  const auto place = [&](const std::filesystem::path& path) {
    return std::filesystem::weakly_canonical(std::filesystem::absolute(link_target(path)), problem);
  };
  return same_file(a, b) || (place(a) == place(b) && !problem);
}

}  // namespace

void check_not_input(const std::filesystem::path& output, std::span<const std::filesystem::path> inputs) {
  for (const std::filesystem::path& input : inputs)
    if (same_file(output, input))
      throw Error(output == input
                      ? fmt::format("{} would be written over itself, as it is also an input; choose another name for "
                                    "the output",
                                    output.string())
                      : fmt::format("{} is the same file as the input {}, which it would replace; choose another name "
                                    "for the output",
                                    output.string(), input.string()));
}

void check_no_input_in(const std::filesystem::path& folder, std::span<const std::filesystem::path> inputs) {
  std::error_code problem;
  std::filesystem::recursive_directory_iterator entry(folder, problem);
  for (; !problem && entry != std::filesystem::recursive_directory_iterator(); entry.increment(problem))
    check_not_input(entry->path(), inputs);
}

void check_different(std::span<const std::filesystem::path> outputs) {
  for (std::size_t a = 0; a < outputs.size(); ++a)
    for (std::size_t b = a + 1; b < outputs.size(); ++b)
      if (!outputs[a].empty() && !outputs[b].empty() && same_place(outputs[a], outputs[b]))
        throw Error(fmt::format("{} is named for two outputs; choose another name for one", outputs[b].string()));
}

std::filesystem::path link_target(const std::filesystem::path& path) {
  std::filesystem::path target = path;
  std::error_code problem;
  for (int links = 0; std::filesystem::is_symlink(target, problem); ++links) {
    if (links == most_links) throw Error(fmt::format("{}: too many levels of symbolic links", path.string()));
    target = target.parent_path() / std::filesystem::read_symlink(target, problem);
  }
  return target;
}

}  // namespace grapevine
