#include <fmt/format.h>

#include <cmath>
#include <cstdio>
#include <cstring>
#include <limits>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "parallel/ranks.hpp"
#include "support/error.hpp"

// Run by mpirun on several ranks: checks what every rank gets from the others. With `fail RANK`, that rank throws while
// the others wait for it; with `fail all`, all do.

namespace grapevine {
namespace {

void expect(bool fine, const std::string& what) {
  if (!fine) throw Error("expected: " + what);
}

template <class T>
std::vector<T> numbers_of(int rank, std::size_t count) {
  std::vector<T> numbers(count);
  for (std::size_t i = 0; i < count; ++i)
    numbers[i] = static_cast<T>(std::sin(1.0 + static_cast<double>(i)) * std::pow(10.0, (rank * 7) % 5));
  return numbers;
}

template <class T>
void check_sum(Ranks& ranks, std::size_t count) {
  std::vector<T> numbers = numbers_of<T>(ranks.rank(), count);
  ranks.sum(std::span(numbers));
  std::vector<double> expected(count), sizes(count);
  for (int r = 0; r < ranks.size(); ++r) {
    const std::vector<T> theirs = numbers_of<T>(r, count);
    for (std::size_t i = 0; i < count; ++i) {
      expected[i] += static_cast<double>(theirs[i]);
      sizes[i] += std::abs(static_cast<double>(theirs[i]));
    }
  }
  const double rounding = static_cast<double>(std::numeric_limits<T>::epsilon()) * ranks.size();
  for (std::size_t i = 0; i < count; ++i)
    expect(std::abs(static_cast<double>(numbers[i]) - expected[i]) <= rounding * sizes[i],
           fmt::format("element {} of a sum to be {}, not {}", i, expected[i], numbers[i]));

  std::vector<T> of_rank_0 = numbers;
  ranks.broadcast(std::as_writable_bytes(std::span(of_rank_0)));
  expect(std::memcmp(of_rank_0.data(), numbers.data(), count * sizeof(T)) == 0, "sums of the same bits on all ranks");
}

void check_broadcast(Ranks& ranks) {
  std::vector<double> numbers(1000, ranks.rank() == 0 ? 2.5 : -1.0);
  ranks.broadcast(std::span(numbers));
  for (const double number : numbers) expect(number == 2.5, "rank 0's numbers");
  ranks.broadcast(std::span<double>());
}

void check_max(Ranks& ranks) {
  expect(ranks.max(-1.0 - ranks.rank()) == -1.0, "-1 to be the largest");
  expect(ranks.max(ranks.rank()) == ranks.size() - 1, "the last rank to be the largest");
}

void check_barrier(Ranks& ranks) {
  const auto start = std::chrono::steady_clock::now();
  if (ranks.rank() == ranks.size() - 1) std::this_thread::sleep_for(std::chrono::milliseconds(100));
  ranks.barrier();
  expect(std::chrono::steady_clock::now() - start > std::chrono::milliseconds(50), "a barrier to wait for the slowest");
}

void check_all(Ranks& ranks) {
  expect(ranks.rank() >= 0 && ranks.rank() < ranks.size(), "a rank below the size");
  expect(ranks.neighbours() == ranks.size(), "all ranks to be on this machine");
  for (const std::size_t count : {std::size_t{0}, std::size_t{1}, std::size_t{7}, std::size_t{100'000}}) {
    check_sum<double>(ranks, count);
    check_sum<float>(ranks, count);
  }
  check_broadcast(ranks);
  check_max(ranks);
  ranks.barrier();
  check_barrier(ranks);
}

void fail_on(Ranks& ranks, const std::string& who) {
  if (who == "all" || who == std::to_string(ranks.rank()))
    throw Error(fmt::format("frame 7 has no energy (rank {})", ranks.rank()));
  ranks.barrier();
  throw std::logic_error("the barrier let a rank through");
}

}  // namespace
}  // namespace grapevine

int main(int argc, char** argv) {
  using namespace grapevine;
  const std::vector<std::string> words(argv + 1, argv + argc);
  const auto report = [](const std::string& problem) { fmt::print(stderr, "grapevine: error: {}\n", problem); };
  try {
    run_on_ranks(
        [&](Ranks& ranks) {
          if (words.at(0) == "fail") return fail_on(ranks, words.at(1));
          expect(words.at(0) == std::to_string(ranks.size()), words[0] + " ranks");
          check_all(ranks);
          if (ranks.rank() == 0) fmt::print("all {} ranks agree\n", ranks.size());
        },
        report);
  } catch (const std::exception& problem) {
    report(problem.what());
    return 1;
  }
  return 0;
}
