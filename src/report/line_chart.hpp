#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "report/picture.hpp"

namespace grapevine {

/// One line of a chart: points joined in their order. It is broken at points that have no place on the axes: not
/// finite, or not positive where the axis is logarithmic.
struct ChartSeries {
  std::string label;
  std::vector<double> x, y;
  std::vector<double> low, high;  ///< ends of the error bar of each point; empty for none
  int colour = 0;                 ///< place in the palette; series that belong together share one
  bool measured = true;           ///< points with a solid line; otherwise a dashed line alone (ideal, fit, projection)
  bool dots = true;               ///< the points of a measured series are marked
};

enum class AxisScale {
  linear,      ///< covers the data with a margin
  from_zero,   ///< linear, begins at 0
  counting,    ///< from 0 in whole numbers
  logarithmic  ///< positive data only
};

struct LineChart {
  std::string title;
  std::vector<std::string> subtitles;  ///< lines between the title and the plot
  std::string x_label, y_label;        ///< with units
  AxisScale x_scale = AxisScale::linear;
  AxisScale y_scale = AxisScale::from_zero;
  std::vector<double> x_ticks;  ///< where the ticks of a logarithmic x axis are; empty: chosen
  std::vector<ChartSeries> series;
  std::vector<std::string> notes;  ///< lines below the legend
  double plot_width = 460, plot_height = 320;
  double left_margin = least_left_margin;            ///< of the plot, at least
  bool legend_inside = false;                        ///< in the upper right corner instead of to the right of the data
  std::optional<std::pair<double, double>> y_range;  ///< of a linear y axis; what is beyond is not seen
};

/// A chart with its legend; one series alone, legend inside, needs no label. Throws Error if it has no points.
Picture line_chart(LineChart chart);

/// Draws a chart into a file. Throws Error if it has no points, or cannot be written.
void draw_line_chart(const std::filesystem::path& path, const LineChart& chart);

}  // namespace grapevine
