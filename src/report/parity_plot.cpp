#include "report/parity_plot.hpp"

#include <cairo-pdf.h>
#include <cairo-svg.h>
#include <cairo.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <unordered_set>

#include "report/axis.hpp"
#include "support/atomic_file.hpp"
#include "support/error.hpp"

namespace grapevine {
namespace {

struct Colour {
  double red, green, blue;
};

// Okabe and Ito's palette: told apart by colour-blind readers too.
constexpr std::array<Colour, 7> palette{{{0.00, 0.45, 0.70},
                                         {0.84, 0.37, 0.00},
                                         {0.00, 0.62, 0.45},
                                         {0.80, 0.47, 0.65},
                                         {0.90, 0.62, 0.00},
                                         {0.34, 0.71, 0.91},
                                         {0.35, 0.35, 0.35}}};

constexpr double panel_side = 300;
constexpr double right_margin = 22;
constexpr double top_margin = 40;
constexpr double bottom_margin = 58;
constexpr double tick_label_gap = 6;
constexpr double font_size = 13;
constexpr double small_font_size = 11.5;
constexpr double pixels_per_unit = 2;  // of PNG files, sharp on dense screens and in print

double error_of(const ParityPanel::Point& point) { return std::abs(point.prediction - point.reference); }

bool larger_error(const ParityPanel::Point& a, const ParityPanel::Point& b) { return error_of(a) > error_of(b); }

using Surface = std::unique_ptr<cairo_surface_t, void (*)(cairo_surface_t*)>;

enum class Anchor { left, centre, right };

class Canvas {
 public:
  explicit Canvas(cairo_surface_t* surface) : context_(cairo_create(surface), cairo_destroy) {
    cairo_select_font_face(get(), "sans-serif", CAIRO_FONT_SLANT_NORMAL, CAIRO_FONT_WEIGHT_NORMAL);
  }

  cairo_t* get() const { return context_.get(); }

  void colour(Colour c, double alpha = 1) const { cairo_set_source_rgba(get(), c.red, c.green, c.blue, alpha); }

  void line(double x0, double y0, double x1, double y1) const {
    cairo_move_to(get(), x0, y0);
    cairo_line_to(get(), x1, y1);
    cairo_stroke(get());
  }

  void dot(double x, double y, double radius) const {
    cairo_arc(get(), x, y, radius, 0, 2 * M_PI);
    cairo_fill(get());
  }

  double text_width(const std::string& text, double size) const {
    cairo_set_font_size(get(), size);
    cairo_text_extents_t extents;
    cairo_text_extents(get(), text.c_str(), &extents);
    return extents.x_advance;
  }

  void text(double x, double y, const std::string& text, double size, Anchor anchor) const {
    const double width = text_width(text, size);
    cairo_move_to(get(), x - (anchor == Anchor::left ? 0 : anchor == Anchor::right ? width : width / 2), y);
    cairo_show_text(get(), text.c_str());
  }

  void vertical_text(double x, double y, const std::string& words, double size) const {
    cairo_save(get());
    cairo_translate(get(), x, y);
    cairo_rotate(get(), -M_PI / 2);
    text(0, 0, words, size, Anchor::centre);
    cairo_restore(get());
  }

 private:
  std::unique_ptr<cairo_t, void (*)(cairo_t*)> context_;
};

constexpr Colour black{0, 0, 0};
constexpr Colour grey{0.55, 0.55, 0.55};

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
  explicit PanelDrawing(const ParityPanel& panel)
      : panel_(panel), points_(panel.points()), axis_(common_axis(points_)) {
    const Surface nothing(cairo_recording_surface_create(CAIRO_CONTENT_COLOR, nullptr), cairo_surface_destroy);
    const Canvas canvas(nothing.get());
    for (const std::string& label : axis_.labels)
      widest_label_ = std::max(widest_label_, canvas.text_width(label, small_font_size));
  }

  /// Room for labels to the left, the panel, and a margin to the right.
  double width() const { return left_margin() + panel_side + right_margin; }

  /// With the left end of its room at `x` and its lower axis at `y`.
  void draw(const Canvas& canvas, double x, double y) {
    x_ = x + left_margin();
    y_ = y;
    draw_diagonal(canvas);
    draw_points(canvas);
    draw_frame(canvas);
    draw_ticks(canvas);
    draw_words(canvas);
    if (panel_.series().size() > 1) draw_legend(canvas);
  }

 private:
  double left_margin() const { return tick_label_gap + widest_label_ + 3 * small_font_size; }
  double across(double value) const { return x_ + panel_side * axis_.fraction(value); }
  double up(double value) const { return y_ - panel_side * axis_.fraction(value); }

