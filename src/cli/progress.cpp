#include "cli/progress.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cmath>
#include <cstdio>

namespace grapevine {

std::string format_duration(double seconds) {
  const long whole = std::lround(seconds);
  return whole < 3600 ? fmt::format("{}:{:02}", whole / 60, whole % 60)
                      : fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
}

StatusLine::StatusLine() : terminal_(isatty(STDERR_FILENO) == 1) {}

StatusLine::~StatusLine() {
  if (shown_ && terminal_) fmt::print(stderr, "\r\033[K");
}

void StatusLine::show(const std::string& text) {
  shown_ = true;
  if (terminal_)
    fmt::print(stderr, "\r{}\033[K", text);
  else
    fmt::print(stderr, "{}\n", text);
  std::fflush(stderr);
}

Progress::Progress(std::uint64_t total_bytes) : total_bytes_(total_bytes), start_(Clock::now()), last_(start_) {}

void Progress::add(std::size_t frames, std::size_t atoms, std::uint64_t bytes_read) {
  frames_ += frames;
  atoms_ += atoms;
  bytes_read_ = bytes_read;
  const auto now = Clock::now();
  if (now - last_ < line_.interval()) return;
  last_ = now;
  line_.show(text());
}

double Progress::seconds() const { return std::chrono::duration<double>(Clock::now() - start_).count(); }

std::string Progress::text() const {
  const double time = seconds();
  std::string text = fmt::format("{} frames, {:.3g} frames/s, {:.3g} atoms/s", frames_,
                                 static_cast<double>(frames_) / time, static_cast<double>(atoms_) / time);
  if (total_bytes_ >= bytes_read_ && bytes_read_ > 0) {
    const double share = static_cast<double>(bytes_read_) / static_cast<double>(total_bytes_);
    text += fmt::format(", {:.0f} %, {} left", 100 * share, format_duration(time * (1 - share) / share));
  }
  return text;
}

}  // namespace grapevine
