#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "report/axis.hpp"
#include "report/bar_chart.hpp"
#include "report/line_chart.hpp"
#include "support/error.hpp"
#include "test_files.hpp"

namespace grapevine {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(LogarithmicAxis, HasTicksAtPowersOfTenOverManyDecades) {
  const Axis axis = Axis::logarithmic_covering(1, 100000);
  EXPECT_THAT(axis.labels, ElementsAre("1", "10", "100", "1000", "10k", "100k"));
}

TEST(LogarithmicAxis, HasTicksBetweenPowersOfTenOverFew) {
  EXPECT_THAT(Axis::logarithmic_covering(1, 20).ticks, ElementsAre(1, 2, 5, 10, 20));
}

TEST(LogarithmicAxis, EqualFactorsAreEqualDistances) {
  const Axis axis = Axis::logarithmic_at({1, 2, 4});
  EXPECT_NEAR(axis.fraction(2) - axis.fraction(1), axis.fraction(4) - axis.fraction(2), 1e-12);
}

TEST(AxisFromZero, BeginsThereAndHasRoomAbove) {
  const Axis axis = Axis::from_zero(3.1);
  EXPECT_EQ(axis.fraction(0), 0);
  EXPECT_LT(axis.fraction(3.1), 1);
}

std::string text_of(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

LineChart small_chart() {
  LineChart chart;
  chart.title = "title";
  chart.series.push_back({"one", {1, 2, 4}, {3, 2, 1}, {2, 1, 0.5}, {4, 3, 2}});
  return chart;
}

TEST(Chart, OfLinesIsDrawnOnAllScales) {
  LineChart chart = small_chart();
  for (const AxisScale scale : {AxisScale::linear, AxisScale::from_zero, AxisScale::logarithmic}) {
    chart.x_scale = chart.y_scale = scale;
    draw_line_chart(test::temporary_path("lines.png"), chart);
    EXPECT_THAT(text_of(test::temporary_path("lines.png")).substr(0, 8), HasSubstr("PNG"));
  }
}

TEST(Chart, OfBarsIsDrawn) {
  draw_bar_chart(test::temporary_path("bars.svg"),
                 {"title", "us", {{"panel", {{"a", 2, 1, 3, 0}, {"b", 0.5, 0.4, 0.6, 1}}}}});
  EXPECT_THAT(text_of(test::temporary_path("bars.svg")), HasSubstr("<svg"));
}

TEST(Chart, WithNothingToDrawIsRefused) {
  EXPECT_THROW(draw_line_chart(test::temporary_path("empty.png"), {}), Error);
  EXPECT_THROW(draw_bar_chart(test::temporary_path("empty.png"), {}), Error);
  EXPECT_FALSE(std::filesystem::exists(test::temporary_path("empty.png")));
}

TEST(Chart, OfAnUnknownFormatIsRefused) {
  EXPECT_THROW(draw_line_chart(test::temporary_path("lines.gif"), small_chart()), Error);
}

}  // namespace
}  // namespace grapevine
