#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "canopy/base/status.h"
#include "canopy/model/labels.h"
#include "canopy/promql/ast.h"
#include "canopy/promql/features.h"
#include "lexer.h"

namespace canopy::promql {

// Recursive descent over one text, with precedence climbing for operators. Throws ParseFailure at
// the first fault. One token of look-ahead, read only when it decides something: a fault of the
// lexer further on must not hide one that is complete already.
//
// parse.cc: expressions; parse_selector.cc: selectors, modifiers, durations, labels.
class Parser {
 public:
  Parser(std::string_view text, const Features& features)
      : text_(text), features_(features), lexer_(text) {}

  ExprPtr Query();
  std::unique_ptr<VectorSelector> Selector();
  // A metric with labels. What follows is left alone: it starts at position().
  model::Labels Metric();
  void ExpectEnd();
  size_t position() const { return last_end_; }

 private:
  // Where we are, as messages about unexpected tokens say it: "unexpected <token> in <what>,
  // expected <expected>". The innermost one that is open counts.
  struct Context {
    std::string_view what;
    std::string_view expected;
  };
  class Within {
   public:
    Within(Parser& p, std::string_view what, std::string_view expected)
        : p_(p), outer_(std::exchange(p.context_, Context{what, expected})) {}
    ~Within() { p_.context_ = outer_; }
    Within(const Within&) = delete;
    Within& operator=(const Within&) = delete;
    void Expect(std::string_view expected) { p_.context_.expected = expected; }
    void Now(std::string_view what, std::string_view expected) { p_.context_ = {what, expected}; }

   private:
    Parser& p_;
    const Context outer_;
  };
  // Counts recursion: one for each level of parentheses, calls, signs and powers.
  class Deeper;

  const Token& Peek();
  bool PeekIs(TokenKind kind) { return Peek().kind == kind; }
  Token Take();
  Token Expect(TokenKind kind);
  bool TakeIf(TokenKind kind);
  [[noreturn]] void Unexpected();
  [[noreturn]] static void Fail(PositionRange pos, std::string message);

  // parse.cc
  ExprPtr Expression() { return BinaryChain(1); }
  ExprPtr BinaryChain(int lowest_precedence);
  ExprPtr RightOperand(BinaryOp op);
  ExprPtr Signed();
  ExprPtr WithModifiers();
  ExprPtr Primary();
  ExprPtr Parenthesized();
  ExprPtr NameOrCall();
  ExprPtr CallOf(const Token& name);
  ExprPtr AggregateOrName();
  std::vector<ExprPtr> Arguments();
  void AggregateModifier(Aggregate& node);
  void CheckArguments(Aggregate& node, std::vector<ExprPtr> args);
  void MatchingModifiers(Binary& node);
  void FillModifiers(VectorMatching& matching);
  double FillValue();
  std::vector<std::string> GroupingLabels();
  std::string GroupingLabel();
  ExprPtr Number();
  ExprPtr StringValue();
  ExprPtr MakeUnary(const Token& sign, ExprPtr operand);
  ExprPtr MakeBinary(std::unique_ptr<Binary> node, ExprPtr lhs, ExprPtr rhs);
  // Sets the height of `node` from its children's; too high is a fault.
  static void SetHeight(Expr& node);

  // parse_selector.cc
  std::unique_ptr<VectorSelector> NamedSelector(const Token& name);
  std::unique_ptr<VectorSelector> Braces();
  model::Matcher LabelMatcher();
  ExprPtr RangeOrSubquery(ExprPtr of);
  ExprPtr MakeRange(ExprPtr of, ExprPtr range, PositionRange brackets);
  void OffsetModifier(Expr& of);
  void AtModifier(Expr& of);
  void AnchoredOrSmoothed(Expr& of);
  void SetEnd(Expr& of) const { of.pos.end = last_end_; }
  double SignedNumber();
  void LabelSet(model::LabelsBuilder& labels);
  void LabelSetItem(model::LabelsBuilder& labels);

  ExprPtr PositiveDuration();
  ExprPtr DurationChain(int lowest_precedence);
  ExprPtr RightDuration(BinaryOp op);
  ExprPtr SignedDuration();
  ExprPtr DurationPrimary();
  ExprPtr DurationCall();
  ExprPtr DurationGroup();
  ExprPtr OffsetDuration();
  ExprPtr DurationNumber();
  ExprPtr Negated(const Token& sign, ExprPtr operand);
  static void SetDurationHeight(DurationExpr& node);

  const std::string_view text_;
  const Features features_;
  Lexer lexer_;
  std::optional<Token> ahead_;
  uint32_t last_end_ = 0;  // of the last token taken
  Context context_;
  int depth_ = 0;

  friend class Deeper;
};

class Parser::Deeper {
 public:
  explicit Deeper(Parser& p);
  ~Deeper() { --p_.depth_; }
  Deeper(const Deeper&) = delete;
  Deeper& operator=(const Deeper&) = delete;

 private:
  Parser& p_;
};

// Words that may stand where a metric name is expected. `on`, `bool` and the like may not.
bool CanBeMetricName(const Token& t);

// How tightly an operator binds: 1 (or) to 6 (^).
int Precedence(BinaryOp op);
bool IsRightAssociative(BinaryOp op);

// The value between the quotes. REQUIRES: a kString token, which the lexer has checked.
std::string Unquote(std::string_view literal);

// Throws ParseFailure for a tree whose types do not fit, and settles how vectors match.
void CheckTypes(Expr& root, std::string_view text);

// "1:4: parse error: ..." for `failure` in `text`.
Status ToStatus(const ParseFailure& failure, std::string_view text);

}  // namespace canopy::promql
