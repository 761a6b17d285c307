#include <algorithm>
#include <cmath>
#include <cstdio>

#include "canopy/base/quote.h"
#include "canopy/model/labels.h"
#include "parse.h"

// Selectors with their matchers and modifiers, durations, label sets.

namespace canopy::promql {
namespace {

constexpr std::string_view kInDuration = "number, duration, step(), or range()";

// Prometheus holds durations as int64 nanoseconds.
bool DurationOutOfRange(double seconds) {
  constexpr double kMax = 0x1p63 / 1e9;
  return seconds > kMax || seconds < -kMax;
}

Duration ToDuration(double seconds) {
  const double nanos = std::round(seconds * 1e9);
  return Duration(static_cast<int64_t>(nanos / 1e6));
}

// The literal's value, or zero with the expression kept: what is known at once, and what only the
// query's times decide.
Duration Settle(ExprPtr duration, ExprPtr& expr) {
  if (const auto* number = duration->TryAs<NumberLiteral>()) return ToDuration(number->value);
  expr = std::move(duration);
  return Duration(0);
}

// Where the modifiers of a selector or subquery are kept; null for other nodes.
TimeModifiers* ModifiersOf(Expr& e) {
  switch (e.kind) {
    case ExprKind::kVectorSelector:
      return &e.As<VectorSelector>().modifiers;
    case ExprKind::kMatrixSelector:
      return &e.As<MatrixSelector>().selector->modifiers;
    case ExprKind::kSubquery:
      return &e.As<Subquery>().modifiers;
    default:
      return nullptr;
  }
}

VectorSelector* SelectorOf(Expr& e) {
  if (e.kind == ExprKind::kVectorSelector) return &e.As<VectorSelector>();
  if (e.kind == ExprKind::kMatrixSelector) return e.As<MatrixSelector>().selector.get();
  return nullptr;
}

std::string FixedPoint(double v) {
  if (std::isnan(v)) return "NaN";
  if (std::isinf(v)) return v > 0 ? "+Inf" : "-Inf";
  char buffer[400];
  const int n = std::snprintf(buffer, sizeof buffer, "%f", v);
  return std::string(buffer, static_cast<size_t>(n));
}

constexpr std::string_view kNeedsSelector =
    " modifier must be preceded by an instant vector selector or range vector selector or a "
    "subquery";

}  // namespace

std::unique_ptr<VectorSelector> Parser::Selector() {
  std::unique_ptr<VectorSelector> selector;
  if (PeekIs(TokenKind::kLeftBrace)) {
    selector = Braces();
  } else {
    if (!CanBeMetricName(Peek())) Unexpected();
    selector = NamedSelector(Take());
  }
  ExpectEnd();
  return selector;
}

std::unique_ptr<VectorSelector> Parser::NamedSelector(const Token& name) {
  std::unique_ptr<VectorSelector> node;
  if (PeekIs(TokenKind::kLeftBrace))
    node = Braces();
  else
    node = std::make_unique<VectorSelector>();
  node->pos = {name.start, last_end_};
  node->name = std::string(name.text);
  node->matchers.push_back(model::Matcher::Literal(model::MatchType::kEqual,
                                                   std::string(model::kMetricName), node->name));
  return node;
}

std::unique_ptr<VectorSelector> Parser::Braces() {
  Within within(*this, "label matching", "identifier or \"}\"");
  auto node = std::make_unique<VectorSelector>();
  const Token open = Expect(TokenKind::kLeftBrace);
  bool more = !PeekIs(TokenKind::kRightBrace);
  while (more) {
    within.Expect("identifier or \"}\"");
    node->matchers.push_back(LabelMatcher());
    within.Expect("\",\" or \"}\"");
    more = TakeIf(TokenKind::kComma) && !PeekIs(TokenKind::kRightBrace);
  }
  const Token close = Expect(TokenKind::kRightBrace);
  node->pos = {open.start, close.end()};
  return node;
}

// name="value", "quoted name"=~"value", or "metric name" alone.
model::Matcher Parser::LabelMatcher() {
  const bool quoted = PeekIs(TokenKind::kString);
  if (!quoted && !PeekIs(TokenKind::kIdentifier)) Unexpected();
  const Token label = Take();
  std::string name = quoted ? Unquote(label.text) : std::string(label.text);

  model::MatchType type = model::MatchType::kEqual;
  if (PeekIs(TokenKind::kMatchRegex)) {
    type = model::MatchType::kRegex;
  } else if (PeekIs(TokenKind::kMatchNotRegex)) {
    type = model::MatchType::kNotRegex;
  } else if (Peek().Is(BinaryOp::kNotEqual)) {
    type = model::MatchType::kNotEqual;
  } else if (!PeekIs(TokenKind::kMatchEqual)) {
    if (quoted)
      return model::Matcher::Literal(type, std::string(model::kMetricName), std::move(name));
    const Within within(*this, "label matching", "label matching operator");
    Unexpected();
  }
  Take();

  const Within within(*this, "label matching", "string");
  const Token value = Expect(TokenKind::kString);
  auto matcher = model::Matcher::Create(type, std::move(name), Unquote(value.text));
  if (!matcher.ok()) Fail(label.pos(), matcher.status().message());
  return std::move(matcher).value();
}

ExprPtr Parser::RangeOrSubquery(ExprPtr of) {
  const Deeper deeper(*this);
  const Token open = Take();
  Within within(*this, "subquery or range selector", kInDuration);
  ExprPtr range = PositiveDuration();
  within.Now("subquery or range", "\":\" or \"]\"");
  if (PeekIs(TokenKind::kRightBracket)) {
    const Token close = Take();
    return MakeRange(std::move(of), std::move(range), {open.start, close.end()});
  }
  Expect(TokenKind::kColon);
  auto node = std::make_unique<Subquery>();
  node->range = Settle(std::move(range), node->range_expr);
  if (!PeekIs(TokenKind::kRightBracket)) {
    within.Now("subquery selector", "number, duration, step(), range(), or \"]\"");
    node->step = Settle(PositiveDuration(), node->step_expr);
    within.Expect("\"]\"");
    if (!PeekIs(TokenKind::kRightBracket)) Unexpected();
  }
  Take();
  node->pos = {of->pos.start, last_end_};
  node->expr = std::move(of);
  SetHeight(*node);
  return node;
}

ExprPtr Parser::MakeRange(ExprPtr of, ExprPtr range, PositionRange brackets) {
  if (of->kind != ExprKind::kVectorSelector)
    Fail(brackets, "ranges only allowed for vector selectors");
  const TimeModifiers& modifiers = *ModifiersOf(*of);
  if (modifiers.offset.count() != 0 || modifiers.offset_expr)
    Fail(brackets, "no offset modifiers allowed before range");
  if (modifiers.at != AtKind::kNone) Fail(brackets, "no @ modifiers allowed before range");
  auto node = std::make_unique<MatrixSelector>();
  node->pos = {of->pos.start, brackets.end};
  node->range = Settle(std::move(range), node->range_expr);
  node->selector.reset(static_cast<VectorSelector*>(of.release()));
  SetHeight(*node);
  return node;
}

void Parser::OffsetModifier(Expr& of) {
  Take();
  const Within within(*this, "offset", kInDuration);
  ExprPtr duration = OffsetDuration();
  TimeModifiers* modifiers = ModifiersOf(of);
  if (modifiers == nullptr) Fail(of.pos, "offset" + std::string(kNeedsSelector));
  if (modifiers->offset.count() != 0 || modifiers->offset_expr)
    Fail(of.pos, "offset may not be set multiple times");
  modifiers->offset = Settle(std::move(duration), modifiers->offset_expr);
  SetEnd(of);
}

void Parser::AtModifier(Expr& of) {
  Take();
  const Within within(*this, "@", "timestamp");
  AtKind kind = AtKind::kTimestamp;
  double seconds = 0;
  if (PeekIs(TokenKind::kStart) || PeekIs(TokenKind::kEnd)) {
    kind = Take().kind == TokenKind::kStart ? AtKind::kStart : AtKind::kEnd;
    Expect(TokenKind::kLeftParen);
    Expect(TokenKind::kRightParen);
  } else {
    seconds = SignedNumber();
    if (!(std::abs(seconds) < 0x1p63))
      Fail(of.pos, "timestamp out of bounds for @ modifier: " + FixedPoint(seconds));
  }
  TimeModifiers* modifiers = ModifiersOf(of);
  if (modifiers == nullptr) Fail(of.pos, "@" + std::string(kNeedsSelector));
  if (modifiers->at != AtKind::kNone) Fail(of.pos, "@ <timestamp> may not be set multiple times");
  modifiers->at = kind;
  if (kind == AtKind::kTimestamp) modifiers->at_time = Timestamp::FromSeconds(seconds);
  SetEnd(of);
}

void Parser::AnchoredOrSmoothed(Expr& of) {
  const bool anchored = Take().kind == TokenKind::kAnchored;
  const std::string modifier = anchored ? "anchored modifier " : "smoothed modifier ";
  if (!features_.extended_range_selectors)
    Fail(of.pos, modifier + "is experimental and not enabled");
  if (of.kind == ExprKind::kSubquery) Fail(of.pos, modifier + "is not supported for subqueries");
  VectorSelector* selector = SelectorOf(of);
  if (selector == nullptr) Fail(of.pos, modifier + "not implemented");
  (anchored ? selector->anchored : selector->smoothed) = true;
  if (selector->anchored && selector->smoothed)
    Fail(of.pos, "anchored and smoothed modifiers cannot be used together");
  SetEnd(of);
}

ExprPtr Parser::PositiveDuration() {
  ExprPtr duration = DurationChain(1);
  if (const auto* number = duration->TryAs<NumberLiteral>(); number && !(number->value > 0))
    Fail(number->pos, "duration must be greater than 0");
  return duration;
}

namespace {

std::optional<DurationOp> ToDurationOp(BinaryOp op) {
  switch (op) {
    case BinaryOp::kAdd:
      return DurationOp::kAdd;
    case BinaryOp::kSub:
      return DurationOp::kSub;
    case BinaryOp::kMul:
      return DurationOp::kMul;
    case BinaryOp::kDiv:
      return DurationOp::kDiv;
    case BinaryOp::kMod:
      return DurationOp::kMod;
    case BinaryOp::kPow:
      return DurationOp::kPow;
    default:
      return std::nullopt;
  }
}

bool IsZero(const Expr& e) {
  const auto* number = e.TryAs<NumberLiteral>();
  return number != nullptr && number->value == 0;
}

int HeightOf(const ExprPtr& e) { return e ? e->height : 0; }

}  // namespace

void Parser::SetDurationHeight(DurationExpr& node) {
  const int height = std::max(HeightOf(node.lhs), HeightOf(node.rhs)) + 1;
  if (height > kMaxTreeHeight) Fail(node.pos, "expression is nested too deeply");
  node.height = static_cast<uint16_t>(height);
}

ExprPtr Parser::DurationChain(int lowest_precedence) {
  ExprPtr lhs = SignedDuration();
  while (PeekIs(TokenKind::kOperator) && Precedence(Peek().binary) >= lowest_precedence) {
    const auto op = ToDurationOp(Peek().binary);
    if (!op) break;
    const Token token = Take();
    ExprPtr rhs = RightDuration(token.binary);
    if (*op == DurationOp::kDiv && IsZero(*rhs)) Fail(token.pos(), "division by zero");
    if (*op == DurationOp::kMod && IsZero(*rhs)) Fail(token.pos(), "modulo by zero");
    auto node = std::make_unique<DurationExpr>(*op);
    node->pos = {lhs->pos.start, rhs->pos.end};
    node->lhs = std::move(lhs);
    node->rhs = std::move(rhs);
    SetDurationHeight(*node);
    lhs = std::move(node);
  }
  return lhs;
}

ExprPtr Parser::RightDuration(BinaryOp op) {
  if (!IsRightAssociative(op)) return DurationChain(Precedence(op) + 1);
  const Deeper deeper(*this);
  return DurationChain(Precedence(op));
}

ExprPtr Parser::SignedDuration() {
  if (!Peek().Is(BinaryOp::kAdd) && !Peek().Is(BinaryOp::kSub)) return DurationPrimary();
  const Deeper deeper(*this);
  const Token sign = Take();
  return Negated(sign, DurationChain(Precedence(BinaryOp::kPow)));
}

// A plus changes nothing and leaves no node.
ExprPtr Parser::Negated(const Token& sign, ExprPtr operand) {
  if (operand->kind == ExprKind::kNumber) {
    auto& number = operand->As<NumberLiteral>();
    if (sign.Is(BinaryOp::kSub)) number.value = -number.value;
    number.pos.start = sign.start;
    return operand;
  }
  if (sign.Is(BinaryOp::kAdd)) return operand;
  auto node = std::make_unique<DurationExpr>(DurationOp::kNegate);
  node->pos = {sign.start, operand->pos.end};
  node->rhs = std::move(operand);
  SetDurationHeight(*node);
  return node;
}

ExprPtr Parser::DurationPrimary() {
  switch (Peek().kind) {
    case TokenKind::kNumber:
    case TokenKind::kDuration:
      return DurationNumber();
    case TokenKind::kLeftParen:
      return DurationGroup();
    default:
      return DurationCall();
  }
}

ExprPtr Parser::DurationNumber() {
  ExprPtr number = Number();
  if (DurationOutOfRange(number->As<NumberLiteral>().value))
    Fail(number->pos, "duration out of range");
  return number;
}

ExprPtr Parser::DurationGroup() {
  const Deeper deeper(*this);
  const Token open = Take();
  auto node = std::make_unique<DurationExpr>(DurationOp::kGroup);
  node->rhs = DurationChain(1);
  node->pos = {open.start, Expect(TokenKind::kRightParen).end()};
  SetDurationHeight(*node);
  return node;
}

// step(), range(), min_of(a, b), max_of(a, b)
ExprPtr Parser::DurationCall() {
  const Token name = Peek();
  DurationOp op{};
  switch (name.kind) {
    case TokenKind::kStep:
      op = DurationOp::kStep;
      break;
    case TokenKind::kRange:
      op = DurationOp::kRange;
      break;
    case TokenKind::kMinOf:
      op = DurationOp::kMinOf;
      break;
    case TokenKind::kMaxOf:
      op = DurationOp::kMaxOf;
      break;
    default:
      Unexpected();
  }
  const Deeper deeper(*this);
  Take();
  Expect(TokenKind::kLeftParen);
  auto node = std::make_unique<DurationExpr>(op);
  if (op == DurationOp::kMinOf || op == DurationOp::kMaxOf) {
    node->lhs = DurationChain(1);
    Expect(TokenKind::kComma);
    node->rhs = DurationChain(1);
  }
  node->pos = {name.start, Expect(TokenKind::kRightParen).end()};
  SetDurationHeight(*node);
  return node;
}

// Without parentheses an offset ends before the next operator: `foo offset -2^2` is
// (foo offset -2) ^ 2. An offset that starts with a parenthesis goes on: `foo offset (1m) * 2`.
ExprPtr Parser::OffsetDuration() {
  if (PeekIs(TokenKind::kLeftParen)) return DurationChain(1);
  if (!Peek().Is(BinaryOp::kAdd) && !Peek().Is(BinaryOp::kSub)) return DurationPrimary();
  const Token sign = Take();
  if (!PeekIs(TokenKind::kNumber) && !PeekIs(TokenKind::kDuration))
    return Negated(sign, DurationPrimary());
  ExprPtr number = Number();
  if (DurationOutOfRange(number->As<NumberLiteral>().value))
    Fail(sign.pos(), "duration out of range");
  return Negated(sign, std::move(number));
}

model::Labels Parser::Metric() {
  model::LabelsBuilder labels;
  std::string name;
  if (!PeekIs(TokenKind::kLeftBrace)) {
    if (!CanBeMetricName(Peek())) Unexpected();
    name = std::string(Take().text);
  }
  // Without the lexer: what follows may be values, which are another language; {{ starts one.
  size_t next = last_end_;
  while (next < text_.size() && text_[next] == ' ') ++next;
  const std::string_view rest = text_.substr(next);
  if (rest.starts_with('{') && !rest.starts_with("{{")) LabelSet(labels);
  if (!name.empty()) labels.Set(model::kMetricName, name);
  return labels.Build();
}

void Parser::LabelSet(model::LabelsBuilder& labels) {
  Within within(*this, "label set", "identifier or \"}\"");
  Expect(TokenKind::kLeftBrace);
  bool more = !PeekIs(TokenKind::kRightBrace);
  while (more) {
    within.Expect("identifier or \"}\"");
    LabelSetItem(labels);
    within.Expect("\",\" or \"}\"");
    more = TakeIf(TokenKind::kComma) && !PeekIs(TokenKind::kRightBrace);
  }
  Expect(TokenKind::kRightBrace);
}

// name="value", "quoted name"="value", or "metric name" alone.
void Parser::LabelSetItem(model::LabelsBuilder& labels) {
  const bool quoted = PeekIs(TokenKind::kString);
  if (!quoted && !PeekIs(TokenKind::kIdentifier)) Unexpected();
  const Token label = Take();
  const std::string name = quoted ? Unquote(label.text) : std::string(label.text);
  if (!PeekIs(TokenKind::kMatchEqual)) {
    if (quoted) return labels.Set(model::kMetricName, name);
    const Within within(*this, "label set", "\"=\"");
    Unexpected();
  }
  Take();
  const Within within(*this, "label set", "string");
  labels.Set(name, Unquote(Expect(TokenKind::kString).text));
}

}  // namespace canopy::promql
