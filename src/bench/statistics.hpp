#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "bench/lammps_log.hpp"

namespace grapevine::bench {

/// Median, lowest and highest of the rounds.
struct Spread {
  double median = 0;
  double low = 0;
  double high = 0;
};

/// Of at least one value.
Spread spread_of(std::vector<double> values);

/// `quantity` of every round's run.
Spread spread_of(const std::vector<Run>& runs, const std::function<double(const Run&)>& quantity);

/// `quantity` of `above` over that of `below`, formed round by round: what slows the machine down for a while slows
/// neighbours in the schedule alike.
Spread ratio_of(const std::vector<Run>& above, const std::vector<Run>& below,
                const std::function<double(const Run&)>& quantity);

/// "1.62 (1.58 .. 1.66)"; one number where there was one round.
std::string text_of(const Spread& spread);

/// One thing to measure, once per round.
struct Job {
  std::string name;
  std::function<Run()> run;
};

/// All runs of a benchmark: name of the job to one run per round.
using Runs = std::map<std::string, std::vector<Run>>;

/// Runs A B C A B C ...; `show` is told what is about to run.
Runs run_in_turn(const std::vector<Job>& jobs, int rounds, const std::function<void(const std::string&)>& show);

}  // namespace grapevine::bench
