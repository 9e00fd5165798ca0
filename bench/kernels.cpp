// Speed of every kernel of REANN and of the passes of MACE, as operations per second and as a share of what the core
// can do; bench/README.md.
#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <hwy/targets.h>

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <exception>
#include <string_view>
#include <utility>

#include "kernel_cases.hpp"
#include "mace_cases.hpp"
#include "pass_cases.hpp"
#include "support/error.hpp"

namespace grapevine::kernel_bench {
namespace {

// Instruction sets that the kernels are compiled for on x86; the processor may lack some.
constexpr std::int64_t targets[] = {HWY_AVX3, HWY_AVX2, HWY_SSE4};

/// Takes --target=NAME out of the arguments and chooses the instruction set.
void choose_target(std::vector<char*>& arguments) {
  constexpr std::string_view option = "--target=";
  const auto at = std::find_if(arguments.begin() + 1, arguments.end(),
                               [&](const char* word) { return std::string_view(word).starts_with(option); });
  if (at == arguments.end()) return;
  const std::string_view wanted = std::string_view(*at).substr(option.size());
  arguments.erase(at);
  std::vector<const char*> known;
  for (const std::int64_t target : targets) {
    if ((hwy::SupportedTargets() & target) == 0) continue;
    known.push_back(hwy::TargetName(target));
    if (wanted != known.back()) continue;
    hwy::SetSupportedTargetsForTest(target);
    return;
  }
  throw Error(fmt::format("no instruction set '{}' here; there are {}", wanted, fmt::join(known, " ")));
}

const char* chosen_target() {
  const std::int64_t supported = hwy::SupportedTargets();
  for (const std::int64_t target : targets)
    if ((supported & target) != 0) return hwy::TargetName(target);
  return "none";
}

double cpu_seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

/// FLOP/s, the best of several trials: other processes can only lower it.
template <class Real>
double measure_peak() {
  double best = 0;
  for (int trial = 0; trial < 30; ++trial) {
    const double start = cpu_seconds();
    double flops = 0;
    for (int n = 0; n < 50; ++n) flops += run_peak<Real>();
    best = std::max(best, flops / (cpu_seconds() - start));
  }
  return best;
}

void measure(benchmark::State& state, const KernelCase& kernel, double peak) {
  kernel.run();
  const double start = cpu_seconds();
  for ([[maybe_unused]] auto _ : state) kernel.run();
  const double seconds = (cpu_seconds() - start) / static_cast<double>(state.iterations());
  state.counters["GFLOP/s"] = 1e-9 * kernel.flops / seconds;
  state.counters["% of peak"] = 100 * kernel.flops / seconds / peak;
  state.counters[fmt::format("ns/{}", kernel.item)] = 1e9 * seconds / kernel.items;
}

void register_cases(const std::string& name, const std::vector<KernelCase>& cases, double peak) {
  for (const KernelCase& kernel : cases)
    benchmark::RegisterBenchmark(fmt::format("{}/{}", name, kernel.name).c_str(),
                                 [kernel, peak](benchmark::State& state) { measure(state, kernel, peak); });
}

/// Benchmarks named sample/precision/kernel, or mace/precision/model/pass.
template <class Real>
void register_all(const char* precision, const std::vector<std::shared_ptr<const Sample>>& samples,
                  const std::shared_ptr<const System>& water) {
  const double peak = measure_peak<Real>();
  benchmark::AddCustomContext(fmt::format("peak in {} (GFLOP/s)", precision), fmt::format("{:.1f}", 1e-9 * peak));
  for (const auto& sample : samples) {
    std::vector<KernelCase> cases = make_kernel_cases<Real>(sample);
    for (KernelCase& pass : make_pass_cases<Real>(sample)) cases.push_back(std::move(pass));
    register_cases(fmt::format("{}/{}", sample->name, precision), cases, peak);
  }
  register_cases(fmt::format("mace/{}", precision), make_mace_cases<Real>(water), peak);
}

int run(int argc, char** argv) {
  std::vector<char*> arguments(argv, argv + argc);
  choose_target(arguments);
  // Later words win, so that the caller may ask for something else.
  std::string tabular = "--benchmark_counters_tabular=true";
  arguments.insert(arguments.begin() + 1, tabular.data());
  int count = static_cast<int>(arguments.size());
  benchmark::Initialize(&count, arguments.data());
  if (benchmark::ReportUnrecognizedArguments(count, arguments.data())) return 2;
  benchmark::AddCustomContext("instruction set", chosen_target());
  const std::vector<std::shared_ptr<const Sample>> samples = {std::make_shared<const Sample>(make_silver()),
                                                              std::make_shared<const Sample>(make_alloy())};
  const auto water = std::make_shared<const System>(make_water());
  register_all<float>("float", samples, water);
  register_all<double>("double", samples, water);
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}

}  // namespace
}  // namespace grapevine::kernel_bench

int main(int argc, char** argv) {
  try {
    return grapevine::kernel_bench::run(argc, argv);
  } catch (const std::exception& problem) {
    std::fprintf(stderr, "grapevine_kernel_bench: error: %s\n", problem.what());
    return 1;
  }
}
