#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <variant>
#include <vector>

#include "training/options/options.hpp"

namespace grapevine {

/// Where an option's value is kept.
using OptionTarget = std::variant<bool*, int*, std::uint64_t*, double*, std::string*, std::filesystem::path*,
                                  std::vector<int>*, std::vector<std::string>*, std::vector<std::filesystem::path>*>;

/// A value as a file or a command line gives it.
using OptionValue =
    std::variant<bool, std::int64_t, double, std::string, std::vector<std::int64_t>, std::vector<std::string>>;

/// One option of a training: the configuration file and the command line know it by the same table.
struct TrainingOption {
  std::string section;  ///< table of the configuration file; empty: at its top
  std::string key;
  std::string flag;  ///< on the command line, without dashes
  std::string help;  ///< one line
  OptionTarget (*target)(TrainingOptions&);
  double low = 0;  ///< of numbers, and of the members of lists of numbers
  double high = 0;
  std::vector<std::string> choices = {};                 ///< of texts, and of the members of lists of texts; empty: any
  OptionTarget (*follower)(TrainingOptions&) = nullptr;  ///< takes the same value, until its own option is set

  std::string name() const { return section.empty() ? key : section + "." + key; }
  bool is_switch() const;
  bool is_list() const;
  /// Whether models of this architecture have it, if it is one of models at all.
  bool is_of(const std::string& architecture) const;
};

/// All options except `isolated_atoms` and `weights`, which are tables of elements and of config_types, in the order of
/// the configuration file.
const std::vector<TrainingOption>& training_option_table();

/// Options of a training of a model of this architecture that says nothing else; of a name that is not known, those of
/// REANN with that name.
TrainingOptions default_options(const std::string& architecture);

/// Sets an option, and the one that follows it. Throws Error, which names neither file nor option, if the value is of
/// the wrong type or out of range.
void set_option(const TrainingOption& option, TrainingOptions& options, const OptionValue& value);

/// The same from the command line, where the flag was given with each of `words`: the last counts, and for lists all,
/// separated by commas except for names of files.
void set_option_from_words(const TrainingOption& option, TrainingOptions& options,
                           const std::vector<std::string>& words);

/// The value as TOML.
std::string format_option(const TrainingOption& option, const TrainingOptions& options);

/// Members of a list that was given in one word or several.
std::vector<std::string> split_at_commas(const std::vector<std::string>& words);

/// Sets the reference energy of one isolated atom, eV. Throws Error for what is not an element or a finite number.
void set_isolated_atom(TrainingOptions& options, const std::string& symbol, double energy);

/// Sets what structures of a config_type count in the loss. Throws Error for a weight that is not from 0 to 1e9.
void set_type_weight(TrainingOptions& options, const std::string& config_type, double weight);

/// The options of models that `options` say something of, though models of their architecture do not have them: those
/// typed, and those that are not the defaults.
std::vector<const TrainingOption*> foreign_options(const TrainingOptions& options);

/// Throws Error, naming the options, if values that are right each by itself do not fit together, or the data or the
/// output are missing. Whether those of the model fit its architecture is only asked where there is no model to start
/// from, whose architecture it is otherwise.
void check_options(const TrainingOptions& options);

}  // namespace grapevine
