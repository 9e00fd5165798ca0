#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

namespace grapevine {

/// Tells on stderr how far a long run is: a line that renews itself on a terminal, now and then a plain line otherwise.
/// Silent for runs that end soon.
class Progress {
 public:
  /// `total_bytes` is the size of the file that is worked through, 0 if it is not known.
  explicit Progress(std::uint64_t total_bytes);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

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
  bool terminal_;
  bool shown_ = false;
  Clock::time_point start_;
  Clock::time_point last_;
};

}  // namespace grapevine
