// SPDX-License-Identifier: GPL-2.0-only
#include "pair_grapevine.h"

#include "formats/model_files/safetensors.hpp"
#include "lammps_exclusions.h"
#include "models/registry.hpp"
#include "support/finite.hpp"
#include "support/one_line.hpp"

#include <lammps/atom.h>
#include <lammps/comm.h>
#include <lammps/compute.h>
#include <lammps/error.h>
#include <lammps/fix.h>
#include <lammps/force.h>
#include <lammps/group.h>
#include <lammps/memory.h>
#include <lammps/modify.h>
#include <lammps/neigh_list.h>
#include <lammps/neighbor.h>
#include <lammps/update.h>
#include <lammps/utils.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <span>
#include <thread>

using namespace LAMMPS_NS;

// values of compute pair for a committee, summed over ranks by LAMMPS: rank 0 has them, the others zeros
enum { MAX_FORCE_DEVIATION, MEAN_FORCE_DEVIATION, MIN_FORCE_DEVIATION, ENERGY_DEVIATION, NVALUES };

// xx, yy, zz, xy, xz, yz of a 3x3 matrix that is symmetric up to rounding
static constexpr int voigt[6] = {0, 4, 8, 1, 2, 5};

/* ---------------------------------------------------------------------- */

PairGrapevine::PairGrapevine(LAMMPS *lammps) :
    Pair(lammps), mixed_(true), own_exchange_(true), own_neighbours_(false), mean_drives_(true), packer_(nullptr),
    cutoff_(0.0), graph_(nullptr), setup_done_(true), list_builds_(-1), list_step_(-1), deviation_flag_(0),
    sigma_step_(-1), deviation_steps_(0), reported_deviation_steps_(0), reported_deviation_numbers_(0),
    evaluated_step_(-1), heat_flux_is_current_(false), heat_fluxes_(0), reported_heat_fluxes_(0),
    reported_heat_flux_numbers_(0)
{
  pvector = new double[NVALUES]();
  single_enable = 0;
  restartinfo = 0;
  one_coeff = 1;
  manybody_flag = 1;
  no_virial_fdotr_compute = 1;
  centroidstressflag = CENTROID_NOTAVAIL;
  unit_convert_flag = utils::NOCONVERT | utils::METAL2REAL;
}

/* ---------------------------------------------------------------------- */

PairGrapevine::~PairGrapevine()
{
  if (copymode) return;
  delete[] pvector;
  if (allocated) {
    memory->destroy(setflag);
    memory->destroy(cutsq);
  }
}

/* ---------------------------------------------------------------------- */

void PairGrapevine::allocate()
{
  allocated = 1;
  const int n = atom->ntypes;
  memory->create(setflag, n + 1, n + 1, "pair:setflag");
  memory->create(cutsq, n + 1, n + 1, "pair:cutsq");
  for (int i = 0; i <= n; i++)
    for (int j = 0; j <= n; j++) setflag[i][j] = 0;
  map = new int[n + 1];
}

/* ---------------------------------------------------------------------- */

void PairGrapevine::settings(int narg, char **arg)
{
  mixed_ = true;
  own_exchange_ = true;
  own_neighbours_ = false;
  mean_drives_ = true;
  for (int i = 0; i < narg; i++) {
    if (strcmp(arg[i], "mixed") == 0) {
      mixed_ = true;
    } else if (strcmp(arg[i], "double") == 0) {
      mixed_ = false;
    } else if (strcmp(arg[i], "exchange") == 0) {
      if (++i == narg) utils::missing_cmd_args(FLERR, "pair_style grapevine exchange", error);
      if (strcmp(arg[i], "own") != 0 && strcmp(arg[i], "lammps") != 0)
        error->all(FLERR, "Unknown exchange {} for pair style grapevine, use own or lammps", arg[i]);
      own_exchange_ = strcmp(arg[i], "own") == 0;
    } else if (strcmp(arg[i], "neighbours") == 0) {
      if (++i == narg) utils::missing_cmd_args(FLERR, "pair_style grapevine neighbours", error);
      if (strcmp(arg[i], "own") != 0 && strcmp(arg[i], "lammps") != 0)
        error->all(FLERR, "Unknown neighbours {} for pair style grapevine, use own or lammps", arg[i]);
      own_neighbours_ = strcmp(arg[i], "own") == 0;
    } else if (strcmp(arg[i], "committee") == 0) {
      if (++i == narg) utils::missing_cmd_args(FLERR, "pair_style grapevine committee", error);
      if (strcmp(arg[i], "mean") != 0 && strcmp(arg[i], "first") != 0)
        error->all(FLERR, "Unknown committee {} for pair style grapevine, use mean or first", arg[i]);
      mean_drives_ = strcmp(arg[i], "mean") == 0;
    } else {
      error->all(FLERR,
                 "Unknown argument {} for pair style grapevine, use double or mixed, exchange own or lammps, "
                 "neighbours own or lammps, and committee mean or first",
                 arg[i]);
    }
  }
}

