#include "rules/template_lexer.h"

#include <algorithm>
#include <array>

#include "canopy/base/quote.h"
#include "rules/go_quote.h"

namespace canopy::rules {

namespace {

constexpr std::array<std::string_view, 11> kKeywords = {"block", "break",    "continue", "define",
                                                        "else",  "end",      "if",       "nil",
                                                        "range", "template", "with"};

bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }

class Lexer {
 public:
  explicit Lexer(std::string_view input) : input_(input) {}

  std::vector<Token> Run() {
    while (!failed_ && pos_ < input_.size()) Text();
    if (!failed_) Emit(TokenType::kEnd, input_.size());
    return std::move(tokens_);
  }

 private:
  std::string_view Rest() const { return input_.substr(pos_); }
  char Peek() const { return pos_ < input_.size() ? input_[pos_] : '\0'; }
  bool AtEnd() const { return pos_ >= input_.size(); }

  // A token from `start` up to here.
  void Emit(TokenType type, size_t start) {
    Token t;
    t.type = type;
    t.space_before = space_;
    t.pos = static_cast<uint32_t>(start);
    t.line = LineAt(start);
    t.text = std::string(input_.substr(start, pos_ - start));
    tokens_.push_back(std::move(t));
    space_ = false;
  }

  uint32_t LineAt(size_t pos) {
    for (; counted_ < pos; ++counted_) {
      if (input_[counted_] == '\n') ++line_;
    }
    return line_;
  }

  void Fail(std::string message, size_t start) {
    Token t;
    t.type = TokenType::kError;
    t.pos = static_cast<uint32_t>(start);
    t.line = LineAt(std::min(pos_, input_.size()));
    t.text = std::move(message);
    tokens_.push_back(std::move(t));
    failed_ = true;
  }

  bool AtLeftTrim(size_t pos) const {
    return pos + 1 < input_.size() && input_[pos] == '-' && IsSpace(input_[pos + 1]);
  }
  // " -}}" at `pos`.
  bool AtTrimmedRightDelim(size_t pos) const {
    return pos + 3 < input_.size() && IsSpace(input_[pos]) && input_.substr(pos + 1, 3) == "-}}";
  }

  // Text up to the next action or comment, and that action.
  void Text() {
    const size_t start = pos_;
    const size_t open = std::min(input_.find("{{", start), input_.size());
    size_t end = open;
    if (open < input_.size() && AtLeftTrim(open + 2)) {
      while (end > start && IsSpace(input_[end - 1])) --end;
    }
    pos_ = end;
    if (end > start) Emit(TokenType::kText, start);
    pos_ = open;
    if (open == input_.size()) return;
    const size_t inside = open + 2 + (AtLeftTrim(open + 2) ? 2 : 0);
    if (input_.substr(inside).starts_with("/*")) {
      pos_ = inside;
      Comment();
      return;
    }
    pos_ = open + 2;
    Emit(TokenType::kLeftDelim, open);
    pos_ = inside;
    Action();
  }

  void Comment() {
    const size_t start = pos_;
    const size_t close = input_.find("*/", pos_ + 2);
    if (close == std::string_view::npos) return Fail("unclosed comment", start);
    pos_ = close + 2;
    const bool trim = AtTrimmedRightDelim(pos_);
    if (!trim && !Rest().starts_with("}}")) {
      return Fail("comment ends before closing delimiter", start);
    }
    pos_ += trim ? 4 : 2;
    if (trim) SkipSpace();
  }

  void SkipSpace() {
    while (!AtEnd() && IsSpace(Peek())) ++pos_;
  }

  void Action() {
    int parens = 0;
    space_ = false;
    while (!failed_) {
      while (!AtEnd() && IsSpace(Peek()) && !AtTrimmedRightDelim(pos_)) {
        ++pos_;
        space_ = true;
      }
      const size_t start = pos_;
      const bool trim = AtTrimmedRightDelim(pos_);
      if (trim || Rest().starts_with("}}")) {
        if (parens > 0) return Fail("unclosed left paren", start);
        pos_ += trim ? 2 : 0;
        const size_t delim = pos_;
        pos_ += 2;
        Emit(TokenType::kRightDelim, delim);
        if (trim) SkipSpace();
        return;
      }
      if (AtEnd()) return Fail("unclosed action", start);
      if (Peek() == '(') ++parens;
      if (Peek() == ')') --parens;
      Element();
      if (parens < 0) return Fail("unexpected right paren U+0029 ')'", start);
    }
  }

  // One token inside an action.
  void Element() {
    const size_t start = pos_;
    const char c = Peek();
    const auto single = [&](TokenType type) {
      ++pos_;
      Emit(type, start);
    };
    if (c == '=') return single(TokenType::kAssign);
    if (c == '|') return single(TokenType::kPipe);
    if (c == '(') return single(TokenType::kLeftParen);
    if (c == ')') return single(TokenType::kRightParen);
    if (c == ':') return Declare();
    if (c == '"') return Quoted('"', TokenType::kString, "unterminated quoted string");
    if (c == '\'') return Quoted('\'', TokenType::kChar, "unterminated character constant");
    if (c == '`') return Raw();
    if (c == '$') return Name(TokenType::kVariable, TokenType::kVariable);
    const char after = pos_ + 1 < input_.size() ? input_[pos_ + 1] : '\0';
    if (c == '.' && pos_ + 1 < input_.size() && !IsDigit(after)) {
      return Name(TokenType::kField, TokenType::kDot);
    }
    if (c == '.' || c == '+' || c == '-' || IsDigit(c)) return Number();
    const Rune rune = DecodeRune(Rest());
    if (IsIdentifierRune(rune.code) && rune.valid) return Word();
    if (c > ' ' && c < 0x7f) return single(TokenType::kPunctuation);
    pos_ += static_cast<size_t>(rune.size);
    Fail("unrecognized character in action: " + GoUnicodeName(rune.code), start);
  }

