#include "lammps_launcher/launch.hpp"

#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>
#include <initializer_list>
#include <optional>
#include <string_view>

#include "lammps_launcher/programs.hpp"
#include "support/error.hpp"

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

const char* first_set(std::initializer_list<const char*> names) {
  for (const char* name : names)
    if (const char* value = std::getenv(name); value && *value) return value;
  return nullptr;
}

/// MPICH's mpiexec starts ranks by srun where Slurm's variables say so, and waits for ever where they were passed on
/// but srun was not, as into a container. Then ranks on this machine are started without it.
std::optional<Variable> launcher_without_srun() {
  if (first_set({"HYDRA_LAUNCHER", "HYDRA_BOOTSTRAP", "HYDRA_RMK"})) return std::nullopt;
  if (!first_set({"SLURM_NODELIST", "SLURM_JOB_NODELIST"}) || program_on_path("srun")) return std::nullopt;
  if (const char* nodes = first_set({"SLURM_NNODES", "SLURM_JOB_NUM_NODES"}); nodes && std::string_view(nodes) != "1")
    throw Error(fmt::format(
        "Slurm has given {} nodes, but its srun, which starts ranks on them, is not on PATH; add its folder "
        "to PATH, or set HYDRA_LAUNCHER to ssh, or to fork for all ranks on this node",
        nodes));
  return Variable{"HYDRA_LAUNCHER", "fork"};
}

}  // namespace

Command lammps_command(const LammpsInstallation& lammps, int ranks, const std::vector<std::string>& arguments) {
  Command command;
  command.variables = environment_for(lammps);
  if (ranks > 1) {
    command.words = {lammps.mpiexec.string(), "-n", std::to_string(ranks)};
    if (const auto launcher = launcher_without_srun()) command.variables.push_back(*launcher);
  }
  command.words.push_back(lammps.lmp.string());
  command.words.insert(command.words.end(), arguments.begin(), arguments.end());
  return command;
}

}  // namespace grapevine
