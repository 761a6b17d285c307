#include "token.h"

#include <algorithm>
#include <array>

#include "canopy/base/quote.h"

namespace canopy::promql {
namespace {

constexpr Keyword Op(std::string_view word, BinaryOp op) {
  return {word, TokenKind::kOperator, op, {}};
}
constexpr Keyword Aggr(std::string_view word, AggregateOp op) {
  return {word, TokenKind::kAggregator, {}, op};
}
constexpr Keyword Plain(std::string_view word, TokenKind kind) { return {word, kind, {}, {}}; }

// In lower case; they are keywords in any case.
constexpr Keyword kKeywords[] = {
    Op("and", BinaryOp::kAnd),
    Op("or", BinaryOp::kOr),
    Op("unless", BinaryOp::kUnless),
    Op("atan2", BinaryOp::kAtan2),
    Aggr("sum", AggregateOp::kSum),
    Aggr("avg", AggregateOp::kAvg),
    Aggr("count", AggregateOp::kCount),
    Aggr("min", AggregateOp::kMin),
    Aggr("max", AggregateOp::kMax),
    Aggr("group", AggregateOp::kGroup),
    Aggr("stddev", AggregateOp::kStddev),
    Aggr("stdvar", AggregateOp::kStdvar),
    Aggr("topk", AggregateOp::kTopk),
    Aggr("bottomk", AggregateOp::kBottomk),
    Aggr("count_values", AggregateOp::kCountValues),
    Aggr("quantile", AggregateOp::kQuantile),
    Aggr("limitk", AggregateOp::kLimitk),
    Aggr("limit_ratio", AggregateOp::kLimitRatio),
    Plain("offset", TokenKind::kOffset),
    Plain("smoothed", TokenKind::kSmoothed),
    Plain("anchored", TokenKind::kAnchored),
    Plain("by", TokenKind::kBy),
    Plain("without", TokenKind::kWithout),
    Plain("on", TokenKind::kOn),
    Plain("ignoring", TokenKind::kIgnoring),
    Plain("group_left", TokenKind::kGroupLeft),
    Plain("group_right", TokenKind::kGroupRight),
    Plain("fill", TokenKind::kFill),
    Plain("fill_left", TokenKind::kFillLeft),
    Plain("fill_right", TokenKind::kFillRight),
    Plain("bool", TokenKind::kBool),
    Plain("inf", TokenKind::kNumber),
    Plain("nan", TokenKind::kNumber),
    Plain("start", TokenKind::kStart),
    Plain("end", TokenKind::kEnd),
    Plain("step", TokenKind::kStep),
    Plain("range", TokenKind::kRange),
    Plain("max_of", TokenKind::kMaxOf),
    Plain("min_of", TokenKind::kMinOf),
};

// The first `runes` code points.
std::string_view Prefix(std::string_view text, size_t runes) {
  size_t bytes = 0;
  while (runes-- > 0 && bytes < text.size())
    bytes += std::max<size_t>(1, base::FirstRune(text.substr(bytes)).length);
  return text.substr(0, bytes);
}

std::string Shortened(std::string_view text) {
  constexpr size_t kShown = 10;
  if (text.size() <= kShown) return base::Quoted(text);
  return base::Quoted(Prefix(text, kShown)) + "...";
}

std::string InAngles(std::string_view what, std::string_view text) {
  std::string out = "<";
  out.append(what).append(text).push_back('>');
  return out;
}

}  // namespace

const Keyword* FindKeyword(std::string_view word) {
  std::array<char, 12> lower{};
  if (word.size() > lower.size()) return nullptr;
  std::transform(word.begin(), word.end(), lower.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  const std::string_view key(lower.data(), word.size());
  const auto* it = std::find_if(std::begin(kKeywords), std::end(kKeywords),
                                [&](const Keyword& k) { return k.word == key; });
  return it == std::end(kKeywords) ? nullptr : it;
}

std::string Describe(const Token& token) {
  switch (token.kind) {
    case TokenKind::kEof:
      return "end of input";
    case TokenKind::kIdentifier:
      return "identifier " + base::Quoted(token.text);
    case TokenKind::kMetricIdentifier:
      return "metric identifier " + base::Quoted(token.text);
    case TokenKind::kString:
      return "string " + Shortened(token.text);
    case TokenKind::kNumber:
      return "number " + Shortened(token.text);
    case TokenKind::kDuration:
      return "duration " + Shortened(token.text);
    case TokenKind::kOperator:
    case TokenKind::kAt:
    case TokenKind::kMatchRegex:
    case TokenKind::kMatchNotRegex:
      return InAngles("op:", token.text);
    case TokenKind::kAggregator:
      return InAngles("aggr:", token.text);
    case TokenKind::kMaxOf:
    case TokenKind::kMinOf:
    case TokenKind::kStart:
    case TokenKind::kEnd:
    case TokenKind::kStep:
    case TokenKind::kRange:
      return base::Quoted(token.text);
    default:
      return token.kind >= TokenKind::kBool ? InAngles("", token.text) : base::Quoted(token.text);
  }
}

}  // namespace canopy::promql
