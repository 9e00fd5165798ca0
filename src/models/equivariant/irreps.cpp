#include "models/equivariant/irreps.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <optional>

#include "formats/text/text_numbers.hpp"
#include "support/error.hpp"

namespace grapevine::equivariant {
namespace {

constexpr int max_channels = 4096;
constexpr std::size_t max_irreps = 64;
constexpr int max_written_order = 9;

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

int even_scalars(const IrrepsList& list) {
  int sum = 0;
  for (const Irreps& irreps : list)
    if (irreps.is_even_scalar()) sum += irreps.channels;
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

void check_irreps(const std::string& name, const IrrepsList& list) {
  if (list.empty() || list.size() > max_irreps) throw Error(name + " are none or too many");
  for (const Irreps& irreps : list) {
    if (irreps.channels < 1 || irreps.channels > max_channels || std::abs(irreps.parity) != 1)
      throw Error(fmt::format("{}: {} make no sense", name, to_string(list)));
    if (irreps.order < 0 || irreps.order > max_order)
      throw Error(fmt::format("{}: {}; at most order {} is supported", name, to_string(list), max_order));
  }
}

}  // namespace grapevine::equivariant
