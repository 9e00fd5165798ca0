#include "importers/nequix.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <string_view>
#include <utility>
#include <vector>

#include "formats/archives/numpy_arrays.hpp"
#include "importers/e3nn.hpp"
#include "importers/nequix_configuration.hpp"
#include "importers/size.hpp"
#include "support/error.hpp"
#include "support/error_context.hpp"

namespace grapevine {
namespace {

using e3nn::Layout;
using equivariant::ActivationKind;
using equivariant::Dense;
using equivariant::EquivariantLinear;
using equivariant::Irreps;
using equivariant::IrrepsList;
using nequip::Interaction;
using nequip::SelfConnectionKind;

constexpr std::size_t max_configuration = 1u << 20;
constexpr equivariant::Activation plain_silu = {ActivationKind::silu, 1};
constexpr equivariant::Activation normalised_silu = {ActivationKind::silu,
                                                     1.676562056079885};  // by e3nn_jax's quantiles

std::string_view text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// The first line, without its end.
std::string_view configuration_line(std::span<const std::byte> file, const std::string& name) {
  const std::string_view text = text_of(file).substr(0, max_configuration);
  const std::size_t end = text.find('\n');
  if (end == std::string_view::npos)
    throw Error(fmt::format("{}: its configuration, the first line, has no end{}", name,
                            file.size() > max_configuration ? " within 1 MiB" : "; is the file cut off?"));
  return text.substr(0, end);
}

/// Hands out the arrays one by one.
class Leaves {
 public:
  Leaves(std::vector<NpyArray> arrays, const std::string& file) : arrays_(std::move(arrays)), file_(file) {}

  /// The next array, which is called `leaf` and has this shape; row-major.
  std::vector<double> take(const std::string& leaf, const std::vector<int>& lengths) {
    const std::vector<std::uint64_t> shape(lengths.begin(), lengths.end());
    if (next_ == arrays_.size())
      throw Error(fmt::format("{}: {} arrays, and none is left for {}", file_, arrays_.size(), leaf));
    const NpyArray& array = arrays_[next_];
    const std::string where = fmt::format("{}: array {}, {}", file_, next_, leaf);
    if (array.shape != shape)
      throw Error(fmt::format("{}: its shape is {}; the configuration asks for {}", where, shape_text(array.shape),
                              shape_text(shape)));
    if (array.dtype != DType::f16 && array.dtype != DType::f32 && array.dtype != DType::f64)
      throw Error(fmt::format("{}: its elements are not floating point numbers", where));
    ++next_;
    return array.to_doubles();
  }

  void check_all_taken() const {
    if (next_ < arrays_.size())
      throw Error(fmt::format("{}: {} arrays; a model of this configuration has {}", file_, arrays_.size(), next_));
  }

 private:
  std::vector<NpyArray> arrays_;
  const std::string& file_;
  std::size_t next_ = 0;
};

/// Scalars, of which there is one irreps, and all others, which even scalars gate.
equivariant::Gate gate_of(const IrrepsList& features) {
  equivariant::Gate gate;
  for (const Irreps& irreps : features) (irreps.order == 0 ? gate.scalars : gate.gated).push_back(irreps);
  gate.scalar_activation.assign(gate.scalars.size(), normalised_silu);
  gate.gate_activation.assign(gate.gated.size(), normalised_silu);
  return gate;
}

class NequixImporter {
 public:
  NequixImporter(std::span<const std::byte> file, const std::string& name)
      : name_(name),
        line_(configuration_line(file, name)),
        c_(read_nequix_configuration(line_, name + ": configuration")),
        leaves_(parse_numpy_arrays(file.subspan(line_.size() + 1), name), name) {}

  nequip::Parameters run() {
    const std::vector<double> energies = leaves_.take("atom_energies", {species()});
    read_edges();
    for (int t = 0; t < c_.layers; ++t) p_.interactions.push_back(interaction(t));
    read_readout();
    leaves_.check_all_taken();
    for (const double energy : energies) {
      p_.energy_scale.push_back(c_.scale);
      p_.energy_shift.push_back(c_.shift + energy);
    }
    with_context(name_, [&] { nequip::check(p_); });
    return std::move(p_);
  }

