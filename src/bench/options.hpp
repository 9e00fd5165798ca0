#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace grapevine::bench {

/// What the user asks for; each benchmark uses what concerns it.
struct Options {
  std::filesystem::path executable;  ///< this program: LAMMPS, plugin and models are looked for around it
  std::string program_version;
  std::filesystem::path output;     ///< folder for everything that is left behind
  std::vector<std::int64_t> atoms;  ///< rounded to cubes of whole cells
  int steps = 0;                    ///< timed steps of the fastest potential; 0: by the number of atoms
  int rounds = 3;
  std::string silver_model;  ///< empty: random weights of the published model's sizes
  std::string alloy_model;   ///< empty: the model that comes with Grapevine
  std::string precision = "mixed";
  std::vector<std::string> only;       ///< cases to run; empty: all
  bool peer_torch = false;             ///< PyTorch as well, if there is one
  std::string python;                  ///< interpreter for it; empty: one beside the program, else python3
  std::vector<std::string> models;     ///< that know H and O
  std::vector<std::string> peer_mace;  ///< the files of mace-torch they were imported from, in their order; or empty
  int molecules = 4;                   ///< of water along each edge of the box
  std::vector<int> ranks = {1, 2};
  int most_layers = 5;
  std::int64_t projected_atoms = 100'000'000;
  double latency = 2e-6;   ///< of a message on the cluster projected to, seconds
  double bandwidth = 1e9;  ///< of one rank on it, bytes per second
};

}  // namespace grapevine::bench
