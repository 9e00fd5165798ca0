#include "importers/e3nn.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <numeric>
#include <stdexcept>
#include <tuple>
#include <utility>

#include "importers/size.hpp"
#include "models/equivariant/wigner_3j.hpp"

namespace grapevine::e3nn {
namespace {

using equivariant::EquivariantLinear;
using equivariant::Irreps;
using equivariant::IrrepsList;

constexpr Irreps even_scalar = {1, 0, 1};

int channels_like(const IrrepsList& list, const Irreps& irreps) {
  int sum = 0;
  for (const Irreps& other : list)
    if (other.transforms_like(irreps)) sum += other.channels;
  return sum;
}

/// Where in the flat weights those between two of e3nn's irreps begin: inputs are the slow index. Every input channel
/// has `inner` rows of weights.
class WeightOffsets {
 public:
  WeightOffsets(const IrrepsList& inputs, const IrrepsList& outputs, int inner) : outputs_(outputs.size()) {
    offsets_.resize(inputs.size() * outputs.size());
    for (std::size_t i = 0; i < inputs.size(); ++i)
      for (std::size_t o = 0; o < outputs.size(); ++o) {
        offsets_[i * outputs_ + o] = total_;
        if (inputs[i].transforms_like(outputs[o]))
          total_ += size(inputs[i].channels) * size(inner) * size(outputs[o].channels);
      }
  }
  std::size_t operator()(int i, int o) const { return offsets_[size(i) * outputs_ + size(o)]; }
  std::size_t total() const { return total_; }

 private:
  std::size_t outputs_;
  std::vector<std::size_t> offsets_;
  std::size_t total_ = 0;
};

/// Where row `row` of the weights from input `i` to the channels of piece `b` of the outputs begins.
std::size_t row_place(const WeightOffsets& offsets, const Layout& outputs, int i, int row, std::size_t b) {
  const Layout::Place& place = outputs.places[b];
  const int width = outputs.irreps[size(place.index)].channels;
  return offsets(i, place.index) + size(row) * size(width) + size(place.channel);
}

/// All parts between the pieces of two layouts. Of the `inner` rows of each channel, number `row` is taken; `fan_in`
/// says how many numbers are summed into channels of such irreps.
template <class FanIn>
std::vector<EquivariantLinear::Part> unpack_parts(const std::vector<double>& weight, const WeightOffsets& offsets,
                                                  const Layout& inputs, const Layout& outputs, int inner, int row,
                                                  const FanIn& fan_in) {
  std::vector<EquivariantLinear::Part> parts;
  for (std::size_t a = 0; a < inputs.pieces.size(); ++a)
    for (std::size_t b = 0; b < outputs.pieces.size(); ++b) {
      if (!inputs.pieces[a].transforms_like(outputs.pieces[b])) continue;
      EquivariantLinear::Part& part = parts.emplace_back();
      part.input = static_cast<int>(a);
      part.output = static_cast<int>(b);
      const double scale = 1 / std::sqrt(static_cast<double>(fan_in(outputs.pieces[b])));
      const Layout::Place& from = inputs.places[a];
      for (int c = 0; c < inputs.pieces[a].channels; ++c) {
        const double* begin =
            weight.data() + row_place(offsets, outputs, from.index, (from.channel + c) * inner + row, b);
        for (int o = 0; o < outputs.pieces[b].channels; ++o) part.weight.push_back(scale * begin[o]);
      }
    }
  return parts;
}

/// The way back: puts the parts of a map into such weights.
template <class FanIn>
void pack_parts(const std::vector<EquivariantLinear::Part>& parts, const WeightOffsets& offsets, const Layout& inputs,
                const Layout& outputs, int inner, int row, const FanIn& fan_in, std::vector<double>& weight) {
  for (const EquivariantLinear::Part& part : parts) {
    const double scale = std::sqrt(static_cast<double>(fan_in(outputs.pieces[size(part.output)])));
    const Layout::Place& from = inputs.places[size(part.input)];
    const double* next = part.weight.data();
    for (int c = 0; c < inputs.pieces[size(part.input)].channels; ++c) {
      const int at = (from.channel + c) * inner + row;
      double* begin = weight.data() + row_place(offsets, outputs, from.index, at, size(part.output));
      for (int o = 0; o < outputs.pieces[size(part.output)].channels; ++o) begin[o] = scale * *next++;
    }
  }
}

/// The first bias of each of e3nn's outputs.
std::vector<int> first_biases(const IrrepsList& outputs) {
  std::vector<int> first;
  int count = 0;
  for (const Irreps& irreps : outputs) {
    first.push_back(count);
    if (irreps.transforms_like(even_scalar)) count += irreps.channels;
  }
  return first;
}

IrrepsList with_scalars(IrrepsList list, int scalars) {
  if (scalars > 0) list.push_back({scalars, 0, 1});
  return list;
}

template <int l1, int l2, int l3>
std::vector<double> table() {
  std::vector<double> values;
  if constexpr (l1 + l2 >= l3 && l1 + l3 >= l2 && l2 + l3 >= l1) {
    const typename equivariant::Wigner3j<l1, l2, l3>::Table made = equivariant::Wigner3j<l1, l2, l3>::make();
    for (const auto& rows : made)
      for (const auto& row : rows) values.insert(values.end(), row.begin(), row.end());
  }
  return values;
}

constexpr int orders = equivariant::max_order + 1;

template <std::size_t... index>
std::vector<double> table(std::size_t wanted, std::index_sequence<index...>) {
  std::vector<double> values;
  ((index == wanted
        ? (void)(values = table<static_cast<int>(index) / (orders * orders), static_cast<int>(index) / orders % orders,
                                static_cast<int>(index) % orders>())
        : (void)0),
   ...);
  return values;
}

}  // namespace

Layout as_written(const IrrepsList& list) {
  Layout layout{list, list, {}};
  for (std::size_t i = 0; i < list.size(); ++i) layout.places.push_back({static_cast<int>(i), 0});
  return layout;
}

IrrepsList simplified(const IrrepsList& list) {
  IrrepsList result;
  for (const Irreps& irreps : list)
    if (!result.empty() && result.back().transforms_like(irreps))
      result.back().channels += irreps.channels;
    else
      result.push_back(irreps);
  return result;
}

std::vector<int> sorted_order(const IrrepsList& list) {
  std::vector<int> order(list.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int a, int b) {
    return std::tie(list[size(a)].order, list[size(a)].parity) < std::tie(list[size(b)].order, list[size(b)].parity);
  });
  return order;
}

