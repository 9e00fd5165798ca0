#include "formats/model_files/model_file.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <sstream>
#include <system_error>

#include "formats/elements.hpp"
#include "formats/file_endings.hpp"
#include "formats/text/strict_json.hpp"
#include "support/error.hpp"

namespace grapevine {
namespace {

using nlohmann::json;

constexpr const char* format_name = "grapevine";
constexpr const char* format_version = "1";
constexpr int json_depth = 8;
constexpr std::size_t longest_name = 32;  // of a species

json units() { return {{"energy", "eV"}, {"length", "Angstrom"}}; }

bool is_element(const std::string& symbol) {
  for (long number = 1; !element_symbol(number).empty(); ++number)
    if (element_symbol(number) == symbol) return true;
  return false;
}

/// Words of `pair_coeff` and of extended XYZ that mean nothing else there.
bool is_name(const std::string& name) {
  const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  const auto is_inner = [&](char c) { return is_letter(c) || (c >= '0' && c <= '9'); };
  return !name.empty() && name.size() <= longest_name && name != "NULL" && is_letter(name.front()) &&
         std::all_of(name.begin(), name.end(), is_inner);
}

std::vector<std::string> split_words(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> words;
  for (std::string word; stream >> word;) words.push_back(word);
  return words;
}

std::string provenance_text(const json& provenance, const char* key, const std::string& file) {
  const auto found = provenance.find(key);
  if (found == provenance.end()) return "";
  if (!found->is_string()) throw Error(fmt::format("{}: {} in its provenance is not a string", file, key));
  return found->get<std::string>();
}

Provenance read_provenance(const TensorFile& file) {
  const json object = parse_strict_json(file.metadata("provenance"), file.name() + ": metadata provenance", json_depth);
  if (!object.is_object()) throw Error(fmt::format("{}: its provenance is not a JSON object", file.name()));
  return {provenance_text(object, "source", file.name()), provenance_text(object, "source_sha256", file.name()),
          provenance_text(object, "source_kind", file.name()), provenance_text(object, "note", file.name())};
}

[[noreturn]] void fail_checkpoint(const TensorFile& file) {
  const auto named = file.metadata().find("model");
  const std::filesystem::path folder = std::filesystem::path(file.name()).parent_path();
  std::error_code ignored;
  if (named != file.metadata().end() && std::filesystem::exists(folder / named->second, ignored))
    throw Error(fmt::format("{}: the checkpoint of a training, not a model; the best model of it so far is {}",
                            file.name(), (folder / named->second).string()));
  throw Error(
      fmt::format("{}: the checkpoint of a training that has not come to a model yet; go on with it by "
                  "grapevine train --resume",
                  file.name()));
}

void require(const TensorFile& file, const char* key, const std::string& expected) {
  if (file.metadata(key) != expected)
    throw Error(
        fmt::format("{}: {} \"{}\" is not known to this program (it reads \"{}\"); is a newer grapevine needed?",
                    file.name(), key, file.metadata(key), expected));
}

}  // namespace

void check_species_names(const std::vector<std::string>& species, const std::string& where) {
  if (species.empty()) throw Error(fmt::format("{}: no species", where));
  std::set<std::string> seen;
  for (const std::string& name : species) {
    if (!is_name(name))
      throw Error(
          fmt::format("{}: \"{}\" cannot name a species; expected a letter and then letters and digits, {} at "
                      "most, but not NULL",
                      where, name.substr(0, 40), longest_name));
    if (!seen.insert(name).second) throw Error(fmt::format("{}: the species {} is given twice", where, name));
  }
}

void check_species(const std::vector<std::string>& species, const std::string& where) {
  for (const std::string& symbol : species)
    if (!is_element(symbol)) throw Error(fmt::format("{}: \"{}\" is not a chemical symbol", where, symbol));
  check_species_names(species, where);
}

ModelDescription read_description(const TensorFile& file) {
  if (file.metadata().count("format") == 0)
    throw Error(
        fmt::format("{}: a safetensors file, but not a Grapevine model; make one with grapevine import", file.name()));
  if (file.metadata("format").starts_with(checkpoint_format)) fail_checkpoint(file);
  require(file, "format", format_name);
  require(file, "format_version", format_version);
  if (parse_strict_json(file.metadata("units"), file.name() + ": metadata units", json_depth) != units())
    throw Error(fmt::format("{}: units {} are not known to this program (it reads {})", file.name(),
                            file.metadata("units"), units().dump()));
  ModelDescription description{file.metadata("architecture"), split_words(file.metadata("species")),
                               read_provenance(file)};
  check_species_names(description.species, file.name());
  return description;
}

std::map<std::string, std::string> description_metadata(const ModelDescription& description) {
  check_species_names(description.species, "model to be written");
  const Provenance& provenance = description.provenance;
  json object = {{"source", provenance.source},
                 {"source_sha256", provenance.source_sha256},
                 {"source_kind", provenance.source_kind}};
  if (!provenance.note.empty()) object["note"] = provenance.note;
  return {{"format", format_name},
          {"format_version", format_version},
          {"architecture", description.architecture},
          {"species", fmt::format("{}", fmt::join(description.species, " "))},
          {"units", units().dump()},
          {"provenance", object.dump(-1, ' ', false, json::error_handler_t::replace)}};
}

}  // namespace grapevine
