#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <iosfwd>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace grapevine {

/// Values of a column group that are not all of the type the file says. That is no reason to refuse a file, unless it
/// is one that is needed.
struct UnreadColumn {
  char type = 'R';                 ///< as in the file
  std::string problem;             ///< of the first such value, with line and atom
  std::vector<std::string> words;  ///< [atoms][width] as they are in the file
};

/// One per-atom column group of an extended XYZ file, e.g. `forces:R:3`.
struct Column {
  std::string name;
  int width = 1;
  std::variant<std::vector<double>, std::vector<std::int64_t>, std::vector<std::string>, std::vector<bool>,
               UnreadColumn>
      values;  ///< [atoms][width] for types R, I, S, L
};

/// One structure of an extended XYZ file. What the file says beyond positions is kept in order, so that the frame can
/// be written again with columns added.
struct Frame {
  std::vector<std::string> symbols;                       ///< [atoms] chemical symbols
  std::vector<double> positions;                          ///< [atoms][3] Angstrom
  std::array<double, 9> cell{};                           ///< rows are the cell vectors, Angstrom; zero where not given
  std::array<bool, 3> periodic{};                         ///< per cell vector
  std::vector<Column> columns;                            ///< further columns, in file order
  std::vector<std::pair<std::string, std::string>> info;  ///< further key=value pairs, values unquoted, in file order
  std::size_t line = 0;                                   ///< line of the file at which the frame starts, from 1

  int atoms() const { return static_cast<int>(symbols.size()); }
  const Column* find_column(const std::string& name) const;
  const std::string* find_info(const std::string& key) const;
};

/// Reads the frames of an extended XYZ file one at a time; holds one frame in memory.
class ExtxyzReader {
 public:
  explicit ExtxyzReader(const std::filesystem::path& path);
  ExtxyzReader(std::unique_ptr<std::istream> stream, std::string name);
  ~ExtxyzReader();

  /// Reads the next frame into `frame`; false at the end of the file. Throws Error with file and line for anything
  /// that is not extended XYZ: bad counts, missing columns, positions that are not finite.
  bool next(Frame& frame);

  std::uint64_t bytes_read() const;  ///< of the file so far, for progress

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Writes `frame` in extended XYZ that ASE reads back, columns and info in order.
void write_extxyz(std::ostream& stream, const Frame& frame);

}  // namespace grapevine
