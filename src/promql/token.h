#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "canopy/promql/ast.h"

namespace canopy::promql {

enum class TokenKind : uint8_t {
  kEof,
  kComma,
  kLeftParen,
  kRightParen,
  kLeftBrace,
  kRightBrace,
  kLeftBracket,
  kRightBracket,
  kColon,
  kMatchEqual,     // =
  kMatchRegex,     // =~
  kMatchNotRegex,  // !~
  kOperator,       // Token::binary says which; != in braces as well
  kAt,
  kIdentifier,        // no colon in it
  kMetricIdentifier,  // with colons
  kString,
  kNumber,
  kDuration,
  kAggregator,  // Token::aggregate says which
  kBool,
  kBy,
  kGroupLeft,
  kGroupRight,
  kFill,
  kFillLeft,
  kFillRight,
  kIgnoring,
  kOffset,
  kSmoothed,
  kAnchored,
  kOn,
  kWithout,
  kStart,
  kEnd,
  kStep,
  kRange,
  kMaxOf,
  kMinOf,
};

struct Token {
  TokenKind kind = TokenKind::kEof;
  BinaryOp binary{};
  AggregateOp aggregate{};
  uint32_t start = 0;
  std::string_view text;  // as written; of the input

  uint32_t end() const { return start + static_cast<uint32_t>(text.size()); }
  PositionRange pos() const { return {start, end()}; }
  bool Is(BinaryOp op) const { return kind == TokenKind::kOperator && binary == op; }
};

// How error messages name a token: `identifier "foo"`, `<op:+>`, `<by>`, `")"`, `end of input`.
std::string Describe(const Token& token);

// A word with a meaning of its own: operators, aggregations, modifiers, Inf and NaN.
struct Keyword {
  std::string_view word;  // in lower case
  TokenKind kind;
  BinaryOp binary{};
  AggregateOp aggregate{};
};
// In any case. Null for other words.
const Keyword* FindKeyword(std::string_view word);

}  // namespace canopy::promql
