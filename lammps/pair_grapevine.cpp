// SPDX-License-Identifier: GPL-2.0-only
#include "pair_grapevine.h"

#include "exchange/mpi/mpi_exchange.hpp"
#include "formats/safetensors.hpp"
#include "models/registry.hpp"

#include <lammps/atom.h>
#include <lammps/comm.h>
#include <lammps/error.h>
#include <lammps/force.h>
#include <lammps/memory.h>
#include <lammps/neigh_list.h>
#include <lammps/neighbor.h>
#include <lammps/update.h>
#include <lammps/utils.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <span>

using namespace LAMMPS_NS;

/* ----------------------------------------------------------------------
   the engine in either precision
------------------------------------------------------------------------- */

class PairGrapevine::Engine {
 public:
  virtual ~Engine() = default;
  /// `plan` is null for LAMMPS's own exchange.
  virtual void set_plan(std::shared_ptr<const grapevine::HaloPlan> plan) = 0;
  virtual void evaluate(const grapevine::Graph &, grapevine::Output &) = 0;
  virtual MessagePacker *packer() = 0;
  virtual const grapevine::WorkTally &work() const = 0;
  virtual const grapevine::ExchangeTally &messages() const = 0;
  virtual double bytes() const = 0;
};

template <class Real> class PairGrapevine::EngineIn final : public PairGrapevine::Engine {
 public:
  EngineIn(std::shared_ptr<const grapevine::Model<Real>> model, PairGrapevine *pair) :
      evaluator_(std::move(model), pair->comm->nthreads), by_lammps_(pair->lmp, pair), own_(pair->own_exchange_)
  {
  }
  void set_plan(std::shared_ptr<const grapevine::HaloPlan> plan) override { by_plan_.set_plan(std::move(plan)); }
  void evaluate(const grapevine::Graph &graph, grapevine::Output &output) override
  {
    evaluator_.evaluate(graph, exchange(), output);
  }
  MessagePacker *packer() override { return &by_lammps_; }
  const grapevine::WorkTally &work() const override { return evaluator_.tally(); }
  const grapevine::ExchangeTally &messages() const override { return own_ ? by_plan_.tally() : by_lammps_.tally(); }
  double bytes() const override { return evaluator_.bytes() + by_plan_.bytes(); }

 private:
  grapevine::Exchange<Real> &exchange()
  {
    if (own_) return by_plan_;
    return by_lammps_;
  }

  grapevine::Evaluator<Real> evaluator_;
  grapevine::MpiExchange<Real> by_plan_;
  LammpsExchange<Real> by_lammps_;
  bool own_;
};

/* ---------------------------------------------------------------------- */

PairGrapevine::PairGrapevine(LAMMPS *lammps) :
    Pair(lammps), mixed_(true), own_exchange_(true), packer_(nullptr), setup_done_(true), list_builds_(-1),
    list_step_(-1), own_atoms_(0), ghost_atoms_(0)
{
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
    } else {
      error->all(FLERR, "Unknown argument {} for pair style grapevine, use double or mixed, and exchange own or lammps",
                 arg[i]);
    }
  }
}

/* ----------------------------------------------------------------------
   pair_coeff * * file El1 El2 ... with NULL for types of other sub-styles
------------------------------------------------------------------------- */

