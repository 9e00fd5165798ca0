#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "formats/archives/pickle.hpp"
#include "importers/tensor_table.hpp"
#include "models/equivariant/irreps.hpp"

namespace grapevine {

const PickleObject* pickle_object(const PickleValue& value);  ///< null for any other value

/// A module of torch, as its attributes tell. The pickle must outlive it. Everything throws Error naming file and
/// module.
class TorchModule {
 public:
  /// `name` is where it is in the model, e.g. "interactions.0.linear", and empty for the model.
  TorchModule(const PickleObject& object, std::string name, std::string file);

  [[noreturn]] void fail(const std::string& what) const;

  const std::string& name() const { return name_; }
  const std::string& class_name() const { return object_->class_name; }
  std::string short_class_name() const;  ///< without the packages, to be shown
  bool is(std::string_view class_name) const;

  const PickleValue* find(std::string_view attribute) const;  ///< null if there is none
  bool has(std::string_view attribute) const;                 ///< whether there is one that is not None
  const PickleValue& value(std::string_view attribute) const;
  double real(std::string_view attribute) const;
  int integer(std::string_view attribute, int lowest, int highest) const;
  bool logical(std::string_view attribute) const;  ///< false if there is none
  /// e3nn's Irreps, or text that says them.
  equivariant::IrrepsList irreps(std::string_view attribute) const;

  const PickleDict& attributes() const { return *object_->attributes; }
  /// Entries of `_modules`, `_parameters` or `_buffers`; those that are None are left out.
  std::vector<std::pair<std::string, const PickleValue*>> entries(std::string_view attribute) const;
  /// Modules inside. Compiled ones of torch.fx, which hold code and no weights, are left out.
  std::vector<TorchModule> children() const;
  std::optional<TorchModule> find_child(std::string_view name) const;
  TorchModule child(std::string_view name) const;

  std::string inner_name(std::string_view name) const;
  /// This one, its name forgotten, so that those of everything inside begin here.
  TorchModule as_root() const { return {*object_, "", file_}; }

 private:
  const PickleObject* object_;
  std::string name_;
  std::string file_;
};

/// Two numbers of a tuple that may be an object of a class made of one; null pointers for anything else.
std::pair<const PickleValue*, const PickleValue*> pickle_pair(const PickleValue& value);

/// A function of torch by its name: torch.nn.functional.silu, or getattr(torch._C._VariableFunctionsClass, "tanh").
/// Empty for anything else.
std::string function_name(const PickleValue& value);

/// All parameters and buffers of a module and of those inside, by the names that torch gives them.
void collect_tensors(TensorTable& table, const TorchModule& module);

}  // namespace grapevine
