#include "parse.h"

#include <algorithm>
#include <cmath>

#include "canopy/base/number.h"
#include "canopy/base/quote.h"
#include "canopy/base/time.h"
#include "canopy/model/labels.h"

namespace canopy::promql {
namespace {

// Words that may stand in by(...), on(...) and their like without quotes.
bool CanBeGroupingLabel(const Token& t) {
  if (t.kind == TokenKind::kWithout) return false;
  return CanBeMetricName(t) || t.kind == TokenKind::kBool || t.kind == TokenKind::kOn ||
         t.kind == TokenKind::kIgnoring || t.kind == TokenKind::kGroupLeft ||
         t.kind == TokenKind::kGroupRight || t.Is(BinaryOp::kAtan2);
}

// Words that a call may start with.
bool CanBeFunctionName(const Token& t) {
  return t.kind == TokenKind::kIdentifier || t.kind >= TokenKind::kStart;
}

bool IsSign(const Token& t) { return t.Is(BinaryOp::kAdd) || t.Is(BinaryOp::kSub); }

bool StartsExpression(const Token& t) {
  switch (t.kind) {
    case TokenKind::kNumber:
    case TokenKind::kDuration:
    case TokenKind::kString:
    case TokenKind::kLeftParen:
    case TokenKind::kLeftBrace:
      return true;
    default:
      return IsSign(t) || CanBeMetricName(t);
  }
}

// What may stand right behind group_left: its labels are optional.
bool MayFollowMatching(const Token& t) {
  return StartsExpression(t) || (t.kind >= TokenKind::kFill && t.kind <= TokenKind::kFillRight);
}

bool TakesParameter(AggregateOp op) { return op >= AggregateOp::kTopk; }
bool IsExperimental(AggregateOp op) {
  return op == AggregateOp::kLimitk || op == AggregateOp::kLimitRatio;
}

// Underscores separate digits, and one may follow the prefix of a hexadecimal number.
bool UnderscoresFit(std::string_view text, bool hex) {
  const auto is_digit = [hex](char c) {
    return (c >= '0' && c <= '9') || (hex && std::isxdigit(static_cast<unsigned char>(c)) != 0);
  };
  for (size_t i = hex ? 2 : 0; i < text.size(); ++i) {
    if (text[i] != '_') continue;
    const bool digit_before = i > 0 && (is_digit(text[i - 1]) || (hex && i == 2));
    if (!digit_before || i + 1 == text.size() || !is_digit(text[i + 1])) return false;
  }
  return true;
}

// Whole numbers first, in Go's notation (0x1f, and 017 is octal), then floats.
std::optional<double> WholeNumber(std::string_view digits) {
  uint64_t base = 10;
  if (digits.size() > 2 && (digits[1] == 'x' || digits[1] == 'X')) {
    base = 16;
    digits.remove_prefix(2);
  } else if (digits.size() > 1 && digits[0] == '0') {
    base = 8;
    digits.remove_prefix(1);
  }
  uint64_t value = 0;
  for (const char c : digits) {
    const uint64_t digit = c >= 'a'   ? static_cast<uint64_t>(c - 'a' + 10)
                           : c >= 'A' ? static_cast<uint64_t>(c - 'A' + 10)
                                      : static_cast<uint64_t>(c - '0');
    if (c < '0' || digit >= base) return std::nullopt;
    if (__builtin_mul_overflow(value, base, &value) || __builtin_add_overflow(value, digit, &value))
      return std::nullopt;
  }
  if (value > static_cast<uint64_t>(INT64_MAX)) return std::nullopt;
  return static_cast<double>(value);
}

// Fails with what Go's strconv would say.
double ToNumber(const Token& token) {
  const auto fail = [&](std::string_view why) {
    throw ParseFailure{token.start, "error parsing number: strconv.ParseFloat: parsing " +
                                        base::Quoted(token.text) + ": " + std::string(why)};
  };
  const bool hex = token.text.size() > 1 && (token.text[1] == 'x' || token.text[1] == 'X');
  if (!UnderscoresFit(token.text, hex)) fail("invalid syntax");
  std::string digits;
  for (const char c : token.text)
    if (c != '_') digits.push_back(c);
  if (const auto whole = WholeNumber(digits)) return *whole;
  if (hex) fail("invalid syntax");
  const auto value = base::ParseFloat(digits);
  if (!value) fail("invalid syntax");
  if (std::isinf(*value) && digits[0] != 'i' && digits[0] != 'I') fail("value out of range");
  return *value;
}

}  // namespace

bool CanBeMetricName(const Token& t) {
  switch (t.kind) {
    case TokenKind::kIdentifier:
    case TokenKind::kMetricIdentifier:
    case TokenKind::kAggregator:
    case TokenKind::kBy:
    case TokenKind::kWithout:
    case TokenKind::kOffset:
    case TokenKind::kFill:
    case TokenKind::kFillLeft:
    case TokenKind::kFillRight:
    case TokenKind::kSmoothed:
    case TokenKind::kAnchored:
    case TokenKind::kStart:
    case TokenKind::kEnd:
    case TokenKind::kStep:
    case TokenKind::kRange:
    case TokenKind::kMaxOf:
    case TokenKind::kMinOf:
      return true;
    case TokenKind::kOperator:
      return IsSetOperator(t.binary);
    default:
      return false;
  }
}

int Precedence(BinaryOp op) {
  if (op == BinaryOp::kPow) return 6;
  if (op <= BinaryOp::kAtan2) return 5;
  if (op <= BinaryOp::kSub) return 4;
  if (op <= BinaryOp::kTrimLower) return 3;
  return op == BinaryOp::kOr ? 1 : 2;
}

bool IsRightAssociative(BinaryOp op) { return op == BinaryOp::kPow; }

Parser::Deeper::Deeper(Parser& p) : p_(p) {
  if (++p_.depth_ > kMaxTreeHeight) Fail(p_.Peek().pos(), "expression is nested too deeply");
}

const Token& Parser::Peek() {
  if (!ahead_) ahead_ = lexer_.Next();
  return *ahead_;
}

Token Parser::Take() {
  const Token token = Peek();
  ahead_.reset();
  last_end_ = token.end();
  return token;
}

bool Parser::TakeIf(TokenKind kind) {
  if (!PeekIs(kind)) return false;
  Take();
  return true;
}

Token Parser::Expect(TokenKind kind) {
  if (!PeekIs(kind)) Unexpected();
  return Take();
}

void Parser::ExpectEnd() {
  if (!PeekIs(TokenKind::kEof)) Unexpected();
}

void Parser::Fail(PositionRange pos, std::string message) {
  throw ParseFailure{pos.start, std::move(message)};
}

void Parser::Unexpected() {
  std::string message = "unexpected " + Describe(Peek());
  if (!context_.what.empty()) message.append(" in ").append(context_.what);
  if (!context_.expected.empty()) message.append(", expected ").append(context_.expected);
  Fail(Peek().pos(), std::move(message));
}

void Parser::SetHeight(Expr& node) {
  int height = 0;
  ForEachChild(node, [&](const Expr& child) { height = std::max<int>(height, child.height); });
  if (height >= kMaxTreeHeight) Fail(node.pos, "expression is nested too deeply");
  node.height = static_cast<uint16_t>(height + 1);
}

ExprPtr Parser::Query() {
  if (PeekIs(TokenKind::kEof)) Fail({}, "no expression found in input");
  ExprPtr root = Expression();
  ExpectEnd();
  return root;
}

ExprPtr Parser::BinaryChain(int lowest_precedence) {
  ExprPtr lhs = Signed();
  while (PeekIs(TokenKind::kOperator) && Precedence(Peek().binary) >= lowest_precedence) {
    const BinaryOp op = Take().binary;
    auto node = std::make_unique<Binary>(op);
    MatchingModifiers(*node);
    ExprPtr rhs = RightOperand(op);
    lhs = MakeBinary(std::move(node), std::move(lhs), std::move(rhs));
  }
  return lhs;
}

ExprPtr Parser::RightOperand(BinaryOp op) {
  if (!IsRightAssociative(op)) return BinaryChain(Precedence(op) + 1);
  const Deeper deeper(*this);
  return BinaryChain(Precedence(op));
}

ExprPtr Parser::MakeBinary(std::unique_ptr<Binary> node, ExprPtr lhs, ExprPtr rhs) {
  node->pos = {lhs->pos.start, rhs->pos.end};
  const bool scalars = lhs->type == ValueType::kScalar && rhs->type == ValueType::kScalar;
  node->type = scalars ? ValueType::kScalar : ValueType::kVector;
  node->lhs = std::move(lhs);
  node->rhs = std::move(rhs);
  const VectorMatching& matching = *node->matching;
  if (!features_.binop_fill_modifiers && (matching.fill_lhs || matching.fill_rhs))
    Fail(node->pos, "binop fill modifiers are experimental and not enabled");
  SetHeight(*node);
  return node;
}

// A sign binds less tightly than ^ and as tightly as *: -1^2 is -(1^2), -1*2 is (-1)*2.
ExprPtr Parser::Signed() {
  if (!IsSign(Peek())) return WithModifiers();
  const Deeper deeper(*this);
  const Token sign = Take();
  return MakeUnary(sign, BinaryChain(Precedence(BinaryOp::kPow)));
}

ExprPtr Parser::MakeUnary(const Token& sign, ExprPtr operand) {
  const bool negative = sign.Is(BinaryOp::kSub);
  if (operand->kind == ExprKind::kNumber) {
    auto& number = operand->As<NumberLiteral>();
    if (negative) number.value = -number.value;
    number.pos.start = sign.start;
    return operand;
  }
  auto node = std::make_unique<Unary>();
  node->negative = negative;
  node->type = operand->type;
  node->pos = {sign.start, operand->pos.end};
  node->expr = std::move(operand);
  SetHeight(*node);
  return node;
}

ExprPtr Parser::WithModifiers() {
  ExprPtr node = Primary();
  for (;;) {
    switch (Peek().kind) {
      case TokenKind::kLeftBracket:
        node = RangeOrSubquery(std::move(node));
        break;
      case TokenKind::kOffset:
        OffsetModifier(*node);
        break;
      case TokenKind::kAt:
        AtModifier(*node);
        break;
      case TokenKind::kAnchored:
      case TokenKind::kSmoothed:
        AnchoredOrSmoothed(*node);
        break;
      default:
        return node;
    }
  }
}

ExprPtr Parser::Primary() {
  switch (Peek().kind) {
    case TokenKind::kNumber:
    case TokenKind::kDuration:
      return Number();
    case TokenKind::kString:
      return StringValue();
    case TokenKind::kLeftParen:
      return Parenthesized();
    case TokenKind::kLeftBrace:
      return Braces();
    case TokenKind::kAggregator:
      return AggregateOrName();
    default:
      return NameOrCall();
  }
}

ExprPtr Parser::Number() {
  const Token token = Take();
  auto node = std::make_unique<NumberLiteral>();
  node->pos = token.pos();
  if (token.kind == TokenKind::kNumber) {
    node->value = ToNumber(token);
    return node;
  }
  const Result<Duration> duration = ParseDuration(token.text);
  if (!duration.ok()) Fail(token.pos(), duration.status().message());
  node->value = static_cast<double>(duration->count()) / 1000.0;
  node->is_duration = true;
  return node;
}

ExprPtr Parser::StringValue() {
  const Token token = Take();
  auto node = std::make_unique<StringLiteral>();
  node->pos = token.pos();
  node->value = Unquote(token.text);
  return node;
}

ExprPtr Parser::Parenthesized() {
  const Deeper deeper(*this);
  const Token open = Take();
  auto node = std::make_unique<Paren>();
  node->expr = Expression();
  const Token close = Expect(TokenKind::kRightParen);
  node->type = node->expr->type;
  node->pos = {open.start, close.end()};
  SetHeight(*node);
  return node;
}

ExprPtr Parser::NameOrCall() {
  if (!CanBeMetricName(Peek())) Unexpected();
  const Token name = Take();
  if (CanBeFunctionName(name) && PeekIs(TokenKind::kLeftParen)) return CallOf(name);
  return NamedSelector(name);
}

ExprPtr Parser::CallOf(const Token& name) {
  const Deeper deeper(*this);
  std::vector<ExprPtr> args = Arguments();
  const Function* function = FindFunction(name.text);
  if (function == nullptr)
    Fail(name.pos(), "unknown function with name " + base::Quoted(name.text));
  if (function->experimental && !features_.experimental_functions)
    Fail(name.pos(), "function " + base::Quoted(name.text) + " is not enabled");
  auto node = std::make_unique<Call>(*function);
  node->args = std::move(args);
  node->pos = {name.start, last_end_};
  SetHeight(*node);
  return node;
}

std::vector<ExprPtr> Parser::Arguments() {
  Expect(TokenKind::kLeftParen);
  std::vector<ExprPtr> args;
  if (TakeIf(TokenKind::kRightParen)) return args;
  for (;;) {
    args.push_back(Expression());
    if (TakeIf(TokenKind::kRightParen)) return args;
    const Token comma = Expect(TokenKind::kComma);
    if (!StartsExpression(Peek()))
      Fail(comma.pos(), "trailing commas not allowed in function call args");
  }
}

ExprPtr Parser::AggregateOrName() {
  const Token op = Take();
  const bool modifier_first = PeekIs(TokenKind::kBy) || PeekIs(TokenKind::kWithout);
  if (!modifier_first && !PeekIs(TokenKind::kLeftParen)) return NamedSelector(op);

  const Deeper deeper(*this);
  const Within within(*this, "aggregation", "");
  auto node = std::make_unique<Aggregate>(op.aggregate);
  if (modifier_first) AggregateModifier(*node);
  std::vector<ExprPtr> args = Arguments();
  if (!modifier_first && (PeekIs(TokenKind::kBy) || PeekIs(TokenKind::kWithout)))
    AggregateModifier(*node);
  node->pos = {op.start, last_end_};
  CheckArguments(*node, std::move(args));
  SetHeight(*node);
  return node;
}

void Parser::AggregateModifier(Aggregate& node) {
  node.without = Take().kind == TokenKind::kWithout;
  node.grouping = GroupingLabels();
}

void Parser::CheckArguments(Aggregate& node, std::vector<ExprPtr> args) {
  if (args.empty()) Fail(node.pos, "no arguments for aggregate expression provided");
  if (IsExperimental(node.op) && !features_.experimental_functions) {
    Fail(node.pos, std::string(AggregateOpText(node.op)) +
                       "() is experimental and must be enabled with "
                       "--enable-feature=promql-experimental-functions");
  }
  const size_t wanted = TakesParameter(node.op) ? 2 : 1;
  if (args.size() != wanted) {
    Fail(node.pos, "wrong number of arguments for aggregate expression provided, expected " +
                       std::to_string(wanted) + ", got " + std::to_string(args.size()));
  }
  if (wanted == 2) node.param = std::move(args[0]);
  node.expr = std::move(args[wanted - 1]);
}

void Parser::MatchingModifiers(Binary& node) {
  VectorMatching& matching = node.matching.emplace();
  node.return_bool = TakeIf(TokenKind::kBool);
  if (PeekIs(TokenKind::kOn) || PeekIs(TokenKind::kIgnoring)) {
    matching.on = Take().kind == TokenKind::kOn;
    matching.labels = GroupingLabels();
    if (PeekIs(TokenKind::kGroupLeft) || PeekIs(TokenKind::kGroupRight)) {
      const bool left = Take().kind == TokenKind::kGroupLeft;
      matching.card = left ? Cardinality::kManyToOne : Cardinality::kOneToMany;
      if (PeekIs(TokenKind::kLeftParen) || !MayFollowMatching(Peek()))
        matching.include = GroupingLabels();
    }
  }
  FillModifiers(matching);
}

void Parser::FillModifiers(VectorMatching& matching) {
  if (TakeIf(TokenKind::kFill)) {
    matching.fill_lhs = matching.fill_rhs = FillValue();
  } else if (TakeIf(TokenKind::kFillLeft)) {
    matching.fill_lhs = FillValue();
    if (TakeIf(TokenKind::kFillRight)) matching.fill_rhs = FillValue();
  } else if (TakeIf(TokenKind::kFillRight)) {
    matching.fill_rhs = FillValue();
    if (TakeIf(TokenKind::kFillLeft)) matching.fill_lhs = FillValue();
  }
}

double Parser::FillValue() {
  Expect(TokenKind::kLeftParen);
  const double value = SignedNumber();
  Expect(TokenKind::kRightParen);
  return value;
}

// [+|-] number or duration
double Parser::SignedNumber() {
  const bool has_sign = IsSign(Peek());
  const bool negative = has_sign && Take().Is(BinaryOp::kSub);
  if (!PeekIs(TokenKind::kNumber) && !PeekIs(TokenKind::kDuration)) Unexpected();
  const double value = Number()->As<NumberLiteral>().value;
  return negative ? -value : value;
}

std::vector<std::string> Parser::GroupingLabels() {
  Within within(*this, "grouping opts", "\"(\"");
  Expect(TokenKind::kLeftParen);
  std::vector<std::string> labels;
  if (TakeIf(TokenKind::kRightParen)) return labels;
  for (;;) {
    within.Expect("label");
    labels.push_back(GroupingLabel());
    within.Expect("\",\" or \")\"");
    if (!TakeIf(TokenKind::kComma)) break;
    if (PeekIs(TokenKind::kRightParen)) break;
  }
  Expect(TokenKind::kRightParen);
  return labels;
}

std::string Parser::GroupingLabel() {
  const bool quoted = PeekIs(TokenKind::kString);
  if (!quoted && !CanBeGroupingLabel(Peek())) Unexpected();
  const Token token = Take();
  std::string name = quoted ? Unquote(token.text) : std::string(token.text);
  if (name.empty() || !model::IsValidUtf8(name))
    Fail(token.pos(), "invalid label name for grouping: " + base::Quoted(name));
  return name;
}

}  // namespace canopy::promql
