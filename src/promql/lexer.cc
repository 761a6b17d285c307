#include "lexer.h"

#include <optional>

#include "canopy/base/quote.h"

namespace canopy::promql {
namespace {

constexpr std::string_view kDigits = "0123456789";
constexpr uint32_t kBadRune = 0xfffd;

bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsAlpha(char c) { return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool IsAlphaNumeric(char c) { return IsAlpha(c) || IsDigit(c); }

bool IsFill(TokenKind kind) { return kind >= TokenKind::kFill && kind <= TokenKind::kFillRight; }

// As Go's %#U: U+0063 'c'.
std::string CodePoint(uint32_t code) {
  constexpr char kHex[] = "0123456789ABCDEF";
  std::string out = "U+";
  int digits = 4;
  while (digits < 6 && code >> (4 * digits) != 0) ++digits;
  for (int i = digits - 1; i >= 0; --i) out.push_back(kHex[code >> (4 * i) & 0xf]);
  if (base::IsPrintable(code)) {
    out.append(" '");
    base::AppendRune(out, code);
    out.push_back('\'');
  }
  return out;
}

int HexDigit(char c) {
  if (IsDigit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return 16;
}

// What stands after a backslash and is followed by digits.
struct NumericEscape {
  int digits;
  uint32_t base;
  uint32_t max;
};
std::optional<NumericEscape> FindNumericEscape(char c) {
  if (c >= '0' && c <= '7') return NumericEscape{3, 8, 255};
  if (c == 'x') return NumericEscape{2, 16, 255};
  if (c == 'u') return NumericEscape{4, 16, 0x10ffff};
  if (c == 'U') return NumericEscape{8, 16, 0x10ffff};
  return std::nullopt;
}

}  // namespace

bool Lexer::Accept(std::string_view set) {
  if (AtEnd() || set.find(input_[pos_]) == std::string_view::npos) return false;
  ++pos_;
  return true;
}

void Lexer::AcceptRun(std::string_view set) {
  while (Accept(set)) {
  }
}

uint32_t Lexer::CurrentRune() const {
  if (AtEnd()) return kBadRune;
  const base::Rune rune = base::FirstRune(input_.substr(pos_));
  return rune.length == 0 ? kBadRune : rune.code;
}

Token Lexer::Make(TokenKind kind) const {
  Token token;
  token.kind = kind;
  token.start = static_cast<uint32_t>(start_);
  token.text = input_.substr(start_, pos_ - start_);
  return token;
}

Token Lexer::Take(TokenKind kind, size_t bytes) {
  pos_ += bytes;
  return Make(kind);
}

Token Lexer::TakeOperator(BinaryOp op, size_t bytes) {
  Token token = Take(TokenKind::kOperator, bytes);
  token.binary = op;
  return token;
}

void Lexer::Fail(std::string message) const {
  throw ParseFailure{static_cast<uint32_t>(start_), std::move(message)};
}

void Lexer::FailAtRune(std::string_view message) const {
  Fail(std::string(message) + base::QuotedRune(CurrentRune()));
}

void Lexer::SkipBlanks() {
  while (!AtEnd()) {
    if (IsSpace(Byte())) {
      ++pos_;
    } else if (Byte() == '#' && mode_ != Mode::kDuration) {
      while (!AtEnd() && Byte() != '\n' && Byte() != '\r') ++pos_;
    } else {
      return;
    }
  }
}

Token Lexer::Next() {
  SkipBlanks();
  start_ = pos_;
  if (AtEnd()) return End();
  switch (mode_) {
    case Mode::kQuery:
    case Mode::kAfterDuration:
      return InQuery();
    case Mode::kBraces:
      return InBraces();
    case Mode::kDuration:
      return InDuration();
  }
  return End();
}

Token Lexer::End() {
  if (mode_ == Mode::kBraces) Fail("unexpected end of input inside braces");
  if (mode_ == Mode::kDuration) Fail("unexpected end of input in duration expression");
  if (paren_depth_ != 0) Fail("unclosed left parenthesis");
  if (mode_ == Mode::kAfterDuration) Fail("unclosed left bracket");
  return Make(TokenKind::kEof);
}

Token Lexer::InQuery() {
  const char c = Byte();
  const char next = Byte(1);
  switch (c) {
    case ',':
      return Take(TokenKind::kComma, 1);
    case '*':
      return TakeOperator(BinaryOp::kMul, 1);
    case '/':
      return TakeOperator(BinaryOp::kDiv, 1);
    case '%':
      return TakeOperator(BinaryOp::kMod, 1);
    case '+':
      return TakeOperator(BinaryOp::kAdd, 1);
    case '-':
      return TakeOperator(BinaryOp::kSub, 1);
    case '^':
      return TakeOperator(BinaryOp::kPow, 1);
    case '@':
      return Take(TokenKind::kAt, 1);
    case '=':
      if (next == '=') return TakeOperator(BinaryOp::kEqual, 2);
      if (next == '~') Fail("unexpected character after '=': '~'");
      return Take(TokenKind::kMatchEqual, 1);
    case '!':
      return AfterExclamationMark();
    case '<':
      if (next == '=') return TakeOperator(BinaryOp::kLessOrEqual, 2);
      if (next == '/') return TakeOperator(BinaryOp::kTrimUpper, 2);
      return TakeOperator(BinaryOp::kLess, 1);
    case '>':
      if (next == '=') return TakeOperator(BinaryOp::kGreaterOrEqual, 2);
      if (next == '/') return TakeOperator(BinaryOp::kTrimLower, 2);
      return TakeOperator(BinaryOp::kGreater, 1);
    case '"':
    case '\'':
    case '`':
      return String();
    case '(':
      return OpenParen();
    case ')':
      return CloseParen();
    case '{':
      mode_ = Mode::kBraces;
      return Take(TokenKind::kLeftBrace, 1);
    case '[':
      if (mode_ == Mode::kAfterDuration) FailAtRune("unexpected left bracket ");
      mode_ = Mode::kDuration;
      got_colon_ = got_duration_ = false;
      return Take(TokenKind::kLeftBracket, 1);
    case ']':
      if (mode_ == Mode::kQuery) FailAtRune("unexpected right bracket ");
      return CloseBracket();
    default:
      break;
  }
  if (IsDigit(c) || (c == '.' && IsDigit(next))) return NumberOrDuration();
  if (mode_ == Mode::kQuery) {
    if (IsAlpha(c) || c == ':') return Word();
  } else if (c == ':') {
    if (got_colon_) FailAtRune("unexpected colon ");
    got_colon_ = true;
    return Take(TokenKind::kColon, 1);
  } else if (IsAlpha(c)) {
    return DurationWord("unexpected character: " + base::QuotedRune(CurrentRune()) +
                        ", expected ':'");
  }
  FailAtRune("unexpected character: ");
}

Token Lexer::AfterExclamationMark() {
  if (Byte(1) == '=') return TakeOperator(BinaryOp::kNotEqual, 2);
  ++pos_;
  FailAtRune("unexpected character after '!': ");
}

Token Lexer::InBraces() {
  const char c = Byte();
  if (IsAlpha(c)) return LabelName();
  switch (c) {
    case ',':
      return Take(TokenKind::kComma, 1);
    case '"':
    case '\'':
    case '`':
      return String();
    case '=':
      if (Byte(1) == '~') return Take(TokenKind::kMatchRegex, 2);
      return Take(TokenKind::kMatchEqual, 1);
    case '!':
      if (Byte(1) == '~') return Take(TokenKind::kMatchNotRegex, 2);
      if (Byte(1) == '=') return TakeOperator(BinaryOp::kNotEqual, 2);
      ++pos_;
      FailAtRune("unexpected character after '!' inside braces: ");
    case '{':
      FailAtRune("unexpected left brace ");
    case '}':
      mode_ = Mode::kQuery;
      return Take(TokenKind::kRightBrace, 1);
    default:
      FailAtRune("unexpected character inside braces: ");
  }
}

Token Lexer::InDuration() {
  const char c = Byte();
  switch (c) {
    case ']':
      return CloseBracket();
    case ':':
      ++start_;  // Prometheus points behind the colon here
      if (!got_duration_) Fail("unexpected colon before duration in duration expression");
      if (got_colon_) Fail("unexpected repeated colon in duration expression");
      --start_;
      got_colon_ = true;
      return Take(TokenKind::kColon, 1);
    case '(':
      return OpenParen();
    case ')':
      return CloseParen();
    case '+':
      return TakeOperator(BinaryOp::kAdd, 1);
    case '-':
      return TakeOperator(BinaryOp::kSub, 1);
    case '*':
      return TakeOperator(BinaryOp::kMul, 1);
    case '/':
      return TakeOperator(BinaryOp::kDiv, 1);
    case '%':
      return TakeOperator(BinaryOp::kMod, 1);
    case '^':
      return TakeOperator(BinaryOp::kPow, 1);
    case ',':
      return Take(TokenKind::kComma, 1);
    default:
      break;
  }
  if (IsDigit(c) || (c == '.' && IsDigit(Byte(1)))) {
    got_duration_ = true;
    mode_ = Mode::kAfterDuration;
    return NumberOrDuration();
  }
  const std::string message =
      "unexpected character in duration expression: " + base::QuotedRune(CurrentRune());
  if (IsAlpha(c)) return DurationWord(message);
  Fail(message);
}

// step, range, min_of, max_of.
Token Lexer::DurationWord(std::string_view otherwise) {
  while (IsAlpha(Byte())) ++pos_;
  const Keyword* keyword = FindKeyword(input_.substr(start_, pos_ - start_));
  if (keyword == nullptr || keyword->kind < TokenKind::kStep) Fail(std::string(otherwise));
  return Make(keyword->kind);
}

Token Lexer::LabelName() {
  while (IsAlphaNumeric(Byte())) ++pos_;
  return Make(TokenKind::kIdentifier);
}

Token Lexer::Word() {
  while (IsAlphaNumeric(Byte()) || Byte() == ':') ++pos_;
  Token token = Make(TokenKind::kIdentifier);
  if (const Keyword* keyword = FindKeyword(token.text)) {
    if (IsFill(keyword->kind)) {
      // Keywords since 3.10 only: a metric may well be named so.
      size_t ahead = 0;
      while (IsSpace(Byte(ahead))) ++ahead;
      if (Byte(ahead) != '(') return token;
    }
    token.kind = keyword->kind;
    token.binary = keyword->binary;
    token.aggregate = keyword->aggregate;
  } else if (token.text.find(':') != std::string_view::npos) {
    token.kind = TokenKind::kMetricIdentifier;
  }
  return token;
}

Token Lexer::OpenParen() {
  ++paren_depth_;
  return Take(TokenKind::kLeftParen, 1);
}

Token Lexer::CloseParen() {
  if (paren_depth_ == 0) {
    ++start_;  // Prometheus points behind it
    Fail("unexpected right parenthesis ')'");
  }
  --paren_depth_;
  return Take(TokenKind::kRightParen, 1);
}

Token Lexer::CloseBracket() {
  mode_ = Mode::kQuery;
  return Take(TokenKind::kRightBracket, 1);
}

Token Lexer::NumberOrDuration() {
  if (ScanNumber()) return Make(TokenKind::kNumber);
  if (ScanDuration()) return Make(TokenKind::kDuration);
  Fail("bad number or duration syntax: " + base::Quoted(input_.substr(start_, pos_ - start_)));
}

// Leaves pos_ behind what was read, right or wrong: messages show that much. Whether underscores
// and exponents are complete is for the conversion to say, except where they end the query.
bool Lexer::ScanNumber() {
  if (Byte() == '0' && (Byte(1) == 'x' || Byte(1) == 'X')) {
    pos_ += 2;
    AcceptRun("0123456789abcdefABCDEF_");
    return !IsAlphaNumeric(Byte()) && Byte() != '.';
  }
  bool dot = false;
  bool exponent = false;
  for (;;) {
    AcceptRun(kDigits);
    if (Byte() == '.') {
      ++pos_;
      if (dot || Accept("_.")) return false;
      dot = true;
    } else if (Byte() == 'e' || Byte() == 'E') {
      ++pos_;
      if (exponent) return false;
      exponent = true;
      Accept("+-");
      if (Accept("._eE") || AtEnd()) return false;
    } else if (Byte() == '_') {
      ++pos_;
      if (Accept("._eE") || AtEnd()) return false;
    } else {
      return !IsAlphaNumeric(Byte());
    }
  }
}

// After the first number: units, and more numbers with units. Which units exist in which order is
// for ParseDuration to say.
bool Lexer::ScanDuration() {
  if (!Accept("smhdwy")) return false;
  Accept("s");  // of "ms"
  while (Accept(kDigits)) {
    AcceptRun(kDigits);
    if (!Accept("smhdw")) return false;
    Accept("s");
  }
  if (!IsAlphaNumeric(Byte())) return true;
  ++pos_;
  return false;
}

Token Lexer::String() {
  const char quote = input_[pos_++];
  for (;;) {
    if (AtEnd()) Fail(quote == '`' ? "unterminated raw string" : "unterminated quoted string");
    if (Byte() == quote) break;
    if (quote != '`' && Byte() == '\n') Fail("unterminated quoted string");
    if (quote != '`' && Byte() == '\\') {
      ++pos_;
      Escape(quote);
      continue;
    }
    const base::Rune rune = base::FirstRune(input_.substr(pos_));
    if (rune.length == 0 || rune.code == kBadRune) Fail("invalid UTF-8 rune");
    pos_ += rune.length;
  }
  ++pos_;
  return Make(TokenKind::kString);
}

// Behind the backslash. Checks only; the value is made when the token is used.
void Lexer::Escape(char quote) {
  if (AtEnd()) Fail("escape sequence not terminated");
  const char c = Byte();
  if (c == quote || std::string_view("abfnrtv\\").find(c) != std::string_view::npos) {
    ++pos_;
    return;
  }
  const auto numeric = FindNumericEscape(c);
  if (!numeric) Fail("unknown escape sequence " + CodePoint(CurrentRune()));
  if (numeric->base == 16) ++pos_;
  uint64_t value = 0;
  for (int i = 0; i < numeric->digits; ++i, ++pos_) {
    if (AtEnd()) Fail("escape sequence not terminated");
    const auto digit = static_cast<uint32_t>(HexDigit(Byte()));
    if (digit >= numeric->base)
      Fail("illegal character " + CodePoint(CurrentRune()) + " in escape sequence");
    value = value * numeric->base + digit;
  }
  if (value > numeric->max || (value >= 0xd800 && value < 0xe000))
    Fail("escape sequence is an invalid Unicode code point");
}

}  // namespace canopy::promql
