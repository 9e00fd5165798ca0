#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "formats/archives/pickle.hpp"
#include "support/error.hpp"

namespace grapevine {

const PickleDict* pickle_dict(const PickleValue& value);                 ///< null for any other value
const std::vector<PickleValue>* pickle_items(const PickleValue& value);  ///< of a list or tuple; null for others
std::optional<double> pickle_number(const PickleValue& value);
std::string described(const PickleValue& value);  ///< in a few words

/// Typed access to a dict of settings that remembers which keys were asked for. Messages start with `where` and name
/// the key.
class PickleSettings {
 public:
  PickleSettings(const PickleDict& dict, std::string where) : dict_(dict), where_(std::move(where)) {}

  const PickleValue* find(const std::string& key);
  bool has(const std::string& key) { return find(key) != nullptr; }

  [[noreturn]] void refuse(const std::string& key, const PickleValue& value, const std::string& expected) const;
  [[noreturn]] void miss(const std::string& key) const;

  int integer(const std::string& key, int fallback, int lowest, int highest);
  double real(const std::string& key, std::optional<double> fallback = std::nullopt);
  bool logical(const std::string& key, bool fallback);
  std::string text(const std::string& key, std::optional<std::string> fallback = std::nullopt);
  std::vector<int> sizes(const std::string& key, const std::vector<int>& fallback);
  /// The settings of a dict inside; empty if it is not there.
  PickleSettings inner(const std::string& key);

  /// Throws for every key that was neither asked for nor allowed.
  template <class Allowed>
  void check_keys(const Allowed& allowed) const {
    for (const auto& [key, value] : dict_.items) check_key(key, value, allowed);
  }
  void check_keys() const {
    check_keys([](const std::string&) { return false; });
  }
  const PickleDict& dict() const { return dict_; }
  const std::string& where() const { return where_; }

 private:
  template <class Allowed>
  void check_key(const PickleValue& key, const PickleValue& value, const Allowed& allowed) const {
    const std::string* name = pickle_text(key);
    if (!name || (asked_.count(*name) == 0 && !allowed(*name))) refuse_key(name, value);
  }
  [[noreturn]] void refuse_key(const std::string* name, const PickleValue& value) const;

  const PickleDict& dict_;
  std::string where_;
  std::set<std::string> asked_;
};

}  // namespace grapevine
