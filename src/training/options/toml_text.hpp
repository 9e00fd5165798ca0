#pragma once

#include <string>
#include <string_view>

namespace grapevine {

// The parser of toml++ 3.3 has undefined behaviour for letters other than ASCII where TOML has none, and breaks
// assumptions of its own for malformed headers of tables; it goes one call deeper for every dot of a key, until the
// stack is full. It is given ASCII text without keys of many dots, and told apart what it asserts.

/// The text with each byte that is not ASCII, and each %, as % and two hexadecimal digits. TOML stays TOML: such bytes
/// may stand in comments and quotes only, where a % may stand too. A byte order mark at the beginning is left out.
std::string escape_letters(std::string_view text);

/// The inverse of escape_letters(), for what stood in quotes.
std::string restore_letters(std::string_view text);

/// A text as TOML has it in quotes.
std::string quote_text(std::string_view text);

/// The number of the first line that starts like a [table] but goes on like none; of the last line if there is none.
int line_of_bad_header(std::string_view text);

/// The number of the line on which a key, such as that of [a.b] or a.b = 1, has more than `most_dots` dots; 0 if there
/// is none.
int line_of_deep_key(std::string_view text, int most_dots);

}  // namespace grapevine
