#include "torch_builder.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <zip.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <functional>

namespace grapevine::test {
namespace {

template <class T>
std::string bytes_of(T value) {
  return {reinterpret_cast<const char*>(&value), sizeof value};
}

std::string storage_bytes(const std::vector<double>& values, bool doubles) {
  std::string bytes;
  for (const double value : values) bytes += doubles ? bytes_of(value) : bytes_of(static_cast<float>(value));
  return bytes;
}

/// Collects tensors' storages while their pickle is written.
class StateWriter {
 public:
  explicit StateWriter(bool doubles) : doubles_(doubles) {}

  void tensor(PickleWriter& pickle, const StateTensor& tensor) {
    const std::string key = std::to_string(storages_.size());
    std::vector<std::int32_t> strides(tensor.shape.size());
    std::int32_t stride = 1;
    for (std::size_t d = tensor.shape.size(); d-- > 0; stride *= tensor.shape[d]) strides[d] = stride;
    storages_.emplace_back("archive/data/" + key, storage_bytes(tensor.values, doubles_));
    pickle.tensor(doubles_ ? "DoubleStorage" : "FloatStorage", key, static_cast<std::int32_t>(tensor.values.size()), 0,
                  tensor.shape, strides);
  }
  const Entries& storages() const { return storages_; }

 private:
  bool doubles_;
  Entries storages_;
};

/// A tree of modules made from dotted names, children in order of appearance.
struct ModuleTree {
  std::vector<std::pair<std::string, const StateTensor*>> tensors;
  std::vector<std::string> names;
  std::vector<ModuleTree> children;

  void add(const std::string& path, const StateTensor& tensor) {
    const std::size_t dot = path.find('.');
    if (dot == std::string::npos) {
      tensors.emplace_back(path, &tensor);
      return;
    }
    child(path.substr(0, dot)).add(path.substr(dot + 1), tensor);
  }
  ModuleTree& child(const std::string& name) {
    const auto known = std::find(names.begin(), names.end(), name);
    if (known != names.end()) return children[static_cast<std::size_t>(known - names.begin())];
    names.push_back(name);
    return children.emplace_back();
  }
};

void write_module(PickleWriter& pickle, StateWriter& state, const ModuleTree& tree, const std::string& path,
                  const std::function<std::pair<std::string, std::string>(const std::string&)>& class_of) {
  const auto [module, name] = class_of(path);
  pickle.global(module, name).raw(")\x81}(");
  pickle.text("training").raw("\x89");
  for (const auto& [key, tensor] : tree.tensors) {
    pickle.text(key);
    state.tensor(pickle, *tensor);
  }
  for (std::size_t i = 0; i < tree.children.size(); ++i) {
    const std::string& key = tree.names[i];
    pickle.text(key);
    write_module(pickle, state, tree.children[i], path.empty() ? key : path + "." + key, class_of);
  }
  pickle.raw("ub");
}

class StateNames {
 public:
  StateNames(std::vector<StateTensor>& tensors, const ReannWriting& writing) : tensors_(tensors), writing_(writing) {}

  void add(const std::string& name, std::vector<std::int32_t> shape, const std::vector<double>& values) {
    tensors_.push_back({writing_.prefix + name, std::move(shape), values});
  }
  void add_activation(const std::string& name, const reann::Activation& activation) {
    const auto width = static_cast<std::int32_t>(activation.alpha.size());
    add(name + ".alpha", {1, width}, activation.alpha);
    add(name + ".beta", {1, width}, activation.beta);
  }
  void add_linear(const std::string& name, const reann::Linear& linear) {
    add(name + ".weight", {linear.outputs, linear.inputs}, linear.weight);
    add(name + ".bias", {linear.outputs}, linear.bias);
  }
  void add_block(const std::string& name, const reann::ResidualBlock& block) {
    int index = 0;
    for (const reann::ResidualStep& step : block) {
      add_activation(fmt::format("{}.resblock.{}", name, index++), step.activation);
      if (step.norm) {
        const auto width = static_cast<std::int32_t>(step.norm->weight.size());
        const std::string norm = fmt::format("{}.resblock.{}", name, index++);
        add(norm + ".weight", {width}, step.norm->weight);
        add(norm + ".bias", {width}, step.norm->bias);
      }
      if (writing_.dropout) ++index;
      add_linear(fmt::format("{}.resblock.{}", name, index++), step.linear);
    }
  }
  void add_network(const std::string& name, const reann::Network& network) {
    int index = 0;
    add_linear(fmt::format("{}.{}", name, index++), network.input);
    for (const reann::ResidualBlock& block : network.blocks) add_block(fmt::format("{}.{}", name, index++), block);
    add_activation(fmt::format("{}.{}", name, index++), network.activation);
    if (writing_.dropout) ++index;
    add_linear(fmt::format("{}.{}", name, index++), network.output);
  }

