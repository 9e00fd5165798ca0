#include "exporters/reann.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <numbers>
#include <numeric>
#include <utility>

#include "exporters/reann_structure.hpp"
#include "formats/archives/torch_writer.hpp"
#include "importers/reann_names.hpp"
#include "support/atomic_file.hpp"
#include "support/error.hpp"

namespace grapevine {
namespace {

using reann::Network;
using reann::Parameters;

constexpr double learning_rate = 1e-3;  // REANN's default

/// A number that REANN keeps in single precision.
double rounded(double value) { return static_cast<double>(static_cast<float>(value)); }

/// The entries of REANN's state_dict, in its order. Sequences of modules count up whatever they hold.
class StateList {
 public:
  struct Entry {
    std::string name;
    std::vector<std::int64_t> shape;
    std::vector<double> values;
    bool integers = false;
    bool trained = true;  ///< a parameter of the optimiser, not a buffer
  };

  StateList(const Parameters& p, double initpot) {
    add_density(p);
    for (int t = 0; t < p.layers; ++t) add_networks(reann_names::message(t), p, p.message[t], 0.0);
    add_networks(std::string(reann_names::readout), p, p.readout, initpot);
  }

  const std::vector<Entry>& entries() const { return entries_; }

 private:
  void add(std::string name, std::vector<std::int64_t> shape, std::vector<double> values) {
    entries_.push_back({std::move(name), std::move(shape), std::move(values)});
  }
  void add_buffer(std::string name, std::vector<double> values, bool integers = false) {
    const auto count = static_cast<std::int64_t>(values.size());
    entries_.push_back({std::move(name), {count}, std::move(values), integers, false});
  }

  void add_density(const Parameters& p) {
    const auto species = static_cast<std::int64_t>(p.species.size());
    add("density.rs", {species, p.waves}, p.radial_centre);
    add("density.inta", {species, p.waves}, p.radial_exponent);
    add("density.params", {species, p.waves}, p.initial_coefficient);
    add("density.hyper", {p.layers + 1, p.max_order + 1, p.waves, p.orbitals}, p.mixing);
    add_buffer("density.cutoff", {p.cutoff});
    add_buffer("density.nipsin", {static_cast<double>(p.max_order + 1)}, true);
    std::vector<double> order_of_product;
    std::size_t products = 1;
    for (int l = 0; l <= p.max_order; ++l, products *= 3) order_of_product.insert(order_of_product.end(), products, l);
    add_buffer("density.index_para", order_of_product, true);
  }

  void add_networks(const std::string& prefix, const Parameters& p, const std::vector<Network>& networks,
                    double initpot) {
    add_buffer(prefix + "initpot", {initpot});
    for (std::size_t s = 0; s < networks.size(); ++s)
      add_network(fmt::format("{}elemental_nets.{}", prefix, p.species[s]), networks[s]);
  }
  void add_network(const std::string& name, const Network& network) {
    int module = 0;
    const auto next = [&] { return fmt::format("{}.{}", name, module++); };
    add_linear(next(), network.input);
    for (const reann::ResidualBlock& block : network.blocks) add_block(next(), block);
    add_activation(next(), network.activation);
    add_linear(next(), network.output);
  }
  void add_block(const std::string& name, const reann::ResidualBlock& block) {
    int module = 0;
    const auto next = [&] { return fmt::format("{}.resblock.{}", name, module++); };
    for (const reann::ResidualStep& step : block) {
      add_activation(next(), step.activation);
      if (step.norm) add_norm(next(), *step.norm);
      add_linear(next(), step.linear);
    }
  }
  void add_linear(const std::string& name, const reann::Linear& linear) {
    add(name + ".weight", {linear.outputs, linear.inputs}, linear.weight);
    add(name + ".bias", {linear.outputs}, linear.bias);
  }
  void add_norm(const std::string& name, const reann::LayerNorm& norm) {
    const auto width = static_cast<std::int64_t>(norm.weight.size());
    add(name + ".weight", {width}, norm.weight);
    add(name + ".bias", {width}, norm.bias);
  }
  void add_activation(const std::string& name, const reann::Activation& activation) {
    const auto width = static_cast<std::int64_t>(activation.alpha.size());
    add(name + ".alpha", {1, width}, activation.alpha);
    add(name + ".beta", {1, width}, activation.beta);
  }

