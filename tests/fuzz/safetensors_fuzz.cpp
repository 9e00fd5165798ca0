#include "formats/model_files/safetensors.hpp"
#include "target.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return grapevine::fuzz::accept_errors([&] {
    const auto file = grapevine::TensorFile::parse(grapevine::fuzz::bytes_of(data, size), "fuzz");
    for (const auto& [name, tensor] : file.tensors()) tensor.to_doubles();
  });
}
