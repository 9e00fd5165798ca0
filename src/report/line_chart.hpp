#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace grapevine {

/// One line of a chart: points joined in their order.
struct ChartSeries {
  std::string label;
  std::vector<double> x, y;
  std::vector<double> low, high;  ///< ends of the error bar of each point; empty for none
  int colour = 0;                 ///< place in the palette; series that belong together share one
  bool measured = true;           ///< points with a solid line; otherwise a dashed line alone (ideal, fit, projection)
};

enum class AxisScale {
  linear,      ///< covers the data with a margin
  from_zero,   ///< linear, begins at 0
  logarithmic  ///< positive data only
};

struct LineChart {
  std::string title;
  std::string x_label, y_label;  ///< with units
  AxisScale x_scale = AxisScale::linear;
  AxisScale y_scale = AxisScale::from_zero;
  std::vector<double> x_ticks;  ///< where the ticks of a logarithmic x axis are; empty: chosen
  std::vector<ChartSeries> series;
  std::vector<std::string> notes;  ///< lines below the legend
};

/// Draws a chart with its legend at the right of the data. Throws Error if it has no points, or cannot be written.
void draw_line_chart(const std::filesystem::path& path, const LineChart& chart);

}  // namespace grapevine
