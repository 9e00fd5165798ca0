#include "models/mace/training/architecture.hpp"

#include "models/equivariant/training/start.hpp"
#include "models/mace/file.hpp"
#include "models/mace/training/new_model.hpp"
#include "models/mace/training/trainable.hpp"

namespace grapevine::mace {
namespace {

class MaceArchitecture final : public TrainableArchitecture {
 public:
  std::vector<std::string> groups() const override {
    return {"embedding", "basis", "radial", "mixing", "product", "connection", "readout"};
  }

  std::vector<std::string> options() const override {
    return {"channels",         "max_order",     "edge_order",    "correlation",   "interactions",
            "radial_functions", "trained_basis", "radial_widths", "readout_widths"};
  }

  TrainingDefaults defaults() const override {
    TrainingDefaults defaults;
    defaults.model.architecture = architecture;
    defaults.model.max_order = 0;
    defaults.model.readout_widths = {16};
    return defaults;
  }

  void check(const ModelOptions& options) const override { check_options(options); }

  std::unique_ptr<Trainable> make_new(const TrainingStart& start) const override {
    return equivariant::ready_to_train(new_parameters(start.options, equivariant::new_model_of(start)), start);
  }

  std::unique_ptr<StartingModel> read(const TensorFile& file) const override {
    return std::make_unique<equivariant::EquivariantStart<Parameters>>(read_parameters(file));
  }
};

}  // namespace

const TrainableArchitecture& trainable_architecture() {
  static const MaceArchitecture mace;
  return mace;
}

}  // namespace grapevine::mace
