#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

namespace grapevine {

/// A time as people read it: minutes:seconds, or hours:minutes:seconds.
std::string format_duration(double seconds);

/// One line on stderr that says what is being done: it renews itself on a terminal and is gone at the end; elsewhere
/// every text is a line of its own.
class StatusLine {
 public:
  StatusLine();
  ~StatusLine();
  StatusLine(const StatusLine&) = delete;
  StatusLine& operator=(const StatusLine&) = delete;

  void show(const std::string& text);
  bool on_terminal() const { return terminal_; }
  /// Time between two texts that a reader can take in.
  std::chrono::milliseconds interval() const { return std::chrono::milliseconds(terminal_ ? 200 : 30000); }

 private:
  bool terminal_;
  bool shown_ = false;
};

/// Tells on stderr how far a long run is: a line that renews itself on a terminal, now and then a plain line otherwise.
/// Silent for runs that end soon.
class Progress {
 public:
  /// `total_bytes` is the size of the file that is worked through, 0 if it is not known.
  explicit Progress(std::uint64_t total_bytes);
  /// `bytes_read` of the file are done with these.
  void add(std::size_t frames, std::size_t atoms, std::uint64_t bytes_read);

 private:
  using Clock = std::chrono::steady_clock;

  std::string text() const;
  double seconds() const;

  std::uint64_t total_bytes_;
  std::uint64_t bytes_read_ = 0;
  std::size_t frames_ = 0;
  std::size_t atoms_ = 0;
  StatusLine line_;
  Clock::time_point start_;
  Clock::time_point last_;
};

}  // namespace grapevine
