#include "training/core/finished_model.hpp"

#include "formats/model_files/safetensors.hpp"
#include "models/core/cored_potential.hpp"
#include "models/core/file.hpp"

namespace grapevine {

FinishedModel finish_model(const Trainable& model, const CorePlan& plan, int threads) {
  FinishedModel finished{plan.core, model.potential()};
  if (!plan.core) return finished;
  finished.core = strengthened(*plan.core, *finished.potential, plan.approaches, threads);
  finished.potential = with_core(finished.potential, *finished.core);
  return finished;
}

FinishedModel write_finished_model(const std::filesystem::path& path, const Trainable& model, const CorePlan& plan,
                                   const Provenance& provenance, int threads) {
  FinishedModel finished = finish_model(model, plan, threads);
  FileContents contents = model.contents(provenance);
  if (finished.core) add_core(contents, *finished.core, model.species());
  write_tensor_file(path, contents.metadata, contents.tensors);
  return finished;
}

}  // namespace grapevine
