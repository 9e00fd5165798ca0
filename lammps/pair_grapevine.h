// SPDX-License-Identifier: GPL-2.0-only
#ifndef LMP_PAIR_GRAPEVINE_H
#define LMP_PAIR_GRAPEVINE_H

#include <lammps/pair.h>

#include <memory>
#include <string>
#include <vector>

#include "engine/evaluator.hpp"
#include "lammps_exchange.h"
#include "lammps_graph.h"
#include "lammps_halo.h"

namespace LAMMPS_NS {

/// pair_style grapevine [double|mixed] [exchange own|lammps]
/// pair_coeff * * model.safetensors El1 El2 ...
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

  int pack_forward_comm(int, int *, double *, int, int *) override;
  void unpack_forward_comm(int, int, double *) override;
  int pack_reverse_comm(int, int, double *) override;
  void unpack_reverse_comm(int, int *, double *) override;

 private:
  class Engine;
  template <class Real> class EngineIn;

  void allocate();
  bool list_is_new() const;
  void take_list();
  std::string read_file_on_rank_0(const std::string &);
  void report_atoms(const grapevine::AtomError &);

  bool mixed_;
  bool own_exchange_;
  std::shared_ptr<const grapevine::Communicator> communicator_;
  MessagePacker *packer_;    // of the message under way
  std::shared_ptr<const grapevine::Potential> potential_;
  std::unique_ptr<Engine> engine_;
  std::vector<int> species_of_type_;
  std::vector<double> atom_virials_;
  std::unique_ptr<LammpsGraph> graph_;
  bool setup_done_;    // since the list was last taken up
  bigint list_builds_, list_step_;
  bigint own_atoms_, ghost_atoms_;    // summed over evaluations
  std::vector<bigint> reported_;      // counts at the end of the run before
};

}    // namespace LAMMPS_NS

#endif
