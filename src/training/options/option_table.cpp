#include "training/options/option_table.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <sstream>
#include <string_view>
#include <type_traits>

#include "formats/elements.hpp"
#include "formats/model_files/model_file.hpp"
#include "formats/text/text_numbers.hpp"
#include "models/trainable_registry.hpp"
#include "support/error.hpp"
#include "training/options/toml_text.hpp"

namespace grapevine {
namespace {

constexpr double largest_seed = 9007199254740992.0;  // 2^53: whole numbers that a double holds
constexpr double most_weight = 1e9;

template <class T>
constexpr bool is_vector = false;
template <class T>
constexpr bool is_vector<std::vector<T>> = true;

// The target of each option is found by a function without captures, so that the table is one for all TrainingOptions.
#define GRAPEVINE_TARGET(member) [](TrainingOptions& o) -> OptionTarget { return &o.member; }

std::vector<TrainingOption> make_table() {
  return {
      {"", "output", "output", "The model to write (.safetensors); checkpoint, log and report stand beside it",
       GRAPEVINE_TARGET(output)},
      {"", "start", "start", "Model to go on from; empty: from random weights", GRAPEVINE_TARGET(start)},
      {"", "freeze", "freeze",
       fmt::format("Parts whose weights stay as they are: {}", fmt::join(trainable_groups(), ", ")),
       GRAPEVINE_TARGET(freeze), 0, 0, trainable_groups()},
      {"", "refit_energies", "refit-energies",
       "Shift the start's reference energies of elements to the data's, which may be of another level of theory",
       GRAPEVINE_TARGET(refit_energies)},
      {"", "low_rank", "low-rank",
       "Rank of the changes that matrices of the start may have; vectors stay then (LoRA); 0: all weights change",
       GRAPEVINE_TARGET(low_rank), 0, 4096},
      {"",
       "core",
       "core",
       "Repulsion of nuclei (ZBL) closer than any two atoms of the data: zbl, none, or auto: where they leave it open",
       GRAPEVINE_TARGET(core),
       0,
       0,
       {"auto", "zbl", "none"}},
      {"", "resume", "resume", "Go on from the last checkpoint", GRAPEVINE_TARGET(resume)},
      {"", "overwrite", "overwrite", "Train anew in the place of a training that has the same name",
       GRAPEVINE_TARGET(overwrite)},
      {"", "committee", "committee", "Number of models to train, which differ in seed and split",
       GRAPEVINE_TARGET(committee), 1, 100},
      {"", "seed", "seed", "Seed of random weights, of the split and of the order of structures",
       GRAPEVINE_TARGET(seed), 0, largest_seed},
      {"", "threads", "threads", "Number of threads; 0: all cores", GRAPEVINE_TARGET(threads), 0, 4096},
      {"", "double", "double", "Kernels in double precision instead of single", GRAPEVINE_TARGET(in_double)},

      {"data", "train", "train", "Structures to train on: extended XYZ files, or folders or files in REANN's format",
       GRAPEVINE_TARGET(data.train)},
      {"data", "valid", "valid", "Structures to validate with; none: some of train are set aside",
       GRAPEVINE_TARGET(data.valid)},
      {"data", "test", "test", "Structures that the finished model is judged by", GRAPEVINE_TARGET(data.test)},
      {"data", "split", "split", "Fraction of the structures of train that is trained on where valid is empty",
       GRAPEVINE_TARGET(data.split), 0.001, 0.999},
      {"data", "energy_key", "energy-key",
       "Name of the energy in the files; empty: the usual (REF_energy, energy, ...)",
       GRAPEVINE_TARGET(data.keys.energy)},
      {"data", "forces_key", "forces-key", "Name of the forces; empty: the usual (REF_forces, forces, ...)",
       GRAPEVINE_TARGET(data.keys.forces)},
      {"data", "virial_key", "virial-key",
       "Name of the virial, or of the stress if it has that word in it; empty: the usual",
       GRAPEVINE_TARGET(data.keys.virial)},
      {"data",
       "reann_coordinates",
       "reann-coordinates",
       "Coordinates in REANN's format: cartesian, fractional, or auto: cartesian, and an error if they look fractional",
       GRAPEVINE_TARGET(data.reann_coordinates),
       0,
       0,
       {"auto", "cartesian", "fractional"}},
      {"data", "isolated_atom_frames", "isolated-atom-frames",
       "Take the energies of isolated atoms from structures of one atom alone",
       GRAPEVINE_TARGET(data.isolated_atom_frames)},

      {"replay", "files", "replay",
       "Structures of what the start was trained on, which are trained on too, so that it does not forget",
       GRAPEVINE_TARGET(replay.files)},
      {"replay",
       "labels",
       "replay-labels",
       "Reference values of replay: own, at the start's level of theory, or start, what the start says of them",
       GRAPEVINE_TARGET(replay.labels),
       0,
       0,
       {"own", "start"}},
      {"replay", "weight", "replay-weight", "What a structure of replay counts in the loss, in structures of train",
       GRAPEVINE_TARGET(replay.weight), 1e-9, most_weight},

      {"model", "architecture", "architecture",
       "Architecture: " + fmt::format("{}", fmt::join(trainable_architectures(), ", ")),
       GRAPEVINE_TARGET(model.architecture), 0, 0, trainable_architectures()},
      {"model", "species", "species", "Elements; none: those of the data, by atomic number",
       GRAPEVINE_TARGET(model.species)},
      {"model", "cutoff", "cutoff", "Cutoff radius, Angstrom", GRAPEVINE_TARGET(model.cutoff), 1.5, 12},
      {"model", "layers", "layers", "Message layers T", GRAPEVINE_TARGET(model.layers), 0, 64},
      {"model", "waves", "waves", "Radial functions K per element", GRAPEVINE_TARGET(model.waves), 1, 256},
      {"model", "channels", "channels", "Channels of the features; where that is possible, one number for each order",
       GRAPEVINE_TARGET(model.channels), 1, 4096},
      {"model", "interactions", "interactions", "Interactions, one more than message layers",
       GRAPEVINE_TARGET(model.interactions), 1, 64},
      {"model", "edge_order", "edge-order", "Largest order l_max of the spherical harmonics of edges",
       GRAPEVINE_TARGET(model.edge_order), 0, 4},
      {"model", "correlation", "correlation", "Factors nu of the products of a message: bodies less one",
       GRAPEVINE_TARGET(model.correlation), 1, 3},
      {"model", "max_order", "max-order", "Largest angular order L, of the features where there are such",
       GRAPEVINE_TARGET(model.max_order), 0, 6},
      {"model", "orbitals", "orbitals", "Contracted orbitals M; 0: K (K + 1) / 2 (L + 1)",
       GRAPEVINE_TARGET(model.orbitals), 0, 65536},
      {"model", "radial_functions", "radial-functions", "Bessel functions of the distance",
       GRAPEVINE_TARGET(model.radial_functions), 1, 64},
      {"model", "trained_basis", "trained-basis", "Train the roots of the Bessel functions as well",
       GRAPEVINE_TARGET(model.trained_basis)},
      {"model", "radial_widths", "radial-widths", "Widths of the networks of the distance",
       GRAPEVINE_TARGET(model.radial_widths), 1, 4096},
      {"model",
       "parity",
       "parity",
       "Parity of the features: natural (0e, 1o, 2e, ...), both, or ignored (SO(3) alone)",
       GRAPEVINE_TARGET(model.parity),
       0,
       0,
       {"natural", "both", "ignored"}},
      {"model", "message_widths", "message-widths", "Widths of the networks of messages",
       GRAPEVINE_TARGET(model.message_widths), 1, 4096},
      {"model", "readout_widths", "readout-widths", "Widths of the networks of the energy",
       GRAPEVINE_TARGET(model.readout_widths), 1, 4096},
      {"model", "message_blocks", "message-blocks", "Residual blocks of the networks of messages",
       GRAPEVINE_TARGET(model.message_blocks), 1, 64},
      {"model", "readout_blocks", "readout-blocks", "Residual blocks of the networks of the energy",
       GRAPEVINE_TARGET(model.readout_blocks), 1, 64},
      {"model",
       "activation",
       "activation",
       "Activation: relu_like or tanh_like",
       GRAPEVINE_TARGET(model.activation),
       0,
       0,
       {"relu_like", "tanh_like"}},
      {"model", "layer_norm", "layer-norm", "Normalise layers in the networks", GRAPEVINE_TARGET(model.layer_norm)},
      {"model", "shared_mixing", "shared-mixing", "One contraction matrix for all layers, instead of one each",
       GRAPEVINE_TARGET(model.shared_mixing)},

      {"loss",
       "energy",
       "energy-weight",
       "Weight of squares of the energy's errors in eV/atom, at the first epoch",
       GRAPEVINE_TARGET(loss.energy),
       0,
       most_weight,
       {},
       GRAPEVINE_TARGET(loss.energy_end)},
      {"loss", "energy_end", "energy-weight-end",
       "Weight of the energy at the last epoch (as at the first, where only that is given)",
       GRAPEVINE_TARGET(loss.energy_end), 0, most_weight},
      {"loss",
       "forces",
       "forces-weight",
       "Weight of squares of the forces' errors in eV/Angstrom, at the first epoch",
       GRAPEVINE_TARGET(loss.forces),
       0,
       most_weight,
       {},
       GRAPEVINE_TARGET(loss.forces_end)},
      {"loss", "forces_end", "forces-weight-end", "Weight of the forces at the last epoch",
       GRAPEVINE_TARGET(loss.forces_end), 0, most_weight},
      {"loss",
       "virial",
       "virial-weight",
       "Weight of squares of the virial's errors in eV/atom, at the first epoch",
       GRAPEVINE_TARGET(loss.virial),
       0,
       most_weight,
       {},
       GRAPEVINE_TARGET(loss.virial_end)},
      {"loss", "virial_end", "virial-weight-end", "Weight of the virial at the last epoch",
       GRAPEVINE_TARGET(loss.virial_end), 0, most_weight},
      {"loss", "huber", "huber", "Errors beyond so many times their RMS count linearly; 0: squares throughout",
       GRAPEVINE_TARGET(loss.huber), 0, 1000},

      {"optimiser",
       "method",
       "method",
       "Optimiser: adamw or soap",
       GRAPEVINE_TARGET(optimiser.method),
       0,
       0,
       {"adamw", "soap"}},
      {"optimiser", "epochs", "epochs", "Times that all structures are trained on", GRAPEVINE_TARGET(optimiser.epochs),
       1, 1e7},
      {"optimiser", "batch_frames", "batch", "Structures per step", GRAPEVINE_TARGET(optimiser.batch_frames), 1, 1e6},
      {"optimiser", "learning_rate", "lr", "Learning rate after the warm-up", GRAPEVINE_TARGET(optimiser.learning_rate),
       1e-12, 10},
      {"optimiser", "learning_rate_end", "lr-end", "Learning rate at the last epoch",
       GRAPEVINE_TARGET(optimiser.learning_rate_end), 0, 10},
      {"optimiser", "warm_up_epochs", "warm-up", "Epochs over which the learning rate rises from zero",
       GRAPEVINE_TARGET(optimiser.warm_up_epochs), 0, 1e6},
      {"optimiser", "weight_decay", "weight-decay", "Weight decay per step, times the learning rate",
       GRAPEVINE_TARGET(optimiser.weight_decay), 0, 10},
      {"optimiser", "clip", "clip", "Largest norm of a gradient, in multiples of its running mean; 0: no limit",
       GRAPEVINE_TARGET(optimiser.clip), 0, 1e6},
      {"optimiser", "patience", "patience",
       "Validations without a better loss after which the training ends early; 0: no limit",
       GRAPEVINE_TARGET(optimiser.patience), 0, 1e7},
      {"optimiser", "ema", "ema", "Decay per step of the mean of weights that is saved; 0: the weights themselves",
       GRAPEVINE_TARGET(optimiser.ema), 0, 0.999999},
  };
}

#undef GRAPEVINE_TARGET

double checked(const TrainingOption& option, double value) {
  if (!(value >= option.low && value <= option.high))
    throw Error(fmt::format("must be between {} and {}, not {}", option.low, option.high, value));
  return value;
}

const std::string& checked(const TrainingOption& option, const std::string& value) {
  const auto& choices = option.choices;
  if (!choices.empty() && std::find(choices.begin(), choices.end(), value) == choices.end())
    throw Error(fmt::format("must be {}, not '{}'", fmt::join(choices, " or "), value));
  return value;
}

/// Converts a value to the type of a target; an integer is a number too, and one text a list.
class Assign {
 public:
  Assign(const TrainingOption& option, const OptionValue& value) : option_(option), value_(value) {}