Layout regrouped(const IrrepsList& list) {
  Layout layout{list, {}, std::vector<Layout::Place>(list.size())};
  for (const int piece : sorted_order(list)) {
    const Irreps& irreps = list[size(piece)];
    if (layout.irreps.empty() || !layout.irreps.back().transforms_like(irreps))
      layout.irreps.push_back({0, irreps.order, irreps.parity});
    Irreps& group = layout.irreps.back();
    layout.places[size(piece)] = {static_cast<int>(layout.irreps.size()) - 1, group.channels};
    group.channels += irreps.channels;
  }
  return layout;
}

std::size_t Linear::weights() const {
  return WeightOffsets(with_scalars(inputs_.irreps, one_hot_inputs_), outputs_.irreps, 1).total();
}

std::size_t Linear::biases() const { return size(channels_like(outputs_.irreps, even_scalar)); }

EquivariantLinear Linear::unpack(const std::vector<double>& weight, const std::vector<double>& bias,
                                 int one_hot) const {
  const IrrepsList entering = with_scalars(inputs_.irreps, one_hot_inputs_);
  const WeightOffsets offsets(entering, outputs_.irreps, 1);
  if (weight.size() != offsets.total() || (!bias.empty() && bias.size() != biases()))
    throw std::invalid_argument("e3nn::Linear: wrong number of weights");
  const auto fan_in = [&](const Irreps& irreps) { return channels_like(entering, irreps); };
  EquivariantLinear result{inputs_.pieces, outputs_.pieces, {}, {}};
  result.parts = unpack_parts(weight, offsets, inputs_, outputs_, 1, 0, fan_in);
  if (bias.empty() && one_hot_inputs_ == 0) return result;
  const double scale = 1 / std::sqrt(static_cast<double>(fan_in(even_scalar)));
  const std::vector<int> first_bias = first_biases(outputs_.irreps);
  for (std::size_t b = 0; b < outputs_.pieces.size(); ++b) {
    if (!outputs_.pieces[b].transforms_like(even_scalar)) continue;
    const Layout::Place& place = outputs_.places[b];
    for (int o = 0; o < outputs_.pieces[b].channels; ++o) {
      double value = bias.empty() ? 0 : bias[size(first_bias[size(place.index)] + place.channel + o)];
      if (one_hot_inputs_ > 0)
        value += scale * weight[row_place(offsets, outputs_, static_cast<int>(entering.size()) - 1, one_hot, b) + o];
      result.bias.push_back(value);
    }
  }
  return result;
}