void PairGrapevine::coeff(int narg, char **arg)
{
  if (!allocated) allocate();
  if (narg < 3)
    error->all(FLERR, "Pair style grapevine needs: pair_coeff * * model-file element-of-type-1 element-of-type-2 ...");
  if (narg - 3 != atom->ntypes)
    error->all(FLERR,
               "pair_coeff for grapevine names {} elements for {} atom types; give one element (or NULL) per type",
               narg - 3, atom->ntypes);

  const std::string bytes = read_file_on_rank_0(arg[2]);
  try {
    potential_ = grapevine::make_potential(
        grapevine::TensorFile::parse(std::as_bytes(std::span(bytes.data(), bytes.size())), arg[2]));
    if (mixed_)
      engine_ = std::make_unique<EngineIn<float>>(potential_->model_in_mixed(), this);
    else
      engine_ = std::make_unique<EngineIn<double>>(potential_->model_in_double(), this);
  } catch (const std::exception &problem) {
    error->all(FLERR, "{}", problem.what());
  }
  graph_ = std::make_unique<LammpsGraph>(mixed_);
  setup_done_ = true;
  own_atoms_ = ghost_atoms_ = 0;
  reported_.clear();

  map_element2type(narg - 3, arg + 3);
  const std::vector<std::string> &known = potential_->species();
  std::string known_species;
  for (const std::string &name : known) known_species += (known_species.empty() ? "" : " ") + name;
  species_of_type_.assign(atom->ntypes + 1, -1);
  for (int type = 1; type <= atom->ntypes; type++) {
    if (map[type] < 0) continue;
    const std::string element = elements[map[type]];
    const auto found = std::find(known.begin(), known.end(), element);
    if (found == known.end())
      error->all(FLERR, "Element {} of atom type {} is not in model {}, which knows: {}", element, type, arg[2],
                 known_species);
    species_of_type_[type] = static_cast<int>(found - known.begin());
  }

  comm_forward = 2;    // owners of ghosts
  comm_reverse = 0;
  if (!own_exchange_)
    for (int t = 1; t <= potential_->layers(); t++) comm_reverse = MAX(comm_reverse, potential_->width(t));
  comm_forward = MAX(comm_forward, comm_reverse);
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
  if (atom->molecular != Atom::ATOMIC)
    for (int k = 1; k <= 3; k++)
      if (force->special_lj[k] == 0.0 && force->special_coul[k] == 0.0)
        error->all(FLERR, "Pair style grapevine needs all neighbours, and special_bonds leaves out bonded ones; "
                          "use special_bonds lj/coul 1.0 1.0 1.0");

  // pair_style hybrid sizes its messages before pair_coeff tells how wide ours are
  force->pair->comm_forward = MAX(force->pair->comm_forward, comm_forward);
  force->pair->comm_reverse = MAX(force->pair->comm_reverse, comm_reverse);

  neighbor->add_request(this, NeighConst::REQ_FULL);
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
  if (!own_exchange_) {
    graph_->set_list(*list, {}, {});
    return;
  }
  if (!communicator_) communicator_ = std::make_shared<grapevine::Communicator>(world);
  OwnerFinder finder;
  packer_ = &finder;
  const std::vector<grapevine::Owner> owners = finder.find(lmp, this);
  auto plan = std::make_shared<grapevine::HaloPlan>(communicator_, atom->nlocal, owners,
                                                    ghosts_in_lists(*list, atom->nlocal, atom->nghost));
  graph_->set_list(*list, plan->rows(), atoms_at_boundary(*list, atom->nlocal, *plan));
  engine_->set_plan(std::move(plan));
}

/* ---------------------------------------------------------------------- */

double PairGrapevine::init_one(int i, int j)
{
  if (setflag[i][j] == 0) error->all(FLERR, Error::NOLASTLINE, "All pair coeffs are not set");
  return potential_->cutoff();
}

/* ---------------------------------------------------------------------- */

