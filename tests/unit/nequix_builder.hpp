#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace grapevine::test {

/// The bytes of one array as NumPy saves it, version 1; `values` become elements of type `descr`, <f4 or <f8.
std::string numpy_file(const std::vector<int>& shape, const std::vector<double>& values,
                       const std::string& descr = "<f4", bool columns_first = false);

/// A Nequix model in pieces, to be changed before it is written.
struct NequixFile {
  struct Array {
    std::vector<int> shape;
    std::vector<double> values;
  };
  nlohmann::json configuration;
  std::vector<Array> arrays;
  std::string end;  ///< what follows the last array

  std::vector<std::byte> bytes() const;
};

/// Species O and H, two layers, hidden irreps 3x0e+2x1o, harmonics up to l = 1, three Bessel functions, one hidden
/// layer of 4 in the radial networks, a norm. No two weights are equal.
NequixFile small_nequix();

/// The same with a skip for each species.
NequixFile small_indexed_nequix();

}  // namespace grapevine::test