  void draw_diagonal(const Canvas& canvas) const {
    canvas.colour(grey);
    cairo_set_line_width(canvas.get(), 1);
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
      canvas.colour(palette[static_cast<std::size_t>(point.series) % palette.size()], 0.55);
      canvas.dot(x, y, radius);
    }
  }

  void draw_frame(const Canvas& canvas) const {
    canvas.colour(black);
    cairo_set_line_width(canvas.get(), 1);
    cairo_rectangle(canvas.get(), x_, y_ - panel_side, panel_side, panel_side);
    cairo_stroke(canvas.get());
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

  void draw_legend(const Canvas& canvas) const {
    double y = y_ - panel_side + 18;
    for (std::size_t s = 0; s < panel_.series().size(); ++s, y += small_font_size + 5) {
      canvas.colour(palette[s % palette.size()]);
      canvas.dot(x_ + 14, y - 0.35 * small_font_size, 3.5);
      canvas.colour(black);
      canvas.text(x_ + 24, y, panel_.series()[s], small_font_size, Anchor::left);
    }
  }

  const ParityPanel& panel_;
  std::vector<ParityPanel::Point> points_;
  Axis axis_;
  double widest_label_ = 0;
  double x_ = 0;
  double y_ = 0;
};

Surface make_surface(const std::string& extension, const std::string& file, double width, double height) {
  cairo_surface_t* surface = nullptr;
  if (extension == ".svg") {
    surface = cairo_svg_surface_create(file.c_str(), width, height);
  } else if (extension == ".pdf") {
    surface = cairo_pdf_surface_create(file.c_str(), width, height);
  } else {
    surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, static_cast<int>(pixels_per_unit * width),
                                         static_cast<int>(pixels_per_unit * height));
    cairo_surface_set_device_scale(surface, pixels_per_unit, pixels_per_unit);
  }
  return Surface(surface, cairo_surface_destroy);
}

void check_status(cairo_status_t status, const std::filesystem::path& path) {
  if (status != CAIRO_STATUS_SUCCESS)
    throw Error(fmt::format("cannot draw {}: {}", path.string(), cairo_status_to_string(status)));
}

void draw_panels(cairo_surface_t* surface, std::vector<PanelDrawing>& panels) {
  const Canvas canvas(surface);
  cairo_set_source_rgb(canvas.get(), 1, 1, 1);
  cairo_paint(canvas.get());
  double x = 0;
  for (PanelDrawing& panel : panels) {
    panel.draw(canvas, x, top_margin + panel_side);
    x += panel.width();
  }
}

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
  keep_in_sample(ordinary);
}

// Each of the n points so far is in the sample with the same probability.
void ParityPanel::keep_in_sample(const Point& point) {
  if (sample_.size() < sample_size) {
    sample_.push_back(point);
    return;
  }
  const std::size_t place = std::uniform_int_distribution<std::size_t>(0, errors_.count() - 1)(random_);
  if (place < sample_size) sample_[place] = point;
}

std::vector<ParityPanel::Point> ParityPanel::points() const {
  std::vector<Point> all = sample_;
  all.insert(all.end(), outliers_.begin(), outliers_.end());
  std::mt19937_64 random(0);
  std::shuffle(all.begin(), all.end(), random);
  return all;
}

void check_plot_format(const std::filesystem::path& path) {
  const std::string extension = path.extension().string();
  if (extension != ".png" && extension != ".svg" && extension != ".pdf")
    throw Error(fmt::format("cannot draw {}: the name must end in .png, .svg or .pdf", path.string()));
}

void draw_parity_plot(const std::filesystem::path& path, const std::vector<ParityPanel>& panels) {
  check_plot_format(path);
  std::vector<PanelDrawing> drawings;
  double width = 0;
  for (const ParityPanel& panel : panels) {
    if (panel.errors().count() == 0) continue;
    drawings.emplace_back(panel);
    width += drawings.back().width();
  }
  if (drawings.empty())
    throw Error(fmt::format("{} would be empty: the structures have no reference values", path.string()));

  AtomicFile file(path);
  const std::string name = file.temporary().string();
  const Surface surface = make_surface(path.extension().string(), name, width, top_margin + panel_side + bottom_margin);
  check_status(cairo_surface_status(surface.get()), path);
  draw_panels(surface.get(), drawings);
  if (path.extension() == ".png") check_status(cairo_surface_write_to_png(surface.get(), name.c_str()), path);
  cairo_surface_finish(surface.get());
  check_status(cairo_surface_status(surface.get()), path);
  file.commit();
}

}  // namespace grapevine
