#include "report/picture.hpp"

#include <cairo-pdf.h>
#include <cairo-svg.h>
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "support/atomic_file.hpp"
#include "support/error.hpp"

namespace grapevine {
namespace {

using Surface = std::unique_ptr<cairo_surface_t, void (*)(cairo_surface_t*)>;

Surface make_surface(const std::string& extension, const std::string& file, const Picture& picture) {
  const double width = picture.width;
  const double height = picture.height;
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

void check_status(cairo_status_t status, const std::string& what) {
  if (status != CAIRO_STATUS_SUCCESS)
    throw Error(fmt::format("cannot draw {}: {}", what, cairo_status_to_string(status)));
}

void draw_on(cairo_surface_t* surface, const Picture& picture, bool on_white, const std::string& what) {
  check_status(cairo_surface_status(surface), what);
  const Canvas canvas(surface);
  if (on_white) {
    cairo_set_source_rgb(canvas.get(), 1, 1, 1);
    cairo_paint(canvas.get());
  }
  picture.draw(canvas);
  check_status(cairo_status(canvas.get()), what);
}

cairo_status_t append(void* text, const unsigned char* bytes, unsigned int length) noexcept {
  try {
    static_cast<std::string*>(text)->append(reinterpret_cast<const char*>(bytes), length);
    return CAIRO_STATUS_SUCCESS;
  } catch (...) {
    return CAIRO_STATUS_NO_MEMORY;
  }
}

}  // namespace

Picture grid(std::string title, std::vector<Picture> pictures, std::size_t columns) {
  struct Placed {
    Picture picture;
    double x, y;
  };
  std::vector<double> widths(std::min(columns, pictures.size()), 0.0);
  for (std::size_t n = 0; n < pictures.size(); ++n)
    widths[n % columns] = std::max(widths[n % columns], pictures[n].width);
  Picture whole;
  whole.title = std::move(title);
  for (const double width : widths) whole.width += width;

  std::vector<Placed> placed;
  for (std::size_t first = 0; first < pictures.size(); first += columns) {
    double x = 0;
    double height = 0;
    for (std::size_t n = first; n < std::min(first + columns, pictures.size()); ++n) {
      height = std::max(height, pictures[n].height);
      placed.push_back({std::move(pictures[n]), x, whole.height});
      x += widths[n % columns];
    }
    whole.height += height;
  }
  whole.draw = [placed = std::move(placed)](const Canvas& canvas) {
    for (const Placed& one : placed) {
      cairo_save(canvas.get());
      cairo_translate(canvas.get(), one.x, one.y);
      one.picture.draw(canvas);
      cairo_restore(canvas.get());
    }
  };
  return whole;
}

void check_plot_format(const std::filesystem::path& path) {
  const std::string extension = path.extension().string();
  if (extension != ".png" && extension != ".svg" && extension != ".pdf")
    throw Error(fmt::format("cannot draw {}: the name must end in .png, .svg or .pdf", path.string()));
}

void draw_picture(const std::filesystem::path& path, const Picture& picture) {
  check_plot_format(path);
  AtomicFile file(path);
  const std::string name = file.temporary().string();
  const Surface surface = make_surface(path.extension().string(), name, picture);
  draw_on(surface.get(), picture, true, path.string());
  if (path.extension() == ".png") check_status(cairo_surface_write_to_png(surface.get(), name.c_str()), path.string());
  cairo_surface_finish(surface.get());
  check_status(cairo_surface_status(surface.get()), path.string());
  file.commit();
}

std::string svg_of(const Picture& picture) {
  std::string text;
  const Surface surface(cairo_svg_surface_create_for_stream(append, &text, picture.width, picture.height),
                        cairo_surface_destroy);
  draw_on(surface.get(), picture, false, picture.title);
  cairo_surface_finish(surface.get());
  check_status(cairo_surface_status(surface.get()), picture.title);
  return text;
}

}  // namespace grapevine
