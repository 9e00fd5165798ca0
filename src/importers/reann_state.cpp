#include "importers/reann_state.hpp"

#include <fmt/format.h>

#include <string_view>

#include "support/error.hpp"

namespace grapevine {
namespace {

constexpr std::string_view parallel_prefix = "module.";

std::string without_prefix(std::string_view name) {
  while (name.starts_with(parallel_prefix)) name.remove_prefix(parallel_prefix.size());
  return std::string(name);
}

std::string join(const std::string& path, const std::string& name) { return path.empty() ? name : path + "." + name; }

void add_tensor(ReannState& state, const std::string& name, const std::shared_ptr<const TorchTensor>& tensor) {
  const std::string plain = without_prefix(name);
  if (state.tensors.insert_or_assign(plain, tensor).second) state.names.push_back(plain);
}

void add_object(ReannState& state, const std::string& path, const PickleObject& object) {
  state.classes[without_prefix(path)] = object.class_name.substr(object.class_name.rfind('.') + 1);
  if (!object.attributes) return;
  for (const auto& [key, value] : object.attributes->items) {
    const std::string* name = pickle_text(key);
    if (!name) continue;
    const std::string inner = join(path, *name);
    if (const auto* tensor = std::get_if<std::shared_ptr<const TorchTensor>>(&value))
      add_tensor(state, inner, *tensor);
    else if (const auto* child = std::get_if<std::shared_ptr<PickleObject>>(&value))
      add_object(state, inner, **child);
    else if (const auto* number = std::get_if<double>(&value))
      state.numbers[without_prefix(inner)] = *number;
  }
}

void add_dict(ReannState& state, const PickleDict& dict) {
  for (const auto& [key, value] : dict.items) {
    const std::string* name = pickle_text(key);
    const auto* tensor = std::get_if<std::shared_ptr<const TorchTensor>>(&value);
    if (name && tensor) add_tensor(state, *name, *tensor);
  }
}

std::string script_kind(const PickleObject& object) {
  constexpr std::string_view package = "__torch__.";
  std::string_view name = object.class_name;
  if (name.starts_with(package)) name.remove_prefix(package.size());
  if (name == "Module") return "LibTorch archive";
  return fmt::format("TorchScript archive of class {}", name);
}

}  // namespace

const TorchTensor* ReannState::find(const std::string& name) const {
  const auto found = tensors.find(name);
  return found == tensors.end() ? nullptr : found->second.get();
}

ReannState read_reann_state(const TorchArchive& archive) {
  ReannState state;
  state.file = archive.name;
  state.code = archive.code;
  if (const auto* object = std::get_if<std::shared_ptr<PickleObject>>(&archive.root)) {
    state.kind = script_kind(**object);
    add_object(state, "", **object);
  } else if (const auto* root = std::get_if<std::shared_ptr<PickleDict>>(&archive.root)) {
    state.kind = "REANN training checkpoint";
    const PickleValue* inner = (*root)->find("reannparam");
    const auto* dict = inner ? std::get_if<std::shared_ptr<PickleDict>>(inner) : root;
    if (dict) add_dict(state, **dict);
  }
  if (!state.find("density.rs"))
    throw Error(fmt::format("{}: no REANN model in this PyTorch file (no tensor density.rs)", archive.name));
  return state;
}

}  // namespace grapevine