  std::vector<Entry> entries_;
};

bool survive_single(const StateList& list) {
  for (const StateList::Entry& entry : list.entries())
    for (const double value : entry.values)
      if (rounded(value) != value) return false;
  return true;
}

/// AdamW's state_dict before its first step, for so many parameters.
PickleValue optimiser_state(std::int64_t parameters) {
  std::vector<PickleValue> indices;
  for (std::int64_t i = 0; i < parameters; ++i) indices.emplace_back(i);
  const PickleValue none;
  const PickleValue group = make_pickle_dict({{"lr", learning_rate},
                                              {"betas", make_pickle_tuple({0.9, 0.999})},
                                              {"eps", 1e-8},
                                              {"weight_decay", 0.0},
                                              {"amsgrad", false},
                                              {"maximize", false},
                                              {"foreach", none},
                                              {"capturable", false},
                                              {"differentiable", false},
                                              {"fused", none},
                                              {"params", make_pickle_list(indices)}});
  return make_pickle_dict({{"state", make_pickle_dict({})}, {"param_groups", make_pickle_list({group})}});
}

PickleValue checkpoint_of(const StateList& list, DType dtype, const std::string& prefix) {
  std::vector<std::pair<std::string, PickleValue>> tensors;
  std::int64_t parameters = 0;
  for (const StateList::Entry& entry : list.entries()) {
    tensors.emplace_back(prefix + entry.name,
                         make_torch_tensor(entry.integers ? DType::i64 : dtype, entry.shape, entry.values));
    parameters += entry.trained;
  }
  return make_pickle_dict({{"reannparam", make_pickle_dict(tensors)}, {"optimizer", optimiser_state(parameters)}});
}

const char* python(bool value) { return value ? "True" : "False"; }

/// A number in the digits that give it back in the precision it is read in.
std::string digits(double value) {
  return rounded(value) == value ? fmt::format("{}", static_cast<float>(value)) : fmt::format("{}", value);
}

std::string network_lines(const ReannStructure& structure, const char* prefix) {
  const std::vector<double> dropout(structure.widths.size(), 0.0);
  std::string text;
  text += fmt::format("  {}nl = [{}]\n", prefix, fmt::join(structure.widths, ", "));
  text += fmt::format("  {}nblock = {}\n", prefix, structure.blocks);
  text += fmt::format("  {}dropout_p = [{:.1f}]\n", prefix, fmt::join(dropout, ", "));
  text += fmt::format("  {}activate = '{}'\n", prefix, reann_names::activation(structure.activation));
  text += fmt::format("  {}table_norm = {}\n", prefix, python(structure.layer_norm));
  return text;
}

std::string input_nn(const Parameters& p, DType dtype) {
  std::string text =
      "# A model exported by Grapevine. The sizes are those of REANN.pth; settings of the training may be added.\n"
      "  start_table = 1   # energies and forces\n"
      "  table_init = 1    # go on from REANN.pth\n";
  text += fmt::format("  start_lr = {}\n", learning_rate);
  text += fmt::format("  dtype = '{}'\n", dtype == DType::f32 ? "float32" : "float64");
  text += "# readout networks\n";
  text += network_lines(reann_readout_structure(p), "");
  text += fmt::format("  norbit = {}\n", p.orbitals);
  text += "# message networks\n";
  text += fmt::format("  oc_loop = {}\n", p.layers);
  text += network_lines(reann_message_structure(p), "oc_");
  return text;
}

/// Room for the pairs of REANN's neighbour lists, which stops with an error where it does not suffice: 150, its usual
/// number, or as many as twice the density of a close-packed metal gives.
int neighbour_room(double cutoff) {
  constexpr double dense = 0.2;  // atoms per cubic Angstrom
  return std::max(150, static_cast<int>(std::ceil(dense * 4 / 3 * std::numbers::pi * cutoff * cutoff * cutoff)));
}

std::string input_density(const Parameters& p) {
  return fmt::format(
      "# A model exported by Grapevine.\n"
      "  atomtype = ['{}']\n"
      "  cutoff = {}\n"
      "  nipsin = {}\n"
      "  nwave = {}\n"
      "  neigh_atoms = {}   # room for neighbours: no fewer than atoms have on average\n",
      fmt::join(p.species, "', '"), digits(p.cutoff), p.max_order, p.waves, neighbour_room(p.cutoff));
}

bool one_shift(const Parameters& p) {
  return std::all_of(p.energy_shift.begin(), p.energy_shift.end(), [&](double x) { return x == p.energy_shift[0]; });
}

double choose_initpot(const Parameters& p, const ReannExportOptions& options) {
  const double mean =
      std::accumulate(p.energy_shift.begin(), p.energy_shift.end(), 0.0) / static_cast<double>(p.energy_shift.size());
  if (options.initpot) return options.numbers == ReannNumbers::float32 ? rounded(*options.initpot) : *options.initpot;
  if (one_shift(p) && options.numbers != ReannNumbers::float32) return p.energy_shift[0];
  return rounded(mean);
}

/// Leaves every species the energy `initpot`; what it had beyond goes into the bias of its readout network.
void share_shift(Parameters& p, double initpot) {
  for (std::size_t s = 0; s < p.species.size(); ++s) {
    const double rest = p.energy_shift[s] - initpot;
    if (rest != 0) p.readout[s].output.bias[0] += rest;
    p.energy_shift[s] = initpot;
  }
}

std::vector<std::string> notes_on_energy(const Parameters& original, const ReannExportOptions& options,
                                         double initpot) {
  std::vector<std::string> notes;
  if (!one_shift(original))
    notes.push_back(
        fmt::format("REANN has one energy per atom for all species, initpot = {} eV; what each species has beyond it "
                    "is in the bias of its readout network. Total energies are the same",
                    initpot));
  if (!options.initpot)
    notes.push_back(
        fmt::format("when REANN goes on training, it puts the mean energy per atom of its data (all energies over all "
                    "atoms) in the place of initpot = {} eV, and energies start off by the difference; with that mean "
                    "given as --initpot they do not",
                    initpot));
  return notes;
}

std::string note_on_rounding(const StateList& list) {
  std::size_t count = 0;
  double largest = 0;
  for (const StateList::Entry& entry : list.entries())
    for (const double value : entry.values)
      if (const double error = std::abs(rounded(value) - value); error > 0) {
        ++count;
        largest = std::max(largest, error / std::abs(value));
      }
  return fmt::format("{} numbers were rounded to float32, the worst by {:.1e} of its size", count, largest);
}

}  // namespace

ReannExport export_reann(const Parameters& parameters, const ReannExportOptions& options) {
  reann::check(parameters);
  const double initpot = choose_initpot(parameters, options);
  if (!std::isfinite(initpot)) throw Error("REANN's initpot is not a finite number");
  Parameters p = parameters;
  share_shift(p, initpot);
  const StateList list(p, initpot);
  const bool fits = survive_single(list);
  const bool single = options.numbers == ReannNumbers::float32 || (options.numbers == ReannNumbers::as_needed && fits);
  const DType dtype = single ? DType::f32 : DType::f64;

  ReannExport result;
  result.input_nn = input_nn(p, dtype);
  result.input_density = input_density(p);
  result.checkpoint = checkpoint_of(list, dtype, options.distributed ? "module." : "");
  result.notes = notes_on_energy(parameters, options, initpot);
  if (single && !fits) result.notes.push_back(note_on_rounding(list));
  if (!single && options.numbers == ReannNumbers::as_needed)
    result.notes.emplace_back("some numbers need float64, and REANN will train in it; --numbers float32 rounds them");
  return result;
}

std::array<std::filesystem::path, 3> reann_files(const std::filesystem::path& folder) {
  return {folder / "REANN.pth", folder / "para" / "input_nn", folder / "para" / "input_density"};
}

void write_reann(const std::filesystem::path& folder, const ReannExport& exported, bool overwrite) {
  const std::filesystem::path para = folder / "para";
  const auto paths = reann_files(folder);
  std::error_code problem;
  for (const std::filesystem::path& path : paths)
    if (!overwrite && std::filesystem::exists(path, problem))
      throw Error(fmt::format("{} is there already; choose another folder, or add --overwrite", path.string()));
  std::filesystem::create_directories(para, problem);
  if (problem) throw Error(fmt::format("cannot make the folder {}: {}", para.string(), problem.message()));

  AtomicFile checkpoint(paths[0]), nn(paths[1]), density(paths[2]);
  checkpoint.write(make_torch_archive(exported.checkpoint, "REANN"));
  nn.write(exported.input_nn);
  density.write(exported.input_density);
  nn.commit();
  density.commit();
  checkpoint.commit();
}

}  // namespace grapevine
