#include "training/report/report.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "report/html.hpp"
#include "test_files.hpp"
#include "training/report/plots.hpp"

namespace grapevine {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

void add_quantity(ParityPanel& panel, ErrorStatistics& statistics, std::vector<double>& errors, int count) {
  std::mt19937 random(1);
  std::normal_distribution<double> normal;
  for (int n = 0; n < count; ++n) {
    const double reference = normal(random);
    const double error = 0.01 * normal(random);
    panel.add(reference, reference + error, n % 2 ? "H" : "O");
    statistics.add(reference, reference + error, {});
    errors.push_back(error);
  }
}

SetResult some_set(const std::string& name, int frames, bool virial) {
  SetResult set;
  set.name = name;
  set.frames = static_cast<std::size_t>(frames);
  set.atoms = 100 * set.frames;
  set.panels = {{"Energy per atom", "(eV/atom)", "meV/atom"}, {"Force components", "(eV/A)", "meV/A"}};
  add_quantity(set.panels[0], set.errors.energy_per_atom, set.energy_errors, frames);
  add_quantity(set.panels[1], set.errors.forces, set.force_errors, 300 * frames);
  for (const char* symbol : {"O", "H"}) set.errors.forces_of_species(symbol) = set.errors.forces;
  if (virial) {
    set.panels.emplace_back("Virial per atom", "(eV/atom)", "meV/atom");
    add_quantity(set.panels[2], set.errors.virial_per_atom, set.virial_errors, 9 * frames);
  }
  set.worst_energies = {{name + ".extxyz:17: frame 3", "OH2", -0.0123, -1}};
  set.worst_forces = {{name + ".extxyz:99: frame 8", "OH2", 0.5, 1}};
  return set;
}

TrainingSummary full_summary() {
  TrainingSummary summary;
  summary.title = "water";
  summary.card = {{"architecture", "REANN"}, {"cutoff", "5 \u00c5"}};
  for (int epoch = 1; epoch <= 20; ++epoch) {
    const double error = std::exp(-0.1 * epoch);
    summary.epochs.push_back({epoch, 60.0 * epoch, 1e-3 * error, error, error, error, 0, error, error, error, 0});
  }
  summary.sets = {some_set("train", 10, false), some_set("valid", 5, false), some_set("test", 5, true)};
  DimerCurve curve{"O", "H", {}, {}};
  for (double r = 0.6; r < 5; r += 0.1) {
    const double hole = std::exp(-3 * (r - 1));
    curve.distances.push_back(r);
    curve.energies.push_back(2 * (hole * hole - 2 * hole));
  }
  summary.dimers = {curve};
  return summary;
}

std::string whole_page_of(const TrainingSummary& summary) {
  const std::filesystem::path path = test::temporary_path("report.html");
  write_training_report(path, summary);
  std::ifstream stream(path, std::ios::binary);
  std::string page{std::istreambuf_iterator<char>(stream), {}};
  std::filesystem::remove(path);
  return page;
}

/// Of the images the first bytes only, so that words are not found in them by chance.
std::string page_of(const TrainingSummary& summary) {
  const std::string whole = whole_page_of(summary);
  const std::string start = "base64,";
  constexpr std::size_t kept = 8;
  std::string page;
  std::size_t from = 0;
  for (std::size_t at = whole.find(start); at != std::string::npos; at = whole.find(start, from)) {
    page += whole.substr(from, at + start.size() + kept - from);
    from = whole.find('"', at);
  }
  return page + whole.substr(from);
}

std::size_t count_of(const std::string& text, const std::string& word) {
  std::size_t count = 0;
  for (std::size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) ++count;
  return count;
}

/// What is wrong with the nesting of a page's elements, which are all closed as in XML; empty if nothing is.
std::string fault_of(const std::string& page) {
  std::vector<std::string> open;
  for (std::size_t at = page.find('<'); at != std::string::npos;) {
    const std::size_t end = page.find('>', at);
    if (end == std::string::npos) return "a tag without an end";
    const std::string tag = page.substr(at + 1, end - at - 1);
    if (tag.find('<') != std::string::npos) return "a < within <" + tag.substr(0, 40);
    const std::string name = tag.substr(0, tag.find_first_of(" \n/", 1));
    if (name.front() == '/') {
      if (open.empty() || "/" + open.back() != name) return "<" + name + "> closes another";
      open.pop_back();
    } else if (name.front() != '!' && tag.back() != '/') {
      open.push_back(name);
    }
    at = page.find('<', end);
    const std::string text = page.substr(end + 1, at - end - 1);
    for (std::size_t mark = text.find('&'); mark != std::string::npos; mark = text.find('&', mark + 1))
      if (text.find(';', mark) > mark + 6) return "a bare & in " + text;
  }
  return open.empty() ? "" : "<" + open.back() + "> is left open";
}

void expect_sound(const std::string& page) {
  EXPECT_EQ(fault_of(page), "");
  EXPECT_THAT(page, Not(HasSubstr("http")));
  EXPECT_THAT(page, Not(HasSubstr("<script")));
  EXPECT_THAT(page, Not(HasSubstr("<link")));
  EXPECT_THAT(page, Not(HasSubstr("url(")));
  EXPECT_THAT(page, Not(HasSubstr("nan")));
  EXPECT_EQ(count_of(page, "src="), count_of(page, "src=\"data:image/svg+xml;base64,PD94bWwg\""));  // "<?xml "
  EXPECT_EQ(count_of(page, "<img"), count_of(page, "src="));
}

TEST(TrainingReport, ShowsAllThereIsAndNeedsNothingElse) {
  const std::string page = page_of(full_summary());
  expect_sound(page);
  for (const char* part :
       {"<title>water: training report</title>", "<h2>Model card</h2>", "REANN", "<h2>Errors</h2>",
        "5 frames, 500 atoms", "on O", "on H", "virial per atom", "<h2>Frames with the largest errors</h2>",
        "test.extxyz:17: frame 3", "OH2, atom 2", "\u221212.30", "+500.00", "<h2>Learning curves</h2>",
        "<h2>Predictions and their errors</h2>", "<h2>Dimers</h2>", "alt=\"Dimers\"", "20 min"})
    EXPECT_THAT(page, HasSubstr(part));
  // Four curves, two quantities of two sets and three of one, each with its histogram, and the dimers.
  EXPECT_EQ(count_of(page, "<img"), 4u + 2 * (2 + 2 + 3) + 1);
}

TEST(TrainingReport, JudgesByTheTestSetFirst) {
  const std::string page = page_of(full_summary());
  EXPECT_THAT(page, HasSubstr("Errors of test."));
  EXPECT_LT(page.find("<h3>test"), page.find("<h3>valid"));
  EXPECT_LT(page.find("<h3>valid"), page.find("<h3>train"));
}

TEST(TrainingReport, GivesTheErrorsInThousandths) {
  TrainingSummary summary;
  SetResult set;
  set.name = "test";
  set.frames = 2;
  set.errors.energy_per_atom.add(1, 1.003, {});
  set.errors.energy_per_atom.add(1, 0.999, {});
  summary.sets = {set};
  EXPECT_THAT(page_of(summary), HasSubstr("<tr><td>energy per atom</td><td>meV/atom</td><td class=\"number\">2</td>"
                                          "<td class=\"number\">2.00</td><td class=\"number\">2.24</td>"
                                          "<td class=\"number\">3.00</td></tr>"));
}

TEST(TrainingReport, EscapesWhatOthersHaveWritten) {
  TrainingSummary summary = full_summary();
  const std::string hostile = "<b onload=\"x\">&'";
  const std::string harmless = "&lt;b onload=&quot;x&quot;&gt;&amp;&#39;";
  summary.title = summary.sets[2].name = hostile;
  summary.card = {{hostile, hostile}};
  summary.sets[2].worst_energies[0].place = summary.sets[2].worst_energies[0].formula = hostile;
  const std::string page = page_of(summary);
  expect_sound(page);
  EXPECT_THAT(page, AllOf(Not(HasSubstr("<b onload")), HasSubstr("<h1>" + harmless + "</h1>"),
                          HasSubstr("<tr><th>" + harmless + "</th><td class=\"long\">" + harmless + "</td></tr>"),
                          HasSubstr("<h3>" + harmless + "</h3>")));
}

TEST(TrainingReport, OfNothingIsAPageAllTheSame) {
  expect_sound(page_of({}));
  TrainingSummary summary;
  summary.sets.resize(1);
  summary.epochs.resize(1);
  summary.dimers.resize(1);
  const std::string page = page_of(summary);
  expect_sound(page);
  EXPECT_THAT(page, HasSubstr("no reference values"));
  EXPECT_EQ(count_of(page, "<img"), 0u);
}

TEST(TrainingReport, OfSingleValuesIsDrawn) {
  TrainingSummary summary = full_summary();
  summary.epochs.resize(1);
  SetResult set = some_set("test", 1, false);
  set.force_errors.assign(1, 0.0);
  summary.sets = {set};
  summary.dimers[0].distances.resize(1);
  summary.dimers[0].energies.resize(1);
  const std::string page = page_of(summary);
  expect_sound(page);
  EXPECT_THAT(page, HasSubstr("1 frame, 100 atoms"));
  EXPECT_THAT(page, Not(HasSubstr("virial")));
}

TEST(TrainingReport, SurvivesEpochsThatAreNotFinite) {
  TrainingSummary summary = full_summary();
  summary.epochs[3].train_loss = std::numeric_limits<double>::quiet_NaN();
  summary.epochs[4].valid_forces = std::numeric_limits<double>::infinity();
  summary.epochs[5].train_energy = 0;
  for (EpochRecord& record : summary.epochs) record.valid_energy = std::numeric_limits<double>::quiet_NaN();
  const std::string page = page_of(summary);
  EXPECT_EQ(fault_of(page), "");
  EXPECT_EQ(learning_curves(summary.epochs).size(), 4u);
}

TEST(TrainingReport, StaysLightWithVeryManyValues) {
  TrainingSummary summary;
  summary.sets = {some_set("test", 200, false)};
  EXPECT_LT(whole_page_of(summary).size(), 1'500'000u);
}

TEST(DimerPlots, AreOneForFewPairsAndOneEachForMany) {
  const DimerCurve curve = full_summary().dimers[0];
  EXPECT_EQ(dimer_plots(std::vector<DimerCurve>(6, curve)).size(), 1u);
  EXPECT_EQ(dimer_plots(std::vector<DimerCurve>(10, curve)).size(), 10u);
  EXPECT_EQ(dimer_plots(std::vector<DimerCurve>(1000, curve)).size(), 36u);
}

TEST(DimerPlots, HaveTheirLegendBesideTheCurves) {
  DimerCurve plain = full_summary().dimers[0];
  plain.energies.assign(plain.distances.size(), 0.0);  // "no well"
  DimerCurve with_hole = full_summary().dimers[0];
  with_hole.energies.front() = -8;
  with_hole.energies[1] = 8;
  EXPECT_GT(dimer_plots({plain, with_hole}).front().width, dimer_plots({plain, plain}).front().width + 50);
}

TEST(TrainingPlots, AreWrittenWhereThereIsSomethingToDraw) {
  const std::filesystem::path folder = test::temporary_path("plots");
  std::filesystem::remove_all(folder);
  std::filesystem::create_directory(folder);
  write_training_plots(folder, {});
  EXPECT_TRUE(std::filesystem::is_empty(folder));

  TrainingSummary summary = full_summary();
  summary.sets[0].name = "train: ../a b.extxyz";
  summary.sets[1].name = summary.sets[2].name;
  write_training_plots(folder, summary);
  for (const char* name : {"learning_curves.png", "parity_test.png", "parity_test_2.png", "parity_train_a_b_extxyz.png",
                           "histograms.png", "dimers.png"})
    EXPECT_TRUE(std::filesystem::exists(folder / name)) << name;
  std::filesystem::remove_all(folder);
}

TEST(Html, PicturesOfAnySizeAreEncodedWhole) {
  EXPECT_EQ(html_text("a<b>&\"'"), "a&lt;b&gt;&amp;&quot;&#39;");
  const std::string image = html_image({"<x>", 10.4, 20, [](const Canvas&) {}});
  EXPECT_THAT(image, HasSubstr("alt=\"&lt;x&gt;\" width=\"10\" height=\"20\""));
}

}  // namespace
}  // namespace grapevine
