#include "formats/model_files/tensor_slots.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <set>

#include "support/error.hpp"

namespace grapevine {
namespace {

void fill(const TensorFile& file, const TensorSlot& slot) {
  const TensorView& view = file.tensor(slot.name);
  if (view.shape != slot.shape)
    throw Error(fmt::format("{}: tensor {} has shape [{}]; expected [{}]", file.name(), slot.name,
                            fmt::join(view.shape, ", "), fmt::join(slot.shape, ", ")));
  if (view.dtype != DType::f32 && view.dtype != DType::f64)
    throw Error(fmt::format("{}: tensor {} is of type {}; expected F32 or F64", file.name(), slot.name,
                            dtype_name(view.dtype)));
  *slot.values = view.to_doubles();
}

}  // namespace

void read_tensors(const TensorFile& file, const std::vector<TensorSlot>& slots) {
  std::set<std::string> known;
  for (const TensorSlot& slot : slots) {
    fill(file, slot);
    known.insert(slot.name);
  }
  for (const auto& [name, view] : file.tensors())
    if (known.count(name) == 0)
      throw Error(fmt::format("{}: tensor {} does not belong to the model", file.name(), name));
}

std::vector<NamedTensor> take_tensors(const std::vector<TensorSlot>& slots) {
  std::vector<NamedTensor> tensors;
  for (const TensorSlot& slot : slots) tensors.push_back({slot.name, slot.shape, std::move(*slot.values)});
  return tensors;
}

void TensorBudget::spend(std::size_t tensors) {
  used_ += tensors;
  if (used_ > file_.tensors().size())
    throw Error(
        fmt::format("{}: its hyperparameters describe more than its {} tensors", file_.name(), file_.tensors().size()));
}

}  // namespace grapevine
