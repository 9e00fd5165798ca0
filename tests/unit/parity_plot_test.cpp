#include "report/parity_plot.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <random>
#include <regex>

#include "report/axis.hpp"
#include "report/picture.hpp"
#include "support/error.hpp"

// fontconfig keeps what it has read of the system's fonts until the process ends.
extern "C" const char* __lsan_default_suppressions();
extern "C" const char* __lsan_default_suppressions() { return "leak:libfontconfig"; }

namespace grapevine {
namespace {

using ::testing::ElementsAre;

TEST(Axis, HasRoundTicksInsideItsRange) {
  const Axis axis = Axis::covering(0, 1);
  EXPECT_THAT(axis.labels, ElementsAre("0.0", "0.2", "0.4", "0.6", "0.8", "1.0"));
  EXPECT_LT(axis.low, 0);
  EXPECT_GT(axis.high, 1);
}

TEST(Axis, TellsCloseValuesApart) {
  const Axis axis = Axis::covering(-155.962, -155.958);
  ASSERT_GE(axis.labels.size(), 3u);
  EXPECT_EQ(std::adjacent_find(axis.labels.begin(), axis.labels.end()), axis.labels.end());
}

TEST(Axis, OfOneValueHasAWidth) {
  for (const double value : {0.0, 7.0, -1e6}) {
    const Axis axis = Axis::covering(value, value);
    EXPECT_LT(axis.low, value);
    EXPECT_GT(axis.high, value);
    EXPECT_FALSE(axis.ticks.empty());
  }
}

TEST(ParityPanel, KeepsABoundedSampleAndTheLargestErrors) {
  ParityPanel panel("Forces", "eV", "meV");
  std::mt19937 random(1);
  std::normal_distribution<double> normal;
  for (int n = 0; n < 100000; ++n) panel.add(normal(random), 0, n % 2 ? "H" : "O");
  panel.add(0, 1000, "H");
  for (int n = 0; n < 1000; ++n) panel.add(normal(random), 0, "O");
  const auto points = panel.points();
  EXPECT_LT(points.size(), 30000u);
  EXPECT_EQ(panel.errors().count(), 101001u);
  EXPECT_TRUE(std::any_of(points.begin(), points.end(), [](const auto& p) { return p.prediction == 1000; }));
  EXPECT_THAT(panel.series(), ElementsAre("O", "H"));
}

TEST(ParityPanel, GivesTheFirstColoursToTheSeriesNamed) {
  ParityPanel panel("Forces", "eV", "meV");
  panel.colour_first({"H", "O"});
  panel.add(0, 1, "O");
  panel.add(0, 1, "Xe");
  EXPECT_THAT(panel.series(), ElementsAre("H", "O", "Xe"));
  EXPECT_EQ(panel.points().size(), 2u);
}

TEST(ParityPlot, OfManyPointsIsLightInSvg) {
  ParityPanel panel("Forces", "eV", "meV");
  std::mt19937 random(1);
  std::normal_distribution<double> normal;
  for (int n = 0; n < 20000; ++n) panel.add(normal(random), normal(random), n % 2 ? "H" : "O");
  EXPECT_LT(svg_of(parity_picture(panel)).size(), 800'000u);
}

TEST(ParityPlot, OfFewOfManySeriesHasAColourForEach) {
  std::vector<std::string> elements;
  for (int n = 1; n <= 89; ++n) elements.push_back("E" + std::to_string(n));
  ParityPanel panel("Forces", "eV", "meV");
  panel.colour_first(elements);
  for (const char* element : {"E74", "E73", "E41"}) panel.add(0, 1, element);
  const std::string svg = svg_of(parity_picture(panel));
  for (const char* colour : {"rgb\\(0%, ?45%, ?70%\\)", "rgb\\(84%, ?37%, ?0%\\)", "rgb\\(0%, ?62%, ?45%\\)"})
    EXPECT_TRUE(std::regex_search(svg, std::regex(colour))) << colour;
}

TEST(ParityPlot, RefusesOtherFormatsAndNothingToDraw) {
  EXPECT_THROW(check_plot_format("plot.jpg"), Error);
  EXPECT_THROW(check_plot_format("plot"), Error);
  EXPECT_NO_THROW(check_plot_format("folder.x/plot.svg"));
  EXPECT_THROW(draw_parity_plot("plot.png", {ParityPanel("Energy", "eV", "meV")}), Error);
}

TEST(ParityPlot, WritesEachFormat) {
  ParityPanel panel("Energy", "eV", "meV");
  panel.add(1, 1.1, "");
  for (const auto& [extension, magic] : {std::pair{".png", "\x89PNG"}, {".svg", "<?xml"}, {".pdf", "%PDF"}}) {
    const std::filesystem::path path = testing::TempDir() + "grapevine_parity" + extension;
    draw_parity_plot(path, {panel});
    std::ifstream file(path, std::ios::binary);
    std::string start(std::string_view(magic).size(), '\0');
    file.read(start.data(), static_cast<std::streamsize>(start.size()));
    EXPECT_EQ(start, magic);
    std::filesystem::remove(path);
  }
}

}  // namespace
}  // namespace grapevine
