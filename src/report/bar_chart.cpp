#include "report/bar_chart.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "report/axis.hpp"
#include "report/canvas.hpp"
#include "report/number_text.hpp"
#include "report/picture.hpp"
#include "support/error.hpp"

namespace grapevine {
namespace {

constexpr double plot_width = 420;
constexpr double bar_height = 20;
constexpr double bar_step = 32;
constexpr double head = 34;  // above a panel, for its title
constexpr double foot = 30;  // below a panel, for its ticks
constexpr double top_margin = 40;
constexpr double bottom_margin = 30;
constexpr double gap = 8;

double top_of(const BarPanel& panel) {
  double top = 0;
  for (const Bar& bar : panel.bars) top = std::max({top, bar.value, bar.high});
  return top;
}

double height_of(const BarPanel& panel) { return bar_step * static_cast<double>(panel.bars.size()); }

std::string value_text(const Bar& bar) { return number_text(bar.value); }

class BarDrawing {
 public:
  explicit BarDrawing(const BarChart& chart) : chart_(chart) {
    double label_width = 0;
    for (const BarPanel& panel : chart.panels)
      for (const Bar& bar : panel.bars) {
        label_width = std::max(label_width, text_width(bar.label, small_font_size));
        value_width_ = std::max(value_width_, text_width(value_text(bar), small_font_size));
      }
    left_ = 2 * gap + label_width + gap;
  }

  double width() const {
    const double title = text_width(chart_.title, font_size + 1) + 4 * gap;
    return std::max(title, left_ + plot_width + gap + value_width_ + 2 * gap);
  }

  double height() const {
    double height = top_margin + bottom_margin;
    for (const BarPanel& panel : chart_.panels) height += head + height_of(panel) + foot;
    return height;
  }

  void draw(const Canvas& canvas) const {
    canvas.colour(black);
    canvas.text(width() / 2, 26, chart_.title, font_size + 1, Anchor::centre);
    double y = top_margin;
    for (const BarPanel& panel : chart_.panels) {
      draw_panel(canvas, panel, y + head);
      y += head + height_of(panel) + foot;
    }
    canvas.text(left_ + plot_width / 2, y + 14, chart_.value_label, font_size, Anchor::centre);
  }

 private:
  void draw_panel(const Canvas& canvas, const BarPanel& panel, double y) const {
    const Axis axis = Axis::from_zero(top_of(panel));
    const double bottom = y + height_of(panel);
    canvas.text(left_, y - 10, panel.title, font_size, Anchor::left);
    for (std::size_t n = 0; n < axis.ticks.size(); ++n) {
      const double x = left_ + plot_width * axis.fraction(axis.ticks[n]);
      canvas.colour(light_grey);
      canvas.line(x, y, x, bottom);
      canvas.colour(black);
      canvas.text(x, bottom + gap + small_font_size, axis.labels[n], small_font_size, Anchor::centre);
    }
    for (std::size_t n = 0; n < panel.bars.size(); ++n)
      draw_bar(canvas, panel.bars[n], axis, y + bar_step * (static_cast<double>(n) + 0.5));
    canvas.line(left_, y, left_, bottom);
  }

  void draw_bar(const Canvas& canvas, const Bar& bar, const Axis& axis, double centre) const {
    const auto across = [&](double value) { return left_ + plot_width * axis.fraction(value); };
    const double baseline = centre + 0.35 * small_font_size;
    canvas.colour(palette[static_cast<std::size_t>(bar.colour) % palette.size()]);
    canvas.bar(left_, centre - bar_height / 2, across(bar.value) - left_, bar_height);
    canvas.colour(black);
    canvas.line(across(bar.low), centre, across(bar.high), centre);
    canvas.text(left_ - gap, baseline, bar.label, small_font_size, Anchor::right);
    canvas.text(across(std::max(bar.value, bar.high)) + gap, baseline, value_text(bar), small_font_size, Anchor::left);
  }

  const BarChart& chart_;
  double left_ = 0;
  double value_width_ = 0;
};

}  // namespace

void draw_bar_chart(const std::filesystem::path& path, const BarChart& chart) {
  const bool empty =
      std::all_of(chart.panels.begin(), chart.panels.end(), [](const BarPanel& p) { return p.bars.empty(); });
  if (empty) throw Error(fmt::format("the chart '{}' would be empty", chart.title));
  const BarDrawing drawing(chart);
  draw_picture(path,
               {chart.title, drawing.width(), drawing.height(), [&](const Canvas& canvas) { drawing.draw(canvas); }});
}

}  // namespace grapevine
