#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace grapevine {

struct Bar {
  std::string label;
  double value = 0;
  double low = 0, high = 0;  ///< ends of the error bar
  int colour = 0;            ///< place in the palette
};

/// Bars side by side under a common title; a panel has its own axis, from zero.
struct BarPanel {
  std::string title;
  std::vector<Bar> bars;
};

struct BarChart {
  std::string title;
  std::string value_label;  ///< with its unit
  std::vector<BarPanel> panels;
};

/// Draws horizontal bars, one panel below the other, with the value written at the end of each bar. Throws Error if
/// there are no bars, or it cannot be written.
void draw_bar_chart(const std::filesystem::path& path, const BarChart& chart);

}  // namespace grapevine
