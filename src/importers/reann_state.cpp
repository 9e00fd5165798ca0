#include "importers/reann_state.hpp"

#include <fmt/format.h>

#include <cstdint>
#include <string_view>
#include <utility>

#include "formats/allowance.hpp"
#include "support/error.hpp"

namespace grapevine {
namespace {

constexpr std::string_view parallel_prefix = "module.";

std::string without_prefix(std::string_view name) {
  while (name.starts_with(parallel_prefix)) name.remove_prefix(parallel_prefix.size());
  return std::string(name);
}

std::string join(const std::string& path, const std::string& name) { return path.empty() ? name : path + "." + name; }

// Of a file that names one thing often, or whose tensors share their numbers.
constexpr std::uint64_t free_letters = 1u << 20;
constexpr std::uint64_t letters_per_byte = 16;

/// Collects the named tensors of a file.
class StateReader {
 public:
  explicit StateReader(const TorchArchive& archive)
      : letters_(free_letters + letters_per_byte * archive.bytes,
                 archive.name + ": its names are far longer than the file; refused"),
        numbers_(number_allowance(archive)) {
    state_.file = archive.name;
    state_.code = archive.code;
  }

  void add_object(const std::string& path, const PickleObject& object) {
    state_.classes[without_prefix(path)] = object.class_name.substr(object.class_name.rfind('.') + 1);
    if (!object.attributes) return;
    for (const auto& [key, value] : object.attributes->items) {
      const std::string* name = pickle_text(key);
      if (!name) continue;
      letters_.spend(path.size() + name->size());
      const std::string inner = join(path, *name);
      if (const auto* tensor = std::get_if<std::shared_ptr<const TorchTensor>>(&value))
        add_tensor(inner, *tensor);
      else if (const auto* child = std::get_if<std::shared_ptr<PickleObject>>(&value))
        add_object(inner, **child);
      else if (const auto* number = std::get_if<double>(&value))
        state_.numbers[without_prefix(inner)] = *number;
    }
  }

  void add_dict(const PickleDict& dict) {
    for (const auto& [key, value] : dict.items) {
      const std::string* name = pickle_text(key);
      const auto* tensor = std::get_if<std::shared_ptr<const TorchTensor>>(&value);
      if (!name || !tensor) continue;
      letters_.spend(name->size());
      add_tensor(*name, *tensor);
    }
  }

  ReannState take() { return std::move(state_); }

 private:
  void add_tensor(const std::string& name, const std::shared_ptr<const TorchTensor>& tensor) {
    numbers_.spend(static_cast<std::uint64_t>(tensor->count()));
    const std::string plain = without_prefix(name);
    if (state_.tensors.insert_or_assign(plain, tensor).second) state_.names.push_back(plain);
  }

  ReannState state_;
  Allowance letters_;
  Allowance numbers_;
};

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
  StateReader reader(archive);
  std::string kind;
  if (const auto* object = std::get_if<std::shared_ptr<PickleObject>>(&archive.root)) {
    kind = script_kind(**object);
    reader.add_object("", **object);
  } else if (const auto* root = std::get_if<std::shared_ptr<PickleDict>>(&archive.root)) {
    kind = "REANN training checkpoint";
    const PickleValue* inner = (*root)->find("reannparam");
    const auto* dict = inner ? std::get_if<std::shared_ptr<PickleDict>>(inner) : root;
    if (dict) reader.add_dict(**dict);
  }
  ReannState state = reader.take();
  state.kind = std::move(kind);
  if (!state.find("density.rs"))
    throw Error(
        fmt::format("{}: no REANN model in this PyTorch file (no tensor density.rs); what grapevine export --to mace "
                    "writes is for mace-torch and not read back",
                    archive.name));
  return state;
}

}  // namespace grapevine
