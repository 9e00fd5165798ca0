#include "target.hpp"
#include "training/options/config.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return grapevine::fuzz::accept_errors(
      [&] { grapevine::parse_config(grapevine::fuzz::text_of(data, size), "fuzz", "/folder"); });
}
