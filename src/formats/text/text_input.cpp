#include "formats/text/text_input.hpp"

#include <fmt/format.h>
#include <zlib.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <streambuf>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "support/error.hpp"

namespace grapevine {
namespace {

// Text of structures becomes ten times smaller, hundreds of times if frames repeat each other.
constexpr std::int64_t expansion = 200;
constexpr std::int64_t free_allowance = 16 << 20;

struct CloseFile {
  void operator()(gzFile file) const { gzclose_r(file); }
};

/// Reads through zlib, which passes on what is not compressed.
class TextBuffer final : public std::streambuf {
 public:
  TextBuffer(std::unique_ptr<gzFile_s, CloseFile> file, std::string name)
      : file_(std::move(file)), name_(std::move(name)), buffer_(std::size_t{1} << 18) {}

 protected:
  int_type underflow() override {
    const int count = gzread(file_.get(), buffer_.data(), static_cast<unsigned>(buffer_.size()));
    int problem = Z_OK;
    const char* reason = gzerror(file_.get(), &problem);
    if (count < 0 || problem != Z_OK) fail(problem, reason);
    unpacked_ += count;
    if (unpacked_ > free_allowance && gzdirect(file_.get()) == 0 && unpacked_ / expansion > gzoffset(file_.get()))
      throw Error(fmt::format("{}: unpacks to far more than its size; refused", name_));
    setg(buffer_.data(), buffer_.data(), buffer_.data() + count);
    return count > 0 ? traits_type::to_int_type(buffer_.front()) : traits_type::eof();
  }

 private:
  [[noreturn]] void fail(int problem, const char* reason) const {
    if (problem == Z_BUF_ERROR) throw Error(fmt::format("{}: the compressed file is cut off", name_));
    if (problem == Z_ERRNO)
      throw Error(fmt::format("{}: cannot be read; check that it is a file on a sound disk", name_));
    throw Error(fmt::format("{}: the compressed file is damaged: {}", name_, reason));
  }

  std::unique_ptr<gzFile_s, CloseFile> file_;
  std::string name_;
  std::vector<char> buffer_;
  std::int64_t unpacked_ = 0;
};

/// Hands on the Errors of its buffer, which streams otherwise keep to themselves.
class TextStream final : public std::istream {
 public:
  explicit TextStream(std::unique_ptr<TextBuffer> buffer) : std::istream(buffer.get()), buffer_(std::move(buffer)) {
    exceptions(std::ios::badbit);
  }

 private:
  std::unique_ptr<TextBuffer> buffer_;
};

}  // namespace

std::unique_ptr<std::istream> open_text(const std::filesystem::path& path, std::string_view expected) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored))
    throw Error(fmt::format("{} is a folder; give {}", path.string(), expected));
  errno = 0;
  std::unique_ptr<gzFile_s, CloseFile> file(gzopen(path.c_str(), "rb"));
  if (!file) throw Error(fmt::format("cannot open {}: {}", path.string(), std::strerror(errno != 0 ? errno : ENOMEM)));
  return std::make_unique<TextStream>(std::make_unique<TextBuffer>(std::move(file), path.string()));
}

}  // namespace grapevine
