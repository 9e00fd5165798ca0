#include "report/html.hpp"

#include <fmt/format.h>
#include <openssl/evp.h>

namespace grapevine {
namespace {

std::string base64(std::string_view bytes) {
  std::string text;
  // OpenSSL counts in int: in pieces of a multiple of three bytes, which need no padding between them.
  constexpr std::size_t piece = 3 << 20;
  std::string encoded(piece / 3 * 4 + 1, '\0');
  for (std::size_t at = 0; at < bytes.size(); at += piece) {
    const std::string_view part = bytes.substr(at, piece);
    const int length =
        EVP_EncodeBlock(reinterpret_cast<unsigned char*>(encoded.data()),
                        reinterpret_cast<const unsigned char*>(part.data()), static_cast<int>(part.size()));
    text.append(encoded, 0, static_cast<std::size_t>(length));
  }
  return text;
}

}  // namespace

std::string html_text(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    switch (c) {
      case '&': escaped += "&amp;"; break;
      case '<': escaped += "&lt;"; break;
      case '>': escaped += "&gt;"; break;
      case '"': escaped += "&quot;"; break;
      case '\'': escaped += "&#39;"; break;
      default: escaped += c;
    }
  }
  return escaped;
}

// As an image and not as elements of the page: the names cairo gives to glyphs are the same in every picture.
std::string html_image(const Picture& picture) {
  return fmt::format(R"(<img alt="{}" width="{:.0f}" height="{:.0f}" src="data:image/svg+xml;base64,{}"/>)",
                     html_text(picture.title), picture.width, picture.height, base64(svg_of(picture)));
}

}  // namespace grapevine
