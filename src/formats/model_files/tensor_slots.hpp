#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "formats/model_files/safetensors.hpp"

namespace grapevine {

/// A place for the numbers of one tensor of a model, or the source of them.
struct TensorSlot {
  std::string name;
  std::vector<std::int64_t> shape;
  std::vector<double>* values;
};

/// Fills every slot. Throws Error, naming file and tensor, if one is missing, of another shape or not of type F32 or
/// F64, or if the file has a tensor that is none of them.
void read_tensors(const TensorFile& file, const std::vector<TensorSlot>& slots);

/// The tensors to be written; moves the numbers out of the slots.
std::vector<NamedTensor> take_tensors(const std::vector<TensorSlot>& slots);

/// Counts the tensors that hyperparameters describe, so that a short header cannot ask for millions of structures.
class TensorBudget {
 public:
  explicit TensorBudget(const TensorFile& file) : file_(file) {}

  /// Throws Error once more tensors are described than the file has.
  void spend(std::size_t tensors);

 private:
  const TensorFile& file_;
  std::size_t used_ = 0;
};

}  // namespace grapevine
