#include "report/histogram.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <numbers>
#include <numeric>
#include <utility>

#include "report/axis.hpp"

namespace grapevine {
namespace {

constexpr double plot_width = 300;
constexpr double plot_height = 300;
constexpr double top_margin = 40;
constexpr double right_margin = 22;
constexpr double bottom_margin = 58;
constexpr double gap = 8;
constexpr double sample_length = 22;
constexpr double line_step = small_font_size + 6;
constexpr double lowest_count = 0.6;  // of the axis: a bin of one value stands out
constexpr double most_deviations = 8;
constexpr double milli = 1e3;

/// Odd, so that one bin is about zero.
std::size_t bins_for(std::size_t values) {
  return 2 * static_cast<std::size_t>(std::clamp(std::sqrt(static_cast<double>(values)), 7.0, 30.0)) + 1;
}

Histogram centred(std::span<const double> errors, double rmse) {
  double reach = 0;
  for (const double error : errors)
    if (std::isfinite(error)) reach = std::max(reach, std::abs(error));
  if (rmse > 0) reach = std::min(reach, most_deviations * rmse);
  if (!(reach > 0)) reach = 1e-3;
  return Histogram::of(errors, -reach, reach, bins_for(errors.size()));
}

class HistogramDrawing {
 public:
  explicit HistogramDrawing(const ErrorHistogram& chart)
      : title_(chart.title),
        unit_(chart.unit),
        statistics_(chart.statistics),
        shown_(chart.errors.size()),
        rmse_(chart.statistics.root_mean_square()),
        histogram_(centred(chart.errors, rmse_)),
        x_axis_(Axis::covering(milli * histogram_.low, milli * histogram_.high)) {
    const std::size_t highest = *std::max_element(histogram_.counts.begin(), histogram_.counts.end());
    // Room above the bars for the words.
    const double top = 2 * std::pow(static_cast<double>(std::max<std::size_t>(highest, 5)), 1.3);
    y_axis_ = Axis::logarithmic_between(lowest_count, top);
  }

  static double width() { return least_left_margin + plot_width + right_margin; }
  static double height() { return top_margin + plot_height + bottom_margin; }

  void draw(const Canvas& canvas) const {
    draw_grid(canvas);
    draw_bars(canvas);
    if (rmse_ > 0) {
      draw_normal(canvas);
      draw_marks(canvas);
    }
    canvas.colour(black);
    canvas.frame(least_left_margin, top_margin, plot_width, plot_height);
    draw_words(canvas);
  }

 private:
  double across(double error) const { return least_left_margin + plot_width * x_axis_.fraction(milli * error); }
  double up(double count) const {
    return top_margin + plot_height * (1 - y_axis_.fraction(std::max(count, lowest_count)));
  }

  void draw_grid(const Canvas& canvas) const {
    canvas.colour(light_grey);
    for (const double tick : y_axis_.ticks)
      canvas.line(least_left_margin, up(tick), least_left_margin + plot_width, up(tick));
    canvas.line(across(0), top_margin, across(0), top_margin + plot_height);
    canvas.colour(black);
    for (std::size_t n = 0; n < y_axis_.ticks.size(); ++n)
      canvas.text(least_left_margin - gap, up(y_axis_.ticks[n]) + 0.35 * small_font_size, y_axis_.labels[n],
                  small_font_size, Anchor::right);
    const double bottom = top_margin + plot_height;
    for (std::size_t n = 0; n < x_axis_.ticks.size(); ++n) {
      const double x = across(x_axis_.ticks[n] / milli);
      canvas.line(x, bottom, x, bottom - 5);
      canvas.text(x, bottom + 6 + small_font_size, x_axis_.labels[n], small_font_size, Anchor::centre);
    }
  }

  void draw_bars(const Canvas& canvas) const {
    canvas.colour(palette[0], 0.75);
    for (std::size_t n = 0; n < histogram_.counts.size(); ++n) {
      if (histogram_.counts[n] == 0) continue;
      const double left = across(histogram_.low + static_cast<double>(n) * histogram_.width());
      const double right = across(histogram_.low + static_cast<double>(n + 1) * histogram_.width());
      const double top = up(static_cast<double>(histogram_.counts[n]));
      canvas.bar(left + 0.4, top, right - left - 0.8, top_margin + plot_height - top);
    }
  }

  /// Values a bin about `error` would have.
  double normal(double error) const {
    const double deviations = error / rmse_;
    return static_cast<double>(shown_) * histogram_.width() / (rmse_ * std::sqrt(2 * std::numbers::pi)) *
           std::exp(-0.5 * deviations * deviations);
  }

