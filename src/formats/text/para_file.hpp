#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace grapevine {

/// A value of a REANN input file: None, True/False, a number, a string or a (nested) list.
struct ParaValue {
  std::variant<std::monostate, bool, std::int64_t, double, std::string, std::vector<ParaValue>> value;
};

/// The settings of REANN's input files `input_nn` and `input_density`: lines `name = value` in the syntax of Python,
/// with comments. They are read, never executed; of a repeated name the last line counts.
class ParaFile {
 public:
  /// Reads `input_nn` and `input_density` of a folder, or either if only one is there. Throws Error with file and line
  /// for anything that is not an assignment of a plain value.
  static ParaFile read(const std::filesystem::path& folder);

  /// The same from text in memory; `name` stands for the file in messages.
  static ParaFile parse(std::string_view text, const std::string& name);

  /// The value of a key in the type asked for; nothing if the key is not there or None. Throw Error with file and line
  /// if the value is of another type.
  std::optional<std::string> text(const std::string& key) const;
  std::optional<double> number(const std::string& key) const;
  std::optional<std::vector<std::string>> texts(const std::string& key) const;

  /// Where a key that is there was set, as "file:line".
  const std::string& where(const std::string& key) const;

 private:
  struct Entry {
    ParaValue value;
    std::string where;
  };
  const Entry* find(const std::string& key) const;

  std::map<std::string, Entry> entries_;
};

}  // namespace grapevine
