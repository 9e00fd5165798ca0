#include "report/line_chart.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <utility>

#include "report/axis.hpp"
#include "report/canvas.hpp"
#include "support/error.hpp"

namespace grapevine {
namespace {

constexpr double least_top_margin = 46;
constexpr double subtitle_step = small_font_size + 4;
constexpr double right_margin = 22;
constexpr double bottom_margin = 58;
constexpr double gap = 8;
constexpr double legend_line = 22;  // length of the sample line
constexpr double legend_step = small_font_size + 8;

/// Whether a value has a place on such an axis.
bool fits(double value, AxisScale scale) {
  return std::isfinite(value) && (scale != AxisScale::logarithmic || value > 0);
}

struct Range {
  AxisScale scale;
  double low = std::numeric_limits<double>::infinity();
  double high = -std::numeric_limits<double>::infinity();

  void include(const std::vector<double>& values) {
    for (const double value : values) {
      if (!fits(value, scale)) continue;
      low = std::min(low, value);
      high = std::max(high, value);
    }
  }
};

Axis make_axis(const Range& range, const std::string& title) {
  if (range.low > range.high) throw Error(fmt::format("the chart '{}' would be empty", title));
  switch (range.scale) {
    case AxisScale::logarithmic: return Axis::logarithmic_covering(range.low, range.high);
    case AxisScale::from_zero: return Axis::from_zero(range.high);
    case AxisScale::counting: return Axis::counting_to(range.high);
    case AxisScale::linear: break;
  }
  return Axis::covering(range.low, range.high);
}

Axis x_axis_of(const LineChart& chart) {
  if (!chart.x_ticks.empty()) return Axis::logarithmic_at(chart.x_ticks);
  Range range{chart.x_scale};
  for (const ChartSeries& series : chart.series) range.include(series.x);
  return make_axis(range, chart.title);
}

Axis y_axis_of(const LineChart& chart) {
  if (chart.y_range) return Axis::between(chart.y_range->first, chart.y_range->second);
  Range range{chart.y_scale};
  for (const ChartSeries& series : chart.series) {
    range.include(series.y);
    range.include(series.low);
    range.include(series.high);
  }
  return make_axis(range, chart.title);
}

double widest(const std::vector<std::string>& words) {
  double width = 0;
  for (const std::string& word : words) width = std::max(width, text_width(word, small_font_size));
  return width;
}

class ChartDrawing {
 public:
  explicit ChartDrawing(LineChart chart)
      : chart_(std::move(chart)),
        plot_width_(chart_.plot_width),
        plot_height_(chart_.plot_height),
        top_(least_top_margin + subtitle_step * static_cast<double>(chart_.subtitles.size())),
        x_axis_(x_axis_of(chart_)),
        y_axis_(y_axis_of(chart_)),
        label_width_(widest(y_axis_.labels)) {
    left_ = std::max(label_width_ + 2 * gap + 2 * font_size, chart_.left_margin);
  }

  double width() const {
    const double beside = chart_.legend_inside ? right_margin : legend_width() + 3 * gap;
    // A long title may be wider than the chart.
    return std::max(left_ + plot_width_ + beside, text_width(chart_.title, font_size + 1) + 4 * gap);
  }

  double height() const {
    const double beside = chart_.legend_inside ? 0 : static_cast<double>(legend_lines() + 1) * legend_step;
    return top_ + std::max(plot_height_, beside) + bottom_margin;
  }

  void draw(const Canvas& canvas) const {
    draw_grid(canvas);
    const auto draw_all = [&] {
      for (const ChartSeries& series : chart_.series) draw_series(canvas, series);
    };
    if (chart_.y_range)
      canvas.inside(left_, top_, plot_width_, plot_height_, draw_all);
    else
      draw_all();
    canvas.colour(black);
    canvas.frame(left_, top_, plot_width_, plot_height_);
    draw_words(canvas);
    draw_legend(canvas);
  }

 private:
  double across(double value) const { return left_ + plot_width_ * x_axis_.fraction(value); }
  // Far beyond the plot cairo's coordinates would overflow.
  double up(double value) const { return top_ + plot_height_ * (1 - std::clamp(y_axis_.fraction(value), -9.0, 9.0)); }

  bool fits_in(double x, double y) const { return fits(x, chart_.x_scale) && fits(y, chart_.y_scale); }

  // A lone point has no line to be seen by.
  static bool shows_dots(const ChartSeries& series) { return series.measured && (series.dots || series.x.size() == 1); }

  bool names_series() const { return !chart_.legend_inside || chart_.series.size() > 1; }
  std::size_t legend_lines() const { return chart_.notes.size() + (names_series() ? chart_.series.size() : 0); }

  /// Of the sample line and the words beside it.
  double legend_width() const {
    std::vector<std::string> labels;
    if (names_series())
      for (const ChartSeries& series : chart_.series) labels.push_back(series.label);
    const double named = labels.empty() ? 0 : legend_line + gap + widest(labels);
    return std::max(named, widest(chart_.notes));
  }

