#include "bench/results.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <system_error>

#include "bench/machine.hpp"
#include "support/atomic_file.hpp"
#include "support/error.hpp"
#include "support/output_path.hpp"

namespace grapevine::bench {
namespace {

using nlohmann::ordered_json;

std::string verdict(const Target& target) {
  const auto reached = [&](double limit) {
    return target.at_most ? target.measured.median <= limit : target.measured.median >= limit;
  };
  if (target.goal > 0 && reached(target.goal)) return "goal met";
  return reached(target.bar) ? "met" : "missed";
}

std::string limit_text(const Target& target, double limit) {
  return limit > 0 ? fmt::format("{} {:g}", target.at_most ? "\u2264" : "\u2265", limit) : "";
}

ordered_json work_json(const WorkDone& work) {
  ordered_json json = {{"atoms_computed_per_layer", work.computed},
                       {"atoms", work.atoms},
                       {"halo_atoms_per_layer", work.halo},
                       {"ghosts", work.ghosts},
                       {"numbers_forward", work.forward},
                       {"numbers_reverse", work.reverse},
                       {"layers", work.layers},
                       {"cutoff", work.cutoff}};
  if (work.messages) json["messages_per_step"] = *work.messages;
  return json;
}

/// Throws Error if a model is one of the files that results, charts, runs or PyTorch's part replace.
void check_models_stay(const Options& options) {
  const std::vector<std::filesystem::path> models = {options.silver_model, options.alloy_model};
  for (const auto& entry : std::filesystem::directory_iterator(options.output)) {
    const std::filesystem::path ending = entry.path().extension();
    if (ending == ".json" || ending == ".md" || ending == ".png") check_not_input(entry.path(), models);
  }
  for (const char* part : {"runs", "torch"}) check_no_input_in(options.output / part, models);
}

}  // namespace

ordered_json to_json(const Spread& spread) {
  return {{"median", spread.median}, {"low", spread.low}, {"high", spread.high}};
}

ordered_json to_json(const Run& run) {
  ordered_json json = {{"seconds", run.seconds},
                       {"ranks", run.ranks},
                       {"steps", run.steps},
                       {"atoms", run.atoms},
                       {"microseconds_per_atom_step", run.microseconds_per_atom_step()},
                       {"ghosts_per_rank", run.ghosts},
                       {"neighbour_builds", run.neighbour_builds},
                       {"sections", run.sections},
                       {"peak_bytes", run.peak_bytes}};
  if (run.work) json["work"] = work_json(*run.work);
  return json;
}

Results::Results(const Options& options, const std::string& title) : folder_(options.output) {
  json_["benchmark"] = title;
  json_["grapevine"] = options.program_version;
  json_["precision"] = options.precision;
  json_["machine"] = describe_machine();
  table_ = fmt::format("# {}\n\n{}\n\n", title, machine_line(json_["machine"]));
}

void Results::add_table(const std::vector<std::string>& head, const std::vector<std::vector<std::string>>& rows) {
  table_ += fmt::format("| {} |\n|{}\n", fmt::join(head, " | "),
                        fmt::join(std::vector<std::string>(head.size(), " --- |"), ""));
  for (const auto& row : rows) table_ += fmt::format("| {} |\n", fmt::join(row, " | "));
  table_ += "\n";
}

void Results::add_targets(const std::vector<Target>& targets) {
  if (targets.empty()) return;
  std::vector<std::vector<std::string>> rows;
  for (const Target& target : targets) {
    rows.push_back({target.text, text_of(target.measured), limit_text(target, target.bar),
                    limit_text(target, target.goal), verdict(target)});
    json_["targets"].push_back({{"text", target.text},
                                {"measured", to_json(target.measured)},
                                {"at_most", target.at_most},
                                {"bar", target.bar},
                                {"goal", target.goal},
                                {"verdict", verdict(target)}});
  }
  add_table({"target", "measured", "bar", "goal", ""}, rows);
}

void Results::add_runs(const Runs& runs) {
  for (const auto& [name, rounds] : runs)
    for (const Run& run : rounds) {
      json_["runs"][name].push_back(to_json(run));
      if (!run.version.empty()) json_["machine"]["lammps"] = run.version;
    }
}

std::string Results::write(const std::vector<std::string>& commands) {
  json_["commands"] = commands;
  write_text_file(folder_ / "results.json", json_.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n");
  write_text_file(folder_ / "table.md", table_);
  return table_;
}

std::filesystem::path make_output_folder(const Options& options) {
  const std::filesystem::path& folder = options.output;
  std::error_code problem;
  std::filesystem::create_directories(folder, problem);
  if (problem) throw Error(fmt::format("cannot make the folder {}: {}", folder.string(), problem.message()));
  check_models_stay(options);
  return std::filesystem::absolute(folder);
}

}  // namespace grapevine::bench