/* ----------------------------------------------------------------------
   pair_coeff * * file [more files] El1 El2 ... with NULL for types of other sub-styles
   the first word is a file whatever its name, further ones are files if they end in .safetensors
------------------------------------------------------------------------- */

static bool names_model(const char *word)
{
  return utils::strmatch(word, "\\.safetensors$");
}

void PairGrapevine::coeff(int narg, char **arg)
{
  if (!allocated) allocate();
  if (narg < 3)
    error->all(FLERR, "Pair style grapevine needs: pair_coeff * * model-file element-of-type-1 element-of-type-2 ...");
  int first = 3;    // of the elements
  while (first < narg && names_model(arg[first])) first++;
  for (int i = first; i < narg; i++)
    if (names_model(arg[i]))
      error->all(FLERR, "pair_coeff for grapevine names model {} after element {}; give all models before the elements",
                 arg[i], arg[i - 1]);
  if (first == narg)
    error->all(FLERR, "pair_coeff for grapevine names 0 elements for {} atom types; {} is taken for a model file",
               atom->ntypes, arg[narg - 1]);
  if (narg - first != atom->ntypes)
    error->all(FLERR,
               "pair_coeff for grapevine names {} elements for {} atom types; give one element (or NULL) per type",
               narg - first, atom->ntypes);

  members_.clear();
  std::vector<Member> members;
  for (int i = 2; i < first; i++) members.push_back(make_member(arg[i]));
  map_element2type(narg - first, arg + first);
  for (Member &member : members) map_species(member);
  members_ = std::move(members);
  const bool committee = members_.size() > 1;
  cutoff_ = 0.0;
  for (const Member &member : members_) cutoff_ = MAX(cutoff_, member.potential->cutoff());
  setup_done_ = true;
  warned_.clear();

  force_exchange_.reset();
  if (committee) force_exchange_ = std::make_unique<PairExchange<double>>(lmp, this, own_exchange_);
  member_energies_.assign(members_.size(), 0.0);
  sigma_ = {};
  sigma_step_ = -1;
  deviation_steps_ = reported_deviation_steps_ = reported_deviation_numbers_ = 0;
  heat_fluxes_ = reported_heat_fluxes_ = reported_heat_flux_numbers_ = 0;
  nextra = committee ? NVALUES : 0;
  std::fill_n(pvector, NVALUES, 0.0);

  comm_forward = 2;    // owners of ghosts
  comm_reverse = 0;
  if (!own_exchange_) {
    if (committee) comm_reverse = 3;    // forces of one model
    for (const Member &member : members_)
      for (int t = 1; t <= member.potential->layers(); t++)
        comm_reverse = MAX(comm_reverse, member.potential->width(t));
  }
  comm_forward = MAX(comm_forward, comm_reverse);
}

/* ---------------------------------------------------------------------- */

PairGrapevine::Member PairGrapevine::make_member(const std::string &file)
{
  Member member;
  member.file = file;
  const std::string bytes = read_file_on_rank_0(file);
  try {
    member.potential = grapevine::make_potential(
        grapevine::TensorFile::parse(std::as_bytes(std::span(bytes.data(), bytes.size())), file));
    if (mixed_)
      member.engine =
          std::make_unique<ModelEngineIn<float>>(member.potential->model_in_mixed(), lmp, this, own_exchange_);
    else
      member.engine =
          std::make_unique<ModelEngineIn<double>>(member.potential->model_in_double(), lmp, this, own_exchange_);
  } catch (const std::exception &problem) {
    error->all(FLERR, "{}", grapevine::one_line(problem.what()));
  }
  return member;
}

/* ----------------------------------------------------------------------
   models of a committee may have their species in different orders
------------------------------------------------------------------------- */

