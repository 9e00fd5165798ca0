#pragma once

#include <string_view>

namespace grapevine {

/// Both throw Error if standard output cannot take what was printed: a full disk, for instance, which is often told
/// only when the last of it is written.
void print_text(std::string_view text);
void flush_standard_output();

}  // namespace grapevine
