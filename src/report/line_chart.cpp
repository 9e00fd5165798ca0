#include "report/line_chart.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "report/axis.hpp"
#include "report/canvas.hpp"
#include "support/error.hpp"

namespace grapevine {
namespace {

constexpr double plot_width = 460;
constexpr double plot_height = 320;
constexpr double top_margin = 46;
constexpr double bottom_margin = 58;
constexpr double gap = 8;
constexpr double legend_line = 22;  // length of the sample line
constexpr double legend_step = small_font_size + 8;

struct Range {
  double low = std::numeric_limits<double>::infinity();
  double high = -std::numeric_limits<double>::infinity();

  void include(const std::vector<double>& values) {
    for (const double value : values) {
      low = std::min(low, value);
      high = std::max(high, value);
    }
  }
};

Axis make_axis(AxisScale scale, const Range& range) {
  switch (scale) {
    case AxisScale::logarithmic: return Axis::logarithmic_covering(range.low, range.high);
    case AxisScale::from_zero: return Axis::from_zero(range.high);
    case AxisScale::linear: break;
  }
  return Axis::covering(range.low, range.high);
}

Axis x_axis_of(const LineChart& chart) {
  Range range;
  for (const ChartSeries& series : chart.series) range.include(series.x);
  if (range.low > range.high) throw Error(fmt::format("the chart '{}' would be empty", chart.title));
  return chart.x_ticks.empty() ? make_axis(chart.x_scale, range) : Axis::logarithmic_at(chart.x_ticks);
}

Axis y_axis_of(const LineChart& chart) {
  Range range;
  for (const ChartSeries& series : chart.series) {
    range.include(series.y);
    range.include(series.low);
    range.include(series.high);
  }
  return make_axis(chart.y_scale, range);
}

double widest(const std::vector<std::string>& words) {
  double width = 0;
  for (const std::string& word : words) width = std::max(width, text_width(word, small_font_size));
  return width;
}

class ChartDrawing {
 public:
  explicit ChartDrawing(const LineChart& chart)
      : chart_(chart), x_axis_(x_axis_of(chart)), y_axis_(y_axis_of(chart)), label_width_(widest(y_axis_.labels)) {
    left_ = label_width_ + 2 * gap + 2 * font_size;
  }

  double width() const {
    std::vector<std::string> words = chart_.notes;
    for (const ChartSeries& series : chart_.series) words.push_back(series.label);
    return left_ + plot_width + legend_line + 5 * gap + widest(words);
  }

  double height() const {
    const double lines = static_cast<double>(chart_.series.size() + chart_.notes.size() + 1);
    return top_margin + std::max(plot_height, lines * legend_step) + bottom_margin;
  }

  void draw(const Canvas& canvas) const {
    draw_grid(canvas);
    for (const ChartSeries& series : chart_.series) draw_series(canvas, series);
    canvas.colour(black);
    canvas.frame(left_, top_margin, plot_width, plot_height);
    draw_words(canvas);
    draw_legend(canvas);
  }

 private:
  double across(double value) const { return left_ + plot_width * x_axis_.fraction(value); }
  double up(double value) const { return top_margin + plot_height * (1 - y_axis_.fraction(value)); }

  void draw_grid(const Canvas& canvas) const {
    canvas.colour(light_grey);
    for (const double tick : x_axis_.ticks)
      canvas.line(across(tick), top_margin, across(tick), top_margin + plot_height);
    for (const double tick : y_axis_.ticks) canvas.line(left_, up(tick), left_ + plot_width, up(tick));
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
      canvas.text(x, top_margin + plot_height + gap + small_font_size, x_axis_.labels[n], small_font_size,
                  Anchor::centre);
      end = x + half;
    }
  }

  void draw_series(const Canvas& canvas, const ChartSeries& series) const {
    canvas.colour(palette[static_cast<std::size_t>(series.colour) % palette.size()]);
    canvas.line_width(1.6);
    canvas.dashes(!series.measured);
    for (std::size_t n = 1; n < series.x.size(); ++n)
      canvas.line(across(series.x[n - 1]), up(series.y[n - 1]), across(series.x[n]), up(series.y[n]));
    canvas.dashes(false);
    if (series.measured)
      for (std::size_t n = 0; n < series.x.size(); ++n) canvas.dot(across(series.x[n]), up(series.y[n]), 3.5);
    for (std::size_t n = 0; n < series.low.size(); ++n)
      canvas.line(across(series.x[n]), up(series.low[n]), across(series.x[n]), up(series.high[n]));
    canvas.line_width(1);
  }

  void draw_words(const Canvas& canvas) const {
    const double middle = left_ + plot_width / 2;
    canvas.text(middle, top_margin - 16, chart_.title, font_size + 1, Anchor::centre);
    canvas.text(middle, top_margin + plot_height + 44, chart_.x_label, font_size, Anchor::centre);
    canvas.vertical_text(left_ - label_width_ - 2 * gap, top_margin + plot_height / 2, chart_.y_label, font_size);
  }

  void draw_legend(const Canvas& canvas) const {
    const double x = left_ + plot_width + 2 * gap;
    double y = top_margin + small_font_size;
    for (const ChartSeries& series : chart_.series) {
      const double centre = y - 0.35 * small_font_size;
      canvas.colour(palette[static_cast<std::size_t>(series.colour) % palette.size()]);
      canvas.line_width(1.6);
      canvas.dashes(!series.measured);
      canvas.line(x, centre, x + legend_line, centre);
      canvas.dashes(false);
      canvas.line_width(1);
      if (series.measured) canvas.dot(x + legend_line / 2, centre, 3.5);
      canvas.colour(black);
      canvas.text(x + legend_line + gap, y, series.label, small_font_size, Anchor::left);
      y += legend_step;
    }
    for (const std::string& note : chart_.notes) {
      y += legend_step / 4;
      canvas.text(x, y, note, small_font_size, Anchor::left);
      y += 0.75 * legend_step;
    }
  }

  const LineChart& chart_;
  Axis x_axis_, y_axis_;
  double label_width_;
  double left_ = 0;
};

}  // namespace

void draw_line_chart(const std::filesystem::path& path, const LineChart& chart) {
  const ChartDrawing drawing(chart);
  // A long title may be wider than the chart.
  const double width = std::max(drawing.width(), text_width(chart.title, font_size + 1) + 4 * gap);
  draw_picture(path, width, drawing.height(), [&](const Canvas& canvas) { drawing.draw(canvas); });
}

}  // namespace grapevine
