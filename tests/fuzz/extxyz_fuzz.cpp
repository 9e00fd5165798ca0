#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "formats/text/extxyz.hpp"
#include "support/error.hpp"

namespace {

std::string written(const grapevine::Frame& frame) {
  std::ostringstream stream;
  grapevine::write_extxyz(stream, frame);
  return stream.str();
}

std::vector<grapevine::Frame> read(const std::string& text) {
  std::vector<grapevine::Frame> frames;
  grapevine::ExtxyzReader reader(std::make_unique<std::istringstream>(text), "fuzz");
  for (grapevine::Frame frame; reader.next(frame);) frames.push_back(frame);
  return frames;
}

}  // namespace

/// Any bytes are frames or an Error; what is written reads back as the same.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::vector<grapevine::Frame> frames;
  try {
    frames = read(std::string(reinterpret_cast<const char*>(data), size));
  } catch (const grapevine::Error&) {
    return 0;
  }
  for (const grapevine::Frame& frame : frames) {
    const grapevine::Frame copy = read(written(frame)).at(0);
    const bool same = copy.symbols == frame.symbols && copy.positions == frame.positions && copy.cell == frame.cell &&
                      copy.periodic == frame.periodic && copy.columns.size() == frame.columns.size();
    if (!same) std::abort();
  }
  return 0;
}
