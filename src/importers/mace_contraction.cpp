#include "importers/mace_contraction.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <string>
#include <tuple>
#include <vector>

#include "importers/size.hpp"

namespace grapevine {
namespace {

using equivariant::IrrepsList;
using mace::Contraction;
using mace::max_degree;
using Shape = std::vector<std::int64_t>;
using Factors = std::array<int, max_degree>;

/// Coefficients far below the largest are rounding of zeros: true ones are above a hundredth.
constexpr double smallest = 1e-6;

class ContractionReader {
 public:
  ContractionReader(TensorTable& tensors, const TorchModule& module, int order, const IrrepsList& message, int species)
      : tensors_(tensors),
        module_(module),
        species_(species),
        channels_(message.front().channels),
        components_(equivariant::numbers(message) / channels_) {
    result_.order = order;
  }

  Contraction run() {
    degree_ = module_.integer("correlation", 1, 1000);
    if (degree_ > max_degree)
      module_.fail(fmt::format("correlation = {} is not supported; at most {} is", degree_, max_degree));
    for (int degree = 1; degree <= degree_; ++degree) read_matrix(degree);
    std::sort(result_.terms.begin(), result_.terms.end(), [](const auto& a, const auto& b) {
      return std::tie(a.component, a.factors, a.path) < std::tie(b.component, b.factors, b.path);
    });
    read_weights();
    return std::move(result_);
  }

 private:
  std::vector<double> values(const std::string& name, const Shape& expected) {
    const TorchTensor& tensor = tensors_.tensor(module_.inner_name(name));
    if (tensor.shape != expected)
      module_.fail(fmt::format("{} has shape [{}]; expected [{}]", name, fmt::join(tensor.shape, ", "),
                               fmt::join(expected, ", ")));
    return tensors_.values(module_.inner_name(name));
  }

  /// U[component][factor 1] ... [factor n][path]; of scalars without the first index.
  void read_matrix(int degree) {
    const std::string name = fmt::format("U_matrix_{}", degree);
    const Shape& shape = tensors_.tensor(module_.inner_name(name)).shape;
    const std::int64_t paths = shape.empty() ? 0 : shape.back();
    if (paths < 1 || paths > 65536) module_.fail(fmt::format("{} has no paths, or too many", name));
    Shape expected(size(degree), components_);
    if (result_.order > 0) expected.insert(expected.begin(), 2 * result_.order + 1);
    expected.push_back(paths);
    add_terms(values(name, expected), degree, static_cast<int>(paths));
    paths_.push_back(static_cast<int>(paths));
  }

  Factors factors_of(std::size_t column, int degree) const {
    Factors factors;
    factors.fill(-1);
    for (int f = max_degree - 1; f >= max_degree - degree; --f) {
      factors[size(f)] = static_cast<int>(column % size(components_));
      column /= size(components_);
    }
    std::sort(factors.begin(), factors.end());
    return factors;
  }

  std::size_t column_of(const Factors& factors) const {
    std::size_t column = 0;
    for (const int factor : factors)
      if (factor >= 0) column = column * size(components_) + size(factor);
    return column;
  }

  void add_terms(const std::vector<double>& u, int degree, int paths) {
    std::size_t columns = 1;
    for (int f = 0; f < degree; ++f) columns *= size(components_);
    std::vector<double> sum(u.size(), 0.0);
    double largest = 0;
    for (std::size_t n = 0; n < u.size(); ++n) {
      if (u[n] == 0) continue;
      const std::size_t path = n % size(paths);
      const std::size_t column = n / size(paths) % columns;
      const std::size_t component = n / size(paths) / columns;
      const std::size_t sorted = column_of(factors_of(column, degree));
      sum[(component * columns + sorted) * size(paths) + path] += u[n];
      largest = std::max(largest, std::abs(u[n]));
    }
    for (std::size_t n = 0; n < sum.size(); ++n) {
      if (!(std::abs(sum[n]) > smallest * largest)) continue;
      const auto component = static_cast<int>(n / size(paths) / columns);
      const auto path = static_cast<int>(n % size(paths));
      result_.terms.push_back({component, result_.paths + path, factors_of(n / size(paths) % columns, degree), sum[n]});
    }
    result_.paths += paths;
  }

  /// Weights of the highest degree have a name of their own; those of the others are counted downwards.
  std::vector<double> weights_of(int degree, bool same_for_all) {
    const std::string name = degree == degree_ ? "weights_max" : fmt::format("weights.{}", degree_ - 1 - degree);
    return values(name, {same_for_all ? 1 : species_, paths_[size(degree) - 1], channels_});
  }

  void read_weights() {
    const Shape& shape = tensors_.tensor(module_.inner_name("weights_max")).shape;
    const bool same_for_all = !shape.empty() && shape.front() == 1;
    std::vector<std::vector<double>> weights;
    for (int degree = 1; degree <= degree_; ++degree) weights.push_back(weights_of(degree, same_for_all));
    for (int s = 0; s < species_; ++s)
      for (const std::vector<double>& all : weights) {
        const std::size_t count = same_for_all ? all.size() : all.size() / size(species_);
        const double* begin = all.data() + (same_for_all ? 0 : size(s) * count);
        result_.weight.insert(result_.weight.end(), begin, begin + count);
      }
  }

  TensorTable& tensors_;
  const TorchModule& module_;
  int species_;
  int channels_;
  int components_;
  int degree_ = 0;
  std::vector<int> paths_;  ///< [degrees]
  Contraction result_;
};

}  // namespace

Contraction read_mace_contraction(TensorTable& tensors, const TorchModule& module, int order, const IrrepsList& message,
                                  int species) {
  return ContractionReader(tensors, module, order, message, species).run();
}

}  // namespace grapevine