 private:
  std::vector<StateTensor>& tensors_;
  const ReannWriting& writing_;
};

/// The opcodes that `write` adds, without those around them.
std::string opcodes(const std::function<void(PickleWriter&)>& write) {
  const std::string empty = PickleWriter().finish();
  PickleWriter writer;
  write(writer);
  const std::string all = writer.finish();
  return all.substr(empty.size() - 1, all.size() - empty.size());
}

/// _codecs.encode(text, 'latin1'), which is how protocol 2 keeps bytes.
std::string encoded_bytes(const std::string& bytes) {
  std::string text;
  for (const char c : bytes) {
    const auto code = static_cast<unsigned char>(c);
    if (code < 0x80) {
      text += c;
    } else {
      text += static_cast<char>(0xc0 | (code >> 6));
      text += static_cast<char>(0x80 | (code & 0x3f));
    }
  }
  return "c_codecs\nencode\n" + python_text(text) + python_text("latin1") + "\x86R";
}

std::string numpy_type(const std::string& type, const std::string& order) {
  return "cnumpy\ndtype\n(" + python_text(type) + "\x89\x88tR(" + python_integer(3) + python_text(order) + "NNN" +
         python_integer(-1) + python_integer(-1) + python_integer(0) + "tb";
}

std::string density_source(bool negated) {
  return fmt::format(
      "class GetDensity(Module):\n  def gaussian(self, distances, species_):\n    inta = self.inta\n"
      "    _11 = torch.mul({}, torch.square(torch.sub(_10, rs0)))\n    return torch.exp(_11)\n"
      "  def other(self):\n    return torch.neg(x)\n",
      negated ? "torch.neg(inta)" : "inta");
}

}  // namespace

PickleWriter& PickleWriter::raw(const std::string& bytes) {
  bytes_ += bytes;
  return *this;
}

PickleWriter& PickleWriter::text(const std::string& text) {
  return raw("X").raw(bytes_of(static_cast<std::uint32_t>(text.size()))).raw(text);
}

PickleWriter& PickleWriter::integer(std::int32_t value) { return raw("J").raw(bytes_of(value)); }

PickleWriter& PickleWriter::real(double value) {
  return raw("G").raw(bytes_of(__builtin_bswap64(std::bit_cast<std::uint64_t>(value))));
}

PickleWriter& PickleWriter::global(const std::string& module, const std::string& name) {
  return raw("c" + module + "\n" + name + "\n");
}

PickleWriter& PickleWriter::tuple(const std::vector<std::int32_t>& values) {
  raw("(");
  for (const std::int32_t value : values) integer(value);
  return raw("t");
}

PickleWriter& PickleWriter::tensor(const std::string& type, const std::string& key, std::int32_t count,
                                   std::int32_t offset, const std::vector<std::int32_t>& shape,
                                   const std::vector<std::int32_t>& strides) {
  global("torch._utils", "_rebuild_tensor_v2").raw("((").text("storage").global("torch", type).text(key).text("cpu");
  integer(count).raw("tQ").integer(offset).tuple(shape).tuple(strides).raw("\x89");
  return global("collections", "OrderedDict").raw(")RtR");
}

std::vector<std::byte> zip_of(const Entries& entries, bool compress) {
  zip_error_t error;
  zip_source_t* target = zip_source_buffer_create(nullptr, 0, 0, &error);
  zip_source_keep(target);
  zip_t* archive = zip_open_from_source(target, ZIP_TRUNCATE, &error);
  for (const auto& [name, content] : entries) {
    zip_source_t* source = zip_source_buffer(archive, content.data(), content.size(), 0);
    const zip_int64_t index = zip_file_add(archive, name.c_str(), source, ZIP_FL_ENC_UTF_8);
    zip_set_file_compression(archive, static_cast<zip_uint64_t>(index), compress ? ZIP_CM_DEFLATE : ZIP_CM_STORE, 0);
  }
  EXPECT_EQ(zip_close(archive), 0);
  zip_stat_t status;
  zip_source_stat(target, &status);
  std::vector<std::byte> bytes(status.size);
  zip_source_open(target);
  EXPECT_EQ(zip_source_read(target, bytes.data(), bytes.size()), static_cast<zip_int64_t>(bytes.size()));
  zip_source_close(target);
  zip_source_free(target);
  return bytes;
}

std::vector<std::byte> archive_of(const std::string& pickle, const Entries& more) {
  Entries entries = {{"archive/data.pkl", pickle}};
  entries.insert(entries.end(), more.begin(), more.end());
  return zip_of(entries);
}

std::string python_text(const std::string& text) {
  return opcodes([&](PickleWriter& writer) { writer.text(text); });
}
std::string python_integer(std::int32_t value) {
  return opcodes([&](PickleWriter& writer) { writer.integer(value); });
}
std::string python_real(double value) {
  return opcodes([&](PickleWriter& writer) { writer.real(value); });
}
std::string python_logical(bool value) { return value ? "\x88" : "\x89"; }

std::string python_list(const std::vector<std::string>& items) {
  std::string result = "](";
  for (const std::string& item : items) result += item;
  return result + "e";
}

std::string python_dict(const PythonItems& items) {
  std::string result = "}(";
  for (const auto& [key, value] : items) result += key + value;
  return result + "u";
}

std::string torch_device(const std::string& name) { return "ctorch\ndevice\n" + python_text(name) + "\x85R"; }

std::string numpy_array(const std::vector<std::int32_t>& shape, const std::string& type, const std::string& order,
                        bool columns_first, const std::string& bytes) {
  std::string result = "cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\n" + python_integer(0) + "\x85" +
                       encoded_bytes("b") + "\x87R(" + python_integer(1) + "(";
  for (const std::int32_t length : shape) result += python_integer(length);
  return result + "t" + numpy_type(type, order) + python_logical(columns_first) + encoded_bytes(bytes) + "tb";
}

std::string numpy_scalar(const std::string& type, const std::string& bytes) {
  return "cnumpy._core.multiarray\nscalar\n" + numpy_type(type, "<") + encoded_bytes(bytes) + "\x86R";
}

std::vector<std::byte> checkpoint_file(const std::string& state_key, const std::vector<StateTensor>& tensors,
                                       const PythonItems& more) {
  PickleWriter pickle;
  StateWriter state(false);
  pickle.raw("}(").text(state_key).global("collections", "OrderedDict").raw(")R(");
  for (const StateTensor& tensor : tensors) {
    pickle.text(tensor.name);
    state.tensor(pickle, tensor);
  }
  pickle.raw("u");
  for (const auto& [key, value] : more) pickle.text(key).raw(value);
  pickle.raw("u");
  return archive_of(pickle.finish(), state.storages());
}

std::vector<StateTensor> reann_state(const reann::Parameters& p, const ReannWriting& writing) {
  std::vector<StateTensor> tensors;
  StateNames state(tensors, writing);
  const auto species = static_cast<std::int32_t>(p.species.size());
  state.add("density.rs", {species, p.waves}, p.radial_centre);
  state.add("density.inta", {species, p.waves}, p.radial_exponent);
  state.add("density.params", {species, p.waves}, p.initial_coefficient);
  if (writing.shared_mixing) {
    const auto count = p.mixing.size() / static_cast<std::size_t>(p.layers + 1);
    state.add("density.hyper", {p.max_order + 1, p.waves, p.orbitals},
              {p.mixing.begin(), p.mixing.begin() + static_cast<std::ptrdiff_t>(count)});
  } else {
    state.add("density.hyper", {p.layers + 1, p.max_order + 1, p.waves, p.orbitals}, p.mixing);
  }
  state.add("density.cutoff", {1}, {p.cutoff});
  for (std::size_t t = 0; t < p.message.size(); ++t)
    for (std::size_t s = 0; s < p.species.size(); ++s)
      state.add_network(fmt::format("density.ocmod.memssage_{}.elemental_nets.{}", t, p.species[s]), p.message[t][s]);
  state.add("nnmod.initpot", {1}, {p.energy_shift.front()});
  for (std::size_t s = 0; s < p.species.size(); ++s)
    state.add_network("nnmod.elemental_nets." + p.species[s], p.readout[s]);
  return tensors;
}

std::vector<std::byte> reann_file(const std::vector<StateTensor>& tensors, const reann::Parameters& parameters,
                                  const ReannWriting& writing) {
  PickleWriter pickle;
  StateWriter state(writing.doubles);
  Entries more;
  if (writing.script) {
    ModuleTree tree;
    for (const StateTensor& tensor : tensors) tree.add(tensor.name, tensor);
    write_module(pickle, state, tree, "", [&](const std::string& path) -> std::pair<std::string, std::string> {
      if (!writing.class_names) return {"__torch__", "Module"};
      const bool message = path.starts_with("density.");
      const auto kind = message ? parameters.message[0][0].activation.kind : parameters.readout[0].activation.kind;
      return {"__torch__.src.activate.___torch_mangle_3",
              kind == reann::ActivationKind::relu_like ? "Relu_like" : "Tanh_like"};
    });
    if (writing.class_names)
      more.emplace_back("archive/code/__torch__/density.py", density_source(writing.negated_gaussian));
  } else {
    if (writing.reannparam) pickle.raw("}").text("reannparam");
    pickle.global("collections", "OrderedDict").raw(")R(");
    for (const StateTensor& tensor : tensors) {
      pickle.text(tensor.name);
      state.tensor(pickle, tensor);
    }
    pickle.raw("u}").text("_metadata").raw("}sb");
    if (writing.reannparam) pickle.raw("s");
  }
  more.insert(more.end(), state.storages().begin(), state.storages().end());
  return archive_of(pickle.finish(), more);
}

std::vector<std::byte> reann_file(const reann::Parameters& parameters, const ReannWriting& writing) {
  return reann_file(reann_state(parameters, writing), parameters, writing);
}

}  // namespace grapevine::test
