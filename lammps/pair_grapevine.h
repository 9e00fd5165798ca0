// SPDX-License-Identifier: GPL-2.0-only
#ifndef LMP_PAIR_GRAPEVINE_H
#define LMP_PAIR_GRAPEVINE_H

#include <lammps/pair.h>

#include <memory>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "atom_heat_flux.h"
#include "cell_graph.h"
#include "committee/deviation.hpp"
#include "lammps_halo.h"
#include "list_graph.h"
#include "model_engine.h"

namespace LAMMPS_NS {

/// pair_style grapevine [double|mixed] [exchange own|lammps] [committee mean|first] [neighbours own|lammps]
/// pair_coeff * * model.safetensors [model2.safetensors ...] El1 El2 ...
class PairGrapevine : public Pair {
 public:
  PairGrapevine(class LAMMPS *);
  ~PairGrapevine() override;

  void compute(int, int) override;
  void settings(int, char **) override;
  void coeff(int, char **) override;
  void init_style() override;
  void init_list(int, class NeighList *) override;
  void setup() override;
  double init_one(int, int) override;
  void finish() override;
  double memory_usage() override;
  void *extract(const char *, int &) override;
  void *extract_peratom(const char *, int &) override;

  int pack_forward_comm(int, int *, double *, int, int *) override;
  void unpack_forward_comm(int, int, double *) override;
  int pack_reverse_comm(int, int, double *) override;
  void unpack_reverse_comm(int, int *, double *) override;

  // for compute heat/flux/grapevine

  /// Whether the last forces were computed in this step and for the atoms that there are.
  bool is_current() const;
  /// Where forces were computed last, with the velocities of now. Collective; holds until the next call.
  const AtomHeatFlux &heat_flux();
  /// Own atoms that the model treats.
  std::span<const int> centres() const { return graph_->centres(); }
  /// [ntypes + 1] what the models that drive the run give to an atom of each type whatever its neighbours.
  std::vector<double> reference_energies() const;

 private:
  struct Member {
    std::string file;
    std::shared_ptr<const grapevine::Potential> potential;
    std::unique_ptr<ModelEngine> engine;
    std::vector<int> species_of_type;         // [ntypes + 1], -1 for types of other potentials
    bigint own_atoms = 0, ghost_atoms = 0;    // summed over evaluations
    std::vector<bigint> reported;             // counts at the end of the run before
  };

  void allocate();
  Member make_member(const std::string &);
  void map_species(Member &) const;
  bool atoms_are_excluded() const;
  std::string why_list_is_needed() const;
  bool list_is_new() const;
  void take_list();
  void take_neighbours();
  void warn_once(const std::string &);
  std::string read_file_on_rank_0(const std::string &);
  double evaluate(Member &, double, bool, double *);
  void compute_committee();
  bool wants_deviation() const;
  void finish_deviation(double);
  void report_work(Member &, const std::string &);
  void report_deviations();
  void look_at_heat_fluxes();
  std::span<const Member> driving_members() const;
  double energy_unit() const;
  void report_heat_fluxes();
  std::string name_of(int) const;
  void report_atoms(const grapevine::AtomError &);
  void report_non_finite(const Member &, const grapevine::Output &);

  bool mixed_;
  bool own_exchange_;
  bool own_neighbours_;
  bool mean_drives_;    // otherwise the first model
  std::shared_ptr<const grapevine::Communicator> communicator_;
  MessagePacker *packer_;          // of the message under way
  std::vector<Member> members_;    // one, or those of a committee
  double cutoff_;                  // largest of the models
  std::vector<double> atom_virials_;
  std::unique_ptr<ListGraph> list_graph_;    // this or the next
  std::unique_ptr<CellGraph> cell_graph_;
  LammpsGraph *graph_;
  bool setup_done_;    // since the list was last taken up
  std::set<std::string> warned_;
  bigint list_builds_, list_step_;

  // of a committee
  std::vector<double> member_forces_;      // [own + ghosts][3] of the model under way
  std::vector<double> member_energies_;    // [models]
  std::unique_ptr<PairExchange<double>> force_exchange_;
  grapevine::ForceDeviation deviation_;
  std::span<const double> sigma_;    // [own] force deviation, 0 for atoms of other potentials
  int deviation_flag_;               // set by fix pair for the next evaluation
  bigint sigma_step_;
  bigint deviation_steps_, reported_deviation_steps_, reported_deviation_numbers_;

  AtomHeatFlux heat_flux_;
  bigint evaluated_step_;        // forces were computed last
  bool heat_flux_is_current_;    // but for velocities
  bigint heat_fluxes_, reported_heat_fluxes_, reported_heat_flux_numbers_;
};

}    // namespace LAMMPS_NS

#endif