  void draw_grid(const Canvas& canvas) const {
    canvas.colour(light_grey);
    for (const double tick : x_axis_.ticks) canvas.line(across(tick), top_, across(tick), top_ + plot_height_);
    for (const double tick : y_axis_.ticks) canvas.line(left_, up(tick), left_ + plot_width_, up(tick));
    canvas.colour(black);
    for (std::size_t n = 0; n < y_axis_.ticks.size(); ++n)
      canvas.text(left_ - gap, up(y_axis_.ticks[n]) + 0.35 * small_font_size, y_axis_.labels[n], small_font_size,
                  Anchor::right);
    draw_x_labels(canvas);
  }

  // A label that would touch the one before it is left out.
  void draw_x_labels(const Canvas& canvas) const {
    double end = -std::numeric_limits<double>::infinity();
    for (std::size_t n = 0; n < x_axis_.ticks.size(); ++n) {
      const double half = canvas.text_width(x_axis_.labels[n], small_font_size) / 2;
      const double x = across(x_axis_.ticks[n]);
      if (x - half < end + gap) continue;
      canvas.text(x, top_ + plot_height_ + gap + small_font_size, x_axis_.labels[n], small_font_size, Anchor::centre);
      end = x + half;
    }
  }

  void draw_series(const Canvas& canvas, const ChartSeries& series) const {
    canvas.colour(palette[static_cast<std::size_t>(series.colour) % palette.size()]);
    canvas.line_width(1.6);
    canvas.dashes(!series.measured);
    std::vector<Spot> spots;
    for (std::size_t n = 0; n < series.x.size(); ++n) {
      if (fits_in(series.x[n], series.y[n])) {
        spots.push_back({across(series.x[n]), up(series.y[n])});
      } else {
        canvas.path(spots);
        spots.clear();
      }
    }
    canvas.path(spots);
    canvas.dashes(false);
    if (shows_dots(series))
      for (std::size_t n = 0; n < series.x.size(); ++n)
        if (fits_in(series.x[n], series.y[n])) canvas.dot(across(series.x[n]), up(series.y[n]), 3.5);
    for (std::size_t n = 0; n < series.low.size(); ++n)
      canvas.line(across(series.x[n]), up(series.low[n]), across(series.x[n]), up(series.high[n]));
    canvas.line_width(1);
  }

  void draw_words(const Canvas& canvas) const {
    const double middle = left_ + plot_width_ / 2;
    canvas.text(middle, least_top_margin - 16, chart_.title, font_size + 1, Anchor::centre);
    double y = least_top_margin - 14;
    for (const std::string& subtitle : chart_.subtitles)
      canvas.text(middle, y += subtitle_step, subtitle, small_font_size, Anchor::centre);
    canvas.text(middle, top_ + plot_height_ + 44, chart_.x_label, font_size, Anchor::centre);
    canvas.vertical_text(left_ - label_width_ - 2 * gap, top_ + plot_height_ / 2, chart_.y_label, font_size);
  }

  void draw_legend(const Canvas& canvas) const {
    double x = left_ + plot_width_ + 2 * gap;
    double y = top_ + small_font_size;
    if (chart_.legend_inside) {
      x = left_ + plot_width_ - legend_width() - gap;
      y += gap;
      const double height = static_cast<double>(legend_lines()) * legend_step;
      canvas.colour(white, 0.8);
      if (height > 0) canvas.bar(x - gap / 2, top_ + gap / 2, legend_width() + gap, height);
    }
    if (names_series())
      for (const ChartSeries& series : chart_.series) {
        draw_legend_line(canvas, series, x, y - 0.35 * small_font_size);
        canvas.text(x + legend_line + gap, y, series.label, small_font_size, Anchor::left);
        y += legend_step;
      }
    canvas.colour(black);
    for (const std::string& note : chart_.notes) {
      if (!chart_.legend_inside) y += legend_step / 4;
      canvas.text(x, y, note, small_font_size, Anchor::left);
      y += (chart_.legend_inside ? 1 : 0.75) * legend_step;
    }
  }

  void draw_legend_line(const Canvas& canvas, const ChartSeries& series, double x, double y) const {
    canvas.colour(palette[static_cast<std::size_t>(series.colour) % palette.size()]);
    canvas.line_width(1.6);
    canvas.dashes(!series.measured);
    canvas.line(x, y, x + legend_line, y);
    canvas.dashes(false);
    canvas.line_width(1);
    if (shows_dots(series)) canvas.dot(x + legend_line / 2, y, 3.5);
    canvas.colour(black);
  }

  LineChart chart_;
  double plot_width_, plot_height_, top_;
  Axis x_axis_, y_axis_;
  double label_width_;
  double left_ = 0;
};

}  // namespace

Picture line_chart(LineChart chart) {
  std::string title = chart.title;
  const auto drawing = std::make_shared<const ChartDrawing>(std::move(chart));
  return {std::move(title), drawing->width(), drawing->height(),
          [drawing](const Canvas& canvas) { drawing->draw(canvas); }};
}

void draw_line_chart(const std::filesystem::path& path, const LineChart& chart) {
  draw_picture(path, line_chart(chart));
}

}  // namespace grapevine