std::vector<double> Linear::pack(const EquivariantLinear& map) const {
  const WeightOffsets offsets(inputs_.irreps, outputs_.irreps, 1);
  std::vector<double> weight(offsets.total());
  const auto fan_in = [&](const Irreps& irreps) { return channels_like(inputs_.irreps, irreps); };
  pack_parts(map.parts, offsets, inputs_, outputs_, 1, 0, fan_in, weight);
  return weight;
}

std::vector<double> Linear::pack_bias(const EquivariantLinear& map) const {
  std::vector<double> bias(biases());
  const std::vector<int> first_bias = first_biases(outputs_.irreps);
  auto next = map.bias.begin();
  for (std::size_t b = 0; b < outputs_.pieces.size() && next != map.bias.end(); ++b) {
    if (!outputs_.pieces[b].transforms_like(even_scalar)) continue;
    const Layout::Place& place = outputs_.places[b];
    const auto end = next + outputs_.pieces[b].channels;
    std::copy(next, end, bias.begin() + first_bias[size(place.index)] + place.channel);
    next = end;
  }
  return bias;
}

std::size_t SpeciesLinear::weights() const { return WeightOffsets(inputs_.irreps, outputs_.irreps, species_).total(); }

EquivariantLinear SpeciesLinear::unpack(const std::vector<double>& weight, int species) const {
  const WeightOffsets offsets(inputs_.irreps, outputs_.irreps, species_);
  if (weight.size() != offsets.total()) throw std::invalid_argument("e3nn::SpeciesLinear: wrong number of weights");
  const auto fan_in = [&](const Irreps& irreps) { return channels_like(inputs_.irreps, irreps) * species_; };
  EquivariantLinear result{inputs_.pieces, outputs_.pieces, {}, {}};
  result.parts = unpack_parts(weight, offsets, inputs_, outputs_, species_, species, fan_in);
  return result;
}

std::vector<double> SpeciesLinear::pack(const std::vector<EquivariantLinear>& maps) const {
  const WeightOffsets offsets(inputs_.irreps, outputs_.irreps, species_);
  std::vector<double> weight(offsets.total());
  const auto fan_in = [&](const Irreps& irreps) { return channels_like(inputs_.irreps, irreps) * species_; };
  for (std::size_t s = 0; s < maps.size(); ++s)
    pack_parts(maps[s].parts, offsets, inputs_, outputs_, species_, static_cast<int>(s), fan_in, weight);
  return weight;
}

equivariant::Activation normalised_activation(equivariant::ActivationKind kind) {
  using equivariant::ActivationKind;
  switch (kind) {
    case ActivationKind::identity: return {kind, 1};
    case ActivationKind::silu: return {kind, 1.6791767923989418};
    case ActivationKind::tanh: return {kind, 1.5937334472592695};
    case ActivationKind::relu: return {kind, 1.4163393446331365};
    case ActivationKind::abs: return {kind, 1.001110600838467};
    case ActivationKind::sigmoid: return {kind, 1.8467055342154763};
    case ActivationKind::elu: return {kind, 1.2467863885570512};
    case ActivationKind::shifted_softplus: return {kind, 1.878204668541552};
    case ActivationKind::softplus:
    case ActivationKind::mish:
    case ActivationKind::gelu: break;  // no e3nn module has them
  }
  throw std::invalid_argument("normalised_activation: unknown kind");
}

std::vector<double> wigner_3j(int l1, int l2, int l3) {
  const auto wanted = size((l1 * orders + l2) * orders + l3);
  return table(wanted, std::make_index_sequence<size_t{orders} * orders * orders>());
}

}  // namespace grapevine::e3nn
