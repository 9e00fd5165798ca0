#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "report/axis.hpp"
#include "report/bar_chart.hpp"
#include "report/line_chart.hpp"
#include "report/picture.hpp"
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

TEST(LogarithmicAxis, OfLessThanADecadeHasTicksToo) {
  EXPECT_THAT(Axis::logarithmic_between(21, 48).ticks, ElementsAre(25, 30, 35, 40, 45));
  EXPECT_GE(Axis::logarithmic_covering(3e-5, 3e-5).ticks.size(), 2u);
}

TEST(LogarithmicAxis, WritesSmallNumbersAsPowersOfTen) {
  EXPECT_THAT(Axis::logarithmic_at({0.01, 0.001, 2e-5}).labels,
              ElementsAre("0.01", "10\u207b\u00b3", "2\u00b710\u207b\u2075"));
}

TEST(CountingAxis, HasWholeNumbers) {
  EXPECT_THAT(Axis::counting_to(3).labels, ElementsAre("0", "1", "2", "3"));
  EXPECT_THAT(Axis::counting_to(500).labels, ElementsAre("0", "100", "200", "300", "400", "500"));
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

TEST(Chart, LeavesOutPointsWithoutAPlace) {
  LineChart chart = small_chart();
  chart.y_scale = AxisScale::logarithmic;
  chart.series[0] = {"one", {1, 2, 3, 4}, {0, std::nan(""), 5, -1}, {}, {}};
  EXPECT_THAT(svg_of(line_chart(chart)), HasSubstr("</svg>"));
  chart.series[0].y = {0, -1, 0, std::nan("")};
  EXPECT_THROW(line_chart(chart), Error);
}

TEST(Picture, GridHasRowsAndColumns) {
  const auto nothing = [](const Canvas&) {};
  const Picture whole = grid("all", {{"a", 10, 5, nothing}, {"b", 20, 7, nothing}, {"c", 15, 6, nothing}}, 2);
  EXPECT_EQ(whole.width, 35);
  EXPECT_EQ(whole.height, 13);
  EXPECT_EQ(grid("none", {}, 3).width, 0);
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
