#include "report/parity_plot.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <numeric>
#include <random>
#include <unordered_set>
#include <utility>

#include "report/axis.hpp"
#include "report/canvas.hpp"
#include "support/error.hpp"

namespace grapevine {
namespace {

constexpr double panel_side = 300;
constexpr double right_margin = 22;
constexpr double top_margin = 40;
constexpr double bottom_margin = 58;
constexpr double tick_label_gap = 6;

/// The colour of each series. Where there are more than colours, those without points have none.
std::vector<std::size_t> colours_of(std::size_t series, const std::vector<ParityPanel::Point>& points) {
  std::vector<std::size_t> colours(series);
  std::iota(colours.begin(), colours.end(), std::size_t{0});
  if (series <= palette.size()) return colours;
  std::vector<bool> present(series, false);
  for (const ParityPanel::Point& point : points) present[static_cast<std::size_t>(point.series)] = true;
  std::size_t next = 0;
  for (std::size_t s = 0; s < series; ++s) colours[s] = present[s] ? next++ : series;
  return colours;
}

double error_of(const ParityPanel::Point& point) { return std::abs(point.prediction - point.reference); }

bool larger_error(const ParityPanel::Point& a, const ParityPanel::Point& b) { return error_of(a) > error_of(b); }

Axis common_axis(const std::vector<ParityPanel::Point>& points) {
  double low = points[0].reference;
  double high = low;
  for (const ParityPanel::Point& point : points) {
    low = std::min({low, point.reference, point.prediction});
    high = std::max({high, point.reference, point.prediction});
  }
  return Axis::covering(low, high);
}

/// One panel.
class PanelDrawing {
 public:
  explicit PanelDrawing(ParityPanel panel)
      : panel_(std::move(panel)),
        points_(panel_.points()),
        colours_(colours_of(panel_.series().size(), points_)),
        axis_(common_axis(points_)) {
    for (const std::string& label : axis_.labels)
      widest_label_ = std::max(widest_label_, text_width(label, small_font_size));
    x_ = std::max(tick_label_gap + widest_label_ + 3 * small_font_size, least_left_margin);
  }

  /// Room for labels to the left, the panel, and a margin to the right.
  double width() const { return x_ + panel_side + right_margin; }

  void draw(const Canvas& canvas) const {
    draw_diagonal(canvas);
    canvas.in_pixels(x_, y_ - panel_side, panel_side, panel_side,
                     [this](const Canvas& pixels) { draw_points(pixels); });
    draw_frame(canvas);
    draw_ticks(canvas);
    draw_words(canvas);
    draw_legend(canvas);
  }

 private:
  double across(double value) const { return x_ + panel_side * axis_.fraction(value); }
  double up(double value) const { return y_ - panel_side * axis_.fraction(value); }

  void draw_diagonal(const Canvas& canvas) const {
    canvas.colour(grey);
    canvas.line(x_, y_, x_ + panel_side, y_ - panel_side);
  }

  // Where points are dense, those that would fall on the same spot are drawn once.
  void draw_points(const Canvas& canvas) const {
    constexpr double spot = 0.75;
    std::unordered_set<std::uint64_t> drawn;
    const double radius = points_.size() > 2000 ? 1.3 : points_.size() > 300 ? 1.7 : 2.3;
    for (const ParityPanel::Point& point : points_) {
      const double x = across(point.reference);
      const double y = up(point.prediction);
      const auto cell = [&](double at, double origin) {
        return static_cast<std::uint64_t>(std::lround((at - origin) / spot)) & 0xffff;
      };
      const std::uint64_t place =
          (static_cast<std::uint64_t>(point.series) << 32) | (cell(x, x_) << 16) | cell(y, y_ - panel_side);
      if (!drawn.insert(place).second) continue;
      canvas.colour(colour_of(point.series), 0.55);
      canvas.dot(x, y, radius);
    }
  }

  void draw_frame(const Canvas& canvas) const {
    canvas.colour(black);
    canvas.frame(x_, y_ - panel_side, panel_side, panel_side);
  }

  void draw_ticks(const Canvas& canvas) const {
    constexpr double length = 5;
    for (std::size_t n = 0; n < axis_.ticks.size(); ++n) {
      const double x = across(axis_.ticks[n]);
      const double y = up(axis_.ticks[n]);
      canvas.line(x, y_, x, y_ - length);
      canvas.line(x_, y, x_ + length, y);
      if (!fits(n)) continue;
      canvas.text(x_ - tick_label_gap, y + 0.35 * small_font_size, axis_.labels[n], small_font_size, Anchor::right);
      canvas.text(x, y_ + 6 + small_font_size, axis_.labels[n], small_font_size, Anchor::centre);
    }
  }

  /// Long labels along the bottom would run into each other: then every second one is left out, on both axes.
  bool fits(std::size_t tick) const {
    if (axis_.ticks.size() < 2 || tick % 2 == 0) return true;
    return widest_label_ + 8 < across(axis_.ticks[1]) - across(axis_.ticks[0]);
  }

