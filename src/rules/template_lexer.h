#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

// Template text -> tokens, as Go's text/template cuts it: text outside {{ }}, and what is inside.

namespace canopy::rules {

enum class TokenType : uint8_t {
  kEnd,    // of the input
  kError,  // `text` says what is wrong; always the last token
  kText,
  kLeftDelim,
  kRightDelim,
  kIdentifier,
  kKeyword,   // if, range, end, ..., nil
  kField,     // .Name
  kVariable,  // $ or $name
  kDot,
  kBool,
  kNumber,
  kChar,       // 'x', quotes included
  kString,     // "x", quotes included
  kRawString,  // `x`, quotes included
  kPipe,
  kAssign,   // =
  kDeclare,  // :=
  kLeftParen,
  kRightParen,
  kPunctuation,  // any other printable ASCII character
};

struct Token {
  TokenType type = TokenType::kEnd;
  bool space_before = false;  // within an action
  uint32_t pos = 0;           // byte offset in the template
  uint32_t line = 1;
  std::string text;

  bool IsKeyword(std::string_view word) const {
    return type == TokenType::kKeyword && text == word;
  }
};

// Ends with kEnd or kError. Trim markers are applied, comments are gone.
std::vector<Token> LexTemplate(std::string_view text);

// As error messages name it: EOF, <range>, "text of at"...
std::string TokenName(const Token& token);

}  // namespace canopy::rules
