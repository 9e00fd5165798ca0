#pragma once

#include <cstddef>
#include <cstdint>
#include <istream>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace grapevine {

/// Reads a text file line by line through a buffer of fixed size, counting lines. Lines may end in \n or \r\n, or in \r
/// all of them; a byte order mark at the beginning is left out.
class LineReader {
 public:
  /// Longest line accepted: a binary file without line ends must not be read into memory whole.
  static constexpr std::size_t longest_line = std::size_t{1} << 24;

  /// `name` stands for the file in messages.
  LineReader(std::unique_ptr<std::istream> stream, std::string name);

  /// Reads the next line, without its end, into `line`; false at the end of the file. Throws Error if the line is too
  /// long, the file cannot be read, or is of a known format that is not text.
  bool next(std::string& line);

  const std::string& name() const { return name_; }
  std::uint64_t bytes() const { return bytes_before_ + begin_; }  ///< read so far
  std::size_t line() const { return line_; }                      ///< number of the line read last, from 1

  /// Throws Error "file:line: message".
  [[noreturn]] void fail(std::string_view message) const;

 private:
  bool fill();
  void look_at_start();

  std::unique_ptr<std::istream> stream_;
  std::string name_;
  std::vector<char> buffer_;
  std::uint64_t bytes_before_ = 0;  // of the file before the buffer
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::size_t line_ = 0;
  char line_end_ = '\n';
};

}  // namespace grapevine
