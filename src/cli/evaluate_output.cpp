#include "cli/evaluate_output.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>

#include "report/errors_json.hpp"
#include "structures/cell.hpp"
#include "support/error.hpp"
#include "support/standard_output.hpp"

namespace grapevine {
namespace {

// 1 eV/Angstrom^3 in GPa, from the exact elementary charge.
constexpr double gigapascal = 160.2176634;

double largest_force(const FrameResult& result) {
  double square = 0;
  for (std::size_t n = 0; n < result.forces.size(); n += 3) {
    const Vector3 force{result.forces[n], result.forces[n + 1], result.forces[n + 2]};
    square = std::max(square, dot(force, force));
  }
  return std::sqrt(square);
}

std::string pressure(const Frame& frame, const FrameResult& result) {
  if (!is_bulk(frame.periodic)) return "-";
  const double trace = result.virial[0] + result.virial[4] + result.virial[8];
  return fmt::format("{:.5f}", gigapascal * trace / (3 * volume(frame.cell)));
}

class TableOutput final : public EvaluateOutput {
 public:
  void add(std::size_t index, const Frame& frame, const FrameResult& result) override {
    if (index == 0)
      print_text(fmt::format("{:>8} {:>8} {:>20} {:>16} {:>14} {:>16}\n", "frame", "atoms", "energy/eV", "eV/atom",
                             "max |F|/(eV/A)", "pressure/GPa"));
    print_text(fmt::format("{:>8} {:>8} {:>20.8f} {:>16.8f} {:>14.6f} {:>16}\n", index + 1, frame.atoms(),
                           result.energy, result.energy / frame.atoms(), largest_force(result),
                           pressure(frame, result)));
  }

  void finish(const PotentialErrors& errors) override {
    if (errors.any()) print_text(fmt::format("\n{}", format_errors(errors)));
    flush_standard_output();
  }
};

// Frames are kept in a nameless temporary file, so that memory stays bounded and an error leaves no half of an object.
class JsonOutput final : public EvaluateOutput {
 public:
  JsonOutput(const std::string& model, const std::string& structures, const Origin& origin)
      : frames_(std::tmpfile(), std::fclose),
        head_{{"model", model},
              {"model_sha256", origin.model_sha256},
              {"structures", structures},
              {"precision", origin.precision},
              {"version", origin.version},
              {"units", {{"energy", "eV"}, {"forces", "eV/Angstrom"}, {"virial", "eV"}, {"stress", "eV/Angstrom^3"}}}} {
    if (!frames_) throw Error(fmt::format("cannot make a temporary file: {}", std::strerror(errno)));
  }

  void add(std::size_t index, const Frame& frame, const FrameResult& result) override {
    nlohmann::ordered_json json{{"frame", index + 1},
                                {"line", frame.line},
                                {"atoms", frame.atoms()},
                                {"energy", result.energy},
                                {"energies", result.energies}};
    auto& forces = json["forces"] = nlohmann::ordered_json::array();
    for (std::size_t n = 0; n < result.forces.size(); n += 3)
      forces.push_back({result.forces[n], result.forces[n + 1], result.forces[n + 2]});
    json["virial"] = result.virial;
    const auto stress = stress_of(frame, result);
    json["stress"] = stress ? nlohmann::ordered_json(*stress) : nlohmann::ordered_json(nullptr);
    std::string text = index == 0 ? "" : ",\n";
    text += json.dump(-1, ' ', false, replace);
    if (std::fwrite(text.data(), 1, text.size(), frames_.get()) != text.size()) fail_temporary();
  }

  void finish(const PotentialErrors& errors) override {
    std::string head = head_.dump(-1, ' ', false, replace);
    head.pop_back();
    print_text(fmt::format("{},\"frames\":[\n", head));
    copy_frames();
    print_text(fmt::format("],\"errors\":{}}}\n", errors_json(errors).dump(-1, ' ', false, replace)));
    flush_standard_output();
  }

 private:
  static constexpr auto replace = nlohmann::ordered_json::error_handler_t::replace;

  [[noreturn]] static void fail_temporary() {
    throw Error(fmt::format("cannot use a temporary file: {}", std::strerror(errno)));
  }

  void copy_frames() {
    if (std::fflush(frames_.get()) != 0 || std::fseek(frames_.get(), 0, SEEK_SET) != 0) fail_temporary();
    std::string buffer(std::size_t{1} << 16, '\0');
    while (const std::size_t count = std::fread(buffer.data(), 1, buffer.size(), frames_.get()))
      print_text(buffer.substr(0, count));
    if (std::ferror(frames_.get()) != 0) fail_temporary();
  }

  std::unique_ptr<std::FILE, int (*)(std::FILE*)> frames_;
  nlohmann::ordered_json head_;
};

}  // namespace

std::unique_ptr<EvaluateOutput> make_table_output() { return std::make_unique<TableOutput>(); }

std::unique_ptr<EvaluateOutput> make_json_output(const std::string& model, const std::string& structures,
                                                 const Origin& origin) {
  return std::make_unique<JsonOutput>(model, structures, origin);
}

}  // namespace grapevine
