// SPDX-License-Identifier: GPL-2.0-only
#include "layout.h"

#include <lammps/atom.h>
#include <lammps/comm.h>
#include <lammps/compute.h>
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
#include <cstring>
#include <new>
#include <string>

#include "host.h"

using namespace LAMMPS_NS;

// bytes that no constructor writes
static constexpr std::byte untouched{0xA5};

// Styles that do nothing; visible, so that the size of their tables of virtual functions can be asked for. They tell
// whether what LAMMPS's constructors have set is found where the headers say.

class __attribute__((visibility("default"))) PairProbe final : public Pair {
 public:
  using Pair::Pair;
  void compute(int, int) override {}
  void settings(int, char **) override {}
  void coeff(int, char **) override {}

  bool is_as_constructed() const
  {
    return single_enable == 1 && restartinfo == 1 && one_coeff == 0 && suffix_flag == 0 && reinitflag == 1 &&
           ncoultablebits == 12 && ndisptablebits == 12 && nextra == 0 && !pvector && allocated == 0 && !map &&
           nelements == 0 && maxeatom == 0 && maxvatom == 0 && maxcvatom == 0 && copymode == 0;
  }
};

static char probe_id[] = "grapevine_probe", probe_group[] = "all", probe_style[] = "probe";

class __attribute__((visibility("default"))) ComputeProbe final : public Compute {
 public:
  using Compute::Compute;
  void init() override {}

  bool is_as_constructed() const
  {
    return std::strcmp(id, probe_id) == 0 && std::strcmp(style, probe_style) == 0 && igroup == 0 && groupbit == 1 &&
           scalar_flag == 0 && vector_flag == 0 && array_flag == 0 && peratom_flag == 0 && timeflag == 0 &&
           ntime == 0 && maxtime == 0 && !tlist && invoked_scalar == -1 && invoked_vector == -1 &&
           dynamic_group_allow == 1 && copymode == 0;
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

/// `ours` and `theirs` are the names of the classes as compiled.
static bool virtual_functions_are_as_many(const std::string &ours, const std::string &theirs)
{
  Dl_info own;
  dladdr(reinterpret_cast<const void *>(&layout_problem), &own);
  void *library = dlopen(own.dli_fname, RTLD_NOW | RTLD_NOLOAD);
  const std::size_t size = size_of_symbol(dlsym(library, ("_ZTV" + ours).c_str()));
  const std::size_t expected = size_of_symbol(dlsym(RTLD_DEFAULT, ("_ZTV" + theirs).c_str()));
  dlclose(library);
  return size == 0 || expected == 0 || size == expected;
}

/* ---------------------------------------------------------------------- */

template <class Probe, class... Arguments> static bool is_laid_out_as_compiled(Arguments... arguments)
{
  alignas(Probe) std::array<std::byte, 2 * sizeof(Probe)> room;
  room.fill(untouched);
  auto *probe = new (room.data()) Probe(arguments...);
  const bool as_constructed = probe->is_as_constructed();
  probe->~Probe();
  const auto is_untouched = [](std::byte byte) { return byte == untouched; };
  return as_constructed && std::all_of(room.begin() + sizeof(Probe), room.end(), is_untouched);
}

/* ---------------------------------------------------------------------- */

const char *LAMMPS_NS::layout_problem(LAMMPS *lmp)
{
  if (!members_are_in_place(lmp)) return "the members of its classes";
  if (!virtual_functions_are_as_many("9PairProbe", "N9LAMMPS_NS4PairE")) return "the functions of class Pair";
  if (!is_laid_out_as_compiled<PairProbe>(lmp)) return "the members of class Pair";
  if (!virtual_functions_are_as_many("12ComputeProbe", "N9LAMMPS_NS7ComputeE")) return "the functions of class Compute";
  char *arguments[] = {probe_id, probe_group, probe_style};
  if (!is_laid_out_as_compiled<ComputeProbe>(lmp, 3, arguments)) return "the members of class Compute";
  return nullptr;
}