  void draw_normal(const Canvas& canvas) const {
    std::vector<Spot> spots;
    constexpr int steps = 200;
    for (int n = 0; n <= steps; ++n) {
      const double error = std::lerp(histogram_.low, histogram_.high, n / static_cast<double>(steps));
      if (normal(error) > lowest_count) spots.push_back({across(error), up(normal(error))});
    }
    canvas.colour(black, 0.75);
    canvas.line_width(1.3);
    canvas.inside(least_left_margin, top_margin, plot_width, plot_height, [&] { canvas.path(spots); });
    canvas.line_width(1);
  }

  void draw_marks(const Canvas& canvas) const {
    canvas.colour(palette[1]);
    canvas.line_width(1.6);
    canvas.dashes(true);
    for (const double error : {-rmse_, rmse_})
      if (std::abs(error) < histogram_.high)
        canvas.line(across(error), top_margin + plot_height, across(error), top_margin + 3 * line_step + gap);
    canvas.dashes(false);
    canvas.line_width(1);
  }

  void draw_words(const Canvas& canvas) const {
    const double middle = least_left_margin + plot_width / 2;
    canvas.colour(black);
    canvas.text(middle, top_margin - 12, title_, font_size + 1, Anchor::centre);
    canvas.text(middle, top_margin + plot_height + 44, fmt::format("potential \u2212 reference / ({})", unit_),
                font_size, Anchor::centre);
    double widest = 0;
    for (const std::string& label : y_axis_.labels) widest = std::max(widest, text_width(label, small_font_size));
    canvas.vertical_text(least_left_margin - widest - 2 * gap, top_margin + plot_height / 2, "values per bin",
                         font_size);
    if (rmse_ > 0) draw_legend(canvas);
    draw_counts(canvas);
  }

  void draw_legend(const Canvas& canvas) const {
    const std::string words = fmt::format("\u00b1 RMSE {:.3g} {}", milli * rmse_, unit_);
    const double x = least_left_margin + plot_width - 10 -
                     std::max(text_width(words, small_font_size), text_width("normal, same RMSE", small_font_size));
    double y = top_margin + 18;
    const auto sample = [&](double baseline) {
      const double centre = baseline - 0.35 * small_font_size;
      canvas.line(x - gap - sample_length, centre, x - gap, centre);
    };
    canvas.colour(palette[1]);
    canvas.dashes(true);
    canvas.line_width(1.6);
    sample(y);
    canvas.dashes(false);
    canvas.line_width(1.3);
    canvas.colour(black, 0.75);
    sample(y + line_step);
    canvas.line_width(1);
    canvas.colour(black);
    canvas.text(x, y, words, small_font_size, Anchor::left);
    canvas.text(x, y + line_step, "normal, same RMSE", small_font_size, Anchor::left);
  }

  void draw_counts(const Canvas& canvas) const {
    const double x = least_left_margin + 10;
    double y = top_margin + 18;
    const bool sampled = statistics_.count() > shown_;
    canvas.text(x, y,
                sampled ? fmt::format("{} of {}", shown_, statistics_.count())
                        : fmt::format("{} value{}", shown_, shown_ == 1 ? "" : "s"),
                small_font_size, Anchor::left);
    const std::size_t beyond = histogram_.below + histogram_.above;
    if (beyond > 0)
      canvas.text(x, y + line_step, fmt::format("{} beyond the axis", beyond), small_font_size, Anchor::left);
  }

  std::string title_, unit_;
  ErrorStatistics statistics_;
  std::size_t shown_;
  double rmse_;
  Histogram histogram_;
  Axis x_axis_, y_axis_;
};

}  // namespace

Histogram Histogram::of(std::span<const double> values, double low, double high, std::size_t bins) {
  Histogram histogram{low, high, std::vector<std::size_t>(bins, 0)};
  for (const double value : values) {
    if (!std::isfinite(value)) continue;
    if (value < low) {
      ++histogram.below;
    } else if (value > high) {
      ++histogram.above;
    } else {
      const double place = (value - low) / (high - low) * static_cast<double>(bins);
      ++histogram.counts[std::min(static_cast<std::size_t>(place), bins - 1)];
    }
  }
  return histogram;
}

Picture error_histogram(const ErrorHistogram& histogram) {
  const auto drawing = std::make_shared<const HistogramDrawing>(histogram);
  return {histogram.title, HistogramDrawing::width(), HistogramDrawing::height(),
          [drawing](const Canvas& canvas) { drawing->draw(canvas); }};
}

}  // namespace grapevine
