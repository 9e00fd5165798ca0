#include "training/data/dataset.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>
#include <random>
#include <set>
#include <system_error>
#include <utility>

#include "formats/elements.hpp"
#include "formats/text/extxyz.hpp"
#include "formats/text/reann_configuration.hpp"
#include "structures/cell.hpp"
#include "support/error.hpp"
#include "threads/interruption.hpp"

namespace grapevine {
namespace {

// Fractional coordinates lie in the cell or just outside it.
constexpr double fractional_low = -1;
constexpr double fractional_high = 2;

void check_elements(const Frame& frame) {
  const std::string* last = nullptr;
  for (const std::string& symbol : frame.symbols) {
    if (last != nullptr && *last == symbol) continue;
    if (atomic_number(symbol) == 0) throw Error(fmt::format("'{}' is not the symbol of an element", symbol));
    last = &symbol;
  }
}

/// REANN trains on dipoles and polarisabilities too, in the energy's place.
void check_is_energy(const Frame& frame) {
  if (frame.find_info("abprop") != nullptr)
    throw Error("abprop: has more than one number, so that it is not an energy; other properties cannot be trained on");
}

template <class Check>
LabelledFrame labelled(Frame&& frame, const ReferenceKeys& keys, const std::string& place, const Check& check) {
  try {
    check(frame);
    check_elements(frame);
    SearchBox::of(frame.cell, frame.periodic);
    const std::string* type = frame.find_info("config_type");
    LabelledFrame result{
        {}, find_reference_values(frame, keys), place, type == nullptr ? "" : *type, find_structure_weights(frame)};
    frame.columns.clear();
    frame.info.clear();
    result.frame = std::move(frame);
    return result;
  } catch (const Error& error) {
    throw Error(fmt::format("{}: {}", place, error.what()));
  }
}

/// Reads all frames of a file, of whatever format; `check` may refuse one by an Error.
template <class Reader, class Check>
std::vector<LabelledFrame> read_all(const std::filesystem::path& path, const ReferenceKeys& keys, const Check& check) {
  Reader reader(path);
  std::vector<LabelledFrame> frames;
  const auto next = [&]() -> std::optional<Frame> {
    Frame frame;
    interruption_point();
    try {
      return reader.next(frame) ? std::optional(std::move(frame)) : std::nullopt;
    } catch (const Error& error) {
      throw Error(fmt::format("{} (frame {})", error.what(), frames.size() + 1));
    }
  };
  while (std::optional<Frame> frame = next()) {
    const std::string place = fmt::format("{}:{}: frame {}", path.string(), frame->line, frames.size() + 1);
    frames.push_back(labelled(std::move(*frame), keys, place, check));
  }
  if (frames.empty()) throw Error(fmt::format("{} has no structures; is it empty?", path.string()));
  return frames;
}

bool look_fractional(std::span<const LabelledFrame> frames) {
  return std::all_of(frames.begin(), frames.end(), [](const LabelledFrame& labelled) {
    const std::vector<double>& x = labelled.frame.positions;
    return std::all_of(x.begin(), x.end(),
                       [](double value) { return value >= fractional_low && value <= fractional_high; });
  });
}

std::vector<LabelledFrame> read_reann(const std::filesystem::path& path, ReannCoordinates coordinates) {
  std::vector<LabelledFrame> frames = read_all<ReannConfigurationReader>(path, {}, check_is_energy);
  if (coordinates == ReannCoordinates::automatic && look_fractional(frames))
    throw Error(
        fmt::format("{}: all coordinates lie between {} and {} and may be fractional; say which they are with "
                    "--reann-coordinates fractional or cartesian",
                    path.string(), fractional_low, fractional_high));
  if (coordinates == ReannCoordinates::fractional)
    for (LabelledFrame& labelled : frames) make_cartesian(labelled.frame);
  return frames;
}

std::filesystem::path configuration_in(const std::filesystem::path& folder) {
  std::error_code ignored;
  if (std::filesystem::exists(folder / "configuration", ignored)) return folder / "configuration";
  const bool is_parent = std::filesystem::exists(folder / "train" / "configuration", ignored);
  throw Error(fmt::format("{} is a folder without a file configuration; give {}", folder.string(),
                          is_parent ? (folder / "train").string() : "an extended XYZ file or a folder of REANN's"));
}

/// The standard's distributions and shuffles differ between libraries, its engines do not.
std::vector<std::size_t> shuffled(std::size_t count, std::uint64_t seed) {
  std::vector<std::size_t> order(count);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::mt19937_64 engine(seed);
  for (std::size_t left = count; left > 1; --left) std::swap(order[left - 1], order[engine() % left]);
  return order;
}

/// Puts those frames first which hold an element that no frame before them has.
std::vector<std::size_t> new_elements_first(const std::vector<std::size_t>& order,
                                            std::span<const LabelledFrame> frames) {
  std::set<std::string> seen;
  std::vector<std::size_t> first;
  std::vector<std::size_t> others;
  for (const std::size_t f : order) {
    const std::size_t before = seen.size();
    seen.insert(frames[f].frame.symbols.begin(), frames[f].frame.symbols.end());
    (seen.size() > before ? first : others).push_back(f);
  }
  first.insert(first.end(), others.begin(), others.end());
  return first;
}

std::size_t training_count(std::size_t frames, double fraction) {
  if (frames < 2) return frames;
  const long wanted = std::lround(fraction * static_cast<double>(frames));
  return std::clamp(static_cast<std::size_t>(std::max(wanted, 1L)), std::size_t{1}, frames - 1);
}

}  // namespace

std::vector<LabelledFrame> read_labelled_frames(const std::filesystem::path& path, const ReferenceKeys& keys,
                                                ReannCoordinates coordinates) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) return read_reann(configuration_in(path), coordinates);
  if (is_reann_configuration(path)) return read_reann(path, coordinates);
  return read_all<ExtxyzReader>(path, keys, [](const Frame&) {});
}

