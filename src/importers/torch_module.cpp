#include "importers/torch_module.hpp"

#include <fmt/format.h>

#include <cmath>
#include <cstdint>
#include <cstdlib>

#include "importers/pickle_settings.hpp"
#include "support/error.hpp"

namespace grapevine {
namespace {

using equivariant::Irreps;
using equivariant::IrrepsList;

/// What a class made of one value was made of.
const PickleValue* only_argument(const PickleValue& value) {
  const PickleObject* object = pickle_object(value);
  if (!object || !object->arguments || object->arguments->items.size() != 1) return nullptr;
  return object->arguments->items.data();
}

const std::int64_t* whole_number(const PickleValue* value) {
  return value ? std::get_if<std::int64_t>(value) : nullptr;
}

/// (channels, (order, parity)) of e3nn.
std::optional<Irreps> irreps_of(const PickleValue& item) {
  const auto [channels, irrep] = pickle_pair(item);
  if (!irrep) return std::nullopt;
  const auto [order, parity] = pickle_pair(*irrep);
  const auto* n = whole_number(channels);
  const auto* l = whole_number(order);
  const auto* p = whole_number(parity);
  if (!n || !l || !p || *n < 1 || *n > 4096 || *l < 0 || *l > 9 || (*p != 1 && *p != -1)) return std::nullopt;
  return Irreps{static_cast<int>(*n), static_cast<int>(*l), static_cast<int>(*p)};
}

}  // namespace

const PickleObject* pickle_object(const PickleValue& value) {
  const auto* object = std::get_if<std::shared_ptr<PickleObject>>(&value);
  return object ? object->get() : nullptr;
}

TorchModule::TorchModule(const PickleObject& object, std::string name, std::string file)
    : object_(&object), name_(std::move(name)), file_(std::move(file)) {
  if (!object.attributes) fail("a module without attributes");
}

void TorchModule::fail(const std::string& what) const {
  throw Error(fmt::format("{}: {}: {}", file_, name_.empty() ? "model" : name_, what));
}

std::string TorchModule::short_class_name() const {
  return class_name().substr(class_name().rfind('.') + 1).substr(0, 80);
}

bool TorchModule::is(std::string_view class_name) const {
  return std::string_view(object_->class_name).substr(object_->class_name.rfind('.') + 1) == class_name;
}

const PickleValue* TorchModule::find(std::string_view attribute) const { return object_->attributes->find(attribute); }

bool TorchModule::has(std::string_view attribute) const {
  const PickleValue* found = find(attribute);
  return found && !std::holds_alternative<std::monostate>(*found);
}

const PickleValue& TorchModule::value(std::string_view attribute) const {
  const PickleValue* found = find(attribute);
  if (!found) fail(fmt::format("{} is missing", attribute));
  return *found;
}

double TorchModule::real(std::string_view attribute) const {
  const std::optional<double> number = pickle_number(value(attribute));
  if (!number) fail(fmt::format("{} is not a number", attribute));
  return *number;
}

int TorchModule::integer(std::string_view attribute, int lowest, int highest) const {
  const double number = real(attribute);
  if (number != std::floor(number) || number < lowest || number > highest)
    fail(fmt::format("{} = {} is not supported; expected a whole number from {} to {}", attribute, number, lowest,
                     highest));
  return static_cast<int>(number);
}

bool TorchModule::logical(std::string_view attribute) const {
  const PickleValue* found = find(attribute);
  const bool* value = found ? std::get_if<bool>(found) : nullptr;
  return value && *value;
}

IrrepsList TorchModule::irreps(std::string_view attribute) const {
  const PickleValue& found = value(attribute);
  if (const std::string* text = pickle_text(found))
    return equivariant::parse_irreps(*text, fmt::format("{}: {}", file_, inner_name(attribute)));
  const PickleValue* inside = only_argument(found);
  const auto* items = inside ? pickle_items(*inside) : nullptr;
  if (!items || items->size() > 64) fail(fmt::format("{} are not irreps", attribute));
  IrrepsList list;
  for (const PickleValue& item : *items) {
    const std::optional<Irreps> irreps = irreps_of(item);
    if (!irreps) fail(fmt::format("{} are not irreps", attribute));
    list.push_back(*irreps);
  }
  return list;
}

std::vector<std::pair<std::string, const PickleValue*>> TorchModule::entries(std::string_view attribute) const {
  std::vector<std::pair<std::string, const PickleValue*>> result;
  const PickleValue* found = find(attribute);
  const PickleDict* dict = found ? pickle_dict(*found) : nullptr;
  if (!dict) fail(fmt::format("{} is not a dict", attribute));
  for (const auto& [key, value] : dict->items) {
    const std::string* name = pickle_text(key);
    if (!name) fail(fmt::format("{}: a key that is not text", attribute));
    if (!std::holds_alternative<std::monostate>(value)) result.emplace_back(*name, &value);
  }
  return result;
}

std::vector<TorchModule> TorchModule::children() const {
  std::vector<TorchModule> result;
  for (const auto& [name, value] : entries("_modules")) {
    const PickleObject* object = pickle_object(*value);
    if (!object) fail(fmt::format("{} is not a module", name.substr(0, 80)));
    if (!object->class_name.starts_with("torch.fx.")) result.emplace_back(*object, inner_name(name), file_);
  }
  return result;
}

std::optional<TorchModule> TorchModule::find_child(std::string_view name) const {
  for (const TorchModule& child : children())
    if (child.name_ == inner_name(name)) return child;
  return std::nullopt;
}

TorchModule TorchModule::child(std::string_view name) const {
  std::optional<TorchModule> found = find_child(name);
  if (!found) fail(fmt::format("{} is missing", name));
  return *found;
}

std::string TorchModule::inner_name(std::string_view name) const {
  return fmt::format("{}{}{}", name_, name_.empty() ? "" : ".", name);
}

std::pair<const PickleValue*, const PickleValue*> pickle_pair(const PickleValue& value) {
  const PickleValue* inside = only_argument(value);
  const auto* items = pickle_items(inside ? *inside : value);
  if (!items || items->size() != 2) return {nullptr, nullptr};
  return {items->data(), items->data() + 1};
}

std::string function_name(const PickleValue& value) {
  if (const auto* global = std::get_if<std::shared_ptr<const PickleGlobal>>(&value)) return (*global)->name;
  const PickleObject* object = pickle_object(value);
  if (!object || !object->arguments || object->arguments->items.size() != 2) return "";
  const std::string* name = pickle_text(object->arguments->items[1]);
  const bool is_attribute = object->class_name == "builtins.getattr" || object->class_name == "__builtin__.getattr";
  return is_attribute && name ? *name : "";
}

void collect_tensors(TensorTable& table, const TorchModule& module) {
  for (const char* attribute : {"_parameters", "_buffers"})
    for (const auto& [name, value] : module.entries(attribute)) {
      const TorchTensor* tensor = pickle_tensor(*value);
      if (!tensor) module.fail(fmt::format("{} is not a tensor", name.substr(0, 80)));
      table.add(module.inner_name(name), *tensor);
    }
  for (const TorchModule& child : module.children()) collect_tensors(table, child);
}

}  // namespace grapevine
