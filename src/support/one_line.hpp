#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace grapevine {

/// `text`, which may come from a file of any origin, as one line that is safe to show in a terminal. Control and
/// direction characters, line ends and bytes that are not UTF-8 become \n, \t or \xNN; of more than `longest` bytes
/// the middle is left out.
std::string one_line(std::string_view text, std::size_t longest = 1000);

}  // namespace grapevine
