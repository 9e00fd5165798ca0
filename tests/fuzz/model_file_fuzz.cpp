#include <cstdlib>

#include "models/reann/file.hpp"
#include "target.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return grapevine::fuzz::accept_errors([&] {
    const auto file = grapevine::TensorFile::parse(grapevine::fuzz::bytes_of(data, size), "fuzz");
    if (grapevine::reann::read_parameters(file).count() == 0) std::abort();
  });
}
