#include "formats/file_endings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <string>

#include "support/error.hpp"

namespace grapevine {
namespace {

enum class Content { model, structures, other };

struct KnownEnding {
  const char* ending;
  Content content;
  const char* what;
};

// The first that fits counts.
constexpr KnownEnding known_endings[] = {
    {checkpoint_ending, Content::other, "the checkpoint of a training"},
    {".safetensors", Content::model, "a model"},
    {".extxyz", Content::structures, "structures in extended XYZ"},
    {".xyz", Content::structures, "structures in XYZ"},
    {".traj", Content::other, "a trajectory of ASE"},
    {".db", Content::other, "a data base of ASE"},
    {".cif", Content::other, "a crystal structure in CIF"},
    {".vasp", Content::other, "a structure of VASP"},
    {".lammpstrj", Content::other, "a trajectory of LAMMPS"},
    {".dump", Content::other, "a trajectory of LAMMPS"},
    {".data", Content::other, "data of LAMMPS"},
    {".lmp", Content::other, "an input of LAMMPS"},
    {".in", Content::other, "an input of LAMMPS"},
    {".pth", Content::other, "a file of PyTorch"},
    {".pt", Content::other, "a file of PyTorch"},
    {".npz", Content::other, "arrays of NumPy"},
    {".npy", Content::other, "arrays of NumPy"},
    {".hdf5", Content::other, "data in HDF5"},
    {".h5", Content::other, "data in HDF5"},
    {".toml", Content::other, "a configuration"},
    {".yaml", Content::other, "a configuration"},
    {".yml", Content::other, "a configuration"},
    {".json", Content::other, "data in JSON"},
    {".csv", Content::other, "a table"},
    {".html", Content::other, "a report"},
    {".py", Content::other, "a program"},
    {".sh", Content::other, "a program"},
    {".png", Content::other, "a picture"},
    {".svg", Content::other, "a picture"},
    {".pdf", Content::other, "a picture"},
    {".gz", Content::other, "compressed data"},
    {".bz2", Content::other, "compressed data"},
    {".xz", Content::other, "compressed data"},
    {".zst", Content::other, "compressed data"},
    {".zip", Content::other, "an archive"},
    {".tar", Content::other, "an archive"},
};

void check_ending(const std::filesystem::path& output, Content content, const char* what, const char* usual) {
  std::string name = output.filename().string();
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
  for (const KnownEnding& known : known_endings) {
    if (!name.ends_with(known.ending)) continue;
    if (known.content == content) return;
    throw Error(fmt::format("{}: {} stands for {}, but {} would be written; let the name end in {}", output.string(),
                            known.ending, known.what, what, usual));
  }
}

}  // namespace

void check_model_ending(const std::filesystem::path& output) {
  check_ending(output, Content::model, "a model", ".safetensors");
}

void check_structures_ending(const std::filesystem::path& output) {
  check_ending(output, Content::structures, "structures in extended XYZ", ".extxyz");
}

}  // namespace grapevine
