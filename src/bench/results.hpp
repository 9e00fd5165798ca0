#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "bench/lammps_runner.hpp"
#include "bench/options.hpp"
#include "bench/statistics.hpp"

namespace grapevine::bench {

/// A number that a ratio has to reach.
struct Target {
  std::string text;
  Spread measured;
  bool at_most = false;  ///< the smaller the better
  double bar = 0;        ///< has to be reached
  double goal = 0;       ///< aimed at; 0: there is none
};

/// What a benchmark leaves behind: results.json and table.md in the output folder, both complete or not there.
class Results {
 public:
  Results(const Options& options, const std::string& title);

  nlohmann::ordered_json& json() { return json_; }

  /// A paragraph in table.md.
  void say(const std::string& text) { table_ += text + "\n\n"; }
  void add_table(const std::vector<std::string>& head, const std::vector<std::vector<std::string>>& rows);
  void add_targets(const std::vector<Target>& targets);

  /// All runs, round by round, into results.json.
  void add_runs(const Runs& runs);

  /// Writes both files and returns the text of table.md.
  std::string write(const std::vector<std::string>& commands);

 private:
  std::filesystem::path folder_;
  nlohmann::ordered_json json_;
  std::string table_;
};

nlohmann::ordered_json to_json(const Spread& spread);
nlohmann::ordered_json to_json(const Run& run);

/// The output folder, made if it is not there, as an absolute path. Throws Error if it cannot be made, or if one of its
/// files that a benchmark would replace is a model to be measured.
std::filesystem::path make_output_folder(const Options& options);

}  // namespace grapevine::bench
