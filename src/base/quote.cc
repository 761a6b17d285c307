#include "canopy/base/quote.h"

namespace canopy::base {
namespace {

constexpr char kHex[] = "0123456789abcdef";

void AppendHex(std::string& out, uint32_t code, int digits) {
  for (int shift = (digits - 1) * 4; shift >= 0; shift -= 4)
    out.push_back(kHex[(code >> shift) & 0xf]);
}

// The letter of a two-character escape that both Go and JSON have; 0 when none.
char EscapeLetter(uint32_t code) {
  switch (code) {
    case '\\':
      return '\\';
    case '\b':
      return 'b';
    case '\f':
      return 'f';
    case '\n':
      return 'n';
    case '\r':
      return 'r';
    case '\t':
      return 't';
    default:
      return '\0';
  }
}

char GoEscapeLetter(uint32_t code) {
  if (code == '\a') return 'a';
  if (code == '\v') return 'v';
  return EscapeLetter(code);
}

void AppendGoEscaped(std::string& out, uint32_t code, char quote) {
  if (code == static_cast<unsigned char>(quote)) {
    out.push_back('\\');
    out.push_back(quote);
  } else if (const char letter = GoEscapeLetter(code)) {
    out.push_back('\\');
    out.push_back(letter);
  } else if (IsPrintable(code)) {
    AppendRune(out, code);
  } else if (code < 0x80) {
    out.append("\\x");
    AppendHex(out, code, 2);
  } else if (code < 0x10000) {
    out.append("\\u");
    AppendHex(out, code, 4);
  } else {
    out.append("\\U");
    AppendHex(out, code, 8);
  }
}

}  // namespace

Rune FirstRune(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return {1, lead};
  const size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < length) return {0, 0};
  uint32_t code = lead & (0x7fu >> length);
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return {0, 0};
    code = code << 6 | (byte(i) & 0x3fu);
  }
  constexpr uint32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
  if (code < kSmallest[length] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
    return {0, 0};
  return {length, code};
}

void AppendRune(std::string& out, uint32_t code) {
  const auto push = [&](uint32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (code < 0x80) {
    push(code);
  } else if (code < 0x800) {
    push(0xc0 | code >> 6);
    push(0x80 | (code & 0x3f));
  } else if (code < 0x10000) {
    push(0xe0 | code >> 12);
    push(0x80 | (code >> 6 & 0x3f));
    push(0x80 | (code & 0x3f));
  } else {
    push(0xf0 | code >> 18);
    push(0x80 | (code >> 12 & 0x3f));
    push(0x80 | (code >> 6 & 0x3f));
    push(0x80 | (code & 0x3f));
  }
}

bool IsPrintable(uint32_t code) {
  if (code < 0x80) return code >= 0x20 && code != 0x7f;
  if (code <= 0xa0 || code == 0xad || code == 0x1680 || code == 0x3000) return false;
  if (code >= 0x2000 && code <= 0x200f) return false;
  if (code >= 0x2028 && code <= 0x202f) return false;
  if (code >= 0x205f && code <= 0x206f) return false;
  if (code >= 0xe000 && code <= 0xf8ff) return false;  // private use
  return code != 0xfeff && (code & 0xfffe) != 0xfffe && code < 0xe0000;
}

void AppendQuoted(std::string& out, std::string_view text) {
  out.push_back('"');
  while (!text.empty()) {
    const Rune rune = FirstRune(text);
    if (rune.length == 0) {
      out.append("\\x");
      AppendHex(out, static_cast<unsigned char>(text[0]), 2);
      text.remove_prefix(1);
    } else {
      AppendGoEscaped(out, rune.code, '"');
      text.remove_prefix(rune.length);
    }
  }
  out.push_back('"');
}

std::string Quoted(std::string_view text) {
  std::string out;
  AppendQuoted(out, text);
  return out;
}

std::string QuotedRune(uint32_t code) {
  std::string out = "'";
  AppendGoEscaped(out, code, '\'');
  out.push_back('\'');
  return out;
}

void AppendJsonQuoted(std::string& out, std::string_view text) {
  out.push_back('"');
  while (!text.empty()) {
    // Runs of plain characters are copied whole.
    size_t plain = 0;
    while (plain < text.size() && text[plain] >= 0x20 && text[plain] != '"' && text[plain] != '\\')
      ++plain;
    out.append(text.substr(0, plain));
    text.remove_prefix(plain);
    if (text.empty()) break;
    const Rune rune = FirstRune(text);
    if (rune.length == 0) {
      out.append("\\ufffd");
    } else if (rune.code == '"') {
      out.append("\\\"");
    } else if (const char letter = EscapeLetter(rune.code)) {
      out.push_back('\\');
      out.push_back(letter);
    } else if (rune.code < 0x20) {
      out.append("\\u");
      AppendHex(out, rune.code, 4);
    } else {
      out.append(text.substr(0, rune.length));
    }
    text.remove_prefix(rune.length == 0 ? 1 : rune.length);
  }
  out.push_back('"');
}

}  // namespace canopy::base
