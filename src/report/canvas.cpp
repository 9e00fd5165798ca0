#include "report/canvas.hpp"

#include <cmath>
#include <numbers>

namespace grapevine {
namespace {

using Surface = std::unique_ptr<cairo_surface_t, void (*)(cairo_surface_t*)>;

}  // namespace

Canvas::Canvas(cairo_surface_t* surface) : context_(cairo_create(surface), cairo_destroy) {
  cairo_select_font_face(get(), "sans-serif", CAIRO_FONT_SLANT_NORMAL, CAIRO_FONT_WEIGHT_NORMAL);
  line_width(1);
}

void Canvas::colour(Colour c, double alpha) const { cairo_set_source_rgba(get(), c.red, c.green, c.blue, alpha); }

void Canvas::line_width(double width) const { cairo_set_line_width(get(), width); }

void Canvas::dashes(bool on) const {
  constexpr double pattern[] = {5, 4};
  cairo_set_dash(get(), pattern, on ? 2 : 0, 0);
}

void Canvas::line(double x0, double y0, double x1, double y1) const {
  cairo_move_to(get(), x0, y0);
  cairo_line_to(get(), x1, y1);
  cairo_stroke(get());
}

void Canvas::path(std::span<const Spot> spots) const {
  cairo_new_path(get());  // writing words leaves a point behind
  for (const Spot& spot : spots) cairo_line_to(get(), spot.x, spot.y);
  cairo_stroke(get());
}

void Canvas::frame(double x, double y, double width, double height) const {
  cairo_rectangle(get(), x, y, width, height);
  cairo_stroke(get());
}

void Canvas::bar(double x, double y, double width, double height) const {
  cairo_rectangle(get(), x, y, width, height);
  cairo_fill(get());
}

void Canvas::dot(double x, double y, double radius) const {
  cairo_new_path(get());
  cairo_arc(get(), x, y, radius, 0, 2 * std::numbers::pi);
  cairo_fill(get());
}

double Canvas::text_width(const std::string& text, double size) const {
  cairo_set_font_size(get(), size);
  cairo_text_extents_t extents;
  cairo_text_extents(get(), text.c_str(), &extents);
  return extents.x_advance;
}

void Canvas::text(double x, double y, const std::string& text, double size, Anchor anchor) const {
  const double width = text_width(text, size);
  cairo_move_to(get(), x - (anchor == Anchor::left ? 0 : anchor == Anchor::right ? width : width / 2), y);
  cairo_show_text(get(), text.c_str());
}

void Canvas::vertical_text(double x, double y, const std::string& words, double size) const {
  cairo_save(get());
  cairo_translate(get(), x, y);
  cairo_rotate(get(), -std::numbers::pi / 2);
  text(0, 0, words, size, Anchor::centre);
  cairo_restore(get());
}

void Canvas::inside(double x, double y, double width, double height, const std::function<void()>& draw) const {
  cairo_save(get());
  cairo_rectangle(get(), x, y, width, height);
  cairo_clip(get());
  draw();
  cairo_restore(get());
}

void Canvas::in_pixels(double x, double y, double width, double height,
                       const std::function<void(const Canvas&)>& draw) const {
  if (cairo_surface_get_type(cairo_get_target(get())) == CAIRO_SURFACE_TYPE_IMAGE) {
    draw(*this);
    return;
  }
  const auto pixels = [](double length) { return static_cast<int>(std::ceil(pixels_per_unit * length)); };
  const Surface image(cairo_image_surface_create(CAIRO_FORMAT_ARGB32, pixels(width), pixels(height)),
                      cairo_surface_destroy);
  {
    const Canvas canvas(image.get());
    cairo_scale(canvas.get(), pixels_per_unit, pixels_per_unit);
    cairo_translate(canvas.get(), -x, -y);
    draw(canvas);
  }
  cairo_save(get());
  cairo_translate(get(), x, y);
  cairo_scale(get(), 1 / pixels_per_unit, 1 / pixels_per_unit);
  cairo_set_source_surface(get(), image.get(), 0, 0);
  cairo_paint(get());
  cairo_restore(get());
}

double text_width(const std::string& text, double size) {
  const Surface nothing(cairo_recording_surface_create(CAIRO_CONTENT_COLOR, nullptr), cairo_surface_destroy);
  return Canvas(nothing.get()).text_width(text, size);
}

}  // namespace grapevine
