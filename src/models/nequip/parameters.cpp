#include "models/nequip/parameters.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>

#include "formats/text_numbers.hpp"
#include "support/error.hpp"

namespace grapevine::nequip {
namespace {

constexpr int max_channels = 4096;
constexpr std::size_t max_irreps = 64;
constexpr int max_written_order = 9;

struct ActivationName {
  ActivationKind kind;
  const char* name;
};
constexpr ActivationName activation_names[] = {
    {ActivationKind::identity, "identity"}, {ActivationKind::silu, "silu"},
    {ActivationKind::tanh, "tanh"},         {ActivationKind::relu, "relu"},
    {ActivationKind::abs, "abs"},           {ActivationKind::sigmoid, "sigmoid"},
    {ActivationKind::elu, "elu"},           {ActivationKind::shifted_softplus, "shifted_softplus"}};

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

std::size_t product(int a, int b) { return static_cast<std::size_t>(a) * static_cast<std::size_t>(b); }

/// Collects what check() finds wrong.
class Checker {
 public:
  explicit Checker(const Parameters& p) : p_(p) {}

  void run() const {
    const std::size_t S = p_.species.size();
    if (S == 0) fail("it has no species");
    check_edges();
    if (p_.interactions.empty()) fail("it has no interactions");
    const IrrepsList& first = p_.interactions.front().input;
    for (const Irreps& irreps : first)
      if (irreps.order != 0 || irreps.parity != 1) fail("the first features are not all even scalars");
    check_size("embedding", p_.embedding, product(static_cast<int>(S), channels(first)));
    for (std::size_t t = 0; t < p_.interactions.size(); ++t) {
      const Interaction& x = p_.interactions[t];
      const std::string name = fmt::format("interaction {}", t);
      if (t > 0 && x.input != p_.interactions[t - 1].gate.outputs())
        fail(name + " does not take what the one before gives");
      check_interaction(name, x);
      check_features(name, x);
    }
    check_readout();
    check_size("energy scale", p_.energy_scale, S);
    check_size("energy shift", p_.energy_shift, S);
  }

 private:
  [[noreturn]] static void fail(const std::string& what) { throw Error(what); }

  static void check_size(const std::string& name, const std::vector<double>& values, std::size_t size) {
    if (values.size() != size) fail(fmt::format("{} has {} numbers instead of {}", name, values.size(), size));
    for (const double value : values)
      if (!std::isfinite(value)) fail(name + " has a number that is not finite");
  }

  void check_edges() const {
    if (!(p_.cutoff > 0) || p_.cutoff > 100) fail(fmt::format("a cutoff of {} Angstrom makes no sense", p_.cutoff));
    if (p_.edge_order < 0 || p_.edge_order > max_order)
      fail(fmt::format("spherical harmonics of order {}; at most {} are supported", p_.edge_order, max_order));
    if (p_.frequency.empty()) fail("it has no radial basis functions");
    check_size("radial frequency", p_.frequency, p_.frequency.size());
    if (!std::isfinite(p_.basis_prefactor)) fail("the factor of the radial basis is not finite");
    if (p_.cutoff_kind == CutoffKind::polynomial && (p_.cutoff_power < 1 || p_.cutoff_power > 100))
      fail(fmt::format("a cutoff polynomial of power {} makes no sense", p_.cutoff_power));
    if (p_.cutoff_kind == CutoffKind::xplor && !(p_.cutoff_onset >= 0 && p_.cutoff_onset < p_.cutoff))
      fail(fmt::format("a cutoff function from {} to {} Angstrom makes no sense", p_.cutoff_onset, p_.cutoff));
  }

  static void check_irreps(const std::string& name, const IrrepsList& list) {
    if (list.empty() || list.size() > max_irreps) fail(name + " are none or too many");
    for (const Irreps& irreps : list) {
      if (irreps.channels < 1 || irreps.channels > max_channels || std::abs(irreps.parity) != 1)
        fail(fmt::format("{}: {} make no sense", name, to_string(list)));
      if (irreps.order < 0 || irreps.order > max_order)
        fail(fmt::format("{}: {}; at most order {} is supported", name, to_string(list), max_order));
    }
  }

  static void check_dense(const std::string& name, const Dense& dense, int inputs) {
    if (dense.inputs != inputs || dense.outputs < 1 || dense.outputs > 65536)
      fail(fmt::format("{} takes {} numbers and gives {}; {} enter", name, dense.inputs, dense.outputs, inputs));
    check_size(name + " weight", dense.weight, product(dense.inputs, dense.outputs));
    if (!dense.bias.empty()) check_size(name + " bias", dense.bias, static_cast<std::size_t>(dense.outputs));
  }

