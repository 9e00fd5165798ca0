#include "training/run/training_log.hpp"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <iterator>
#include <limits>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "formats/text/line_reader.hpp"
#include "formats/text/text_numbers.hpp"
#include "support/atomic_file.hpp"
#include "support/error.hpp"
#include "training/run/output_files.hpp"

namespace grapevine {
namespace {

struct LogColumn {
  const char* name;
  double EpochRecord::*value;
  bool may_be_missing = true;  // zero then, and left empty in the file
};

// The epoch comes before these.
constexpr std::array<LogColumn, 10> columns{{{"seconds", &EpochRecord::seconds, false},
                                             {"learning_rate", &EpochRecord::learning_rate, false},
                                             {"train_loss", &EpochRecord::train_loss},
                                             {"train_energy_rmse_eV_per_atom", &EpochRecord::train_energy},
                                             {"train_forces_rmse_eV_per_A", &EpochRecord::train_forces},
                                             {"train_virial_rmse_eV_per_atom", &EpochRecord::train_virial},
                                             {"valid_loss", &EpochRecord::valid_loss},
                                             {"valid_energy_rmse_eV_per_atom", &EpochRecord::valid_energy},
                                             {"valid_forces_rmse_eV_per_A", &EpochRecord::valid_forces},
                                             {"valid_virial_rmse_eV_per_atom", &EpochRecord::valid_virial}}};

std::string header() {
  std::string line = "epoch";
  for (const LogColumn& column : columns) line.append(",").append(column.name);
  return line + "\n";
}

std::string line_of(const EpochRecord& record) {
  std::string line = fmt::format("{}", record.epoch);
  for (const LogColumn& column : columns) {
    const double value = record.*column.value;
    line += column.may_be_missing && value == 0 ? "," : fmt::format(",{:.8g}", value);
  }
  return line + "\n";
}

std::vector<std::string_view> cells_of(std::string_view line) {
  std::vector<std::string_view> cells;
  for (std::size_t comma = line.find(','); comma != std::string_view::npos; comma = line.find(',')) {
    cells.push_back(line.substr(0, comma));
    line.remove_prefix(comma + 1);
  }
  cells.push_back(line);
  return cells;
}

EpochRecord parse_line(const std::string& line, const LineReader& reader) {
  const std::vector<std::string_view> cells = cells_of(line);
  const auto epoch = cells.size() == columns.size() + 1 ? parse_integer(cells[0]) : std::nullopt;
  if (!epoch || *epoch < 0 || *epoch > std::numeric_limits<int>::max())
    reader.fail("this is not a line of a log of a training");
  EpochRecord record;
  record.epoch = static_cast<int>(*epoch);
  for (std::size_t c = 0; c < columns.size(); ++c) {
    if (columns[c].may_be_missing && cells[c + 1].empty()) continue;
    const auto value = parse_number(cells[c + 1]);
    if (!value) reader.fail(fmt::format("'{}' is not a finite number", cells[c + 1]));
    record.*columns[c].value = *value;
  }
  return record;
}

/// The text of a file without the piece of a line at its end that a crash may leave.
std::string whole_lines(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw Error(fmt::format("cannot open {}: {}", path.string(), std::strerror(errno)));
  std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  text.resize(text.rfind('\n') + 1);
  return text;
}

}  // namespace

std::filesystem::path log_path(const std::filesystem::path& output) { return beside_model(output, ".log.csv"); }

std::vector<EpochRecord> read_training_log(const std::filesystem::path& path) {
  LineReader reader(std::make_unique<std::istringstream>(whole_lines(path)), path.string());
  std::string line;
  if (!reader.next(line) || line + "\n" != header()) reader.fail("this is not the header of a log of a training");
  std::vector<EpochRecord> records;
  while (reader.next(line)) records.push_back(parse_line(line, reader));
  return records;
}

TrainingLog::TrainingLog(std::filesystem::path path, int epochs_kept) : path_(std::move(path)) {
  std::string text = header();
  std::error_code ignored;
  const bool is_there = std::filesystem::exists(path_, ignored);
  if (is_there) lock_.emplace(path_);
  if (epochs_kept > 0 && is_there)
    for (const EpochRecord& record : read_training_log(path_))
      if (record.epoch <= epochs_kept) text += line_of(record);
  write_text_file(path_, text);
  lock_.emplace(path_);  // another file now
  file_.open(path_, std::ios::binary | std::ios::app);
  if (!file_) throw Error(fmt::format("cannot write {}: {}", path_.string(), std::strerror(errno)));
}

void TrainingLog::add(const EpochRecord& record) {
  file_ << line_of(record) << std::flush;
  if (!file_) throw Error(fmt::format("cannot write {}: {}", path_.string(), std::strerror(errno)));
}

}  // namespace grapevine
