#include "parallel/launcher.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cstdlib>
#include <optional>
#include <string_view>

#include "support/error.hpp"

namespace grapevine {
namespace {

std::optional<int> number_of(const char* variable) {
  const char* value = std::getenv(variable);
  if (!value) return std::nullopt;
  const std::string_view text(value);
  int number = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (problem != std::errc() || end != text.data() + text.size() || number < 0)
    throw Error(fmt::format("{}={}: not a number as an MPI launcher sets it; unset it", variable, text));
  return number;
}

void refuse_open_mpi() {
  if (const auto size = number_of("OMPI_COMM_WORLD_SIZE"); size && *size > 1)
    throw Error(
        fmt::format("started on {} ranks by Open MPI's mpirun, but Grapevine works with MPICH's: use the mpirun that "
                    "scripts/setup.sh puts into .venv/bin, or one of MPICH",
                    *size));
}

}  // namespace

Launcher find_launcher() {
  refuse_open_mpi();
  const auto rank = number_of("PMI_RANK");
  const auto size = number_of("PMI_SIZE");
  if (rank && size) return {LauncherKind::pmi, *rank, *size};
  if (std::getenv("OMPI_COMM_WORLD_SIZE")) return {};  // one rank of Open MPI
  if (const auto pmix_rank = number_of("PMIX_RANK")) return {LauncherKind::pmix, *pmix_rank, 0};
  return {};
}

}  // namespace grapevine
