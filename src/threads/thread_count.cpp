#include "threads/thread_count.hpp"

#include <fmt/format.h>
#include <sched.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <string_view>
#include <thread>

#include "support/error.hpp"

namespace grapevine {
namespace {

int cores() {
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof allowed, &allowed) == 0) return CPU_COUNT(&allowed);
  return static_cast<int>(std::thread::hardware_concurrency());  // more processors than the set has room for
}

std::string_view trimmed(std::string_view text) {
  constexpr const char* blanks = " \t";
  const std::size_t first = text.find_first_not_of(blanks);
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

int from_environment(std::string_view text) {
  const std::string_view first = trimmed(text.substr(0, text.find(',')));
  int threads = 0;
  const auto [end, problem] = std::from_chars(first.data(), first.data() + first.size(), threads);
  if (problem != std::errc() || end != first.data() + first.size() || threads < 1 || threads > most_threads)
    throw Error(
        fmt::format("OMP_NUM_THREADS is '{:.40}', which is no number of threads from 1 to {}; set it to one, or "
                    "unset it to use all cores",
                    text, most_threads));
  return threads;
}

}  // namespace

int thread_count(int asked) {
  if (asked < 0) throw Error(fmt::format("{} threads are asked for; 0 stands for all cores", asked));
  if (asked > most_threads)
    throw Error(fmt::format("{} threads are asked for, and there can be {} at most", asked, most_threads));
  if (asked > 0) return asked;
  const char* variable = std::getenv("OMP_NUM_THREADS");
  if (variable != nullptr && !trimmed(variable).empty()) return from_environment(variable);
  return std::clamp(cores(), 1, most_threads);
}

int threads_for(double work, double least, int threads) {
  return static_cast<int>(std::clamp(work / least, 1.0, static_cast<double>(std::max(threads, 1))));
}

}  // namespace grapevine
