#pragma once

#include <cstdint>
#include <string_view>

#include "canopy/exposition/parse.h"

namespace canopy::exposition {

// What stands at some place of a page. The names are those of Prometheus's messages.
enum class PageParser::Token : uint8_t {
  kInvalid,
  kEnd,
  kLinebreak,
  kName,
  kQuoted,
  kOpen,
  kClose,
  kValueText,
  kComma,
  kEqual,
  kTimestamp,
};

struct PageParser::Lexeme {
  Token token;
  const char* begin;
  const char* end;

  std::string_view text() const { return {begin, static_cast<size_t>(end - begin)}; }
  // Without the quotes of quoted ones.
  std::string_view content() const {
    std::string_view t = text();
    if (!t.empty() && t.front() == '"') t = t.substr(1, t.size() - 2);
    return t;
  }
};

template <class Token>
std::string_view TokenName(Token token) {
  switch (token) {
    case Token::kInvalid:
      return "INVALID";
    case Token::kEnd:
      return "EOF";
    case Token::kLinebreak:
      return "LINEBREAK";
    case Token::kName:
      return "LNAME";
    case Token::kQuoted:
      return "QSTRING";
    case Token::kOpen:
      return "BOPEN";
    case Token::kClose:
      return "BCLOSE";
    case Token::kValueText:
      return "LVALUE";
    case Token::kComma:
      return "COMMA";
    case Token::kEqual:
      return "EQUAL";
    case Token::kTimestamp:
      return "TIMESTAMP";
  }
  return "INVALID";
}

// Behind the legacy metric (with colons) or label name that begins at `at`; `at` when none does.
inline const char* NameEnd(const char* at, const char* end, bool colons) {
  const char* p = at;
  for (; p < end; ++p) {
    const char c = *p;
    const bool letter = static_cast<unsigned char>((c | 0x20) - 'a') < 26 || c == '_';
    const bool digit = static_cast<unsigned char>(c - '0') < 10 && p != at;
    if (!letter && !digit && !(colons && c == ':')) break;
  }
  return p;
}

}  // namespace canopy::exposition
