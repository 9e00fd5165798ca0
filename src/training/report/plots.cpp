#include "training/report/plots.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <string_view>
#include <utility>

#include "report/histogram.hpp"
#include "report/line_chart.hpp"
#include "report/parity_plot.hpp"

namespace grapevine {
namespace {

constexpr double plot_side = 300;  // as wide as a parity plot
constexpr double milli = 1e3;
constexpr std::size_t most_dimers_in_one_plot = 6;  // as many colours are easily told apart
constexpr std::size_t most_dimers = 36;
constexpr std::size_t dimer_columns = 3;

using Member = double EpochRecord::*;

ChartSeries series_of(const std::vector<EpochRecord>& epochs, const std::string& label, Member member, double scale,
                      int colour) {
  ChartSeries series{label, {}, {}, {}, {}, colour, true, false};
  for (const EpochRecord& record : epochs) {
    series.x.push_back(record.epoch);
    series.y.push_back(scale * record.*member);
  }
  return series;
}

/// Whether a logarithmic axis has a place for any of the points.
bool has_points(const ChartSeries& series) {
  return std::any_of(series.y.begin(), series.y.end(), [](double y) { return std::isfinite(y) && y > 0; });
}

LineChart epoch_chart(const std::string& title, const std::string& y_label) {
  LineChart chart;
  chart.title = title;
  chart.x_label = "epoch";
  chart.y_label = y_label;
  chart.x_scale = AxisScale::counting;
  chart.y_scale = AxisScale::logarithmic;
  chart.plot_width = plot_side;
  chart.plot_height = 0.75 * plot_side;
  chart.legend_inside = true;
  return chart;
}

void add_if_any(std::vector<Picture>& pictures, LineChart chart) {
  std::erase_if(chart.series, [](const ChartSeries& series) { return !has_points(series); });
  if (chart.series.size() == 1) chart.notes = {chart.series.front().label};
  if (!chart.series.empty()) pictures.push_back(line_chart(std::move(chart)));
}

int rank_of(const SetResult& set) {
  const std::string_view name = set.name;
  return name.starts_with("test") ? 0 : name.starts_with("valid") ? 1 : 2;
}

std::string dimer_name(const DimerCurve& curve) { return fmt::format("{}\u2013{}", curve.first, curve.second); }

std::string with_minus(std::string number) {
  if (number.starts_with('-')) number.replace(0, 1, "\u2212");
  return number;
}

constexpr double wall = 1;  // eV; whatever is inside of it is not a bond

/// The point of lowest energy among those from place `first` on.
std::size_t lowest_from(const DimerCurve& curve, std::size_t first) {
  const auto begin = curve.energies.begin();
  return static_cast<std::size_t>(std::min_element(begin + static_cast<std::ptrdiff_t>(first), curve.energies.end()) -
                                  begin);
}

/// The lowest point outside of the repulsive wall.
std::size_t well_of(const DimerCurve& curve) {
  std::size_t first = curve.energies.size() - 1;
  while (first > 0 && curve.energies[first - 1] < wall) --first;
  return lowest_from(curve, first);
}

std::string point_text(const DimerCurve& curve, std::size_t place) {
  return fmt::format("{} eV at {:.2f} \u00c5", with_minus(fmt::format("{:.2f}", curve.energies[place])),
                     curve.distances[place]);
}

/// The well, or why there is none, and whether the curve falls below it somewhere inside the wall.
std::vector<std::string> remarks_on(const DimerCurve& curve) {
  constexpr double least_depth = 0.005;  // eV
  const std::size_t well = well_of(curve);
  const std::size_t lowest = lowest_from(curve, 0);
  const std::string point = point_text(curve, well);
  std::vector<std::string> remarks;
  if (curve.energies[well] >= -least_depth)
    remarks.push_back("no well");
  else
    remarks.push_back(well == 0 ? "no wall: " + point : point);
  if (curve.energies[lowest] < curve.energies[well] - least_depth)
    remarks.push_back("hole: " + point_text(curve, lowest));
  if (curve.left_out > 0) remarks.push_back(fmt::format("not finite at {} distances", curve.left_out));
  return remarks;
}

/// The deepest well fills most of the height. No bond is deeper than `deepest`.
std::pair<double, double> dimer_range(const std::vector<DimerCurve>& curves) {
  constexpr double deepest = -15;
  constexpr double least_height = 0.2;
  double low = 0;
  double outer = least_height;
  for (const DimerCurve& curve : curves) {
    low = std::min(low, curve.energies[well_of(curve)]);
    for (std::size_t n = 0; n < curve.energies.size(); ++n)
      if (curve.distances[n] > 0.6 * curve.distances.back()) outer = std::max(outer, curve.energies[n]);
  }
  low = std::max(low, deepest);
  return {1.15 * low - 0.1 * outer, std::max(1.2 * std::min(outer, -deepest), -0.7 * low)};
}

ChartSeries series_of(const DimerCurve& curve, int colour) {
  return {fmt::format("{}   {}", dimer_name(curve), fmt::join(remarks_on(curve), ", ")),
          curve.distances,
          curve.energies,
          {},
          {},
          colour,
          true,
          false};
}

LineChart dimer_chart(const std::vector<DimerCurve>& curves) {
  LineChart chart;
  chart.y_range = dimer_range(curves);
  chart.x_label = "distance / \u00c5";
  chart.y_label = "energy / eV";
  for (const DimerCurve& curve : curves)
    chart.series.push_back(series_of(curve, static_cast<int>(chart.series.size())));
  return chart;
}

bool is_whole(const DimerCurve& curve) {
  return !curve.distances.empty() && curve.distances.size() == curve.energies.size() &&
         std::all_of(curve.energies.begin(), curve.energies.end(), [](double e) { return std::isfinite(e); });
}

/// The name of a set as a part of a file's name.
std::string file_name_of(const std::string& name) {
  std::string file;
  for (const char c : name) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
    if (plain)
      file += c;
    else if (!file.empty() && file.back() != '_')
      file += '_';
  }
  while (file.ends_with('_')) file.pop_back();
  return file;
}

void draw_if_any(const std::filesystem::path& path, std::vector<Picture> pictures, std::size_t columns) {
  if (!pictures.empty()) draw_picture(path, grid(path.stem().string(), std::move(pictures), columns));
}

}  // namespace

