#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "report/error_statistics.hpp"
#include "report/picture.hpp"
#include "report/sample.hpp"

namespace grapevine {

/// Points of one panel of a parity plot: a bounded sample of all pairs added, so that a plot of millions stays light.
/// The pairs with the largest errors are always kept, since they are what a reader looks for.
class ParityPanel {
 public:
  /// `unit` is that of the values, `small_unit` (a thousandth of it) that of the RMSE written into the panel.
  ParityPanel(std::string title, std::string unit, std::string small_unit);

  /// `series` tells what the point is coloured by; it may be empty.
  void add(double reference, double prediction, const std::string& series);

  /// Series that get the first colours, in this order, whether or not they have points.
  void colour_first(const std::vector<std::string>& series) { series_ = series; }

  struct Point {
    double reference;
    double prediction;
    int series;
  };

  const std::string& title() const { return title_; }
  const std::string& unit() const { return unit_; }
  const std::string& small_unit() const { return small_unit_; }
  const std::vector<std::string>& series() const { return series_; }
  std::vector<Point> points() const;                         ///< the sample, in no order: no series hides another
  const ErrorStatistics& errors() const { return errors_; }  ///< of all pairs added

 private:
  static constexpr std::size_t outlier_count = 300;

  void keep_if_outlier(const Point& point);

  std::string title_, unit_, small_unit_;
  std::vector<std::string> series_;
  Sample<Point> sample_{20000};
  std::vector<Point> outliers_;  // heap, smallest error in front
  ErrorStatistics errors_;
};

/// Prediction against reference. Beyond six series that have points the further ones share a colour. The panel must
/// have points.
Picture parity_picture(ParityPanel panel);

/// Draws prediction against reference into a file, panels that have points side by side. Written under a temporary
/// name, then renamed. Throws Error if there is nothing to draw or the file cannot be written.
void draw_parity_plot(const std::filesystem::path& path, const std::vector<ParityPanel>& panels);

}  // namespace grapevine
