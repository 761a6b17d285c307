#include "config/environment.h"

#include <algorithm>

namespace canopy::config {
namespace {

bool IsNameChar(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

// The shell's one-character names.
bool IsSpecial(char c) {
  return (c >= '0' && c <= '9') || std::string_view("*#$@!?-").find(c) != std::string_view::npos;
}

// What follows a "$". No name and a length: "${}" or an open brace, which vanishes; neither: the
// "$" is no reference.
struct Reference {
  std::string name;
  size_t length = 0;
};

Reference TakeReference(std::string_view text) {
  if (text.starts_with('{')) {
    if (text.size() > 2 && IsSpecial(text[1]) && text[2] == '}')
      return {std::string(1, text[1]), 3};
    const size_t close = text.find('}');
    if (close == std::string_view::npos) return {"", 1};
    return {std::string(text.substr(1, close - 1)), close == 1 ? 2 : close + 1};
  }
  if (IsSpecial(text[0])) return {std::string(1, text[0]), 1};
  const auto end = std::find_if_not(text.begin(), text.end(), IsNameChar);
  const auto length = static_cast<size_t>(end - text.begin());
  return {std::string(text.substr(0, length)), length};
}

}  // namespace

std::string ExpandEnvironment(std::string_view text,
                              const std::function<std::string(const std::string&)>& value_of) {
  std::string out;
  for (;;) {
    const size_t dollar = text.find('$');
    out.append(text.substr(0, dollar));
    if (dollar == std::string_view::npos) return out;
    text.remove_prefix(dollar + 1);
    if (text.empty()) return out + "$";
    const Reference reference = TakeReference(text);
    if (reference.length == 0) out += '$';
    if (!reference.name.empty()) out += value_of(reference.name);
    text.remove_prefix(reference.length);
  }
}

}  // namespace canopy::config
