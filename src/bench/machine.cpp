#include "bench/machine.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sched.h>

#include <cstdlib>
#include <ctime>
#include <fstream>

namespace grapevine::bench {
namespace {

std::string processor() {
  std::ifstream stream("/proc/cpuinfo");
  for (std::string line; std::getline(stream, line);)
    if (line.starts_with("model name") && line.find(": ") != std::string::npos) return line.substr(line.find(": ") + 2);
  return "unknown";
}

int usable_cores() {
  cpu_set_t set;
  return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 0;
}

constexpr double busy = 0.7;  // load of a machine that has more to do than to measure

double load_average() {
  double load = 0;
  return getloadavg(&load, 1) == 1 ? load : 0;
}

}  // namespace

nlohmann::ordered_json describe_machine() {
#ifdef __clang__
  const std::string compiler = __VERSION__;
#else
  const std::string compiler = "GCC " __VERSION__;
#endif
  return {{"processor", processor()},
          {"cores", usable_cores()},
          {"compiler", compiler},
          {"load_at_start", load_average()},
          {"date", fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr)))}};
}

std::string machine_line(const nlohmann::ordered_json& machine) {
  const double load = machine.at("load_at_start").get<double>();
  const char* word = load > busy ? " (others are at work: these times say little)" : "";
  return fmt::format("{}, {} cores, {}, load at start {:.2f}{}, {}", machine.at("processor").get<std::string>(),
                     machine.at("cores").get<int>(), machine.at("compiler").get<std::string>(), load, word,
                     machine.at("date").get<std::string>());
}

}  // namespace grapevine::bench