  static void check_linear(const std::string& name, const EquivariantLinear& linear, const IrrepsList& inputs,
                           const IrrepsList& outputs) {
    if (linear.inputs != inputs || linear.outputs != outputs)
      fail(fmt::format("{} maps {} to {} instead of {} to {}", name, to_string(linear.inputs),
                       to_string(linear.outputs), to_string(inputs), to_string(outputs)));
    for (const EquivariantLinear::Part& part : linear.parts) {
      if (part.input < 0 || part.input >= static_cast<int>(inputs.size()) || part.output < 0 ||
          part.output >= static_cast<int>(outputs.size()) || !inputs[part.input].transforms_like(outputs[part.output]))
        fail(name + " mixes what must not be mixed");
      check_size(name, part.weight, product(inputs[part.input].channels, outputs[part.output].channels));
    }
    if (linear.bias.empty()) return;
    int even_scalars = 0;
    for (const Irreps& irreps : outputs)
      if (irreps.order == 0 && irreps.parity == 1) even_scalars += irreps.channels;
    check_size(name + " bias", linear.bias, static_cast<std::size_t>(even_scalars));
  }

  void check_path(const std::string& name, const Interaction& x, const Path& path) const {
    if (path.input < 0 || path.input >= static_cast<int>(x.input.size()) || path.edge_order < 0 ||
        path.edge_order > p_.edge_order)
      fail(name + ": a product of what is not there");
    const Irreps& from = x.input[path.input];
    const int edge_parity = p_.odd_harmonics && path.edge_order % 2 == 1 ? -1 : 1;
    if (path.order < std::abs(from.order - path.edge_order) || path.order > from.order + path.edge_order ||
        path.order > max_order || path.parity != from.parity * edge_parity)
      fail(fmt::format("{}: orders {} and {} do not couple to {}", name, from.order, path.edge_order, path.order));
  }

  void check_gate(const std::string& name, const Gate& gate) const {
    check_irreps(name + ": features", gate.outputs());
    for (const Irreps& irreps : gate.scalars)
      if (irreps.order != 0) fail(name + ": the gate takes something for a scalar that is none");
    if (gate.scalar_activation.size() != gate.scalars.size() || gate.gate_activation.size() != gate.gated.size())
      fail(name + ": the gate has not one activation for each of its irreps");
    for (const auto* list : {&gate.scalar_activation, &gate.gate_activation})
      for (const Activation& activation : *list)
        if (!std::isfinite(activation.scale)) fail(name + ": the scale of an activation is not finite");
    if (std::abs(gate.gate_parity) != 1) fail(name + ": the parity of the gates makes no sense");
  }

  void check_interaction(const std::string& name, const Interaction& x) const {
    check_irreps(name + ": features", x.input);
    check_gate(name, x.gate);
    check_linear(name + ": mixing of the input", x.mix_input, x.input, x.input);
    if (x.paths.empty() || x.paths.size() > 1024) fail(name + ": no products or too many");
    for (const Path& path : x.paths) check_path(name, x, path);
    if (!(std::abs(x.denominator) > 0) || !std::isfinite(x.denominator))
      fail(fmt::format("{}: a denominator of {} makes no sense", name, x.denominator));
    int width = static_cast<int>(p_.frequency.size());
    if (x.radial.layers.empty()) fail(name + ": its radial network has no layers");
    for (const Dense& dense : x.radial.layers) {
      check_dense(name + ": radial network", dense, width);
      width = dense.outputs;
    }
    if (width != channels(x.messages()))
      fail(fmt::format("{}: its radial network gives {} numbers for {} channels", name, width, channels(x.messages())));
    if (!std::isfinite(x.radial.activation.scale)) fail(name + ": the scale of an activation is not finite");
    check_linear(name + ": mixing of the messages", x.mix_messages, x.messages(), x.gate.inputs());
    if (x.self_connection.size() > 1 && x.self_connection.size() != p_.species.size())
      fail(name + ": it has neither one self connection nor one for each species");
    for (const EquivariantLinear& linear : x.self_connection)
      check_linear(name + ": self connection", linear, x.input, x.gate.inputs());
  }

  /// What nothing is mixed into takes no numbers in a file, but memory for every atom.
  void check_features(const std::string& name, const Interaction& x) const {
    constexpr std::size_t free_features = std::size_t{1} << 16;
    constexpr std::size_t parameters_per_feature = 4;
    const auto features = static_cast<std::size_t>(numbers(x.gate.inputs()));
    if (features > free_features + p_.count() / parameters_per_feature)
      fail(fmt::format("{}: {} features are far too many for {} parameters", name, features, p_.count()));
  }

