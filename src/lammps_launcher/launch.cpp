#include "lammps_launcher/launch.hpp"

#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>

namespace grapevine {
namespace {

Variable prepended(const char* name, const std::filesystem::path& folder) {
  const char* old = std::getenv(name);
  return {name, old && *old ? fmt::format("{}:{}", folder.string(), old) : folder.string()};
}

std::vector<Variable> environment_for(const LammpsInstallation& lammps) {
  std::vector<Variable> variables{prepended("LAMMPS_PLUGIN_PATH", lammps.plugin.parent_path())};
  if (!lammps.libraries.empty()) variables.push_back(prepended("LD_LIBRARY_PATH", lammps.libraries));
  if (!lammps.potentials.empty() && !std::getenv("LAMMPS_POTENTIALS"))
    variables.push_back({"LAMMPS_POTENTIALS", lammps.potentials.string()});
  // One thread per rank: ranks times cores threads would fight for the cores.
  if (!std::getenv("OMP_NUM_THREADS")) variables.push_back({"OMP_NUM_THREADS", "1"});
  return variables;
}

}  // namespace

Command lammps_command(const LammpsInstallation& lammps, int ranks, const std::vector<std::string>& arguments) {
  Command command;
  command.variables = environment_for(lammps);
  if (ranks > 1) command.words = {lammps.mpiexec.string(), "-n", std::to_string(ranks)};
  command.words.push_back(lammps.lmp.string());
  command.words.insert(command.words.end(), arguments.begin(), arguments.end());
  return command;
}

}  // namespace grapevine
