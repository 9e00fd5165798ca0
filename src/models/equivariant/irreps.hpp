#pragma once

#include <string>
#include <vector>

namespace grapevine::equivariant {

inline constexpr int max_order = 4;  ///< of features, harmonics and products

/// Some channels that turn together: each is 2 order + 1 numbers, which mix under rotation as real spherical harmonics
/// of that order do, and change sign under inversion if the parity is -1.
struct Irreps {
  int channels = 0;
  int order = 0;   ///< l
  int parity = 1;  ///< 1 (even) or -1 (odd)

  int components() const { return 2 * order + 1; }
  bool transforms_like(const Irreps& other) const { return order == other.order && parity == other.parity; }
  bool is_even_scalar() const { return order == 0 && parity == 1; }
  bool operator==(const Irreps&) const = default;
};

/// Features of an atom or what becomes of them: irreps one after another.
using IrrepsList = std::vector<Irreps>;

int channels(const IrrepsList& list);      ///< sum of channels
int numbers(const IrrepsList& list);       ///< sum of channels times components
int even_scalars(const IrrepsList& list);  ///< channels of order 0 and even parity

/// "128x0e+64x1e+32x2e", as e3nn writes it.
std::string to_string(const IrrepsList& list);
/// Throws Error, starting with `where`, for anything else than up to 64 irreps with 1 to 4096 channels of order 0 to 9.
IrrepsList parse_irreps(const std::string& text, const std::string& where);

/// Throws Error, starting with `name`, unless there are 1 to 64 irreps of 1 to 4096 channels and orders up to
/// max_order.
void check_irreps(const std::string& name, const IrrepsList& list);

}  // namespace grapevine::equivariant