  void check_readout() const {
    int width = 0;
    for (const Irreps& irreps : p_.interactions.back().gate.outputs())
      if (irreps.order == 0 && irreps.parity == 1) width += irreps.channels;
    if (width == 0 || p_.readout.empty()) fail("it has nothing to read an energy from");
    for (const Dense& dense : p_.readout) {
      check_dense("readout", dense, width);
      width = dense.outputs;
    }
    if (width != 1) fail(fmt::format("its readout gives {} numbers instead of one", width));
    if (!std::isfinite(p_.readout_activation.scale)) fail("the scale of the readout's activation is not finite");
  }

  const Parameters& p_;
};

std::size_t count_of(const EquivariantLinear& linear) {
  std::size_t count = linear.bias.size();
  for (const auto& part : linear.parts) count += part.weight.size();
  return count;
}

}  // namespace

int channels(const IrrepsList& list) {
  int sum = 0;
  for (const Irreps& irreps : list) sum += irreps.channels;
  return sum;
}

int numbers(const IrrepsList& list) {
  int sum = 0;
  for (const Irreps& irreps : list) sum += irreps.channels * irreps.components();
  return sum;
}

std::string to_string(const IrrepsList& list) {
  std::string text;
  for (const Irreps& irreps : list)
    text +=
        fmt::format("{}{}x{}{}", text.empty() ? "" : "+", irreps.channels, irreps.order, irreps.parity > 0 ? 'e' : 'o');
  return text;
}

IrrepsList parse_irreps(const std::string& text, const std::string& where) {
  const auto fail = [&] {
    throw Error(fmt::format("{}: '{}' are not irreps such as 128x0e+64x1e", where, text.substr(0, 80)));
  };
  IrrepsList list;
  std::size_t begin = 0;
  while (begin <= text.size()) {
    const std::size_t end = std::min(text.find('+', begin), text.size());
    std::string item = text.substr(begin, end - begin);
    item.erase(std::remove(item.begin(), item.end(), ' '), item.end());
    const std::size_t x = item.find('x');
    const std::string order = x == std::string::npos ? item : item.substr(x + 1);
    const auto count = x == std::string::npos ? std::optional<std::int64_t>(1) : parse_integer(item.substr(0, x));
    if (!count || *count < 1 || *count > max_channels || order.size() != 2 || order[0] < '0' ||
        order[0] > '0' + max_written_order || (order[1] != 'e' && order[1] != 'o') || list.size() == max_irreps)
      fail();
    list.push_back({static_cast<int>(*count), order[0] - '0', order[1] == 'e' ? 1 : -1});
    begin = end + 1;
  }
  return list;
}

const char* activation_name(ActivationKind kind) {
  for (const ActivationName& entry : activation_names)
    if (entry.kind == kind) return entry.name;
  return "";
}

std::optional<ActivationKind> find_activation(const std::string& name) {
  for (const ActivationName& entry : activation_names)
    if (name == entry.name) return entry.kind;
  return std::nullopt;
}

double Activation::value(double x) const {
  switch (kind) {
    case ActivationKind::identity: return scale * x;
    case ActivationKind::silu: return scale * x * sigmoid(x);
    case ActivationKind::tanh: return scale * std::tanh(x);
    case ActivationKind::relu: return scale * std::max(x, 0.0);
    case ActivationKind::abs: return scale * std::abs(x);
    case ActivationKind::sigmoid: return scale * sigmoid(x);
    case ActivationKind::elu: return scale * (x > 0 ? x : std::expm1(x));
    case ActivationKind::shifted_softplus:
      return scale * (std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x))) - std::log(2.0));
  }
  return 0;
}

double Activation::slope(double x) const {
  const double s = sigmoid(x);
  switch (kind) {
    case ActivationKind::identity: return scale;
    case ActivationKind::silu: return scale * s * (1 + x * (1 - s));
    case ActivationKind::tanh: return scale * (1 - std::tanh(x) * std::tanh(x));
    case ActivationKind::relu: return x > 0 ? scale : 0;
    case ActivationKind::abs: return x > 0 ? scale : x < 0 ? -scale : 0;
    case ActivationKind::sigmoid: return scale * s * (1 - s);
    case ActivationKind::elu: return scale * (x > 0 ? 1 : std::exp(x));
    case ActivationKind::shifted_softplus: return scale * s;
  }
  return 0;
}

