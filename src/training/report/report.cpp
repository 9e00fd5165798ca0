#include "training/report/report.hpp"

#include <fmt/format.h>

#include <cmath>
#include <string>
#include <vector>

#include "report/html.hpp"
#include "support/atomic_file.hpp"
#include "training/report/plots.hpp"

namespace grapevine {
namespace {

constexpr const char* style = R"(
  :root { color-scheme: light; }
  body { margin: 0; background: #fff; color: #1c1c1c; font: 13px/1.5 "DejaVu Sans", Verdana, sans-serif; }
  main { max-width: 840px; margin: 0 auto; padding: 36px 24px 48px; }
  header p { margin: 2px 0 0; color: #555; }
  h1 { font-size: 24px; line-height: 1.25; margin: 0; overflow-wrap: anywhere; }
  h2 { font-size: 17px; margin: 40px 0 12px; padding-bottom: 5px; border-bottom: 1px solid #bbb; }
  h3 { font-size: 14px; margin: 26px 0 8px; overflow-wrap: anywhere; }
  p { margin: 0 0 10px; }
  .note { color: #555; }
  .figures + .note { margin-top: 8px; }
  .figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(168px, 1fr)); gap: 12px; margin: 24px 0 0; }
  .figure { border: 1px solid #ccc; border-radius: 4px; padding: 10px 14px; }
  .figure b { display: block; font-size: 22px; line-height: 1.3; font-weight: 600; color: #00588a; }
  .figure b small { font-size: 13px; font-weight: 400; }
  table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
  th, td { padding: 4px 10px; text-align: left; vertical-align: top; }
  th { font-weight: 600; }
  thead th { border-bottom: 1px solid #777; white-space: nowrap; }
  tbody tr { border-bottom: 1px solid #e4e4e4; }
  tbody tr.set { background: #f1f4f6; }
  tbody tr.set th span { font-weight: 400; color: #555; }
  .number { text-align: right; white-space: nowrap; }
  .sub { padding-left: 28px; }
  .long { overflow-wrap: anywhere; }
  .card th { width: 30%; font-weight: 400; color: #555; }
  .pictures { display: grid; }
  .two { grid-template-columns: repeat(2, minmax(0, 1fr)); }
  .three { grid-template-columns: repeat(3, minmax(0, 1fr)); }
  img { display: block; max-width: 100%; height: auto; }
  @media (max-width: 700px) { .two, .three { grid-template-columns: 1fr; } }
  @page { margin: 14mm; }
  @media print {
    main { max-width: none; padding: 0; }
    h2, h3 { break-after: avoid; }
    img, tr, .figure { break-inside: avoid; }
    * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  }
)";

constexpr const char* milli_per_atom = "meV/atom";
constexpr const char* milli_per_angstrom = "meV/\u00c5";

/// 1234567 as "1,234,567".
std::string count_text(std::size_t count) {
  std::string text = fmt::format("{}", count);
  for (std::ptrdiff_t at = static_cast<std::ptrdiff_t>(text.size()) - 3; at > 0; at -= 3)
    text.insert(static_cast<std::size_t>(at), ",");
  return text;
}

/// In thousandths of the unit.
std::string milli_text(double value, bool with_sign = false) {
  const double thousandths = 1e3 * value;
  const double size = std::abs(thousandths);
  std::string digits = size > 0 && size < 0.1 ? fmt::format("{:.2g}", size) : fmt::format("{:.2f}", size);
  if (!with_sign) return digits;
  return (thousandths < 0 ? "\u2212" : "+") + digits;
}

/// To three digits.
std::string rounded(double value) { return fmt::format(fmt::runtime(value < 1000 ? "{:.3g}" : "{:.0f}"), value); }

std::string duration_text(double seconds) {
  const long minutes = std::lround(seconds / 60);
  if (seconds < 60) return fmt::format("{:.1f} s", seconds);
  if (minutes < 60) return fmt::format("{} min", minutes);
  return fmt::format("{} h {:02} min", minutes / 60, minutes % 60);
}

std::string number_cell(const std::string& text) { return fmt::format("<td class=\"number\">{}</td>", text); }

std::string note(const std::string& text) { return fmt::format("<p class=\"note\">{}</p>\n", text); }

std::string plural(std::size_t count, const char* what) {
  return fmt::format("{} {}{}", count_text(count), what, count == 1 ? "" : "s");
}

std::string figure(const std::string& label, const std::string& value, const std::string& unit) {
  return fmt::format("<div class=\"figure\">{}<b>{} <small>{}</small></b></div>\n", label, value, unit);
}

std::string key_figures(const TrainingSummary& summary) {
  std::string html;
  for (const SetResult* set : sets_to_judge_by(summary)) {
    if (!set->errors.any()) continue;
    const auto add = [&](const char* label, const ErrorStatistics& errors, const char* unit) {
      if (errors.count() > 0) html += figure(label, rounded(1e3 * errors.root_mean_square()), unit);
    };
    add("Energy RMSE", set->errors.energy_per_atom, milli_per_atom);
    add("Force RMSE", set->errors.forces, milli_per_angstrom);
    add("Virial RMSE", set->errors.virial_per_atom, milli_per_atom);
    html = fmt::format("<div class=\"figures\">\n{}", html);
    if (!summary.epochs.empty())
      html += figure("Training, " + duration_text(summary.epochs.back().seconds),
                     fmt::format("{}", summary.epochs.back().epoch), "epochs");
    return html + "</div>\n" + note(fmt::format("Errors of {}.", html_text(set->name)));
  }
  return "";
}

std::string model_card(const TrainingSummary& summary) {
  std::string html = "<h2>Model card</h2>\n";
  if (summary.card.empty()) return html + note("Nothing is known of the model.");
  html += "<table class=\"card\"><tbody>\n";
  for (const auto& [key, value] : summary.card)
    html += fmt::format("<tr><th>{}</th><td class=\"long\">{}</td></tr>\n", html_text(key), html_text(value));
  return html + "</tbody></table>\n";
}

std::string error_row(const std::string& name, const char* unit, const ErrorStatistics& errors, bool sub = false) {
  if (errors.count() == 0) return "";
  return fmt::format("<tr><td{}>{}</td><td>{}</td>{}{}{}{}</tr>\n", sub ? " class=\"sub\"" : "", name, unit,
                     number_cell(count_text(errors.count())), number_cell(milli_text(errors.mean_absolute())),
                     number_cell(milli_text(errors.root_mean_square())), number_cell(milli_text(errors.maximum())));
}

std::string error_rows(const SetResult& set) {
  const PotentialErrors& errors = set.errors;
  std::string rows =
      fmt::format("<tr class=\"set\"><th class=\"long\" colspan=\"6\">{} <span>\u2014 {}, {}</span></th></tr>\n",
                  html_text(set.name), plural(set.frames, "frame"), plural(set.atoms, "atom"));
  if (!errors.any()) return rows + "<tr><td colspan=\"6\" class=\"note\">no reference values</td></tr>\n";
  rows += error_row("energy per atom", milli_per_atom, errors.energy_per_atom);
  rows += error_row("force components", milli_per_angstrom, errors.forces);
  for (const auto& [symbol, statistics] : errors.forces_of)
    rows += error_row("on " + html_text(symbol), milli_per_angstrom, statistics, true);
  rows += error_row("virial per atom", milli_per_atom, errors.virial_per_atom);
  if (set.errors_before) {
    rows += error_row("energy per atom, at the start", milli_per_atom, set.errors_before->energy_per_atom);
    rows += error_row("force components, at the start", milli_per_angstrom, set.errors_before->forces);
    rows += error_row("virial per atom, at the start", milli_per_atom, set.errors_before->virial_per_atom);
  }
  return rows;
}

std::string error_table(const std::vector<const SetResult*>& sets) {
  std::string html = "<h2>Errors</h2>\n";
  if (sets.empty()) return html + note("The model was judged on no set of structures.");
  html +=
      "<table><thead><tr><th>quantity</th><th>unit</th><th class=\"number\">values</th><th class=\"number\">MAE</th>"
      "<th class=\"number\">RMSE</th><th class=\"number\">largest</th></tr></thead>\n";
  for (const SetResult* set : sets) html += fmt::format("<tbody>\n{}</tbody>\n", error_rows(*set));
  return html + "</table>\n";
}

std::string worst_rows(const std::vector<WorstFrame>& frames, const char* quantity, const char* unit) {
  std::string rows;
  for (const WorstFrame& frame : frames)
    rows += fmt::format("<tr><td>{}</td>{}<td>{}</td><td class=\"long\">{}</td><td class=\"long\">{}</td></tr>\n",
                        &frame == frames.data() ? quantity : "", number_cell(milli_text(frame.error, true)), unit,
                        html_text(frame.place),
                        html_text(frame.formula) + (frame.atom < 0 ? "" : fmt::format(", atom {}", frame.atom + 1)));
  return rows;
}

std::string worst_table(const std::vector<const SetResult*>& sets) {
  std::string bodies;
  for (const SetResult* set : sets) {
    const std::string rows = worst_rows(set->worst_energies, "energy per atom", milli_per_atom) +
                             worst_rows(set->worst_forces, "force component", milli_per_angstrom);
    if (rows.empty()) continue;
    bodies += fmt::format("<tbody>\n<tr class=\"set\"><th class=\"long\" colspan=\"5\">{}</th></tr>\n{}</tbody>\n",
                          html_text(set->name), rows);
  }
  const std::string head = "<h2>Frames with the largest errors</h2>\n";
  if (bodies.empty()) return head + note("There are none.");
  return head + note("Potential minus reference; look here first for wrong labels and for what the data lack.") +
         "<table><thead><tr><th>quantity</th><th class=\"number\">error</th><th>unit</th><th>where</th>"
         "<th>structure</th></tr></thead>\n" +
         bodies + "</table>\n";
}

std::string pictures_in(const char* columns, const std::vector<Picture>& pictures) {
  std::string html = fmt::format("<div class=\"pictures {}\">\n", columns);
  for (const Picture& picture : pictures) html += html_image(picture) + "\n";
  return html + "</div>\n";
}

std::string learning_section(const TrainingSummary& summary) {
  const std::vector<Picture> pictures = learning_curves(summary.epochs);
  return "<h2>Learning curves</h2>\n" +
         (pictures.empty() ? note("There is no record of the epochs.") : pictures_in("two", pictures));
}

/// Parity plot and distribution of errors of a quantity side by side.
std::vector<Picture> pictures_of(const SetResult& set) {
  std::vector<Picture> parities = parity_plots(set);
  const std::vector<Picture> histograms = error_histograms(set);
  if (parities.size() != histograms.size()) return parities;
  std::vector<Picture> pictures;
  for (std::size_t n = 0; n < parities.size(); ++n) {
    pictures.push_back(parities[n]);
    pictures.push_back(histograms[n]);
  }
  return pictures;
}

std::string set_sections(const std::vector<const SetResult*>& sets) {
  std::string html = "<h2>Predictions and their errors</h2>\n";
  if (sets.empty()) html += note("The model was judged on no set of structures.");
  for (const SetResult* set : sets) {
    const std::vector<Picture> pictures = pictures_of(*set);
    html += fmt::format("<h3>{}</h3>\n{}", html_text(set->name),
                        pictures.empty() ? note("no reference values") : pictures_in("two", pictures));
  }
  return html;
}

std::string dimer_section(const TrainingSummary& summary) {
  const std::vector<Picture> pictures = dimer_plots(summary.dimers);
  const std::string head = "<h2>Dimers</h2>\n";
  if (pictures.empty()) return head + note("There are no curves.");
  const bool one = pictures.size() == 1;
  std::string text =
      "Energy of two atoms against their distance, without that of the isolated atoms, and the lowest "
      "point "
      "of the well. Where the energy is lower still inside the repulsive wall, there is a hole. The wall is cut off.";
  if (!one) text += " Each panel has a scale of its own.";
  if (!one && pictures.size() < summary.dimers.size())
    text += fmt::format(" The first {} of {} pairs.", pictures.size(), summary.dimers.size());
  return head + note(text) + pictures_in(one ? "" : "three", pictures);
}

}  // namespace

void write_training_report(const std::filesystem::path& html, const TrainingSummary& summary) {
  const std::vector<const SetResult*> sets = sets_to_judge_by(summary);
  const std::string title = html_text(summary.title.empty() ? "Model" : summary.title);
  std::string page = fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en-GB\">\n<head>\n<meta charset=\"utf-8\"/>\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n"
      "<title>{0}: training report</title>\n<style>{1}</style>\n</head>\n<body>\n<main>\n"
      "<header><h1>{0}</h1><p>Training report</p></header>\n",
      title, style);
  page += key_figures(summary);
  page += model_card(summary);
  page += error_table(sets);
  page += learning_section(summary);
  page += set_sections(sets);
  page += worst_table(sets);
  page += dimer_section(summary);
  page += "</main>\n</body>\n</html>\n";
  write_text_file(html, page);
}

}  // namespace grapevine
