#include "sevennet_builder.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "importers/e3nn.hpp"

namespace grapevine::test {
namespace {

/// Tensors of a module after another, filled with numbers that differ.
class StateBuilder {
 public:
  explicit StateBuilder(std::vector<StateTensor>& state) : state_(state) {}

  void add(const std::string& name, std::vector<std::int32_t> shape) {
    std::size_t count = 1;
    for (const std::int32_t length : shape) count *= static_cast<std::size_t>(length);
    std::vector<double> values(count);
    for (double& value : values) value = static_cast<float>(0.8 * std::sin(1.0 + 0.37 * ++number_));
    state_.push_back({name, std::move(shape), std::move(values)});
  }
  void add_linear(const std::string& name, std::int32_t weights, std::int32_t outputs) {
    add(name + ".linear.weight", {weights});
    add(name + ".linear.bias", {0});
    add(name + ".linear.output_mask", {outputs});
  }
  void add_interaction(int t, std::int32_t self_connection, std::int32_t mix_input, std::int32_t paths,
                       std::int32_t mix_messages) {
    add_linear(fmt::format("{}_self_connection_intro", t), self_connection, 1);
    add_linear(fmt::format("{}_self_interaction_1", t), mix_input, 1);
    const std::string convolution = fmt::format("{}_convolution.", t);
    state_.push_back({convolution + "denominator", {1}, {4.5 + t}});
    add(convolution + "convolution.weight", {0});
    add(convolution + "convolution.output_mask", {7});
    add(convolution + "weight_nn.layer0.weight", {3, 4});
    add(convolution + "weight_nn.layer1.weight", {4, paths});
    add_linear(fmt::format("{}_self_interaction_2", t), mix_messages, 1);
    add(fmt::format("{}_equivariant_gate.gate.mul.weight", t), {0});
    add(fmt::format("{}_equivariant_gate.gate.mul.output_mask", t), {6});
  }

 private:
  std::vector<StateTensor>& state_;
  int number_ = 0;
};

PythonItems small_config() {
  const auto activations =
      python_dict({{python_text("e"), python_text("silu")}, {python_text("o"), python_text("tanh")}});
  return {{"version", python_text("0.12.1")},
          {"_model_type", python_text("E3_equivariant_model")},
          {"chemical_species", python_list({python_text("H"), python_text("O")})},
          {"_number_of_species", python_integer(2)},
          {"_type_map", python_dict({{python_integer(8), python_integer(0)}, {python_integer(1), python_integer(1)}})},
          {"act_gate", activations},
          {"act_scalar", activations},
          {"irreps_manual", python_list({python_text("2x0e"), python_text("3x0e+2x1e"), python_text("3x0e + 2x1e"),
                                         python_text("2x0e")})},
          {"channel", python_integer(2)},
          {"lmax", python_integer(1)},
          {"lmax_edge", python_integer(-1)},
          {"lmax_node", python_integer(-1)},
          {"is_parity", python_logical(false)},
          {"radial_basis", python_dict({{python_text("radial_basis_name"), python_text("bessel")},
                                        {python_text("bessel_basis_num"), python_integer(3)}})},
          {"cutoff_function", python_dict({{python_text("cutoff_function_name"), python_text("XPLOR")},
                                           {python_text("cutoff_on"), python_real(3.5)}})},
          {"cutoff", python_real(4)},
          {"num_convolution_layer", python_integer(3)},
          {"weight_nn_hidden_neurons", python_list({python_integer(4)})},
          {"use_bias_in_linear", python_logical(false)},
          {"readout_as_fcn", python_logical(false)},
          {"act_radial", python_text("silu")},
          {"self_connection_type", python_text("linear")},
          {"interaction_type", python_text("nequip")},
          {"_normalize_sph", python_logical(true)},
          {"device", torch_device("cuda")},
          {"epoch", python_integer(600)},
          {"shift", numpy_array({2}, "f4", "<", false, std::string("\0\0\x80\x3f\0\0\xa0\xc0", 8))},
          {"shift_cp", python_real(0)},
          {"load_trainset_path", python_list({python_text("somewhere")})},
          {"readout_fcn_hidden_neurons", "N"}};
}

}  // namespace

void SevenNetFile::set(const std::string& key, const std::string& opcodes) {
  drop(key);
  config.emplace_back(key, opcodes);
}

void SevenNetFile::drop(const std::string& key) {
  std::erase_if(config, [&](const auto& item) { return item.first == key; });
}

StateTensor& SevenNetFile::tensor(const std::string& name) {
  return *std::find_if(state.begin(), state.end(), [&](const StateTensor& tensor) { return tensor.name == name; });
}

void SevenNetFile::drop_tensor(const std::string& name) {
  std::erase_if(state, [&](const StateTensor& tensor) { return tensor.name == name; });
}

std::vector<std::byte> SevenNetFile::bytes() const {
  PythonItems items;
  for (const auto& [key, value] : config) items.emplace_back(python_text(key), value);
  return checkpoint_file("model_state_dict", state, {{"config", python_dict(items)}, {"epoch", python_integer(3)}});
}

SevenNetFile small_sevennet() {
  SevenNetFile file;
  file.config = small_config();
  StateBuilder builder(file.state);
  builder.add("edge_embedding.basis_function.coeffs", {3});
  builder.add_linear("onehot_to_feature_x", 2 * 2, 2);
  builder.add_interaction(0, 2 * 5, 2 * 2, 2 + 2, 2 * 5 + 2 * 2);
  builder.add_interaction(1, 3 * 5 + 2 * 2, 3 * 3 + 2 * 2, 3 + 3 + 2 + 2 + 2, (3 + 2) * 5 + (3 + 2 + 2) * 2);
  builder.add_interaction(2, 3 * 2, 3 * 3 + 2 * 2, 3 + 2, (3 + 2) * 2);
  builder.add_linear("reduce_input_to_hidden", 2, 1);
  builder.add_linear("reduce_hidden_to_energy", 1, 1);
  builder.add("rescale_atomic_energy.shift", {2});
  builder.add("rescale_atomic_energy.scale", {2});
  file.state.push_back(
      {"1_convolution.convolution._compiled_main_left_right._w3j_1_1_1", {3, 3, 3}, e3nn::wigner_3j(1, 1, 1)});
  return file;
}

}  // namespace grapevine::test
