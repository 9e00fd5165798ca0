#include "models/equivariant/path.hpp"

#include <fmt/format.h>

#include <cstdlib>

#include "support/error.hpp"

namespace grapevine::equivariant {
namespace {

void check_path(const std::string& name, const IrrepsList& input, const Path& path, int edge_order,
                bool odd_harmonics) {
  if (path.input < 0 || path.input >= static_cast<int>(input.size()) || path.edge_order < 0 ||
      path.edge_order > edge_order)
    throw Error(name + ": a product of what is not there");
  const Irreps& from = input[static_cast<std::size_t>(path.input)];
  const int edge_parity = odd_harmonics && path.edge_order % 2 == 1 ? -1 : 1;
  if (path.order < std::abs(from.order - path.edge_order) || path.order > from.order + path.edge_order ||
      path.order > max_order || path.parity != from.parity * edge_parity)
    throw Error(fmt::format("{}: orders {} and {} do not couple to {}", name, from.order, path.edge_order, path.order));
}

}  // namespace

IrrepsList messages(const IrrepsList& input, const std::vector<Path>& paths) {
  IrrepsList list;
  for (const Path& path : paths)
    list.push_back({input[static_cast<std::size_t>(path.input)].channels, path.order, path.parity});
  return list;
}

void check_paths(const std::string& name, const IrrepsList& input, const std::vector<Path>& paths, int edge_order,
                 bool odd_harmonics) {
  if (paths.empty() || paths.size() > max_paths) throw Error(name + ": no products or too many");
  for (const Path& path : paths) check_path(name, input, path, edge_order, odd_harmonics);
}

}  // namespace grapevine::equivariant
