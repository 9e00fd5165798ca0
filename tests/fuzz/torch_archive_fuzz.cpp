#include "formats/archives/torch_archive.hpp"
#include "importers/mace.hpp"
#include "importers/nequip_checkpoint.hpp"
#include "importers/reann.hpp"
#include "importers/sevennet.hpp"
#include "target.hpp"

// The activations are given, so that files without class names are read to the end as well.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return grapevine::fuzz::accept_errors([&] {
    const auto bytes = grapevine::fuzz::bytes_of(data, size);
    if (const auto head = grapevine::torch_head(bytes); grapevine::is_mace(head)) {
      grapevine::import_mace(grapevine::read_mace_archive(bytes, head, "fuzz"), "");
      return;
    }
    const auto archive = grapevine::parse_torch_archive(bytes, "fuzz");
    if (grapevine::is_nequip_checkpoint(archive)) {
      grapevine::import_network(grapevine::read_nequip_checkpoint(archive));
      return;
    }
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
