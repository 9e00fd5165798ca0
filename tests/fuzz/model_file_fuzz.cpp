#include <cstdlib>

#include "formats/model_file.hpp"
#include "models/nequip/file.hpp"
#include "models/reann/file.hpp"
#include "target.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return grapevine::fuzz::accept_errors([&] {
    const auto file = grapevine::TensorFile::parse(grapevine::fuzz::bytes_of(data, size), "fuzz");
    const bool nequip = grapevine::read_description(file).architecture == grapevine::nequip::architecture;
    const std::size_t count =
        nequip ? grapevine::nequip::read_parameters(file).count() : grapevine::reann::read_parameters(file).count();
    if (count == 0) std::abort();
  });
}
