#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "token.h"

namespace canopy::promql {

// Thrown by lexer and parser, caught at the entries in parser.cc: the first thing that is wrong.
struct ParseFailure {
  uint32_t pos;
  std::string message;
};

// Query text -> tokens. Words mean different things inside braces (label names) and brackets
// (durations), which the lexer keeps track of by itself. Comments and white space are skipped.
class Lexer {
 public:
  explicit Lexer(std::string_view input) : input_(input) {}

  // Throws ParseFailure. At the end, kEof again and again.
  Token Next();

 private:
  // Brackets know two states: at the start, after operators and parentheses only a duration or an
  // operator may follow, and messages say so.
  enum class Mode : uint8_t { kQuery, kBraces, kDuration, kAfterDuration };

  bool AtEnd() const { return pos_ >= input_.size(); }
  // '\0' at the end: no token contains it.
  char Byte(size_t ahead = 0) const {
    return pos_ + ahead < input_.size() ? input_[pos_ + ahead] : '\0';
  }
  bool Accept(std::string_view set);
  void AcceptRun(std::string_view set);
  uint32_t CurrentRune() const;
  Token Make(TokenKind kind) const;
  Token Take(TokenKind kind, size_t bytes);
  Token TakeOperator(BinaryOp op, size_t bytes);
  [[noreturn]] void Fail(std::string message) const;
  [[noreturn]] void FailAtRune(std::string_view message) const;

  void SkipBlanks();
  Token End();
  Token InQuery();
  Token InBraces();
  Token InDuration();
  Token AfterExclamationMark();
  Token Word();
  Token LabelName();
  Token DurationWord(std::string_view otherwise);
  Token NumberOrDuration();
  bool ScanNumber();
  bool ScanDuration();
  Token String();
  void Escape(char quote);
  Token OpenParen();
  Token CloseParen();
  Token CloseBracket();

  const std::string_view input_;
  size_t pos_ = 0;
  size_t start_ = 0;  // of the token under way
  int paren_depth_ = 0;
  Mode mode_ = Mode::kQuery;
  bool got_colon_ = false;     // since the bracket was opened
  bool got_duration_ = false;  // likewise
};

}  // namespace canopy::promql
