#include "exporters/reann_structure.hpp"

#include <fmt/format.h>

#include "support/error.hpp"

namespace grapevine {
namespace {

using reann::Network;
using reann::Parameters;
using reann::ResidualBlock;
using reann::ResidualStep;

[[noreturn]] void refuse(const std::string& name, const char* what) {
  throw Error(fmt::format("REANN's input files cannot say this model: {} {}; nothing was written", name, what));
}

std::vector<int> widths_of(int width, const ResidualBlock& block) {
  std::vector<int> widths{width};
  for (std::size_t s = 0; s + 1 < block.size(); ++s) widths.push_back(block[s].linear.outputs);
  return widths;
}

ReannStructure structure_of(const std::string& name, const Network& network) {
  ReannStructure structure;
  structure.blocks = static_cast<int>(network.blocks.size());
  structure.activation = network.activation.kind;
  if (network.blocks.empty()) {
    structure.widths = {network.input.outputs};
    return structure;
  }
  structure.widths = widths_of(network.input.outputs, network.blocks.front());
  structure.layer_norm = network.blocks.front().front().norm.has_value();
  for (const ResidualBlock& block : network.blocks) {
    if (widths_of(network.input.outputs, block) != structure.widths) refuse(name, "has residual blocks that differ");
    for (const ResidualStep& step : block) {
      if (step.activation.kind != structure.activation) refuse(name, "has more than one kind of activation");
      if (step.norm.has_value() != structure.layer_norm) refuse(name, "has layer normalisation in some steps only");
    }
  }
  return structure;
}

ReannStructure common_structure(const std::string& kind, const Parameters& p, const std::vector<Network>& networks) {
  ReannStructure first = structure_of(fmt::format("the {} network of {}", kind, p.species[0]), networks[0]);
  for (std::size_t s = 1; s < networks.size(); ++s) {
    const std::string name = fmt::format("the {} network of {}", kind, p.species[s]);
    if (structure_of(name, networks[s]) != first)
      refuse(name, fmt::format("differs in structure from that of {}", p.species[0]).c_str());
  }
  return first;
}

}  // namespace

ReannStructure reann_readout_structure(const Parameters& p) { return common_structure("readout", p, p.readout); }

ReannStructure reann_message_structure(const Parameters& p) {
  if (p.message.empty()) return reann_readout_structure(p);
  ReannStructure first = common_structure("first message", p, p.message[0]);
  for (std::size_t t = 1; t < p.message.size(); ++t) {
    const std::string kind = fmt::format("message layer {}", t + 1);
    if (common_structure(kind, p, p.message[t]) != first)
      refuse(kind, "has networks of another structure than message layer 1");
  }
  return first;
}

}  // namespace grapevine
