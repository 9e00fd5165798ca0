#include "importers/nequix.hpp"
#include "target.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return grapevine::fuzz::accept_errors(
      [&] { grapevine::import_nequix(grapevine::fuzz::bytes_of(data, size), "fuzz"); });
}