 private:
  int species() const { return static_cast<int>(c_.species.size()); }

  void read_edges() {
    p_.species = c_.species;
    p_.basis.cutoff = c_.cutoff;
    p_.basis.cutoff_power = c_.cutoff_power;
    p_.basis.prefactor = 2 / c_.cutoff;
    for (int n = 1; n <= c_.basis; ++n) p_.basis.frequency.push_back(n * std::numbers::pi / c_.cutoff);
    p_.edge_order = c_.edge_order;
    p_.odd_harmonics = true;
    p_.embedding.assign(c_.species.size() * c_.species.size(), 0);
    for (std::size_t s = 0; s < c_.species.size(); ++s) p_.embedding[s * (c_.species.size() + 1)] = 1;
  }

  /// Weights of an e3nn_jax Linear, the first `copies` of each array's lengths if it has one for each of these;
  /// [copies].
  std::vector<std::vector<double>> weights(const std::string& module, const Layout& inputs, const Layout& outputs,
                                           int copies = 0) {
    std::vector<std::vector<double>> result(size(std::max(copies, 1)));
    for (std::size_t i = 0; i < inputs.irreps.size(); ++i)
      for (std::size_t o = 0; o < outputs.irreps.size(); ++o) {
        if (!inputs.irreps[i].transforms_like(outputs.irreps[o])) continue;
        std::vector<int> shape = {inputs.irreps[i].channels, outputs.irreps[o].channels};
        if (copies > 0) shape.insert(shape.begin(), copies);
        const std::vector<double> values = leaves_.take(fmt::format("{} w[{},{}]", module, i, o), shape);
        const std::size_t length = values.size() / result.size();
        for (std::size_t n = 0; n < result.size(); ++n) {
          const auto first = values.begin() + static_cast<std::ptrdiff_t>(n * length);
          result[n].insert(result[n].end(), first, first + static_cast<std::ptrdiff_t>(length));
        }
      }
    return result;
  }

  EquivariantLinear linear(const std::string& module, const Layout& inputs, const Layout& outputs) {
    const std::vector<double> weight = weights(module, inputs, outputs).front();
    return e3nn::Linear(inputs, outputs).unpack(weight, {});
  }

  std::vector<Dense> radial_network(const std::string& module, int outputs) {
    std::vector<int> widths(size(c_.radial_hidden_layers), c_.radial_width);
    widths.push_back(outputs);
    std::vector<Dense> layers;
    int inputs = c_.basis;
    for (const int width : widths) {
      const std::string leaf = fmt::format("{}.layers[{}].weights", module, layers.size());
      layers.push_back({inputs, width, leaves_.take(leaf, {inputs, width}), {}});
      inputs = width;
    }
    return layers;
  }

  /// hidden -> hidden: what enters is sorted by nequix, what leaves is in the order of the configuration.
  EquivariantLinear input_mixing(const std::string& module, const IrrepsList& features, int t) {
    const Layout inputs = e3nn::as_written(features);
    if (t == 0) return linear(module, inputs, inputs);
    Layout outputs{features, c_.written, {}};
    for (const Irreps& piece : features) {
      const auto found = std::find(c_.written.begin(), c_.written.end(), piece);
      outputs.places.push_back({static_cast<int>(found - c_.written.begin()), 0});
    }
    return linear(module, inputs, outputs);
  }