void PairGrapevine::map_species(Member &member) const
{
  const std::vector<std::string> &known = member.potential->species();
  std::string known_species;
  for (const std::string &name : known) known_species += (known_species.empty() ? "" : " ") + name;
  member.species_of_type.assign(atom->ntypes + 1, -1);
  for (int type = 1; type <= atom->ntypes; type++) {
    if (map[type] < 0) continue;
    const std::string element = elements[map[type]];
    const auto found = std::find(known.begin(), known.end(), element);
    if (found == known.end())
      error->all(FLERR, "Element {} of atom type {} is not in model {}, which knows: {}", element, type, member.file,
                 known_species);
    member.species_of_type[type] = static_cast<int>(found - known.begin());
  }
}

/* ----------------------------------------------------------------------
   one rank reads, all get the bytes or all get the same error
------------------------------------------------------------------------- */

std::string PairGrapevine::read_file_on_rank_0(const std::string &name)
{
  std::string bytes;
  std::string problem;
  if (comm->me == 0) {
    const std::string path = utils::get_potential_file_path(name);
    std::ifstream file(path.empty() ? name : path, std::ios::binary);
    if (std::filesystem::is_directory(path)) {
      problem = "it is a folder";
    } else if (!file) {
      problem = strerror(errno);
    } else {
      bytes.assign(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
      if (file.bad()) problem = "reading failed";
    }
  }
  bigint sizes[2] = {static_cast<bigint>(bytes.size()), static_cast<bigint>(problem.size())};
  MPI_Bcast(sizes, 2, MPI_LMP_BIGINT, 0, world);
  bytes.resize(sizes[0]);
  problem.resize(sizes[1]);
  MPI_Bcast(problem.data(), static_cast<int>(problem.size()), MPI_CHAR, 0, world);
  if (!problem.empty()) error->all(FLERR, "Cannot open model file {}: {}", name, problem);
  constexpr bigint chunk = 1 << 30;
  for (bigint done = 0; done < sizes[0]; done += chunk)
    MPI_Bcast(bytes.data() + done, static_cast<int>(MIN(chunk, sizes[0] - done)), MPI_CHAR, 0, world);
  return bytes;
}

/* ---------------------------------------------------------------------- */

void PairGrapevine::init_style()
{
  if (force->newton_pair == 0) error->all(FLERR, "Pair style grapevine requires newton pair on");
  if (strcmp(update->unit_style, "metal") != 0 && strcmp(update->unit_style, "real") != 0)
    error->all(FLERR, "Pair style grapevine requires units metal or real, not {}", update->unit_style);
  look_at_heat_fluxes();

  // pair_style hybrid sizes its messages before pair_coeff tells how wide ours are
  force->pair->comm_forward = MAX(force->pair->comm_forward, comm_forward);
  force->pair->comm_reverse = MAX(force->pair->comm_reverse, comm_reverse);

  list_graph_.reset();
  cell_graph_.reset();
  const std::string reason = own_neighbours_ ? why_list_is_needed() : "";
  if (!reason.empty()) warn_once(reason + " needs LAMMPS's neighbour list, which pair style grapevine takes here");
  if (own_neighbours_ && reason.empty()) {
    cell_graph_ = std::make_unique<CellGraph>(mixed_);
    graph_ = cell_graph_.get();
  } else {
    neighbor->add_request(this, NeighConst::REQ_FULL);
    list_graph_ = std::make_unique<ListGraph>(mixed_);
    graph_ = list_graph_.get();
  }
  setup_done_ = true;
  evaluated_step_ = -1;
}

/* ----------------------------------------------------------------------
   room for the messages of this style's own flux; a warning for those that stresses do not give
------------------------------------------------------------------------- */

void PairGrapevine::look_at_heat_fluxes()
{
  for (const Compute *compute : modify->get_compute_list()) {
    if (strcmp(compute->style, "heat/flux/grapevine") == 0) {
      if (own_exchange_) continue;
      for (const Member &member : driving_members()) comm_forward = MAX(comm_forward, member.engine->flux_width());
    } else if (utils::strmatch(compute->style, "^heat/flux")) {
      warn_once(fmt::format(
          "The heat flux of compute {} is wrong for pair style grapevine: stresses of atoms do not tell "
          "how an atom's energy depends on atoms beyond its neighbours. {}",
          compute->id,
          force->pair == this
              ? fmt::format("Use compute {} {} heat/flux/grapevine", compute->id, group->names[compute->igroup])
              : "Take thermal conductivities from a heat current that is imposed, e.g. "
                "by fix ehex or fix thermal/conductivity"));
    }
  }
}

/* ---------------------------------------------------------------------- */

bool PairGrapevine::atoms_are_excluded() const
{
  return neighbor->nex_type || neighbor->nex_group || neighbor->nex_mol;
}

/* ----------------------------------------------------------------------
   what only a list of LAMMPS can tell, as its command; fixes that try insertions exclude groups when they are set up
------------------------------------------------------------------------- */

std::string PairGrapevine::why_list_is_needed() const
{
  if (force->pair != this) return "A pair style beside this one";
  if (atoms_are_excluded()) return "neigh_modify exclude";
  if (neighbor->includegroup) return "neigh_modify include";
  if (atom->molecular != Atom::ATOMIC) return "An atom style with molecules";
  for (const Fix *fix : modify->get_fix_list())
    for (const char *style : {"^gcmc", "^widom", "^charge/regulation"})
      if (utils::strmatch(fix->style, style)) return fmt::format("Fix {} ({})", fix->id, fix->style);
  return {};
}

/* ---------------------------------------------------------------------- */

void PairGrapevine::init_list(int /*id*/, NeighList *ptr)
{
  list = ptr;
}

/* ----------------------------------------------------------------------
   called after the neighbour lists of a run were built
------------------------------------------------------------------------- */

void PairGrapevine::setup()
{
  setup_done_ = true;
}

/* ---------------------------------------------------------------------- */

bool PairGrapevine::list_is_new() const
{
  return setup_done_ || neighbor->ncalls != list_builds_ || neighbor->lastcall != list_step_;
}

/* ----------------------------------------------------------------------
   who exchanges what follows from the neighbour list and holds until the next
------------------------------------------------------------------------- */

void PairGrapevine::take_list()
{
  setup_done_ = false;
  list_builds_ = neighbor->ncalls;
  list_step_ = neighbor->lastcall;
  take_neighbours();

  if (!own_exchange_) {
    graph_->set_rows(std::nullopt, std::nullopt, {});
    return;
  }
  if (!communicator_) communicator_ = std::make_shared<grapevine::Communicator>(world);
  OwnerFinder finder;
  packer_ = &finder;
  const std::vector<grapevine::Owner> owners = finder.find(lmp, this);
  auto plan = std::make_shared<grapevine::HaloPlan>(communicator_, atom->nlocal, owners,
                                                    ghosts_in_lists(*graph_, atom->nlocal, atom->nghost));
  graph_->set_rows(plan->ghost_rows(), halo_rows(*plan), atoms_at_boundary(*graph_, atom->nlocal, *plan));
  if (force_exchange_) force_exchange_->set_plan(plan);
  for (Member &member : members_) member.engine->set_plan(plan);
}

/* ---------------------------------------------------------------------- */

void PairGrapevine::take_neighbours()
{
  if (cell_graph_) {
    if (atoms_are_excluded())
      error->all(FLERR, "Atoms are excluded from neighbour lists: use pair_style grapevine neighbours lammps");
    cell_graph_->sort(*atom, cutoff_, neighbor->skin);
    return;
  }
  const Exclusions exclusions(lmp, *list, map);
  if (const std::string problem = exclusions.bonds_left_out(); !problem.empty()) error->all(FLERR, problem);
  if (const std::string problem = exclusions.pairs_left_out(); !problem.empty()) warn_once(problem);
  list_graph_->set_list(*list, exclusions.centres());
}

/* ----------------------------------------------------------------------
   what is said of one pair_coeff once is not said again in every run
------------------------------------------------------------------------- */

void PairGrapevine::warn_once(const std::string &text)
{
  if (warned_.insert(text).second && comm->me == 0) error->warning(FLERR, text);
}

/* ---------------------------------------------------------------------- */

double PairGrapevine::init_one(int i, int j)
{
  if (setflag[i][j] == 0 || members_.empty()) error->all(FLERR, "All pair coeffs are not set");
  return cutoff_;
}

/* ---------------------------------------------------------------------- */

void PairGrapevine::compute(int eflag, int vflag)
{
  ev_init(eflag, vflag);
  evaluated_step_ = update->ntimestep;
  heat_flux_is_current_ = false;
  if (vflag_atom) atom_virials_.assign(9 * static_cast<std::size_t>(atom->nlocal + atom->nghost), 0.0);

  try {
    if (list_is_new()) take_list();
    const Member &first = members_.front();
    graph_->update(*atom, first.species_of_type.data(), first.potential->cutoff(), cutoff_ + neighbor->skin);
    if (members_.size() == 1)
      evaluate(members_.front(), 1.0, true, atom->f ? &atom->f[0][0] : nullptr);
    else
      compute_committee();
  } catch (const grapevine::AtomError &problem) {
    report_atoms(problem);
  } catch (const grapevine::Error &problem) {
    error->one(FLERR, "{}", grapevine::one_line(problem.what()));
  }

  if (vflag_atom)
    for (int i = 0; i < atom->nlocal + atom->nghost; i++)
      for (int n = 0; n < 6; n++) vatom[i][n] += atom_virials_[9 * static_cast<std::size_t>(i) + voigt[n]];
}

/* ----------------------------------------------------------------------
   adds weight times the forces of one model to forces, and weight times its energies and virials to the pair style's
   if it drives the run; returns weight times its energy on this rank
------------------------------------------------------------------------- */

double PairGrapevine::evaluate(Member &member, double weight, bool drives, double *forces)
{
  grapevine::Output result;
  result.energy_unit = weight * energy_unit();
  result.forces = forces;
  result.energies = drives && eflag_atom ? eatom : nullptr;
  result.atom_virials = drives && vflag_atom ? atom_virials_.data() : nullptr;
  result.wants_virial = drives && vflag_either != 0;

  packer_ = member.engine->packer();
  member.engine->evaluate(*graph_, result);
  const std::size_t numbers = 3 * static_cast<std::size_t>(atom->nlocal + atom->nghost);
  if (!std::isfinite(result.energy) || !grapevine::all_finite(result.virial) ||
      !grapevine::all_finite({forces, numbers}))
    report_non_finite(member, result);

  if (drives && eflag_global) eng_vdwl += result.energy;
  if (drives && vflag_global)
    for (int n = 0; n < 6; n++) virial[n] += result.virial[voigt[n]];

  member.own_atoms += static_cast<bigint>(graph_->centres().size());
  member.ghost_atoms += graph_->ghosts();
  return result.energy;
}

/* ----------------------------------------------------------------------
   one eV
------------------------------------------------------------------------- */

double PairGrapevine::energy_unit() const
{
  return strcmp(update->unit_style, "real") == 0 ? utils::get_conversion_factor(utils::ENERGY, utils::METAL2REAL) : 1.0;
}

/* ----------------------------------------------------------------------
   Every model's forces pass through an array of their own whether or not deviations are wanted, so that looking at
   deviations does not change the trajectory by a bit.
------------------------------------------------------------------------- */

void PairGrapevine::compute_committee()
{
  const bool wanted = wants_deviation();
  const double weight = 1.0 / static_cast<double>(driving_members().size());
  const auto own = static_cast<std::size_t>(atom->nlocal);
  const std::size_t all = own + static_cast<std::size_t>(atom->nghost);
  if (wanted) deviation_.start(own);

  for (std::size_t m = 0; m < members_.size(); m++) {
    const bool drives = mean_drives_ || m == 0;
    if (!drives && !wanted) break;
    Member &member = members_[m];
    if (m > 0) graph_->set_model(*atom, member.species_of_type.data(), member.potential->cutoff());
    member_forces_.assign(3 * all, 0.0);
    member_energies_[m] = evaluate(member, weight, drives, member_forces_.data());
    if (drives && all > 0) {
      double *f = &atom->f[0][0];
      for (std::size_t n = 0; n < 3 * all; n++) f[n] += member_forces_[n];
    }
    if (wanted) {
      packer_ = force_exchange_->packer();
      force_exchange_->exchange().scatter_add({member_forces_.data(), 3, 3});
      deviation_.add(std::span(member_forces_).first(3 * own));
    }
  }
  if (wanted) finish_deviation(1.0 / weight);
}

/* ---------------------------------------------------------------------- */

std::span<const PairGrapevine::Member> PairGrapevine::driving_members() const
{
  return std::span(members_).first(mean_drives_ ? members_.size() : MIN(members_.size(), std::size_t(1)));
}

/* ----------------------------------------------------------------------
   fix pair raises the flag in its steps; any compute pair may be read in steps whose energy is tallied
------------------------------------------------------------------------- */

bool PairGrapevine::wants_deviation() const
{
  if (deviation_flag_) return true;
  if (!eflag_global) return false;
  for (const Compute *compute : modify->get_compute_list())
    if (strcmp(compute->style, "pair") == 0 && compute->vector_flag) return true;
  return false;
}

/* ----------------------------------------------------------------------
   scale undoes the weight of the models' forces and energies
------------------------------------------------------------------------- */

void PairGrapevine::finish_deviation(double scale)
{
  sigma_ = deviation_.finish(scale);
  sigma_step_ = update->ntimestep;
  deviation_steps_++;

  double extremes[2] = {-INFINITY, -INFINITY};    // largest, and minus the smallest
  double sum = 0.0;
  for (const int i : graph_->centres()) {
    extremes[0] = MAX(extremes[0], sigma_[i]);
    extremes[1] = MAX(extremes[1], -sigma_[i]);
    sum += sigma_[i];
  }
  std::vector<double> sums(member_energies_);
  sums.push_back(sum);
  sums.push_back(static_cast<double>(graph_->centres().size()));

  const bool root = comm->me == 0;
  MPI_Reduce(root ? MPI_IN_PLACE : extremes, extremes, 2, MPI_DOUBLE, MPI_MAX, 0, world);
  MPI_Reduce(root ? MPI_IN_PLACE : sums.data(), sums.data(), static_cast<int>(sums.size()), MPI_DOUBLE, MPI_SUM, 0,
             world);
  std::fill_n(pvector, NVALUES, 0.0);
  const double atoms = sums.back();
  if (!root || atoms == 0.0) return;
  pvector[MAX_FORCE_DEVIATION] = extremes[0];
  pvector[MEAN_FORCE_DEVIATION] = sums[members_.size()] / atoms;
  pvector[MIN_FORCE_DEVIATION] = -extremes[1];
  pvector[ENERGY_DEVIATION] = scale * grapevine::standard_deviation(std::span(sums).first(members_.size())) / atoms;
}

/* ---------------------------------------------------------------------- */

bool PairGrapevine::is_current() const
{
  return evaluated_step_ == update->ntimestep && graph_->own() == atom->nlocal && graph_->ghosts() == atom->nghost;
}

/* ----------------------------------------------------------------------
   several computes may ask in one step, each for its group
------------------------------------------------------------------------- */

const AtomHeatFlux &PairGrapevine::heat_flux()
{
  const std::span<const double> velocities(atom->nlocal > 0 ? &atom->v[0][0] : nullptr,
                                           3 * static_cast<std::size_t>(atom->nlocal));
  if (heat_flux_is_current_) {
    int same = std::ranges::equal(velocities, heat_flux_.velocities()) ? 1 : 0;
    MPI_Allreduce(MPI_IN_PLACE, &same, 1, MPI_INT, MPI_MIN, world);
    if (same) return heat_flux_;
  }

  heat_flux_.start(velocities);
  const std::span<const Member> members = driving_members();
  const grapevine::HeatFluxTerms terms = heat_flux_.terms(energy_unit() / static_cast<double>(members.size()));
  try {
    for (const Member &member : members) {
      graph_->set_model(*atom, member.species_of_type.data(), member.potential->cutoff());
      packer_ = member.engine->flux_packer();
      member.engine->evaluate_flux(*graph_, heat_flux_.velocities(), terms);
    }
  } catch (const grapevine::AtomError &problem) {
    report_atoms(problem);
  } catch (const grapevine::Error &problem) {
    error->one(FLERR, "{}", grapevine::one_line(problem.what()));
  }
  heat_flux_is_current_ = true;
  heat_fluxes_++;
  return heat_flux_;
}

/* ---------------------------------------------------------------------- */

std::vector<double> PairGrapevine::reference_energies() const
{
  const std::span<const Member> members = driving_members();
  std::vector<double> energies(atom->ntypes + 1, 0.0);
  for (const Member &member : members)
    for (int type = 1; type <= atom->ntypes; type++)
      if (const int species = member.species_of_type[type]; species >= 0)
        energies[type] +=
            member.potential->reference_energy(species) * energy_unit() / static_cast<double>(members.size());
  return energies;
}

/* ----------------------------------------------------------------------
   for fix pair, which asks between runs what there is, and in its steps for the values
------------------------------------------------------------------------- */

void *PairGrapevine::extract(const char *name, int &dim)
{
  if (strcmp(name, "deviation_flag") != 0) return nullptr;
  dim = 0;
  return &deviation_flag_;
}

void *PairGrapevine::extract_peratom(const char *name, int &columns)
{
  if (strcmp(name, "deviation") != 0) return nullptr;
  columns = 0;
  if (update->whichflag != 0) {
    if (members_.size() < 2)
      error->all(FLERR, "The force deviation needs a committee: two or more models in pair_coeff for grapevine");
    if (sigma_step_ != update->ntimestep)
      error->all(FLERR, "The force deviation was not formed at step {}; use fix pair with grapevine deviation 1",
                 update->ntimestep);
  }
  if (sigma_.empty()) return pvector;    // a rank without atoms: nullptr would mean that the name is not known
  return const_cast<double *>(sigma_.data());
}

/* ---------------------------------------------------------------------- */

std::string PairGrapevine::name_of(int i) const
{
  return atom->tag_enable ? std::to_string(atom->tag[i]) : "without ID";
}

void PairGrapevine::report_atoms(const grapevine::AtomError &problem)
{
  if (std::isfinite(problem.distance))
    error->one(FLERR, "Atoms {} and {} are on top of each other ({:.3g} Angstrom apart) at step {}",
               name_of(problem.first), name_of(problem.second), problem.distance, update->ntimestep);
  const double *x = atom->x[problem.first];
  const bool first_is_finite = std::isfinite(x[0]) && std::isfinite(x[1]) && std::isfinite(x[2]);
  error->one(FLERR, "Position of atom {} is not a number at step {}; the simulation is unstable",
             name_of(first_is_finite ? problem.second : problem.first), update->ntimestep);
}

/* ----------------------------------------------------------------------
   what is not finite spreads with the messages between layers: its source is most likely where atoms are closest
------------------------------------------------------------------------- */

void PairGrapevine::report_non_finite(const Member &member, const grapevine::Output &result)
{
  const std::set<int> by_energy(result.non_finite.begin(), result.non_finite.end());
  const auto finite = [&](int i) {
    return grapevine::all_finite({result.forces + 3 * static_cast<std::size_t>(i), 3}) && by_energy.count(i) == 0;
  };

  std::set<tagint> found;
  for (int i = 0; i < atom->nlocal + atom->nghost; i++)
    if (!finite(i) && atom->tag_enable) found.insert(atom->tag[i]);
  constexpr std::size_t most = 8;
  std::string atoms;
  std::size_t n = 0;
  for (const tagint id : found)
    if (n++ < most) atoms += fmt::format(" {}", id);
  if (n > most) atoms += fmt::format(" and {} more", n - most);

  double closest = INFINITY;
  std::string pair;
  graph_->visit_lists([&](int i, std::span<const int> neighbours) {
    if (finite(i)) return;
    for (const int entry : neighbours) {
      const int j = entry & NEIGHMASK;
      const double *a = atom->x[i], *b = atom->x[j];
      const double distance = std::hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);
      if (distance >= closest) continue;
      closest = distance;
      pair = fmt::format(" (the closest, {} and {}, are {:.3g} Angstrom apart)", name_of(i), name_of(j), distance);
    }
  });

  // the first to stop stops all: where atoms are further apart, it most likely came from another rank, which goes first
  std::this_thread::sleep_for(std::chrono::duration<double>(comm->nprocs > 1 ? 0.5 * MIN(closest, 2.0) : 0.0));
  error->one(FLERR, "Model {} gives energies, forces or virials that are not finite at step {}, for atoms{}{}{}",
             member.file, update->ntimestep, atoms.empty() ? " without ID" : atoms, pair,
             mixed_ ? "; in double precision (pair_style grapevine double) they may be finite" : "");
}

