// SPDX-License-Identifier: GPL-2.0-only
#include "layout.h"

#include <lammps/atom.h>
#include <lammps/comm.h>
#include <lammps/force.h>
#include <lammps/lammps.h>
#include <lammps/neighbor.h>
#include <lammps/pair.h>
#include <lammps/update.h>

#include <dlfcn.h>
#include <link.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <new>

#include "host.h"

using namespace LAMMPS_NS;

// bytes that no constructor writes
static constexpr std::byte untouched{0xA5};

/// A pair style that does nothing; visible, so that the size of its table of virtual functions can be asked for.
class __attribute__((visibility("default"))) LayoutProbe final : public Pair {
 public:
  using Pair::Pair;
  void compute(int, int) override {}
  void settings(int, char **) override {}
  void coeff(int, char **) override {}

  /// Whether what LAMMPS's constructor has set is found where the headers say.
  bool is_as_constructed() const
  {
    return single_enable == 1 && restartinfo == 1 && one_coeff == 0 && suffix_flag == 0 && reinitflag == 1 &&
           ncoultablebits == 12 && ndisptablebits == 12 && nextra == 0 && !pvector && allocated == 0 && !map &&
           nelements == 0 && maxeatom == 0 && maxvatom == 0 && maxcvatom == 0 && copymode == 0;
  }
};

/* ---------------------------------------------------------------------- */

static bool members_are_in_place(LAMMPS *lmp)
{
  auto *address_of = grapevine::host_function<void *(void *, const char *)>("lammps_extract_global");
  if (!address_of) return true;
  struct Member {
    const char *name;
    const void *by_headers;
  };
  const Member members[] = {{"ntypes", &lmp->atom->ntypes},        {"nlocal", &lmp->atom->nlocal},
                            {"nghost", &lmp->atom->nghost},        {"ntimestep", &lmp->update->ntimestep},
                            {"procgrid", lmp->comm->procgrid},     {"special_lj", lmp->force->special_lj},
                            {"neigh_every", &lmp->neighbor->every}};
  return std::all_of(std::begin(members), std::end(members), [&](const Member &member) {
    const void *by_lammps = address_of(lmp, member.name);
    return !by_lammps || by_lammps == member.by_headers;
  });
}

/* ---------------------------------------------------------------------- */

static std::size_t size_of_symbol(const void *address)
{
  Dl_info info;
  void *entry = nullptr;
  if (!address || !dladdr1(address, &info, &entry, RTLD_DL_SYMENT) || !entry) return 0;
  return static_cast<const ElfW(Sym) *>(entry)->st_size;
}

static bool virtual_functions_are_as_many()
{
  Dl_info own;
  dladdr(reinterpret_cast<const void *>(&layout_problem), &own);
  void *library = dlopen(own.dli_fname, RTLD_NOW | RTLD_NOLOAD);
  const std::size_t ours = size_of_symbol(dlsym(library, "_ZTV11LayoutProbe"));
  const std::size_t theirs = size_of_symbol(dlsym(RTLD_DEFAULT, "_ZTVN9LAMMPS_NS4PairE"));
  dlclose(library);
  return ours == 0 || theirs == 0 || ours == theirs;
}

/* ---------------------------------------------------------------------- */

static bool pair_is_laid_out_as_compiled(LAMMPS *lmp)
{
  alignas(LayoutProbe) std::array<std::byte, 2 * sizeof(LayoutProbe)> room;
  room.fill(untouched);
  auto *probe = new (room.data()) LayoutProbe(lmp);
  const bool as_constructed = probe->is_as_constructed();
  probe->~LayoutProbe();
  const auto is_untouched = [](std::byte byte) { return byte == untouched; };
  return as_constructed && std::all_of(room.begin() + sizeof(LayoutProbe), room.end(), is_untouched);
}

/* ---------------------------------------------------------------------- */

const char *LAMMPS_NS::layout_problem(LAMMPS *lmp)
{
  if (!members_are_in_place(lmp)) return "the members of its classes";
  if (!virtual_functions_are_as_many()) return "the functions of class Pair";
  if (!pair_is_laid_out_as_compiled(lmp)) return "the members of class Pair";
  return nullptr;
}
