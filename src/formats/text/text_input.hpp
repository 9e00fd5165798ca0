#pragma once

#include <filesystem>
#include <istream>
#include <memory>
#include <string_view>

namespace grapevine {

/// Opens a file of text, which may be compressed by gzip, or a pipe. Throws Error, naming the file and what is
/// `expected`, for a folder and for what cannot be opened. Reading the stream throws Error if compressed data is
/// damaged, cut off, or unpacks to far more than its size.
std::unique_ptr<std::istream> open_text(const std::filesystem::path& path, std::string_view expected);

}  // namespace grapevine