/* ----------------------------------------------------------------------
   end of a run: show that every rank computed its own atoms and no other
------------------------------------------------------------------------- */

void PairGrapevine::finish()
{
  for (std::size_t m = 0; m < members_.size(); m++)
    report_work(members_[m], members_.size() == 1 ? "" : fmt::format(", model {} of {}", m + 1, members_.size()));
  if (members_.size() > 1) report_deviations();
  report_heat_fluxes();
}

/* ---------------------------------------------------------------------- */

void PairGrapevine::report_work(Member &member, const std::string &which)
{
  const grapevine::WorkTally &work = member.engine->work();
  const grapevine::ExchangeTally &messages = member.engine->messages();
  const int passes = static_cast<int>(work.centres.size());

  std::vector<bigint> total(work.centres.begin(), work.centres.end());
  total.insert(total.end(), {member.own_atoms, member.ghost_atoms, messages.gather_atoms, messages.gather_numbers,
                             messages.scatter_numbers, messages.messages, work.evaluations});
  member.reported.resize(total.size());
  std::vector<bigint> mine(total.size());
  for (std::size_t n = 0; n < total.size(); n++) mine[n] = total[n] - member.reported[n];
  member.reported = total;
  const double steps = static_cast<double>(mine.back());
  if (steps == 0) return;

  std::vector<bigint> all(mine.size());
  MPI_Reduce(mine.data(), all.data(), static_cast<int>(mine.size()), MPI_LMP_BIGINT, MPI_SUM, 0, world);
  if (comm->me != 0) return;

  std::string computed;
  for (int t = 0; t < passes; t++) computed += fmt::format(" {:.10g}", static_cast<double>(all[t]) / steps);
  const double layers = MAX(passes - 1, 1);
  utils::logmesg(
      lmp,
      "Grapevine{}: atoms computed per layer{} of {:.10g} atoms, halo atoms exchanged per layer {:.10g} of "
      "{:.10g} ghosts, numbers sent per step {:.10g} forward {:.10g} reverse, messages per step {:.10g}, {} layers, "
      "cutoff {} Angstrom\n",
      which, computed, static_cast<double>(all[passes]) / steps, static_cast<double>(all[passes + 2]) / steps / layers,
      static_cast<double>(all[passes + 1]) / steps, static_cast<double>(all[passes + 3]) / steps,
      static_cast<double>(all[passes + 4]) / steps, static_cast<double>(all[passes + 5]) / steps, passes - 1,
      member.potential->cutoff());
}

