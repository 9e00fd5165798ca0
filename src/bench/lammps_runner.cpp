#include "bench/lammps_runner.hpp"

#include <fmt/format.h>

#include <fstream>
#include <utility>

#include "lammps_launcher/launch.hpp"
#include "support/atomic_file.hpp"
#include "support/error.hpp"

namespace grapevine::bench {
namespace {

/// The first error in what LAMMPS printed, or an empty text.
std::string first_error(const std::filesystem::path& screen) {
  std::ifstream stream(screen);
  for (std::string line; std::getline(stream, line);)
    if (line.find("ERROR") != std::string::npos) return ": " + line;
  return "";
}

}  // namespace

LammpsRunner::LammpsRunner(LammpsInstallation lammps, std::filesystem::path folder, Hooks hooks)
    : lammps_(std::move(lammps)), folder_(std::move(folder)), hooks_(std::move(hooks)) {}

Run LammpsRunner::run(const std::string& name, const std::string& deck, int ranks) {
  const std::filesystem::path folder = folder_ / name;
  std::filesystem::create_directories(folder);
  write_text_file(folder / "in.lammps", deck);
  const std::filesystem::path log = folder / "log.lammps";
  std::filesystem::remove(log);
  const Command command = lammps_command(lammps_, ranks, {"-in", "in.lammps", "-log", "log.lammps"});
  commands_.push_back(fmt::format("cd {} && {}", folder.string(), shell_line(command)));
  const ChildResult result = run_child(command, folder, folder / "screen.txt", hooks_.check);
  if (result.exit_code != 0)
    throw Error(fmt::format("the LAMMPS run '{}' ended with exit code {}{}; see {}", name, result.exit_code,
                            first_error(folder / "screen.txt"), (folder / "screen.txt").string()));
  Run run = read_lammps_log(log);
  run.peak_bytes = result.peak_bytes;
  return run;
}

}  // namespace grapevine::bench