  void operator()(bool* target) const { *target = as<bool>("true or false"); }
  void operator()(int* target) const { *target = static_cast<int>(whole()); }
  void operator()(std::uint64_t* target) const { *target = static_cast<std::uint64_t>(whole()); }
  void operator()(std::string* target) const { *target = checked(option_, as<std::string>("a text in quotes")); }
  void operator()(std::filesystem::path* target) const { *target = as<std::string>("a text in quotes"); }

  void operator()(double* target) const {
    if (const auto* integer = std::get_if<std::int64_t>(&value_))
      *target = checked(option_, static_cast<double>(*integer));
    else
      *target = checked(option_, as<double>("a number"));
  }

  void operator()(std::vector<int>* target) const {
    target->clear();
    if (is_empty_list()) return;
    for (const std::int64_t member : as<std::vector<std::int64_t>>("a list of whole numbers"))
      target->push_back(static_cast<int>(checked(option_, static_cast<double>(member))));
  }

  void operator()(std::vector<std::string>* target) const {
    *target = texts();
    for (const std::string& text : *target) checked(option_, text);
  }

  void operator()(std::vector<std::filesystem::path>* target) const {
    const std::vector<std::string> names = texts();
    if (std::find(names.begin(), names.end(), "") != names.end()) throw Error("has an empty name");
    target->assign(names.begin(), names.end());
  }

