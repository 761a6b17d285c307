#include "rules/go_quote.h"

#include <Poco/Unicode.h>

#include <array>

namespace canopy::rules {

namespace {

struct ShortEscape {
  char letter;
  char value;
};
constexpr std::array<ShortEscape, 8> kShortEscapes = {{{'a', '\a'},
                                                       {'b', '\b'},
                                                       {'f', '\f'},
                                                       {'n', '\n'},
                                                       {'r', '\r'},
                                                       {'t', '\t'},
                                                       {'v', '\v'},
                                                       {'\\', '\\'}}};

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

struct Escape {
  uint32_t code = 0;
  bool is_byte = false;  // \x and octal name a byte, not a character
};

// `count` digits of `base` from the front of `rest`.
std::optional<uint32_t> TakeDigits(std::string_view& rest, int count, int base) {
  uint32_t v = 0;
  for (int i = 0; i < count; ++i) {
    if (rest.empty()) return std::nullopt;
    const int digit = HexDigit(rest[0]);
    if (digit < 0 || digit >= base) return std::nullopt;
    v = v * static_cast<uint32_t>(base) + static_cast<uint32_t>(digit);
    rest.remove_prefix(1);
  }
  return v;
}

// What follows a backslash; `quote` may be escaped, the other quote may not.
std::optional<Escape> TakeEscape(std::string_view& rest, char quote) {
  if (rest.empty()) return std::nullopt;
  const char c = rest[0];
  if (c >= '0' && c <= '7') {
    const auto v = TakeDigits(rest, 3, 8);
    if (!v || *v > 255) return std::nullopt;
    return Escape{*v, true};
  }
  rest.remove_prefix(1);
  if (c == quote) return Escape{static_cast<unsigned char>(c), false};
  for (const ShortEscape& e : kShortEscapes) {
    if (c == e.letter) return Escape{static_cast<unsigned char>(e.value), false};
  }
  const int digits = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
  if (digits == 0) return std::nullopt;
  const auto v = TakeDigits(rest, digits, 16);
  if (!v) return std::nullopt;
  if (c != 'x' && (*v > 0x10ffff || (*v >= 0xd800 && *v < 0xe000))) return std::nullopt;
  return Escape{*v, c == 'x'};
}

std::optional<std::string> UnquoteRaw(std::string_view body) {
  std::string out;
  for (const char c : body) {
    if (c == '`') return std::nullopt;
    if (c != '\r') out.push_back(c);
  }
  return out;
}

// The units between the quotes, one call of `take(code, is_byte)` each.
template <class Take>
bool ForEachUnit(std::string_view body, char quote, Take take) {
  while (!body.empty()) {
    const char c = body[0];
    if (c == quote || c == '\n') return false;
    if (c == '\\') {
      body.remove_prefix(1);
      const auto escape = TakeEscape(body, quote);
      if (!escape) return false;
      take(escape->code, escape->is_byte);
      continue;
    }
    const Rune rune = DecodeRune(body);
    // A byte that is no character stays the byte that it is.
    take(rune.valid ? rune.code : static_cast<unsigned char>(c), !rune.valid);
    body.remove_prefix(static_cast<size_t>(rune.size));
  }
  return true;
}

bool IsQuotedBy(std::string_view text, char quote) {
  return text.size() >= 2 && text.front() == quote && text.back() == quote;
}

}  // namespace

bool IsIdentifierRune(uint32_t code) {
  if (code < 0x80) {
    return code == '_' || (code >= '0' && code <= '9') || (code >= 'a' && code <= 'z') ||
           (code >= 'A' && code <= 'Z');
  }
  const int c = static_cast<int>(code);
  return Poco::Unicode::isAlpha(c) || Poco::Unicode::isDigit(c);
}

std::string GoUnicodeName(uint32_t code) {
  std::string out = "U+";
  const int digits = code > 0xfffff ? 6 : code > 0xffff ? 5 : 4;
  for (int shift = (digits - 1) * 4; shift >= 0; shift -= 4) {
    out.push_back("0123456789ABCDEF"[(code >> shift) & 15]);
  }
  if (base::IsPrintable(code)) {
    out += " '";
    base::AppendRune(out, code);
    out.push_back('\'');
  }
  return out;
}

std::optional<std::string> GoUnquote(std::string_view quoted) {
  if (IsQuotedBy(quoted, '`')) return UnquoteRaw(quoted.substr(1, quoted.size() - 2));
  if (!IsQuotedBy(quoted, '"')) return std::nullopt;
  std::string out;
  const bool ok =
      ForEachUnit(quoted.substr(1, quoted.size() - 2), '"', [&](uint32_t code, bool is_byte) {
        if (is_byte) {
          out.push_back(static_cast<char>(code));
        } else {
          base::AppendRune(out, code);
        }
      });
  if (!ok) return std::nullopt;
  return out;
}

std::optional<uint32_t> GoUnquoteRune(std::string_view quoted) {
  if (!IsQuotedBy(quoted, '\'')) return std::nullopt;
  uint32_t value = 0;
  int units = 0;
  const bool ok = ForEachUnit(quoted.substr(1, quoted.size() - 2), '\'', [&](uint32_t code, bool) {
    value = code;
    ++units;
  });
  if (!ok || units != 1) return std::nullopt;
  return value;
}

}  // namespace canopy::rules
