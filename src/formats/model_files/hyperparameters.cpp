#include "formats/model_files/hyperparameters.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstdint>

#include "formats/text/strict_json.hpp"
#include "support/error.hpp"

namespace grapevine {
namespace {

using nlohmann::json;

constexpr int json_depth = 8;
constexpr std::uint64_t max_size = 65536;

std::string shortened(const json& value) {
  const std::string text = value.dump(-1, ' ', true, json::error_handler_t::replace);
  return text.size() > 40 ? text.substr(0, 40) + "..." : text;
}

}  // namespace

Hyperparameters::Hyperparameters(const TensorFile& file)
    : where_(file.name() + ": hyperparameters"),
      object_(parse_strict_json(file.metadata("hyperparameters"), where_, json_depth)) {
  if (!object_.is_object() || !object_.contains("core")) return;
  core_ = object_.at("core");
  object_.erase("core");
}

void Hyperparameters::check_keys(const json& object, const std::set<std::string>& keys,
                                 const std::set<std::string>& optional) const {
  if (!object.is_object()) throw Error(fmt::format("{}: an object with {} is missing", where_, fmt::join(keys, ", ")));
  for (const auto& item : object.items())
    if (keys.count(item.key()) + optional.count(item.key()) == 0)
      throw Error(fmt::format("{}: unknown key \"{}\"", where_, item.key()));
  for (const std::string& key : keys)
    if (!object.contains(key)) throw Error(fmt::format("{}: \"{}\" is missing", where_, key));
}

int Hyperparameters::size(const json& object, const char* key) const {
  const json& value = object.at(key);
  if (!value.is_number_unsigned() || value.get<std::uint64_t>() > max_size) fail(key, "a whole number", value);
  return value.get<int>();
}

double Hyperparameters::number(const json& object, const char* key) const {
  if (!object.at(key).is_number()) fail(key, "a number", object.at(key));
  return object.at(key).get<double>();
}

bool Hyperparameters::logical(const json& object, const char* key) const {
  if (!object.at(key).is_boolean()) fail(key, "true or false", object.at(key));
  return object.at(key).get<bool>();
}

const std::string& Hyperparameters::text(const json& object, const char* key) const {
  if (!object.at(key).is_string()) fail(key, "a string", object.at(key));
  return object.at(key).get_ref<const std::string&>();
}

const json& Hyperparameters::list(const json& object, const char* key, std::size_t max_items) const {
  if (!object.at(key).is_array() || object.at(key).size() > max_items)
    fail(key, "a list of reasonable length", object.at(key));
  return object.at(key);
}

void Hyperparameters::fail(const char* key, const std::string& expected, const json& found) const {
  throw Error(fmt::format("{}: \"{}\" is not {} but {}", where_, key, expected, shortened(found)));
}

}  // namespace grapevine
