#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace grapevine {

/// The finite number that `text` spells, whole and in C notation whatever the locale (a leading + is allowed).
std::optional<double> parse_number(std::string_view text);
std::optional<std::int64_t> parse_integer(std::string_view text);
/// T, F, true, True, TRUE and so on.
std::optional<bool> parse_logical(std::string_view text);

/// Splits at white space into `fields`, which is reused.
void split_fields(std::string_view text, std::vector<std::string_view>& fields);

/// The numbers of a list as extended XYZ files write them: separated by white space, commas or brackets. Nothing if
/// any word is not a finite number.
std::optional<std::vector<double>> parse_number_list(std::string_view text);

/// Words of such a list.
std::vector<std::string_view> split_list(std::string_view text);

/// Whether two ASCII words are the same, capitals or not.
bool same_word(std::string_view a, std::string_view b);

}  // namespace grapevine
