#include "training/run/checkpoint.hpp"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <map>
#include <sstream>

#include "formats/file_endings.hpp"
#include "formats/model_files/safetensors.hpp"
#include "formats/text/strict_json.hpp"
#include "support/error.hpp"
#include "training/run/output_files.hpp"

namespace grapevine {
namespace {

using nlohmann::json;

// Version 2 added the digests of what is trained on, version 3 weights of structures.
constexpr const char* version = ", version 3";
constexpr int json_depth = 2;
constexpr const char* optimiser_prefix = "optimiser.";

constexpr std::array record_numbers{&EpochRecord::seconds,      &EpochRecord::learning_rate, &EpochRecord::train_loss,
                                    &EpochRecord::train_energy, &EpochRecord::train_forces,  &EpochRecord::train_virial,
                                    &EpochRecord::valid_loss,   &EpochRecord::valid_energy,  &EpochRecord::valid_forces,
                                    &EpochRecord::valid_virial};

constexpr std::array sum_numbers{&LossSums::loss,           &LossSums::energy_squares, &LossSums::force_squares,
                                 &LossSums::virial_squares, &LossSums::energies,       &LossSums::force_components,
                                 &LossSums::virials};

NamedTensor vector_tensor(std::string name, std::vector<double> values) {
  const auto size = static_cast<std::int64_t>(values.size());
  return {std::move(name), {size}, std::move(values)};
}

std::vector<double> counters_of(const TrainingState& s) {
  std::vector<double> values{static_cast<double>(s.epoch),
                             static_cast<double>(s.step),
                             static_cast<double>(s.steps),
                             s.seconds,
                             s.gradient_norm,
                             s.best_loss,
                             static_cast<double>(s.best_epoch)};
  for (const auto number : sum_numbers) values.push_back(s.epoch_sums.*number);
  return values;
}

class CheckpointReader {
 public:
  explicit CheckpointReader(const std::filesystem::path& path) : file_(TensorFile::read(path)) {
    const auto entry = file_.metadata().find("format");
    if (entry == file_.metadata().end() || entry->second != std::string(checkpoint_format) + version)
      throw Error(fmt::format("{} is not a training checkpoint of this version of grapevine", file_.name()));
  }

  /// Throws unless the checkpoint is of this training.
  void check(const TrainingIdentity& training) const {
    check_owner(training.model);
    check_options(training.options);
    const json files = parse_strict_json(file_.metadata("inputs"), file_.name() + ": metadata inputs", json_depth);
    for (const auto& [name, digest] : training.inputs.files)
      if (!files.is_object() || !files.contains(name) || files.at(name) != digest) fail_changed(name);
    if (file_.metadata("split") != training.split) fail_changed("the split into training and validation structures");
  }

  std::vector<double> vector(const std::string& name, std::size_t size) const {
    std::vector<double> values = any_vector(name);
    if (values.size() != size)
      throw Error(fmt::format("{}: {} has {} numbers; expected {}", file_.name(), name, values.size(), size));
    return values;
  }

  std::vector<double> any_vector(const std::string& name) const {
    std::vector<double> values = file_.tensor(name).to_doubles();
    for (const double value : values)
      if (!std::isfinite(value)) throw Error(fmt::format("{}: {} holds {}", file_.name(), name, value));
    return values;
  }

  Optimiser::Memory optimiser() const {
    Optimiser::Memory memory;
    for (const auto& [name, tensor] : file_.tensors())
      if (name.starts_with(optimiser_prefix))
        memory.emplace_back(name.substr(std::string_view(optimiser_prefix).size()), any_vector(name));
    return memory;
  }

  const std::string& name() const { return file_.name(); }

 private:
  /// `run` and `run.safetensors` would have the same checkpoint. A copy of one under another name is welcome.
  void check_owner(const std::filesystem::path& model) const {
    const std::filesystem::path owner = model.parent_path() / file_.metadata("model");
    if (owner != model && checkpoint_path(owner) == checkpoint_path(model))
      throw Error(fmt::format("{} is of the training of {}, not of {}; choose another name for -o", file_.name(),
                              owner.string(), model.string()));
  }

