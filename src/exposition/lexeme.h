#pragma once

#include <array>
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

// What a byte may be part of.
enum CharClass : uint8_t {
  kStartsName = 1,     // a letter or _
  kInName = 2,         // those and digits
  kColon = 4,          // also in names of metrics
  kEndsPlainText = 8,  // within quotes: the closing one, an escape, a line feed
};

inline constexpr auto kCharClasses = [] {
  std::array<uint8_t, 256> table{};
  for (int c = 'a'; c <= 'z'; ++c) table[static_cast<size_t>(c)] = kStartsName | kInName;
  for (int c = 'A'; c <= 'Z'; ++c) table[static_cast<size_t>(c)] = kStartsName | kInName;
  for (int c = '0'; c <= '9'; ++c) table[static_cast<size_t>(c)] = kInName;
  table['_'] = kStartsName | kInName;
  table[':'] = kColon;
  table['"'] = table['\\'] = table['\n'] = kEndsPlainText;
  return table;
}();

inline bool Is(char c, int classes) {
  return (kCharClasses[static_cast<unsigned char>(c)] & classes) != 0;
}

// Behind the legacy metric (with colons) or label name that begins at `at`; `at` when none does.
inline const char* NameEnd(const char* at, const char* end, bool colons) {
  const int colon = colons ? kColon : 0;
  if (at == end || !Is(*at, kStartsName | colon)) return at;
  while (++at < end && Is(*at, kInName | colon)) {
  }
  return at;
}

}  // namespace canopy::exposition