 private:
  template <class T>
  const T& as(const char* expected) const {
    if (const T* value = std::get_if<T>(&value_)) return *value;
    throw Error(fmt::format("must be {}", expected));
  }

  double whole() const { return checked(option_, static_cast<double>(as<std::int64_t>("a whole number"))); }

  std::vector<std::string> texts() const {
    if (const auto* text = std::get_if<std::string>(&value_)) return {*text};
    return as<std::vector<std::string>>("a list of texts in quotes");
  }

  bool is_empty_list() const {
    const auto* texts = std::get_if<std::vector<std::string>>(&value_);
    return texts != nullptr && texts->empty();
  }

  const TrainingOption& option_;
  const OptionValue& value_;
};

std::int64_t parse_whole(const std::string& text) {
  const auto value = parse_integer(text);
  if (!value) throw Error(fmt::format("'{}' is not a whole number", text));
  return *value;
}

/// Reads words of a command line as the type of a target has it. Names of files may have commas in them.
struct Parse {
  const std::vector<std::string>& words;

  OptionValue operator()(const bool*) const {
    const auto value = parse_logical(last());
    if (!value) throw Error(fmt::format("'{}' is not true or false", last()));
    return *value;
  }
  OptionValue operator()(const int*) const { return parse_whole(last()); }
  OptionValue operator()(const std::uint64_t*) const { return parse_whole(last()); }
  OptionValue operator()(const double*) const {
    const auto value = parse_number(last());
    if (!value) throw Error(fmt::format("'{}' is not a number", last()));
    return *value;
  }
  OptionValue operator()(const std::string*) const { return last(); }
  OptionValue operator()(const std::filesystem::path*) const { return last(); }
  OptionValue operator()(const std::vector<int>*) const {
    std::vector<std::int64_t> members;
    for (const std::string& part : split_at_commas(words)) members.push_back(parse_whole(part));
    return members;
  }
  OptionValue operator()(const std::vector<std::string>*) const { return split_at_commas(words); }
  OptionValue operator()(const std::vector<std::filesystem::path>*) const { return words; }

