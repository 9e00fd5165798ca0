#include "bench/statistics.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "report/number_text.hpp"

namespace grapevine::bench {

Spread spread_of(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t middle = values.size() / 2;
  const double median = values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
  return {median, values.front(), values.back()};
}

Spread spread_of(const std::vector<Run>& runs, const std::function<double(const Run&)>& quantity) {
  std::vector<double> values;
  for (const Run& run : runs) values.push_back(quantity(run));
  return spread_of(values);
}

Spread ratio_of(const std::vector<Run>& above, const std::vector<Run>& below,
                const std::function<double(const Run&)>& quantity) {
  std::vector<double> values;
  for (std::size_t n = 0; n < above.size(); ++n) values.push_back(quantity(above[n]) / quantity(below[n]));
  return spread_of(values);
}

std::string text_of(const Spread& spread) {
  if (spread.low == spread.high) return number_text(spread.median);
  return fmt::format("{} ({} .. {})", number_text(spread.median), number_text(spread.low), number_text(spread.high));
}

Runs run_in_turn(const std::vector<Job>& jobs, int rounds, const std::function<void(const std::string&)>& show) {
  Runs runs;
  for (int round = 0; round < rounds; ++round)
    for (const Job& job : jobs) {
      show(fmt::format("round {} of {}: {}", round + 1, rounds, job.name));
      runs[job.name].push_back(job.run());
    }
  return runs;
}

}  // namespace grapevine::bench
