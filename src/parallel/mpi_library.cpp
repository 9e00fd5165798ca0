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

/// The file that this code is in: the program, or the extension module of the Python package.
fs::path own_file() {
  Dl_info info{};
  std::error_code ignored;
  fs::path file;
  // A program's own name may be what was typed.
  if (dladdr(reinterpret_cast<const void*>(&open_mpi_library), &info) != 0 && info.dli_fname && *info.dli_fname == '/')
    file = fs::canonical(info.dli_fname, ignored);
  return file.empty() ? fs::read_symlink("/proc/self/exe", ignored) : file;
}

/// Where pip puts the libraries of other packages, for a file in ENVIRONMENT/lib/pythonX.Y/site-packages.
fs::path package_libraries(const fs::path& file) {
  for (fs::path folder = file.parent_path(); folder.has_relative_path(); folder = folder.parent_path())
    if (folder.filename().string().ends_with("-packages")) return folder.parent_path().parent_path();
  return {};
}

std::vector<std::string> candidates() {
  const fs::path file = own_file();
  std::vector<std::string> paths{library_name};
  const auto add = [&paths](const fs::path& folder) { paths.push_back((folder / library_name).string()); };
  if (const fs::path folder = package_libraries(file); !folder.empty()) add(folder);
  // For CHECKOUT/build/bin/grapevine.
  add(file.parent_path().parent_path().parent_path() / ".venv" / "lib");
  if (const fs::path recorded(GRAPEVINE_RECORDED_ENVIRONMENT); !recorded.empty()) add(recorded / "lib");
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
      fmt::format("started by an MPI launcher, but there is no {} (looked for {}); install the "
                  "package mpich beside Grapevine, run scripts/setup.sh in the checkout, or put the folder of MPICH's "
                  "libraries into LD_LIBRARY_PATH",
                  library_name, fmt::join(paths, ", ")));
}

}  // namespace grapevine
