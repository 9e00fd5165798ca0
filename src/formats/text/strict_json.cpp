#include "formats/text/strict_json.hpp"

#include <fmt/format.h>

#include <set>
#include <string>
#include <vector>

#include "support/error.hpp"

namespace grapevine {

using nlohmann::json;

namespace {

/// Looks at the text without keeping it. A parser with a callback does it while it builds values, but looks at all the
/// members that an object has so far at the end of each of them.
class Checker final : public json::json_sax_t {
 public:
  Checker(const std::string& where, int max_depth) : where_(where), max_depth_(max_depth) {}

  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t&) override { return true; }
  bool string(string_t&) override { return true; }
  bool binary(binary_t&) override { return true; }
  bool start_object(std::size_t) override { return open(); }
  bool start_array(std::size_t) override { return open(); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }
  bool key(string_t& name) override {
    if (!keys_.back().insert(name).second)
      throw Error(fmt::format("{}: the JSON key {} is given twice", where_, json(name).dump()));
    return true;
  }
  bool parse_error(std::size_t byte, const std::string&, const nlohmann::detail::exception&) override {
    throw Error(fmt::format("{}: not valid JSON at byte {}", where_, byte));
  }

 private:
  bool open() {
    if (static_cast<int>(keys_.size()) >= max_depth_)
      throw Error(fmt::format("{}: JSON nested deeper than {} levels", where_, max_depth_));
    keys_.emplace_back();
    return true;
  }
  bool close() {
    keys_.pop_back();
    return true;
  }

  const std::string& where_;
  int max_depth_;
  std::vector<std::set<std::string>> keys_;  // of the objects and arrays around
};

}  // namespace

json parse_strict_json(std::string_view text, const std::string& where, int max_depth) {
  Checker checker(where, max_depth);
  json::sax_parse(text.begin(), text.end(), &checker);
  try {
    return json::parse(text.begin(), text.end());
  } catch (const json::exception&) {
    throw Error(fmt::format("{}: not valid JSON", where));
  }
}

}  // namespace grapevine
