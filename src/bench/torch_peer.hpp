#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "bench/lammps_log.hpp"
#include "bench/options.hpp"

namespace grapevine::bench {

/// The same model in PyTorch, by the script bench/reann_torch.py.
class TorchPeer {
 public:
  TorchPeer(const Options& options, std::filesystem::path model, std::function<void()> check);

  /// Why it cannot run, in one line; empty if it can.
  const std::string& obstacle() const { return obstacle_; }

  /// Energy and forces of the atoms in a LAMMPS dump (id type x y z fx fy fz), several times. Throws Error if the
  /// script fails, or if its forces are not those in the dump.
  Run run(const std::filesystem::path& dump);

  /// Of the last run: version of PyTorch; largest difference of a force component from the dump's, as a share of the
  /// largest component.
  const std::string& version() const { return version_; }
  double force_difference() const { return force_difference_; }

  const std::vector<std::string>& commands() const { return commands_; }

 private:
  std::filesystem::path folder_;
  std::filesystem::path model_;
  std::filesystem::path script_;
  std::string python_;
  std::function<void()> check_;
  std::string obstacle_;
  std::string version_;
  double force_difference_ = 0;
  std::vector<std::string> commands_;
};

}  // namespace grapevine::bench