  void read_skip(Interaction& x, const std::string& module, int t, const Layout& inputs, const Layout& outputs) {
    const e3nn::Linear map(inputs, outputs);
    const std::vector<std::vector<double>> all = weights(module, inputs, outputs, c_.indexed_skip ? species() : 0);
    x.self_connection_kind = SelfConnectionKind::shared;
    if (c_.indexed_skip && t == 0) {
      x.self_connection.push_back(map.unpack(own_rows(all), {}));
      return;
    }
    if (c_.indexed_skip) x.self_connection_kind = SelfConnectionKind::per_species;
    for (const std::vector<double>& weight : all) x.self_connection.push_back(map.unpack(weight, {}));
  }

  /// The first layer's features are the one-hot vector of the species, so that of each species' map only the row of
  /// that species counts: together they are one map.
  static std::vector<double> own_rows(const std::vector<std::vector<double>>& maps) {
    std::vector<double> weight;
    const std::size_t width = maps.front().size() / maps.size();
    for (std::size_t s = 0; s < maps.size(); ++s) {
      const auto first = maps[s].begin() + static_cast<std::ptrdiff_t>(s * width);
      weight.insert(weight.end(), first, first + static_cast<std::ptrdiff_t>(width));
    }
    return weight;
  }

  /// nequix sums over the channels of each of e3nn_jax's irreps and takes the mean over their components, of squares
  /// that are over the number of components already.
  equivariant::RmsNorm norm(const std::string& module, const IrrepsList& list, const IrrepsList& merged) {
    equivariant::RmsNorm norm;
    norm.epsilon = 1e-12;
    for (const Irreps& irreps : list)
      norm.share.push_back(1.0 / (irreps.components() * irreps.components() * static_cast<double>(merged.size())));
    for (std::size_t n = 0; n < merged.size(); ++n) {
      const std::vector<double> weight =
          leaves_.take(fmt::format("{}.affine_weight[{}]", module, n), {merged[n].channels});
      norm.weight.insert(norm.weight.end(), weight.begin(), weight.end());
    }
    return norm;
  }

  Interaction interaction(int t) {
    const std::string layer = fmt::format("layers[{}].", t);
    Interaction x;
    x.input = c_.features(t);
    x.paths = c_.paths(t);
    x.gate = gate_of(c_.features(t + 1));
    x.denominator = std::sqrt(c_.average_neighbours);
    const Layout inputs = e3nn::as_written(x.input);
    const Layout outputs = e3nn::regrouped(x.gate.inputs());
    x.radial = {radial_network(layer + "radial_mlp", equivariant::channels(x.messages())), plain_silu};
    x.mix_input = input_mixing(layer + "linear_1", x.input, t);
    x.mix_messages = linear(layer + "linear_2", e3nn::regrouped(x.messages()), outputs);
    read_skip(x, layer + "skip", t, inputs, outputs);
    if (c_.norm) x.norm = norm(layer + "layer_norm", x.gate.inputs(), outputs.irreps);
    return x;
  }

  void read_readout() {
    const Layout features = e3nn::as_written(c_.features(c_.layers));
    EquivariantLinear map = linear("readout", features, e3nn::as_written({{1, 0, 1}}));
    p_.readout.push_back({equivariant::channels(features.pieces), 1, std::move(map.parts.front().weight), {}});
    p_.readout_activation = plain_silu;
  }

  const std::string& name_;
  std::string_view line_;
  NequixConfiguration c_;
  Leaves leaves_;
  nequip::Parameters p_;
};

bool is_torch_archive(std::span<const std::byte> bytes) { return text_of(bytes).starts_with("PK\x03\x04"); }

}  // namespace

bool is_nequix(std::span<const std::byte> file) {
  const std::string_view start = text_of(file).substr(0, 2);
  return start == "{\"" || start == "{ " || start == "{}" || start == "{\n";
}

nequip::Parameters import_nequix(std::span<const std::byte> file, const std::string& name) {
  const std::string_view line = configuration_line(file, name);
  if (is_torch_archive(file.subspan(line.size() + 1)))
    throw Error(
        fmt::format("{}: Nequix's weights as its PyTorch version keeps them (.pt); import its .nqx file", name));
  return NequixImporter(file, name).run();
}

}  // namespace grapevine
