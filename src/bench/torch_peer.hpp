#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "bench/lammps_log.hpp"
#include "bench/options.hpp"

namespace grapevine::bench {

/// A script that evaluates a model in PyTorch and prints its time and forces.
struct TorchScript {
  const char* path;     ///< among what comes with Grapevine
  const char* modules;  ///< that it imports, as Python lists them
  const char* package;  ///< what has to be installed, in words
};

inline constexpr TorchScript reann_script{"bench/reann_torch.py", "numpy, torch", "PyTorch"};
inline constexpr TorchScript mace_script{"bench/mace_torch.py", "ase, mace, matscipy, torch", "mace-torch"};

/// Whether the C library keeps memory that is freed. It does not by itself, and PyTorch then asks for new pages in
/// every step, which can take half of its time.
enum class FreedMemory { given_back, kept };

/// The same model in PyTorch.
class TorchPeer {
 public:
  /// Runs in the folder `name` of the output folder; `arguments` of the script stand behind model and structure.
  TorchPeer(const Options& options, const TorchScript& script, const std::string& name, std::filesystem::path model,
            std::vector<std::string> arguments, std::function<void()> check);

  /// Why it cannot run, in one line; empty if it can.
  const std::string& obstacle() const { return obstacle_; }

  /// Energy and forces of the atoms in a LAMMPS dump (id type x y z fx fy fz), several times. Throws Error if the
  /// script fails, or if its forces are not those in the dump.
  Run run(const std::filesystem::path& dump, FreedMemory memory = FreedMemory::kept);

  /// Of the last run: version of PyTorch; largest difference of a force component from the dump's, as a share of the
  /// largest component.
  const std::string& version() const { return version_; }
  double force_difference() const { return force_difference_; }

  const std::vector<std::string>& commands() const { return commands_; }

 private:
  std::filesystem::path folder_;
  std::filesystem::path model_;
  std::filesystem::path script_;
  std::vector<std::string> arguments_;
  std::string python_;
  std::function<void()> check_;
  std::string obstacle_;
  std::string version_;
  double force_difference_ = 0;
  std::vector<std::string> commands_;
};

}  // namespace grapevine::bench
