#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>

#include "formats/model_files/safetensors.hpp"

namespace grapevine {

/// Typed access to the hyperparameters of a model file: those of the architecture as object(), and what a model of any
/// architecture may have besides. Everything throws Error naming the file and the key.
class Hyperparameters {
 public:
  explicit Hyperparameters(const TensorFile& file);

  const nlohmann::json& object() const { return object_; }
  const std::optional<nlohmann::json>& core() const { return core_; }  ///< see models/core/file.hpp

  /// Throws unless `object` is an object with these keys and no others but the optional ones.
  void check_keys(const nlohmann::json& object, const std::set<std::string>& keys,
                  const std::set<std::string>& optional = {}) const;

  int size(const nlohmann::json& object, const char* key) const;  ///< 0 to 65536
  double number(const nlohmann::json& object, const char* key) const;
  bool logical(const nlohmann::json& object, const char* key) const;
  const std::string& text(const nlohmann::json& object, const char* key) const;
  const nlohmann::json& list(const nlohmann::json& object, const char* key, std::size_t max_items = 64) const;

  [[noreturn]] void fail(const char* key, const std::string& expected, const nlohmann::json& found) const;

 private:
  std::string where_;
  nlohmann::json object_;
  std::optional<nlohmann::json> core_;
};

}  // namespace grapevine
