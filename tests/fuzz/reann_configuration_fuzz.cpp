#include <memory>
#include <sstream>

#include "formats/text/reann_configuration.hpp"
#include "target.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return grapevine::fuzz::accept_errors([&] {
    const std::string text(grapevine::fuzz::text_of(data, size));
    grapevine::ReannConfigurationReader reader(std::make_unique<std::istringstream>(text), "fuzz");
    for (grapevine::Frame frame; reader.next(frame);) make_cartesian(frame);
  });
}