std::vector<const SetResult*> sets_to_judge_by(const TrainingSummary& summary) {
  std::vector<const SetResult*> sets;
  for (const SetResult& set : summary.sets) sets.push_back(&set);
  std::stable_sort(sets.begin(), sets.end(),
                   [](const SetResult* a, const SetResult* b) { return rank_of(*a) < rank_of(*b); });
  return sets;
}

std::vector<Picture> learning_curves(const std::vector<EpochRecord>& epochs) {
  std::vector<Picture> pictures;
  const auto add = [&](const std::string& title, const std::string& unit, double scale, Member train, Member valid) {
    LineChart chart = epoch_chart(title, unit);
    chart.series = {series_of(epochs, "train", train, scale, 0), series_of(epochs, "valid", valid, scale, 1)};
    add_if_any(pictures, std::move(chart));
  };
  add("Energy RMSE", "meV/atom", milli, &EpochRecord::train_energy, &EpochRecord::valid_energy);
  add("Force RMSE", "meV/\u00c5", milli, &EpochRecord::train_forces, &EpochRecord::valid_forces);
  add("Virial RMSE", "meV/atom", milli, &EpochRecord::train_virial, &EpochRecord::valid_virial);
  add("Loss", "loss", 1, &EpochRecord::train_loss, &EpochRecord::valid_loss);
  LineChart rate = epoch_chart("Learning rate", "learning rate");
  rate.series = {series_of(epochs, "", &EpochRecord::learning_rate, 1, 0)};
  add_if_any(pictures, std::move(rate));
  return pictures;
}

std::vector<Picture> parity_plots(const SetResult& set) {
  std::vector<Picture> pictures;
  for (const ParityPanel& panel : set.panels)
    if (panel.errors().count() > 0) pictures.push_back(parity_picture(panel));
  return pictures;
}

std::vector<Picture> error_histograms(const SetResult& set, const std::string& where) {
  std::vector<Picture> pictures;
  const auto add = [&](const std::string& title, const char* unit, const std::vector<double>& errors,
                       const ErrorStatistics& statistics) {
    if (!errors.empty()) pictures.push_back(error_histogram({title + where, unit, errors, statistics}));
  };
  add("Errors of energy per atom", "meV/atom", set.energy_errors, set.errors.energy_per_atom);
  add("Errors of force components", "meV/\u00c5", set.force_errors, set.errors.forces);
  add("Errors of virial per atom", "meV/atom", set.virial_errors, set.errors.virial_per_atom);
  return pictures;
}

std::vector<Picture> dimer_plots(const std::vector<DimerCurve>& curves) {
  std::vector<DimerCurve> shown;
  for (const DimerCurve& curve : curves)
    if (is_whole(curve) && shown.size() < most_dimers) shown.push_back(curve);
  if (shown.empty()) return {};
  std::vector<Picture> pictures;
  if (shown.size() <= most_dimers_in_one_plot) {
    LineChart chart = dimer_chart(shown);
    chart.title = "Dimers";
    chart.plot_width = 1.5 * plot_side;
    chart.plot_height = plot_side;
    pictures.push_back(line_chart(std::move(chart)));
    return pictures;
  }
  std::size_t lines = 0;
  for (const DimerCurve& curve : shown) lines = std::max(lines, remarks_on(curve).size());
  for (const DimerCurve& curve : shown) {
    LineChart chart = dimer_chart({curve});
    chart.title = dimer_name(curve);
    chart.subtitles = remarks_on(curve);
    chart.subtitles.resize(lines);
    chart.legend_inside = true;  // there is none: the title names the curve
    chart.left_margin = 80;
    chart.plot_width = 178;
    chart.plot_height = 150;
    pictures.push_back(line_chart(std::move(chart)));
  }
  return pictures;
}

std::size_t columns_of_dimer_plots(const std::vector<Picture>& plots) { return std::min(plots.size(), dimer_columns); }

void write_training_plots(const std::filesystem::path& folder, const TrainingSummary& summary) {
  draw_if_any(folder / "learning_curves.png", learning_curves(summary.epochs), 2);
  std::vector<Picture> histograms;
  std::vector<std::string> names;
  for (const SetResult* set : sets_to_judge_by(summary)) {
    std::string name = file_name_of(set->name);
    if (name.empty() || std::find(names.begin(), names.end(), name) != names.end())
      name += fmt::format("{}{}", name.empty() ? "" : "_", names.size() + 1);
    names.push_back(name);
    draw_if_any(folder / fmt::format("parity_{}.png", name), parity_plots(*set), 3);
    for (Picture& picture : error_histograms(*set, ": " + set->name)) histograms.push_back(std::move(picture));
  }
  draw_if_any(folder / "histograms.png", std::move(histograms), 2);
  std::vector<Picture> dimers = dimer_plots(summary.dimers);
  const std::size_t columns = columns_of_dimer_plots(dimers);
  draw_if_any(folder / "dimers.png", std::move(dimers), columns);
}

}  // namespace grapevine
