#pragma once

#include <string>
#include <string_view>

#include "report/picture.hpp"

namespace grapevine {

/// Text as it has to stand between tags or in a quoted attribute.
std::string html_text(std::string_view text);

/// A picture as an image that holds its own data, with its title for readers who cannot see it. Throws Error if it
/// cannot be drawn.
std::string html_image(const Picture& picture);

}  // namespace grapevine
