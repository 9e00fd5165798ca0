#include "parallel/mpi_library.hpp"

#include <dlfcn.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <filesystem>
#include <vector>

#include "support/error.hpp"

namespace grapevine {
namespace {

namespace fs = std::filesystem;

constexpr const char* library_name = "libmpi.so.12";

/// For an executable CHECKOUT/build/bin/grapevine.
fs::path checkout_library() {
  std::error_code ignored;
  const fs::path executable = fs::read_symlink("/proc/self/exe", ignored);
  return executable.parent_path().parent_path().parent_path() / ".venv" / "lib" / library_name;
}

std::vector<std::string> candidates() {
  std::vector<std::string> paths{library_name, checkout_library().string()};
  const fs::path recorded(GRAPEVINE_RECORDED_ENVIRONMENT);
  if (!recorded.empty()) paths.push_back((recorded / "lib" / library_name).string());
  return paths;
}

template <class Function>
void load(void* handle, const MpiLibrary& library, const char* name, Function*& function) {
  function = reinterpret_cast<Function*>(dlsym(handle, name));
  if (!function) throw Error(fmt::format("{}: has no {}; it is not the library of an MPI", library.path, name));
}

MpiLibrary load_functions(void* handle, std::string path) {
  MpiLibrary library;
  library.path = std::move(path);
  load(handle, library, "MPI_Init_thread", library.init_thread);
  load(handle, library, "MPI_Finalize", library.finalize);
  load(handle, library, "MPI_Abort", library.abort);
  load(handle, library, "MPI_Comm_rank", library.comm_rank);
  load(handle, library, "MPI_Comm_size", library.comm_size);
  load(handle, library, "MPI_Comm_split_type", library.comm_split_type);
  load(handle, library, "MPI_Comm_free", library.comm_free);
  load(handle, library, "MPI_Reduce", library.reduce);
  load(handle, library, "MPI_Allreduce", library.allreduce);
  load(handle, library, "MPI_Bcast", library.bcast);
  load(handle, library, "MPI_Barrier", library.barrier);
  return library;
}

}  // namespace

MpiLibrary open_mpi_library() {
  const std::vector<std::string> paths = candidates();
  for (const std::string& path : paths)
    if (void* handle = dlopen(path.c_str(), RTLD_NOW | RTLD_GLOBAL)) return load_functions(handle, path);
  throw Error(
      fmt::format("started by an MPI launcher, but there is no {} (looked for {}); run scripts/setup.sh in the "
                  "checkout, or put the folder of MPICH's libraries into LD_LIBRARY_PATH",
                  library_name, fmt::join(paths, ", ")));
}

}  // namespace grapevine
