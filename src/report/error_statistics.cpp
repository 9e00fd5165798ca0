#include "report/error_statistics.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace grapevine {
namespace {

std::string place_text(Place place) {
  return place.atom < 0 ? fmt::format("frame {}", place.frame + 1)
                        : fmt::format("frame {} atom {}", place.frame + 1, place.atom + 1);
}

void append_row(std::string& table, const std::string& name, const char* unit, const ErrorStatistics& errors) {
  if (errors.count() == 0) return;
  constexpr double milli = 1e3;
  table += fmt::format("{:<22} {:<9} {:>10} {:>12.4f} {:>12.4f} {:>12.4f}  {}\n", name, unit, errors.count(),
                       milli * errors.mean_absolute(), milli * errors.root_mean_square(), milli * errors.maximum(),
                       place_text(errors.worst()));
}

}  // namespace

void ErrorStatistics::add(double reference, double prediction, Place place) {
  const double error = std::abs(prediction - reference);
  if (count_ == 0 || error > maximum_) {
    maximum_ = error;
    worst_ = place;
  }
  ++count_;
  sum_of_absolutes_ += error;
  sum_of_squares_ += error * error;
}

double ErrorStatistics::mean_absolute() const {
  return count_ == 0 ? 0 : sum_of_absolutes_ / static_cast<double>(count_);
}

double ErrorStatistics::root_mean_square() const {
  return count_ == 0 ? 0 : std::sqrt(sum_of_squares_ / static_cast<double>(count_));
}

ErrorStatistics& PotentialErrors::forces_of_species(const std::string& symbol) {
  const auto found = std::find_if(forces_of.begin(), forces_of.end(), [&](const auto& e) { return e.first == symbol; });
  return found != forces_of.end() ? found->second : forces_of.emplace_back(symbol, ErrorStatistics()).second;
}

std::string format_errors(const PotentialErrors& errors) {
  std::string table = fmt::format("{:<22} {:<9} {:>10} {:>12} {:>12} {:>12}  {}\n", "errors", "unit", "values", "MAE",
                                  "RMSE", "maximum", "at");
  append_row(table, "energy per atom", "meV", errors.energy_per_atom);
  append_row(table, "force components", "meV/A", errors.forces);
  for (const auto& [symbol, statistics] : errors.forces_of) append_row(table, "  on " + symbol, "meV/A", statistics);
  append_row(table, "virial per atom", "meV", errors.virial_per_atom);
  return table;
}

}  // namespace grapevine
