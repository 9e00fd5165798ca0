#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "bench/lammps_log.hpp"
#include "lammps_launcher/lammps_installation.hpp"

namespace grapevine::bench {

/// What a benchmark tells the program that it runs in.
struct Hooks {
  std::function<void()> check;                   ///< throws if the user has interrupted
  std::function<void(const std::string&)> show;  ///< what is being done, one line
};

/// Runs LAMMPS inputs, each in a folder of its own that keeps input, log and screen output.
class LammpsRunner {
 public:
  LammpsRunner(LammpsInstallation lammps, std::filesystem::path folder, Hooks hooks);

  /// Throws Error, naming the log and what LAMMPS said, if the run fails.
  Run run(const std::string& name, const std::string& deck, int ranks);

  /// The shell lines of all runs so far.
  const std::vector<std::string>& commands() const { return commands_; }

 private:
  LammpsInstallation lammps_;
  std::filesystem::path folder_;
  Hooks hooks_;
  std::vector<std::string> commands_;
};

}  // namespace grapevine::bench
