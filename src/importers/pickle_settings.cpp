#include "importers/pickle_settings.hpp"

#include <fmt/format.h>

#include <cmath>
#include <utility>

namespace grapevine {

const PickleDict* pickle_dict(const PickleValue& value) {
  const auto* dict = std::get_if<std::shared_ptr<PickleDict>>(&value);
  return dict ? dict->get() : nullptr;
}

const std::vector<PickleValue>* pickle_items(const PickleValue& value) {
  if (const auto* list = std::get_if<std::shared_ptr<PickleList>>(&value)) return &(*list)->items;
  if (const auto* tuple = std::get_if<std::shared_ptr<PickleTuple>>(&value)) return &(*tuple)->items;
  return nullptr;
}

std::optional<double> pickle_number(const PickleValue& value) {
  if (const auto* number = std::get_if<double>(&value)) return *number;
  if (const auto* whole = std::get_if<std::int64_t>(&value)) return static_cast<double>(*whole);
  return std::nullopt;
}

std::string described(const PickleValue& value) {
  if (const std::string* text = pickle_text(value)) return "'" + text->substr(0, 40) + "'";
  if (const auto number = pickle_number(value)) return fmt::format("{}", *number);
  if (const auto* logical = std::get_if<bool>(&value)) return *logical ? "True" : "False";
  if (std::holds_alternative<std::monostate>(value)) return "None";
  if (std::holds_alternative<std::shared_ptr<PickleList>>(value)) return "a list";
  if (std::holds_alternative<std::shared_ptr<PickleDict>>(value)) return "a dict";
  return "something else";
}

const PickleValue* PickleSettings::find(const std::string& key) {
  asked_.insert(key);
  return dict_.find(key);
}

void PickleSettings::refuse(const std::string& key, const PickleValue& value, const std::string& expected) const {
  throw Error(fmt::format("{}: {} = {} is not supported; expected {}", where_, key, described(value), expected));
}

void PickleSettings::miss(const std::string& key) const { throw Error(fmt::format("{}: {} is missing", where_, key)); }

void PickleSettings::refuse_key(const std::string* name, const PickleValue& value) const {
  if (!name) throw Error(fmt::format("{}: a key that is not text", where_));
  throw Error(fmt::format("{}: {} = {} is a setting this program does not know; it may change the model", where_,
                          name->substr(0, 80), described(value)));
}

int PickleSettings::integer(const std::string& key, int fallback, int lowest, int highest) {
  const PickleValue* value = find(key);
  if (!value) return fallback;
  const std::optional<double> number = pickle_number(*value);
  if (!number || *number != std::floor(*number) || *number < lowest || *number > highest)
    refuse(key, *value, fmt::format("a whole number from {} to {}", lowest, highest));
  return static_cast<int>(*number);
}

double PickleSettings::real(const std::string& key, std::optional<double> fallback) {
  const PickleValue* value = find(key);
  if (!value && fallback) return *fallback;
  if (!value) miss(key);
  const std::optional<double> number = pickle_number(*value);
  if (!number) refuse(key, *value, "a number");
  return *number;
}

bool PickleSettings::logical(const std::string& key, bool fallback) {
  const PickleValue* value = find(key);
  if (!value) return fallback;
  if (const auto* logical = std::get_if<bool>(value)) return *logical;
  refuse(key, *value, "True or False");
}

std::string PickleSettings::text(const std::string& key, std::optional<std::string> fallback) {
  const PickleValue* value = find(key);
  if (!value && fallback) return *fallback;
  if (!value) miss(key);
  const std::string* text = pickle_text(*value);
  if (!text) refuse(key, *value, "text");
  return *text;
}

std::vector<int> PickleSettings::sizes(const std::string& key, const std::vector<int>& fallback) {
  const PickleValue* value = find(key);
  if (!value) return fallback;
  const auto* items = pickle_items(*value);
  if (!items || items->size() > 64) refuse(key, *value, "a list of whole numbers");
  std::vector<int> result;
  for (const PickleValue& item : *items) {
    const auto* number = std::get_if<std::int64_t>(&item);
    if (!number || *number < 1 || *number > 65536) refuse(key, item, "positive whole numbers");
    result.push_back(static_cast<int>(*number));
  }
  return result;
}

PickleSettings PickleSettings::inner(const std::string& key) {
  static const PickleDict none;
  const PickleValue* value = find(key);
  const PickleDict* dict = value ? pickle_dict(*value) : &none;
  if (!dict) refuse(key, *value, "a dict");
  return PickleSettings(*dict, fmt::format("{}: {}", where_, key));
}

}  // namespace grapevine