IrrepsList Gate::inputs() const {
  IrrepsList list = scalars;
  for (const Irreps& irreps : gated) list.push_back({irreps.channels, 0, gate_parity});
  list.insert(list.end(), gated.begin(), gated.end());
  return list;
}

IrrepsList Gate::outputs() const {
  IrrepsList list = scalars;
  list.insert(list.end(), gated.begin(), gated.end());
  return list;
}

IrrepsList Interaction::messages() const {
  IrrepsList list;
  for (const Path& path : paths) list.push_back({input[path.input].channels, path.order, path.parity});
  return list;
}

std::size_t Parameters::count() const {
  std::size_t sum = frequency.size() + embedding.size() + energy_scale.size() + energy_shift.size();
  const auto add = [&](const std::vector<Dense>& layers) {
    for (const Dense& dense : layers) sum += dense.weight.size() + dense.bias.size();
  };
  for (const Interaction& x : interactions) {
    sum += count_of(x.mix_input) + count_of(x.mix_messages);
    for (const EquivariantLinear& linear : x.self_connection) sum += count_of(linear);
    add(x.radial.layers);
  }
  add(readout);
  return sum;
}

void check(const Parameters& parameters) { Checker(parameters).run(); }

CutoffValue cutoff_function(const Parameters& parameters, double r) {
  const double rc = parameters.cutoff;
  if (r >= rc) return {0, 0};
  if (parameters.cutoff_kind == CutoffKind::xplor) {
    const double on = parameters.cutoff_onset;
    if (r < on) return {1, 0};
    const double width = rc * rc - on * on;
    const double rest = rc * rc - r * r;
    const double scale = 1 / (width * width * width);
    return {scale * rest * rest * (rc * rc + 2 * r * r - 3 * on * on), scale * 12 * r * rest * (on * on - r * r)};
  }
  const double p = parameters.cutoff_power;
  const double x = r / rc;
  const double power = std::pow(x, p - 1);
  const double a = (p + 1) * (p + 2) / 2;
  const double b = p * (p + 2);
  const double c = p * (p + 1) / 2;
  return {1 - power * x * (a - x * (b - x * c)), -power * (a * p - x * (b * (p + 1) - x * c * (p + 2))) / rc};
}

void radial_basis(const Parameters& parameters, double r, std::vector<double>& value, std::vector<double>& slope) {
  const CutoffValue f = cutoff_function(parameters, r);
  const std::size_t basis = parameters.frequency.size();
  value.resize(basis);
  slope.resize(basis);
  for (std::size_t n = 0; n < basis; ++n) {
    const double k = parameters.frequency[n];
    const double b = parameters.basis_prefactor * std::sin(k * r) / r;
    value[n] = b * f.value;
    slope[n] = (parameters.basis_prefactor * k * std::cos(k * r) - b) / r * f.value + b * f.slope;
  }
}

void radial_weights(const Parameters& parameters, int t, double r, std::vector<double>& value,
                    std::vector<double>& slope) {
  std::vector<double> x;
  std::vector<double> dx;
  radial_basis(parameters, r, x, dx);
  const Interaction& interaction = parameters.interactions[static_cast<std::size_t>(t)];
  const RadialNetwork& network = interaction.radial;
  for (std::size_t n = 0; n < network.layers.size(); ++n) {
    const Dense& dense = network.layers[n];
    const auto outputs = static_cast<std::size_t>(dense.outputs);
    value.assign(outputs, 0.0);
    slope.assign(outputs, 0.0);
    if (!dense.bias.empty()) value = dense.bias;
    for (std::size_t i = 0; i < x.size(); ++i)
      for (std::size_t o = 0; o < outputs; ++o) {
        value[o] += x[i] * dense.weight[i * outputs + o];
        slope[o] += dx[i] * dense.weight[i * outputs + o];
      }
    if (n + 1 == network.layers.size()) break;
    x.resize(outputs);
    dx.resize(outputs);
    for (std::size_t o = 0; o < outputs; ++o) {
      x[o] = network.activation.value(value[o]);
      dx[o] = network.activation.slope(value[o]) * slope[o];
    }
  }
  if (parameters.normalised_harmonics) return;
  std::size_t o = 0;
  for (const Path& path : interaction.paths) {
    const double power = std::pow(r, path.edge_order);
    for (int c = 0; c < interaction.input[path.input].channels; ++c, ++o) {
      slope[o] = power * (slope[o] + path.edge_order * value[o] / r);
      value[o] *= power;
    }
  }
}

}  // namespace grapevine::nequip
