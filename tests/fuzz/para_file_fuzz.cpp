#include "formats/text/para_file.hpp"
#include "target.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return grapevine::fuzz::accept_errors([&] {
    const auto para = grapevine::ParaFile::parse(grapevine::fuzz::text_of(data, size), "fuzz");
    para.number("cutoff");
    para.text("activate");
    para.texts("atomtype");
  });
}
