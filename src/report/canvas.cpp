#include "report/canvas.hpp"

#include <cairo-pdf.h>
#include <cairo-svg.h>
#include <fmt/format.h>

#include <cmath>
#include <numbers>

#include "support/atomic_file.hpp"
#include "support/error.hpp"

namespace grapevine {
namespace {

constexpr double pixels_per_unit = 2;  // of PNG files, sharp on dense screens and in print

using Surface = std::unique_ptr<cairo_surface_t, void (*)(cairo_surface_t*)>;

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

void Canvas::frame(double x, double y, double width, double height) const {
  cairo_rectangle(get(), x, y, width, height);
  cairo_stroke(get());
}

void Canvas::bar(double x, double y, double width, double height) const {
  cairo_rectangle(get(), x, y, width, height);
  cairo_fill(get());
}

void Canvas::dot(double x, double y, double radius) const {
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

double text_width(const std::string& text, double size) {
  const Surface nothing(cairo_recording_surface_create(CAIRO_CONTENT_COLOR, nullptr), cairo_surface_destroy);
  return Canvas(nothing.get()).text_width(text, size);
}

void check_plot_format(const std::filesystem::path& path) {
  const std::string extension = path.extension().string();
  if (extension != ".png" && extension != ".svg" && extension != ".pdf")
    throw Error(fmt::format("cannot draw {}: the name must end in .png, .svg or .pdf", path.string()));
}

void draw_picture(const std::filesystem::path& path, double width, double height,
                  const std::function<void(const Canvas&)>& draw) {
  check_plot_format(path);
  AtomicFile file(path);
  const std::string name = file.temporary().string();
  const Surface surface = make_surface(path.extension().string(), name, width, height);
  check_status(cairo_surface_status(surface.get()), path);
  {
    const Canvas canvas(surface.get());
    cairo_set_source_rgb(canvas.get(), 1, 1, 1);
    cairo_paint(canvas.get());
    draw(canvas);
  }
  if (path.extension() == ".png") check_status(cairo_surface_write_to_png(surface.get(), name.c_str()), path);
  cairo_surface_finish(surface.get());
  check_status(cairo_surface_status(surface.get()), path);
  file.commit();
}

}  // namespace grapevine
