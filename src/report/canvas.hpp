#pragma once

#include <cairo.h>

#include <array>
#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>

namespace grapevine {

struct Colour {
  double red, green, blue;
};

inline constexpr Colour black{0, 0, 0};
inline constexpr Colour white{1, 1, 1};
inline constexpr Colour grey{0.55, 0.55, 0.55};
inline constexpr Colour light_grey{0.88, 0.88, 0.88};

/// Okabe and Ito's palette: told apart by colour-blind readers too.
inline constexpr std::array<Colour, 7> palette{{{0.00, 0.45, 0.70},
                                                {0.84, 0.37, 0.00},
                                                {0.00, 0.62, 0.45},
                                                {0.80, 0.47, 0.65},
                                                {0.90, 0.62, 0.00},
                                                {0.34, 0.71, 0.91},
                                                {0.35, 0.35, 0.35}}};

inline constexpr double font_size = 13;
inline constexpr double small_font_size = 11.5;

inline constexpr double pixels_per_unit = 2;  ///< of what is drawn in pixels: sharp on dense screens and in print

/// Room left of a plot for its labels, at least: so plots that stand below each other begin on one line.
inline constexpr double least_left_margin = 98;

enum class Anchor { left, centre, right };

struct Spot {
  double x, y;
};

/// Lines, dots and words on a cairo surface; lengths in points, y downwards.
class Canvas {
 public:
  explicit Canvas(cairo_surface_t* surface);

  cairo_t* get() const { return context_.get(); }

  void colour(Colour c, double alpha = 1) const;
  void line_width(double width) const;
  void dashes(bool on) const;
  void line(double x0, double y0, double x1, double y1) const;
  void path(std::span<const Spot> spots) const;  ///< an open line through all
  void frame(double x, double y, double width, double height) const;
  void bar(double x, double y, double width, double height) const;
  void dot(double x, double y, double radius) const;
  double text_width(const std::string& text, double size) const;
  void text(double x, double y, const std::string& text, double size, Anchor anchor) const;
  void vertical_text(double x, double y, const std::string& words, double size) const;

  /// Nothing of what `draw` draws is seen outside the rectangle.
  void inside(double x, double y, double width, double height, const std::function<void()>& draw) const;

  /// What `draw` draws in the rectangle becomes one image of pixels also in SVG and PDF: light where there are very
  /// many marks.
  void in_pixels(double x, double y, double width, double height, const std::function<void(const Canvas&)>& draw) const;

 private:
  std::unique_ptr<cairo_t, void (*)(cairo_t*)> context_;
};

/// The width of words as they will be drawn, for laying out what is not drawn yet.
double text_width(const std::string& text, double size);

}  // namespace grapevine
