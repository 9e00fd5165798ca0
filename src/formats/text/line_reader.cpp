#include "formats/text/line_reader.hpp"

#include <fmt/format.h>

#include <cstring>
#include <utility>

#include "formats/known_formats.hpp"
#include "support/error.hpp"

namespace grapevine {

LineReader::LineReader(std::unique_ptr<std::istream> stream, std::string name)
    : stream_(std::move(stream)), name_(std::move(name)), buffer_(std::size_t{1} << 18) {}

bool LineReader::fill() {
  bytes_before_ += end_;
  begin_ = end_ = 0;
  if (!stream_->good()) return false;
  stream_->read(buffer_.data(), static_cast<std::streamsize>(buffer_.size()));
  if (stream_->bad()) throw Error(fmt::format("{}: cannot be read; check that it is a file on a sound disk", name_));
  end_ = static_cast<std::size_t>(stream_->gcount());
  if (bytes_before_ == 0) look_at_start();
  return end_ > begin_;
}

void LineReader::look_at_start() {
  constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
  const std::string_view start(buffer_.data(), end_);
  if (const std::string_view format = known_format(start); !format.empty())
    throw Error(
        fmt::format("{}: this is {}, not text of structures; convert it, e.g. with ASE: ase convert {} out.extxyz",
                    name_, format, name_));
  if (start.substr(0, byte_order_mark.size()) == byte_order_mark) begin_ = byte_order_mark.size();
  if (start.find('\n') == start.npos && start.find('\r') != start.npos) line_end_ = '\r';
}

bool LineReader::next(std::string& line) {
  line.clear();
  if (begin_ == end_ && !fill()) return false;
  ++line_;
  while (true) {
    const char* start = buffer_.data() + begin_;
    const void* found = std::memchr(start, line_end_, end_ - begin_);
    const char* stop = found ? static_cast<const char*>(found) : buffer_.data() + end_;
    line.append(start, stop);
    if (line.size() > longest_line) fail("line is longer than 16 MiB; this is not extended XYZ text");
    begin_ = static_cast<std::size_t>(stop - buffer_.data()) + (found ? 1 : 0);
    if (found || !fill()) break;
  }
  if (!line.empty() && line.back() == '\r') line.pop_back();
  return true;
}

void LineReader::fail(std::string_view message) const {
  constexpr std::size_t longest = 300;
  const bool fits = message.size() <= longest;
  throw Error(fmt::format("{}:{}: {}{}", name_, line_, message.substr(0, longest), fits ? "" : " ..."));
}

}  // namespace grapevine
