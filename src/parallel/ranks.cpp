#include "parallel/ranks.hpp"

#include <chrono>
#include <exception>
#include <thread>

#include "parallel/alone.hpp"
#include "parallel/launcher.hpp"
#include "parallel/mpi_ranks.hpp"

namespace grapevine {
namespace {

// What goes wrong on all ranks goes wrong on rank 0 within moments; the others let it speak first.
constexpr std::chrono::milliseconds head_start{500};

}  // namespace

std::unique_ptr<Ranks> join_ranks() {
  const Launcher launcher = find_launcher();
  if (launcher.kind == LauncherKind::none || launcher.size == 1) return std::make_unique<Alone>();
  return join_mpi_ranks(launcher);
}

void run_on_ranks(const std::function<void(Ranks&)>& action, const std::function<void(const std::string&)>& report) {
  const std::unique_ptr<Ranks> ranks = join_ranks();
  if (ranks->size() == 1) return action(*ranks);
  std::string problem = "unknown error";
  try {
    return action(*ranks);
  } catch (const std::exception& exception) {
    problem = exception.what();
  } catch (...) {
  }
  if (ranks->rank() != 0) std::this_thread::sleep_for(head_start);
  report(problem);
  ranks->abort(1);
}

}  // namespace grapevine
