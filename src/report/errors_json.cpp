#include "report/errors_json.hpp"

#include <nlohmann/json.hpp>

namespace grapevine {
namespace {

nlohmann::ordered_json to_json(const ErrorStatistics& errors) {
  nlohmann::ordered_json json{{"values", errors.count()},
                              {"mae", errors.mean_absolute()},
                              {"rmse", errors.root_mean_square()},
                              {"maximum", errors.maximum()},
                              {"worst_frame", errors.worst().frame + 1}};
  if (errors.worst().atom >= 0) json["worst_atom"] = errors.worst().atom + 1;
  return json;
}

}  // namespace

nlohmann::ordered_json errors_json(const PotentialErrors& errors) {
  nlohmann::ordered_json json = nlohmann::ordered_json::object();
  if (errors.energy_per_atom.count() > 0) json["energy_per_atom"] = to_json(errors.energy_per_atom);
  if (errors.forces.count() > 0) json["forces"] = to_json(errors.forces);
  for (const auto& [symbol, statistics] : errors.forces_of) json["forces_by_species"][symbol] = to_json(statistics);
  if (errors.virial_per_atom.count() > 0) json["virial_per_atom"] = to_json(errors.virial_per_atom);
  return json;
}

}  // namespace grapevine
