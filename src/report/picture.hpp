#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "report/canvas.hpp"

namespace grapevine {

/// Something that can be drawn, on a file's page, into a report or beside others; it owns what it draws.
struct Picture {
  std::string title;
  double width = 0, height = 0;  ///< points
  std::function<void(const Canvas&)> draw;
};

/// Pictures in rows of so many columns, from the left; a column is as wide as its widest picture.
Picture grid(std::string title, std::vector<Picture> pictures, std::size_t columns);

/// Throws Error unless the extension of `path` is .png, .svg or .pdf.
void check_plot_format(const std::filesystem::path& path);

/// A picture on white ground in the format that the extension of `path` says. Written under a temporary name, then
/// renamed. Throws Error if it cannot be written.
void draw_picture(const std::filesystem::path& path, const Picture& picture);

/// The text of a picture as an SVG file, without a ground. Throws Error.
std::string svg_of(const Picture& picture);

}  // namespace grapevine