bool has_reference(const LabelledFrame& labelled) {
  const ReferenceValues& reference = labelled.reference;
  return reference.energy || reference.forces || reference.virial;
}

bool is_isolated_atom(const LabelledFrame& labelled) {
  constexpr double far_away = 8;  // Angstrom
  const Frame& frame = labelled.frame;
  if (frame.atoms() != 1 || !labelled.reference.energy) return false;
  const SearchBox box = SearchBox::of(frame.cell, frame.periodic);
  for (std::size_t k = 0; k < 3; ++k)
    if (box.periodic[k] && box.height(k) < far_away) return false;
  return true;
}

FrameSplit split_frames(std::span<const LabelledFrame> frames, double fraction, std::uint64_t seed) {
  std::vector<std::size_t> alone = shuffled(frames.size(), seed);
  const auto others =
      std::stable_partition(alone.begin(), alone.end(), [&](std::size_t f) { return is_isolated_atom(frames[f]); });
  const std::vector<std::size_t> order = new_elements_first({others, alone.end()}, frames);
  alone.erase(others, alone.end());
  const auto middle = order.begin() + static_cast<std::ptrdiff_t>(training_count(order.size(), fraction));
  FrameSplit split{{order.begin(), middle}, {middle, order.end()}};
  split.train.insert(split.train.end(), alone.begin(), alone.end());
  std::sort(split.train.begin(), split.train.end());
  std::sort(split.valid.begin(), split.valid.end());
  return split;
}

void Range::include(double value) {
  low = std::min(low, value);
  high = std::max(high, value);
}

DataSummary summarise(std::span<const LabelledFrame> frames) {
  DataSummary summary;
  for (const LabelledFrame& labelled : frames) {
    const Frame& frame = labelled.frame;
    const std::size_t atoms = frame.symbols.size();
    ++summary.frames;
    summary.atoms += atoms;
    summary.with_energy += labelled.reference.energy ? 1 : 0;
    summary.with_forces += labelled.reference.forces ? 1 : 0;
    summary.with_virial += labelled.reference.virial ? 1 : 0;
    summary.stresses_left_out += labelled.reference.stress_left_out ? 1 : 0;
    summary.isolated_atoms += is_isolated_atom(labelled) ? 1 : 0;
    summary.smallest = summary.frames == 1 ? atoms : std::min(summary.smallest, atoms);
    summary.largest = std::max(summary.largest, atoms);
    if (is_bulk(frame.periodic)) summary.volume_per_atom.include(volume(frame.cell) / frame.atoms());
    for (const std::string& symbol : frame.symbols) ++summary.elements[symbol].atoms;
    for (const std::string& symbol : std::set<std::string>(frame.symbols.begin(), frame.symbols.end()))
      ++summary.elements[symbol].frames;
  }
  return summary;
}

std::vector<std::string> elements_of(std::span<const LabelledFrame> frames) {
  std::set<std::string> found;
  for (const LabelledFrame& labelled : frames)
    found.insert(labelled.frame.symbols.begin(), labelled.frame.symbols.end());
  std::vector<std::string> elements(found.begin(), found.end());
  std::sort(elements.begin(), elements.end(), [](const std::string& a, const std::string& b) {
    return std::pair(atomic_number(a), a) < std::pair(atomic_number(b), b);
  });
  return elements;
}

}  // namespace grapevine
