#include <cstdlib>
#include <string>

#include "formats/model_files/model_file.hpp"
#include "models/equivariant/radial_splines.hpp"
#include "models/mace/edge_kinds.hpp"
#include "models/mace/file.hpp"
#include "models/mace/monomials.hpp"
#include "models/nequip/file.hpp"
#include "models/reann/file.hpp"
#include "models/reann/radial_table.hpp"
#include "target.hpp"

namespace {

/// As for a run in mixed precision.
void make_tables(const grapevine::nequip::Parameters& p) {
  grapevine::equivariant::RadialSplines({radial_weights(p), {}}, p.count());
}

void make_tables(const grapevine::mace::Parameters& p) {
  grapevine::equivariant::RadialSplines(grapevine::mace::EdgeKinds(p).family, p.count());
  for (const grapevine::mace::Interaction& x : p.interactions)
    folded_coefficients(x.contractions, 0, x.message.front().channels);
}

void make_tables(const grapevine::reann::Parameters& p) {
  grapevine::reann::RadialTable::make(static_cast<int>(p.species.size()), p.waves, p.waves, p.cutoff,
                                      [&](int species, int k, double r) { return radial_function(p, species, k, r); });
}

template <class Parameters>
void use(const Parameters& p) {
  if (p.count() == 0) std::abort();
  make_tables(p);
}

}  // namespace

/// Any bytes are parameters whose tables fit into memory, or an Error.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return grapevine::fuzz::accept_errors([&] {
    const auto file = grapevine::TensorFile::parse(grapevine::fuzz::bytes_of(data, size), "fuzz");
    const std::string architecture = grapevine::read_description(file).architecture;
    if (architecture == grapevine::nequip::architecture)
      use(grapevine::nequip::read_parameters(file));
    else if (architecture == grapevine::mace::architecture)
      use(grapevine::mace::read_parameters(file));
    else
      use(grapevine::reann::read_parameters(file));
  });
}
