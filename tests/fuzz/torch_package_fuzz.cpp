#include "formats/archives/torch_package.hpp"
#include "importers/nequip_package.hpp"
#include "target.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return grapevine::fuzz::accept_errors([&] {
    const auto bytes = grapevine::fuzz::bytes_of(data, size);
    if (!grapevine::TorchPackage::is_one(bytes)) return;
    grapevine::TorchPackage package(bytes, "fuzz");
    grapevine::import_network(grapevine::read_nequip_package(package));
  });
}