  void check_options(const std::string& expected) const {
    std::istringstream ours(expected), theirs(file_.metadata("options"));
    for (std::string a, b;;) {
      const bool more = static_cast<bool>(std::getline(ours, a));
      if (static_cast<bool>(std::getline(theirs, b)) != more || (more && a != b))
        throw Error(
            fmt::format("{} is of another training: it has \"{}\" where this one has \"{}\"; take the same "
                        "options, or train anew with --overwrite instead of --resume",
                        file_.name(), b, a));
      if (!more) return;
    }
  }

  [[noreturn]] void fail_changed(const std::string& what) const {
    throw Error(
        fmt::format("{} has changed since {} was written; put it back as it was to resume, or train anew "
                    "with --overwrite instead of --resume",
                    what, file_.name()));
  }

  TensorFile file_;
};

void take_counters(const CheckpointReader& file, TrainingState& state) {
  const std::vector<double> values = file.vector("counters", 7 + sum_numbers.size());
  for (std::size_t n = 0; n < 3; ++n)
    if (values[n] < 0 || values[n] > 1e15 || values[n] != std::floor(values[n]))
      throw Error(fmt::format("{}: counters[{}] is {}, not a count", file.name(), n, values[n]));
  state.epoch = static_cast<int>(std::min(values[0], 1e9));
  state.step = static_cast<std::size_t>(values[1]);
  state.steps = static_cast<std::int64_t>(values[2]);
  state.seconds = values[3];
  state.gradient_norm = values[4];
  state.best_loss = values[5];
  state.best_epoch = static_cast<int>(std::clamp(values[6], 0.0, 1e9));
  for (std::size_t n = 0; n < sum_numbers.size(); ++n) state.epoch_sums.*sum_numbers[n] = values[7 + n];
}

void take_records(const CheckpointReader& file, TrainingState& state) {
  const std::vector<double> values =
      file.vector("epochs", static_cast<std::size_t>(state.epoch) * record_numbers.size());
  auto next = values.begin();
  for (int epoch = 1; epoch <= state.epoch; ++epoch) {
    EpochRecord& record = state.epochs.emplace_back();
    record.epoch = epoch;
    for (const auto number : record_numbers) record.*number = *next++;
  }
}

}  // namespace

void write_checkpoint(const std::filesystem::path& path, const TrainingState& state, const TrainingIdentity& training) {
  std::vector<NamedTensor> tensors;
  tensors.push_back(vector_tensor("counters", counters_of(state)));
  tensors.push_back(vector_tensor("weights", state.weights));
  tensors.push_back(vector_tensor("mean_weights", state.mean_weights));
  tensors.push_back(vector_tensor("best_weights", state.best_weights));
  for (const auto& [name, values] : state.optimiser) tensors.push_back(vector_tensor(optimiser_prefix + name, values));
  std::vector<double> records;
  for (const EpochRecord& record : state.epochs)
    for (const auto number : record_numbers) records.push_back(record.*number);
  tensors.push_back(vector_tensor("epochs", records));
  write_tensor_file(path,
                    {{"format", std::string(checkpoint_format) + version},
                     {"model", training.model.filename().string()},
                     {"options", training.options},
                     {"inputs", json(training.inputs.files).dump(-1, ' ', false, json::error_handler_t::replace)},
                     {"split", training.split}},
                    tensors);
}

TrainingState read_checkpoint(const std::filesystem::path& path, std::size_t weights,
                              const TrainingIdentity& training) {
  const CheckpointReader file(path);
  file.check(training);
  TrainingState state;
  take_counters(file, state);
  take_records(file, state);
  state.weights = file.vector("weights", weights);
  state.mean_weights = file.vector("mean_weights", weights);
  state.best_weights = file.vector("best_weights", weights);
  state.optimiser = file.optimiser();
  return state;
}

}  // namespace grapevine
