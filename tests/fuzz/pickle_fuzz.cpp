#include <memory>
#include <vector>

#include "formats/archives/pickle.hpp"
#include "importers/mace.hpp"
#include "importers/reann.hpp"
#include "importers/sevennet.hpp"
#include "target.hpp"

// The pickle alone, without the zip around it, whose checksums would turn most changes into the same error. Every
// storage has 64 bytes.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return grapevine::fuzz::accept_errors([&] {
    const auto storage = std::make_shared<const std::vector<std::byte>>(64);
    const auto load = [&](const std::string&) { return storage; };
    grapevine::TorchArchive archive;
    archive.name = "fuzz";
    archive.bytes = size;
    const auto bytes = grapevine::fuzz::bytes_of(data, size);
    if (grapevine::is_mace({grapevine::first_global(bytes).value_or(grapevine::PickleGlobal{}).full_name(), {}})) {
      archive.root = grapevine::read_pickle(bytes, "fuzz", load, grapevine::mace_packages());
      grapevine::import_mace(archive, "");
      return;
    }
    archive.root = grapevine::read_pickle(bytes, "fuzz", load);
    if (grapevine::is_sevennet(archive)) {
      grapevine::import_sevennet(archive, {});
      return;
    }
    grapevine::ReannImportOptions options;
    options.activation = grapevine::reann::ActivationKind::relu_like;
    options.message_activation = grapevine::reann::ActivationKind::tanh_like;
    grapevine::import_reann(archive, options);
  });
}
