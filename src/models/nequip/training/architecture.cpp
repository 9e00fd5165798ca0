#include "models/nequip/training/architecture.hpp"

#include "models/equivariant/training/start.hpp"
#include "models/nequip/file.hpp"
#include "models/nequip/training/new_model.hpp"
#include "models/nequip/training/trainable.hpp"

namespace grapevine::nequip {
namespace {

class NequipArchitecture final : public TrainableArchitecture {
 public:
  std::vector<std::string> groups() const override {
    return {"embedding", "basis", "radial", "mixing", "connection", "readout"};
  }

  std::vector<std::string> options() const override {
    return {"channels",      "max_order",     "edge_order",     "interactions", "radial_functions",
            "trained_basis", "radial_widths", "readout_widths", "parity"};
  }

  TrainingDefaults defaults() const override {
    TrainingDefaults defaults;
    defaults.model.architecture = architecture;
    defaults.model.edge_order = 2;
    defaults.model.interactions = 3;
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
  static const NequipArchitecture nequip;
  return nequip;
}

}  // namespace grapevine::nequip