  void Declare() {
    const size_t start = pos_++;
    if (Peek() != '=') return Fail("expected :=", start);
    ++pos_;
    Emit(TokenType::kDeclare, start);
  }

  void Quoted(char quote, TokenType type, const char* error) {
    const size_t start = pos_++;
    for (bool escaped = false;; ++pos_) {
      if (AtEnd() || Peek() == '\n') return Fail(error, start);
      if (Peek() == quote && !escaped) break;
      escaped = Peek() == '\\' && !escaped;
    }
    ++pos_;
    Emit(type, start);
  }

  void Raw() {
    const size_t start = pos_;
    const size_t close = input_.find('`', pos_ + 1);
    if (close == std::string_view::npos) {
      pos_ = input_.size();
      return Fail("unterminated raw quoted string", start);
    }
    pos_ = close + 1;
    Emit(TokenType::kRawString, start);
  }

  void SkipIdentifier() {
    while (!AtEnd()) {
      const Rune rune = DecodeRune(Rest());
      if (!rune.valid || !IsIdentifierRune(rune.code)) return;
      pos_ += static_cast<size_t>(rune.size);
    }
  }

  // Whether what follows may follow a name. Otherwise the message says what is there instead.
  bool CheckTerminator(size_t start) {
    if (AtEnd() || IsSpace(Peek()) || Rest().starts_with("}}")) return true;
    if (std::string_view(".,|:)(").find(Peek()) != std::string_view::npos) return true;
    Fail("bad character " + GoUnicodeName(DecodeRune(Rest()).code), start);
    return false;
  }

  // .Name or $name; `bare` is the type of the mark alone.
  void Name(TokenType named, TokenType bare) {
    const size_t start = pos_++;
    SkipIdentifier();
    if (!CheckTerminator(start)) return;
    Emit(pos_ == start + 1 ? bare : named, start);
  }

  void Word() {
    const size_t start = pos_;
    SkipIdentifier();
    if (!CheckTerminator(start)) return;
    const std::string_view word = input_.substr(start, pos_ - start);
    const bool keyword = std::find(kKeywords.begin(), kKeywords.end(), word) != kKeywords.end();
    Emit(keyword                             ? TokenType::kKeyword
         : word == "true" || word == "false" ? TokenType::kBool
                                             : TokenType::kIdentifier,
         start);
  }

  void SkipAny(std::string_view set) {
    while (!AtEnd() && set.find(Peek()) != std::string_view::npos) ++pos_;
  }
  bool SkipOne(std::string_view set) {
    if (AtEnd() || set.find(Peek()) == std::string_view::npos) return false;
    ++pos_;
    return true;
  }

  // Takes what looks like a number; the parser finds out what it is worth.
  void Number() {
    const size_t start = pos_;
    SkipOne("+-");
    std::string_view digits = "0123456789_";
    if (SkipOne("0")) {
      if (SkipOne("xX")) {
        digits = "0123456789abcdefABCDEF_";
      } else if (SkipOne("oO")) {
        digits = "01234567_";
      } else if (SkipOne("bB")) {
        digits = "01_";
      }
    }
    SkipAny(digits);
    if (SkipOne(".")) SkipAny(digits);
    const bool exponent =
        (digits.size() == 11 && SkipOne("eE")) || (digits.size() == 23 && SkipOne("pP"));
    if (exponent) {
      SkipOne("+-");
      SkipAny("0123456789_");
    }
    const Rune next = AtEnd() ? Rune{' ', 1, true} : DecodeRune(Rest());
    if (next.valid && IsIdentifierRune(next.code)) {
      pos_ += static_cast<size_t>(next.size);
      return Fail("bad number syntax: " + base::Quoted(input_.substr(start, pos_ - start)), start);
    }
    Emit(TokenType::kNumber, start);
  }

  const std::string_view input_;
  size_t pos_ = 0;
  size_t counted_ = 0;  // newlines before this are in line_
  uint32_t line_ = 1;
  bool space_ = false;
  bool failed_ = false;
  std::vector<Token> tokens_;
};

}  // namespace

std::vector<Token> LexTemplate(std::string_view text) { return Lexer(text).Run(); }

std::string TokenName(const Token& token) {
  switch (token.type) {
    case TokenType::kEnd:
      return "EOF";
    case TokenType::kError:
      return token.text;
    case TokenType::kKeyword:
    case TokenType::kDot:
      return "<" + token.text + ">";
    default:
      break;
  }
  size_t end = 0;
  int runes = 0;
  while (end < token.text.size() && runes < 10) {
    end += static_cast<size_t>(DecodeRune(std::string_view(token.text).substr(end)).size);
    ++runes;
  }
  if (token.text.size() <= 10) return base::Quoted(token.text);
  return base::Quoted(std::string_view(token.text).substr(0, end)) + "...";
}

}  // namespace canopy::rules