void PairGrapevine::compute(int eflag, int vflag)
{
  ev_init(eflag, vflag);

  grapevine::Output result;
  result.energy_unit =
      strcmp(update->unit_style, "real") == 0 ? utils::get_conversion_factor(utils::ENERGY, utils::METAL2REAL) : 1.0;
  result.forces = atom->f ? &atom->f[0][0] : nullptr;
  result.energies = eflag_atom ? eatom : nullptr;
  if (vflag_atom) {
    atom_virials_.assign(9 * static_cast<std::size_t>(atom->nlocal + atom->nghost), 0.0);
    result.atom_virials = atom_virials_.data();
  }

  result.wants_virial = vflag_either != 0;

  try {
    if (list_is_new()) take_list();
    packer_ = engine_->packer();
    graph_->update(*atom, species_of_type_.data(), potential_->cutoff(), potential_->cutoff() + neighbor->skin);
    engine_->evaluate(*graph_, result);
  } catch (const grapevine::AtomError &problem) {
    report_atoms(problem);
  } catch (const grapevine::Error &problem) {
    error->one(FLERR, "{}", problem.what());
  }
  if (!std::isfinite(result.energy))
    error->one(FLERR, "Pair style grapevine found an energy that is not a number on this rank at step {}",
               update->ntimestep);

  // xx, yy, zz, xy, xz, yz of a 3x3 matrix that is symmetric up to rounding
  constexpr int row[6] = {0, 4, 8, 1, 2, 5};
  if (eflag_global) eng_vdwl += result.energy;
  if (vflag_global)
    for (int n = 0; n < 6; n++) virial[n] += result.virial[row[n]];
  if (vflag_atom)
    for (int i = 0; i < atom->nlocal + atom->nghost; i++)
      for (int n = 0; n < 6; n++) vatom[i][n] += atom_virials_[9 * static_cast<std::size_t>(i) + row[n]];

  own_atoms_ += static_cast<bigint>(graph_->centres().size());
  ghost_atoms_ += graph_->ghosts();
}

/* ---------------------------------------------------------------------- */

void PairGrapevine::report_atoms(const grapevine::AtomError &problem)
{
  const auto name = [this](int i) { return atom->tag_enable ? std::to_string(atom->tag[i]) : "without ID"; };
  if (std::isfinite(problem.distance))
    error->one(FLERR, "Atoms {} and {} are on top of each other ({:.3g} Angstrom apart) at step {}",
               name(problem.first), name(problem.second), problem.distance, update->ntimestep);
  const double *x = atom->x[problem.first];
  const bool first_is_finite = std::isfinite(x[0]) && std::isfinite(x[1]) && std::isfinite(x[2]);
  error->one(FLERR, "Position of atom {} is not a number at step {}; the simulation is unstable",
             name(first_is_finite ? problem.second : problem.first), update->ntimestep);
}

/* ----------------------------------------------------------------------
   end of a run: show that every rank computed its own atoms and no other
------------------------------------------------------------------------- */

void PairGrapevine::finish()
{
  if (!engine_) return;
  const grapevine::WorkTally &work = engine_->work();
  const grapevine::ExchangeTally &messages = engine_->messages();
  const int passes = static_cast<int>(work.centres.size());

  std::vector<bigint> total(work.centres.begin(), work.centres.end());
  total.insert(total.end(), {own_atoms_, ghost_atoms_, messages.gather_atoms, messages.gather_numbers,
                             messages.scatter_numbers, messages.messages, work.evaluations});
  reported_.resize(total.size());
  std::vector<bigint> mine(total.size());
  for (std::size_t n = 0; n < total.size(); n++) mine[n] = total[n] - reported_[n];
  reported_ = total;
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
      "Grapevine: atoms computed per layer{} of {:.10g} atoms, halo atoms exchanged per layer {:.10g} of "
      "{:.10g} ghosts, numbers sent per step {:.10g} forward {:.10g} reverse, messages per step {:.10g}, {} layers, "
      "cutoff {} Angstrom\n",
      computed, static_cast<double>(all[passes]) / steps, static_cast<double>(all[passes + 2]) / steps / layers,
      static_cast<double>(all[passes + 1]) / steps, static_cast<double>(all[passes + 3]) / steps,
      static_cast<double>(all[passes + 4]) / steps, static_cast<double>(all[passes + 5]) / steps, passes - 1,
      potential_->cutoff());
}

/* ---------------------------------------------------------------------- */

double PairGrapevine::memory_usage()
{
  return Pair::memory_usage() + (engine_ ? engine_->bytes() + graph_->bytes() : 0.0) +
         static_cast<double>(atom_virials_.capacity() * sizeof(double));
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
