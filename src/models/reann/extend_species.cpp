#include "models/reann/extend_species.hpp"

#include <cstddef>

#include "models/random_numbers.hpp"

namespace grapevine::reann {

Parameters extend_species(Parameters parameters, const std::vector<std::string>& species, std::uint64_t seed) {
  RandomNumbers random(seed);
  const auto waves = static_cast<std::size_t>(parameters.waves);
  const auto repeat_last_row = [&](std::vector<double>& rows) {
    for (std::size_t k = 0; k < waves; ++k) rows.push_back(rows[rows.size() - waves]);
  };
  for (std::size_t s = parameters.species.size(); s < species.size(); ++s) {
    parameters.species.push_back(species[s]);
    repeat_last_row(parameters.radial_exponent);
    repeat_last_row(parameters.radial_centre);
    repeat_last_row(parameters.initial_coefficient);
    for (std::size_t k = 1; k <= waves; ++k)
      parameters.initial_coefficient[parameters.initial_coefficient.size() - k] *= random(0.7, 1.3);
    for (std::vector<Network>& networks : parameters.message) networks.push_back(Network(networks.back()));
    parameters.readout.push_back(Network(parameters.readout.back()));
    parameters.energy_shift.push_back(0);
  }
  check(parameters);
  return parameters;
}

}  // namespace grapevine::reann
