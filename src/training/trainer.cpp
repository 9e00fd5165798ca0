#include "training/trainer.hpp"

#include "support/error.hpp"

namespace grapevine {

void train(const TrainingOptions& /*options*/, TrainingMonitor& /*monitor*/) {
  throw Error("training is not there yet");
}

}  // namespace grapevine
