#include <fmt/format.h>
#include <nanobind/nanobind.h>
#include <nanobind/stl/map.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <cstdio>
#include <exception>
#include <filesystem>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "bindings.hpp"
#include "parallel/ranks.hpp"
#include "report/errors_json.hpp"
#include "training/options/gather_options.hpp"
#include "training/options/option_table.hpp"
#include "training/run/output_files.hpp"
#include "training/run/trainer.hpp"

namespace grapevine::python {

namespace nb = nanobind;

namespace {

constexpr int caller = 2;  // of grapevine.train, where warnings point

double nan_if_missing(double value) { return value == 0 ? std::numeric_limits<double>::quiet_NaN() : value; }

nb::dict to_dict(const EpochRecord& record, int epochs, double seconds_left) {
  nb::dict dict;
  dict["epoch"] = record.epoch;
  dict["epochs"] = epochs;
  dict["seconds"] = record.seconds;
  dict["seconds_left"] = seconds_left;
  dict["learning_rate"] = record.learning_rate;
  dict["train_loss"] = nan_if_missing(record.train_loss);
  dict["train_energy"] = nan_if_missing(record.train_energy);
  dict["train_forces"] = nan_if_missing(record.train_forces);
  dict["train_virial"] = nan_if_missing(record.train_virial);
  dict["valid_loss"] = nan_if_missing(record.valid_loss);
  dict["valid_energy"] = nan_if_missing(record.valid_energy);
  dict["valid_forces"] = nan_if_missing(record.valid_forces);
  dict["valid_virial"] = nan_if_missing(record.valid_virial);
  return dict;
}

/// Tells a Python function of every epoch; stops at its word, or where it or the handler of a signal raises an
/// exception, which is kept for when the checkpoint is written.
class PythonMonitor final : public LoggingMonitor {
 public:
  explicit PythonMonitor(nb::object progress) : progress_(std::move(progress)) {}

  void data_read(const DataReport& report) override {
    const nb::gil_scoped_acquire acquired;
    for (const std::string& warning : report.warnings)
      if (PyErr_WarnEx(PyExc_UserWarning, warning.c_str(), caller) != 0) throw nb::python_error();
  }

  void model_starts(int model, int models, const std::filesystem::path& output, int epochs_done) override {
    LoggingMonitor::model_starts(model, models, output, epochs_done);
    output_ = output;
  }

  void epoch_done(const EpochRecord& record, int epochs, double seconds_left) override {
    LoggingMonitor::epoch_done(record, epochs, seconds_left);
    const nb::gil_scoped_acquire acquired;
    if (progress_.is_none() || problem_) return;
    try {
      stop_ = stop_ || progress_(to_dict(record, epochs, seconds_left)).is(nb::handle(Py_False));
    } catch (const nb::python_error&) {
      problem_ = std::current_exception();
    }
  }

  void stopped_early(int /*epoch*/, int /*patience*/) override {}

  void model_done(const std::vector<SetResult>& sets, const std::filesystem::path& report) override {
    nlohmann::ordered_json errors = nlohmann::ordered_json::object();
    for (const SetResult& set : sets) {
      errors[set.name] = errors_json(set.errors);
      errors[set.name]["frames"] = set.frames;
      if (set.errors_before) errors[set.name]["before"] = errors_json(*set.errors_before);
    }
    models_.push_back({{"model", output_.string()}, {"report", report.string()}, {"errors", errors}});
  }

  bool stop_requested() override {
    const nb::gil_scoped_acquire acquired;
    if (!problem_ && PyErr_CheckSignals() != 0) problem_ = std::make_exception_ptr(nb::python_error());
    return stop_ || problem_;
  }

  /// Throws what Python code has raised meanwhile.
  void check() const {
    if (problem_) std::rethrow_exception(problem_);
  }

  std::string models() const { return models_.dump(); }

 private:
  nb::object progress_;
  std::filesystem::path output_;
  nlohmann::ordered_json models_ = nlohmann::ordered_json::array();
  bool stop_ = false;
  std::exception_ptr problem_;
};

std::string run(const std::string& config, const OptionWords& words,
                const std::map<std::string, double>& isolated_atoms, const std::map<std::string, double>& weights,
                nb::object progress) {
  TrainingOptions options = gather_options(config, words);
  for (const auto& [symbol, energy] : isolated_atoms) set_isolated_atom(options, symbol, energy);
  for (const auto& [type, weight] : weights) set_type_weight(options, type, weight);
  check_options(options);
  check_output(options, config);
  PythonMonitor monitor(std::move(progress));
  {
    const nb::gil_scoped_release released;
    run_on_ranks([&](Ranks& ranks) { train(options, monitor, ranks); },
                 [](const std::string& problem) { fmt::print(stderr, "grapevine: error: {}\n", problem); });
  }
  monitor.check();
  return monitor.models();
}

}  // namespace

void bind_training(nb::module_& module) {
  module.def("train", &run, nb::arg("config"), nb::arg("words"), nb::arg("isolated_atoms"), nb::arg("weights"),
             nb::arg("progress").none());
}

}  // namespace grapevine::python
