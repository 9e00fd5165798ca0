#include "nequix_builder.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>
#include <cstring>

#include "test_files.hpp"

namespace grapevine::test {
namespace {

template <class Number>
void append(std::string& bytes, double value) {
  const auto number = static_cast<Number>(value);
  bytes.append(reinterpret_cast<const char*>(&number), sizeof number);
}

/// Adds arrays filled with numbers that differ.
class Filler {
 public:
  explicit Filler(NequixFile& file) : file_(file) {}

  void add(std::vector<int> shape) {
    std::size_t count = 1;
    for (const int length : shape) count *= static_cast<std::size_t>(length);
    std::vector<double> values(count);
    for (double& value : values) value = static_cast<float>(0.8 * std::sin(1.0 + 0.37 * ++number_));
    file_.arrays.push_back({std::move(shape), std::move(values)});
  }
  void add(const std::vector<std::vector<int>>& shapes) {
    for (const std::vector<int>& shape : shapes) add(shape);
  }

 private:
  NequixFile& file_;
  int number_ = 0;
};

NequixFile make(bool indexed) {
  NequixFile file;
  file.configuration = {{"cutoff", 4.0},
                        {"atomic_numbers", {8, 1}},
                        {"atom_energies", {{"1", -1.0}, {"8", -2.0}}},
                        {"hidden_irreps", "3x0e + 2x1o"},
                        {"lmax", 1},
                        {"n_layers", 2},
                        {"radial_basis_size", 3},
                        {"radial_mlp_size", 4},
                        {"radial_mlp_layers", 1},
                        {"radial_polynomial_p", 6.0},
                        {"mlp_init_scale", 4.0},
                        {"index_weights", indexed},
                        {"layer_norm", true},
                        {"shift", 0.25},
                        {"scale", 0.5},
                        {"avg_n_neighbors", 9.0}};
  const auto skip = [&](int inputs, int outputs) {
    return indexed ? std::vector<int>{2, inputs, outputs} : std::vector<int>{inputs, outputs};
  };
  Filler filler(file);
  filler.add({{2}, {3, 4}, {4, 4}, {2, 2}, {2, 5}, {2, 2}, skip(2, 5), {5}, {2}});
  filler.add({{3, 4}, {4, 5}, {3, 3}, {2, 2}, {5, 3}, skip(3, 3), {3}, {3, 1}});
  return file;
}

}  // namespace

std::string numpy_file(const std::vector<int>& shape, const std::vector<double>& values, const std::string& descr,
                       bool columns_first) {
  std::string header =
      fmt::format("{{'descr': '{}', 'fortran_order': {}, 'shape': ({}{}), }}", descr, columns_first ? "True" : "False",
                  fmt::join(shape, ", "), shape.size() == 1 ? "," : "");
  constexpr std::size_t fixed = 10;
  header += std::string(63 - (fixed + header.size()) % 64, ' ') + "\n";
  std::string bytes = "\x93NUMPY";
  bytes += {1, 0, static_cast<char>(header.size() % 256), static_cast<char>(header.size() / 256)};
  bytes += header;
  for (const double value : values) descr == "<f4" ? append<float>(bytes, value) : append<double>(bytes, value);
  return bytes;
}

std::vector<std::byte> NequixFile::bytes() const {
  std::string text = configuration.dump() + "\n";
  for (const Array& array : arrays) text += numpy_file(array.shape, array.values);
  return to_bytes(text + end);
}

NequixFile small_nequix() { return make(false); }
NequixFile small_indexed_nequix() { return make(true); }

}  // namespace grapevine::test