  const std::string& last() const {
    if (words.empty()) throw Error("has no value");
    return words.back();
  }
};

template <class T>
std::string as_toml(const T& value) {
  if constexpr (is_vector<T>) {
    std::vector<std::string> members;
    for (const auto& member : value) members.push_back(as_toml(member));
    return fmt::format("[{}]", fmt::join(members, ", "));
  } else if constexpr (std::is_same_v<T, std::filesystem::path>) {
    return quote_text(value.string());
  } else if constexpr (std::is_same_v<T, std::string>) {
    return quote_text(value);
  } else {
    return fmt::format("{}", value);
  }
}

void check_model(const TrainingOptions& options) {
  if (!options.model.species.empty()) check_species(options.model.species, "model.species");
  if (!options.start.empty()) return;
  const TrainableArchitecture* architecture = find_trainable_architecture(options.model.architecture);
  if (architecture == nullptr)
    throw Error(fmt::format("model.architecture must be {}, not '{}'", fmt::join(trainable_architectures(), " or "),
                            options.model.architecture));
  for (const TrainingOption* option : foreign_options(options))
    throw Error(fmt::format("{}: models of architecture {} have no such option; they have {}",
                            options.on_command_line.count(option->name()) > 0 ? "--" + option->flag : option->name(),
                            options.model.architecture, fmt::join(architecture->options(), ", ")));
  architecture->check(options.model);
}

void check_loss_and_optimiser(const LossOptions& loss, const OptimiserOptions& optimiser) {
  if (loss.energy + loss.forces + loss.virial == 0)
    throw Error("the weights of the loss are all zero; set one of them");
  const auto check = [](const char* name, double first, double last) {
    if ((first == 0) != (last == 0))
      throw Error(
          fmt::format("loss.{} goes from {} to {}; it must be zero at both ends or at neither", name, first, last));
  };
  check("energy", loss.energy, loss.energy_end);
  check("forces", loss.forces, loss.forces_end);
  check("virial", loss.virial, loss.virial_end);
  if (optimiser.learning_rate_end > optimiser.learning_rate)
    throw Error(fmt::format("optimiser.learning_rate_end is {}, more than learning_rate, {}",
                            optimiser.learning_rate_end, optimiser.learning_rate));
  if (optimiser.epochs > 1 && optimiser.warm_up_epochs >= optimiser.epochs)
    throw Error(fmt::format("optimiser.warm_up_epochs is {}, which is not less than epochs, {}",
                            optimiser.warm_up_epochs, optimiser.epochs));
}

/// What only a model to start from gives a meaning.
void check_fine_tuning(const TrainingOptions& options) {
  if (options.replay.files.empty() && options.replay != ReplayOptions())
    throw Error("replay.labels and replay.weight say how structures of replay are trained on: give --replay FILE");
  if (!options.start.empty()) return;
  if (!options.freeze.empty())
    throw Error("freeze needs a model to start from, whose weights stay: give --start MODEL");
  if (options.low_rank > 0)
    throw Error("low_rank needs a model to start from, whose matrices it changes: give --start MODEL");
  if (!options.replay.files.empty())
    throw Error("replay needs a model to start from, which is not to forget: give --start MODEL");
}

}  // namespace

bool TrainingOption::is_switch() const {
  TrainingOptions any;
  return std::holds_alternative<bool*>(target(any));
}

bool TrainingOption::is_list() const {
  TrainingOptions any;
  return std::visit([](auto* at) { return is_vector<std::remove_pointer_t<decltype(at)>>; }, target(any));
}

bool TrainingOption::is_of(const std::string& architecture) const {
  constexpr std::string_view of_all[] = {"architecture", "species", "cutoff"};
  if (section != "model" || std::find(std::begin(of_all), std::end(of_all), key) != std::end(of_all)) return true;
  const TrainableArchitecture* found = find_trainable_architecture(architecture);
  if (found == nullptr) return false;
  const std::vector<std::string> all = found->options();
  return std::find(all.begin(), all.end(), key) != all.end();
}

TrainingOptions default_options(const std::string& architecture) {
  TrainingOptions options;
  options.model.architecture = architecture;
  if (const TrainableArchitecture* found = find_trainable_architecture(architecture)) {
    const TrainingDefaults defaults = found->defaults();
    options.model = defaults.model;
    options.optimiser.learning_rate = defaults.learning_rate;
    options.optimiser.batch_frames = defaults.batch_frames;
  }
  return options;
}

std::vector<const TrainingOption*> foreign_options(const TrainingOptions& options) {
  std::vector<const TrainingOption*> foreign;
  const TrainingOptions defaults = default_options(options.model.architecture);
  for (const TrainingOption& option : training_option_table()) {
    if (option.is_of(options.model.architecture)) continue;
    const bool is_typed = options.on_command_line.count(option.name()) > 0;
    if (is_typed || format_option(option, options) != format_option(option, defaults)) foreign.push_back(&option);
  }
  return foreign;
}

const std::vector<TrainingOption>& training_option_table() {
  static const std::vector<TrainingOption> table = make_table();
  return table;
}

void set_option(const TrainingOption& option, TrainingOptions& options, const OptionValue& value) {
  std::visit(Assign(option, value), option.target(options));
  if (option.follower != nullptr) std::visit(Assign(option, value), option.follower(options));
}

void set_option_from_words(const TrainingOption& option, TrainingOptions& options,
                           const std::vector<std::string>& words) {
  set_option(option, options, std::visit(Parse{words}, option.target(options)));
}

std::vector<std::string> split_at_commas(const std::vector<std::string>& words) {
  std::vector<std::string> parts;
  for (const std::string& word : words) {
    std::istringstream stream(word);
    for (std::string part; std::getline(stream, part, ',');) parts.push_back(part);
  }
  return parts;
}

std::string format_option(const TrainingOption& option, const TrainingOptions& options) {
  TrainingOptions copy = options;
  return std::visit([](const auto* at) { return as_toml(*at); }, option.target(copy));
}

void set_isolated_atom(TrainingOptions& options, const std::string& symbol, double energy) {
  if (atomic_number(symbol) == 0) throw Error(fmt::format("'{}' is not the symbol of an element", symbol));
  if (!std::isfinite(energy)) throw Error(fmt::format("the energy of {} is not finite", symbol));
  options.isolated_atoms[symbol] = energy;
}

void set_type_weight(TrainingOptions& options, const std::string& config_type, double weight) {
  if (config_type.empty()) throw Error("a config_type has no name");
  if (!(weight >= 0 && weight <= most_weight))
    throw Error(
        fmt::format("the weight of config_type {} must be from 0 to {}, not {}", config_type, most_weight, weight));
  options.type_weights[config_type] = weight;
}

void check_options(const TrainingOptions& options) {
  if (options.data.train.empty())
    throw Error("no structures to train on: give --train FILE, or train in the configuration (grapevine train --init)");
  if (options.output.empty())
    throw Error("no name for the model: give -o FILE.safetensors, or output in the configuration");
  if (!options.output.has_filename()) throw Error(fmt::format("{} is a folder; name a file", options.output.string()));
  if (options.resume && options.overwrite)
    throw Error("resume goes on with a training that is there, overwrite begins anew: give one of them");
  check_model(options);
  check_loss_and_optimiser(options.loss, options.optimiser);
  check_fine_tuning(options);
}

}  // namespace grapevine