  void draw_words(const Canvas& canvas) const {
    const double middle = x_ + panel_side / 2;
    const ErrorStatistics& errors = panel_.errors();
    canvas.colour(black);
    canvas.text(middle, y_ - panel_side - 12, panel_.title(), font_size + 1, Anchor::centre);
    canvas.text(middle, y_ + 44, fmt::format("reference / {}", panel_.unit()), font_size, Anchor::centre);
    canvas.vertical_text(x_ - tick_label_gap - widest_label_ - 10, y_ - panel_side / 2,
                         fmt::format("potential / {}", panel_.unit()), font_size);
    const double line = small_font_size + 4;
    const double x = x_ + panel_side - 10;
    canvas.text(x, y_ - 12 - 2 * line, fmt::format("RMSE {}", rounded(errors.root_mean_square())), small_font_size,
                Anchor::right);
    canvas.text(x, y_ - 12 - line, fmt::format("MAE {}", rounded(errors.mean_absolute())), small_font_size,
                Anchor::right);
    const bool thinned = errors.count() > points_.size();
    canvas.text(x, y_ - 12,
                thinned ? fmt::format("{} of {} values", points_.size(), errors.count())
                        : fmt::format("{} values", errors.count()),
                small_font_size, Anchor::right);
  }

  std::string rounded(double value) const { return fmt::format("{:.3g} {}", 1e3 * value, panel_.small_unit()); }

  Colour colour_of(int series) const {
    return palette[std::min(colours_[static_cast<std::size_t>(series)], palette.size() - 1)];
  }

  /// The series that have points, with their colours; those that share the last colour as one.
  std::vector<std::pair<std::string, Colour>> legend() const {
    std::vector<bool> present(panel_.series().size(), false);
    for (const ParityPanel::Point& point : points_) present[static_cast<std::size_t>(point.series)] = true;
    std::vector<std::pair<std::string, Colour>> entries;
    for (std::size_t s = 0; s < present.size(); ++s) {
      if (!present[s]) continue;
      const bool shared = colours_[s] + 1 == palette.size() && has_more_series(present, s);
      entries.emplace_back(shared ? "others" : panel_.series()[s], colour_of(static_cast<int>(s)));
      if (shared) break;
    }
    return entries;
  }

  static bool has_more_series(const std::vector<bool>& present, std::size_t series) {
    return std::find(present.begin() + static_cast<std::ptrdiff_t>(series) + 1, present.end(), true) != present.end();
  }

  void draw_legend(const Canvas& canvas) const {
    const auto entries = legend();
    if (entries.size() < 2) return;
    double y = y_ - panel_side + 18;
    for (const auto& [name, colour] : entries) {
      canvas.colour(colour);
      canvas.dot(x_ + 14, y - 0.35 * small_font_size, 3.5);
      canvas.colour(black);
      canvas.text(x_ + 24, y, name, small_font_size, Anchor::left);
      y += small_font_size + 5;
    }
  }

  ParityPanel panel_;
  std::vector<ParityPanel::Point> points_;
  std::vector<std::size_t> colours_;  // [series] place in the palette, or beyond its end
  Axis axis_;
  double widest_label_ = 0;
  double x_ = 0;                        // left end of the plot
  double y_ = top_margin + panel_side;  // lower end of the plot
};

}  // namespace

ParityPanel::ParityPanel(std::string title, std::string unit, std::string small_unit)
    : title_(std::move(title)), unit_(std::move(unit)), small_unit_(std::move(small_unit)) {}

void ParityPanel::add(double reference, double prediction, const std::string& series) {
  errors_.add(reference, prediction, {});
  auto found = std::find(series_.begin(), series_.end(), series);
  if (found == series_.end()) found = series_.insert(series_.end(), series);
  const Point point{reference, prediction, static_cast<int>(found - series_.begin())};
  keep_if_outlier(point);
}

void ParityPanel::keep_if_outlier(const Point& point) {
  outliers_.push_back(point);
  std::push_heap(outliers_.begin(), outliers_.end(), larger_error);
  if (outliers_.size() <= outlier_count) return;
  std::pop_heap(outliers_.begin(), outliers_.end(), larger_error);
  const Point ordinary = outliers_.back();
  outliers_.pop_back();
  sample_.add(ordinary);
}

std::vector<ParityPanel::Point> ParityPanel::points() const {
  std::vector<Point> all = sample_.values();
  all.insert(all.end(), outliers_.begin(), outliers_.end());
  std::mt19937_64 random(0);
  std::shuffle(all.begin(), all.end(), random);
  return all;
}

Picture parity_picture(ParityPanel panel) {
  std::string title = panel.title();
  const auto drawing = std::make_shared<const PanelDrawing>(std::move(panel));
  return {std::move(title), drawing->width(), top_margin + panel_side + bottom_margin,
          [drawing](const Canvas& canvas) { drawing->draw(canvas); }};
}

void draw_parity_plot(const std::filesystem::path& path, const std::vector<ParityPanel>& panels) {
  check_plot_format(path);
  std::vector<Picture> pictures;
  for (const ParityPanel& panel : panels)
    if (panel.errors().count() > 0) pictures.push_back(parity_picture(panel));
  if (pictures.empty())
    throw Error(fmt::format("{} would be empty: the structures have no reference values", path.string()));
  const std::size_t columns = pictures.size();
  draw_picture(path, grid("parity", std::move(pictures), columns));
}

}  // namespace grapevine