/* ---------------------------------------------------------------------- */

void PairGrapevine::report_deviations()
{
  const bigint numbers = force_exchange_->tally().scatter_numbers;
  const bigint mine = numbers - reported_deviation_numbers_;
  const bigint steps = deviation_steps_ - reported_deviation_steps_;
  reported_deviation_numbers_ = numbers;
  reported_deviation_steps_ = deviation_steps_;
  bigint all = 0;
  MPI_Reduce(&mine, &all, 1, MPI_LMP_BIGINT, MPI_SUM, 0, world);
  if (comm->me == 0)
    utils::logmesg(lmp,
                   "Grapevine: deviation of {} models formed in {} steps, numbers sent for it {:.10g} per such step\n",
                   members_.size(), steps, static_cast<double>(all) / static_cast<double>(MAX(steps, 1)));
}

/* ---------------------------------------------------------------------- */

void PairGrapevine::report_heat_fluxes()
{
  const bigint times = heat_fluxes_ - reported_heat_fluxes_;
  if (times == 0) return;
  bigint numbers = 0;
  for (const Member &member : driving_members()) numbers += member.engine->flux_messages().gather_numbers;
  const bigint mine = numbers - reported_heat_flux_numbers_;
  reported_heat_fluxes_ = heat_fluxes_;
  reported_heat_flux_numbers_ = numbers;
  bigint all = 0;
  MPI_Reduce(&mine, &all, 1, MPI_LMP_BIGINT, MPI_SUM, 0, world);
  if (comm->me == 0)
    utils::logmesg(lmp, "Grapevine: heat flux formed {} times, numbers sent for it {:.10g} each time\n", times,
                   static_cast<double>(all) / static_cast<double>(times));
}

/* ---------------------------------------------------------------------- */

double PairGrapevine::memory_usage()
{
  double bytes = Pair::memory_usage() + (graph_ ? graph_->bytes() : 0.0);
  for (const Member &member : members_) bytes += member.engine->bytes();
  bytes += static_cast<double>((atom_virials_.capacity() + member_forces_.capacity()) * sizeof(double));
  bytes += heat_flux_.bytes();
  return bytes + deviation_.bytes() + (force_exchange_ ? force_exchange_->bytes() : 0.0);
}

/* ---------------------------------------------------------------------- */

int PairGrapevine::pack_forward_comm(int n, int *sendlist, double *buf, int /*pbc_flag*/, int * /*pbc*/)
{
  return packer_->pack_forward(n, sendlist, buf);
}

void PairGrapevine::unpack_forward_comm(int n, int first, double *buf)
{
  packer_->unpack_forward(n, first, buf);
}

int PairGrapevine::pack_reverse_comm(int n, int first, double *buf)
{
  return packer_->pack_reverse(n, first, buf);
}

void PairGrapevine::unpack_reverse_comm(int n, int *recvlist, double *buf)
{
  packer_->unpack_reverse(n, recvlist, buf);
}
