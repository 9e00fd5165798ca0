#include "formats/known_formats.hpp"

namespace grapevine {
namespace {

using namespace std::string_view_literals;

struct Signature {
  std::string_view bytes;
  std::string_view name;
};

constexpr Signature signatures[] = {{"- of Ulm"sv, "an ASE trajectory (.traj)"},
                                    {"\x89HDF\r\n\x1a\n"sv, "an HDF5 file"},
                                    {"CDF\x01"sv, "a NetCDF file"},
                                    {"CDF\x02"sv, "a NetCDF file"},
                                    {"CDF\x05"sv, "a NetCDF file"},
                                    {"SQLite format 3\0"sv, "an SQLite database, such as those of ASE"},
                                    {"\x93NUMPY"sv, "a file of NumPy"},
                                    {"PK\x03\x04"sv, zip_format},
                                    {"\x80\x02"sv, pickle_format},
                                    {"\x80\x03"sv, pickle_format},
                                    {"\x80\x04"sv, pickle_format},
                                    {"\x80\x05"sv, pickle_format},
                                    {"\x1f\x8b"sv, "compressed by gzip"},
                                    {"BZh"sv, "compressed by bzip2"},
                                    {"\xfd"
                                     "7zXZ\0"sv,
                                     "compressed by xz"},
                                    {"\x28\xb5\x2f\xfd"sv, "compressed by zstd"},
                                    {"\xff\xfe"sv, "text in UTF-16"},
                                    {"\xfe\xff"sv, "text in UTF-16"},
                                    {"ITEM: "sv, "a dump of LAMMPS"},
                                    {"\x7f"
                                     "ELF"sv,
                                     "a program or library"}};

}  // namespace

std::string_view known_format(std::string_view start) {
  for (const Signature& signature : signatures)
    if (start.substr(0, signature.bytes.size()) == signature.bytes) return signature.name;
  constexpr std::size_t length_of_header = 8;  // a model file begins with it, as eight bytes, and the header with a {
  const bool model = start.size() > length_of_header && start[length_of_header] == '{' &&
                     start.substr(0, length_of_header).find('\0') != std::string_view::npos;
  return model ? safetensors_format : "";
}

}  // namespace grapevine
