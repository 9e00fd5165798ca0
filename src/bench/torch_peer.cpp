#include "bench/torch_peer.hpp"

#include <fmt/format.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <utility>

#include "bench/models.hpp"
#include "support/child_process.hpp"
#include "support/error.hpp"

namespace grapevine::bench {
namespace {

constexpr double force_tolerance = 1e-3;  // of the largest force; both sides are in single precision

const std::vector<Variable> keep_memory = {{"MALLOC_MMAP_THRESHOLD_", "4294967296"},
                                           {"MALLOC_TRIM_THRESHOLD_", "17179869184"}};

std::string choose_python(const Options& options) {
  if (!options.python.empty()) return options.python;
  const std::filesystem::path beside =
      options.executable.parent_path().parent_path().parent_path() / ".venv" / "bin" / "python";
  return std::filesystem::exists(beside) ? beside.string() : "python3";
}

std::string last_line(const std::filesystem::path& path) {
  std::ifstream stream(path);
  std::string last;
  for (std::string line; std::getline(stream, line);)
    if (!line.empty()) last = line;
  return last;
}

}  // namespace

TorchPeer::TorchPeer(const Options& options, const TorchScript& script, const std::string& name,
                     std::filesystem::path model, std::vector<std::string> arguments, std::function<void()> check)
    : folder_(options.output / name),
      model_(std::move(model)),
      script_(find_shipped(options.executable, script.path)),
      arguments_(std::move(arguments)),
      python_(choose_python(options)),
      check_(std::move(check)) {
  std::filesystem::create_directories(folder_);
  if (script_.empty()) {
    obstacle_ = fmt::format("{} is not beside this program", script.path);
    return;
  }
  const Command probe{{python_, "-c", fmt::format("import {}", script.modules)}, {}};
  if (run_child(probe, folder_, folder_ / "probe.txt", check_).exit_code != 0)
    obstacle_ = fmt::format("{} has no {} ({})", python_, script.package, last_line(folder_ / "probe.txt"));
}

Run TorchPeer::run(const std::filesystem::path& dump, FreedMemory memory) {
  Command command{{python_, script_.string(), model_.string(), dump.string(), "--repeats", "3"}, {}};
  command.words.insert(command.words.end(), arguments_.begin(), arguments_.end());
  if (memory == FreedMemory::kept) command.variables = keep_memory;
  commands_.push_back(shell_line(command));
  const std::filesystem::path output = folder_ / "output.txt";
  if (run_child(command, folder_, output, check_).exit_code != 0)
    throw Error(fmt::format("the run in PyTorch failed: {}; see {}", last_line(output), output.string()));
  const nlohmann::json json = nlohmann::json::parse(last_line(output), nullptr, false);
  if (!json.is_object()) throw Error(fmt::format("the run in PyTorch printed no result; see {}", output.string()));
  Run run;
  run.seconds = json.at("seconds").get<double>();
  run.steps = json.at("repeats").get<std::int64_t>();
  run.atoms = json.at("atoms").get<std::int64_t>();
  version_ = json.at("torch").get<std::string>();
  force_difference_ = json.at("force_difference").get<double>() / json.at("largest_force").get<double>();
  if (!(force_difference_ < force_tolerance))
    throw Error(fmt::format("forces of PyTorch and Grapevine differ by {:.2g} of the largest force; see {}",
                            force_difference_, output.string()));
  return run;
}

}  // namespace grapevine::bench
