#pragma once

#include <cstring>
#include <string>

namespace canopy::net {

// As Go writes it: "connection refused".
inline std::string ErrnoText(int error) {
  std::string text = std::strerror(error);
  if (!text.empty() && text[0] >= 'A' && text[0] <= 'Z')
    text[0] = static_cast<char>(text[0] | 0x20);
  return text;
}

}  // namespace canopy::net
