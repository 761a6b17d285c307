#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "canopy/base/check.h"
#include "canopy/base/time.h"
#include "canopy/model/matcher.h"
#include "canopy/promql/functions.h"
#include "canopy/promql/value_type.h"

// A query as a tree. The parser builds it, types checked; nobody changes it afterwards, so that one
// tree may be evaluated by many threads at once. Children are owned; to look at a node, switch over
// `kind` and take it with As<Kind>():
//
//   switch (expr.kind) {
//     case ExprKind::kCall: return EvalCall(expr.As<Call>());
//     ...

namespace canopy::promql {

// Bytes [start, end) of the query text.
struct PositionRange {
  uint32_t start = 0;
  uint32_t end = 0;
  friend bool operator==(const PositionRange&, const PositionRange&) = default;
};

enum class ExprKind : uint8_t {
  kNumber,
  kString,
  kVectorSelector,
  kMatrixSelector,
  kSubquery,
  kCall,
  kAggregate,
  kBinary,
  kUnary,
  kParen,
  kDuration,
};

// No tree is higher than this: recursion over it needs no bound of its own.
inline constexpr int kMaxTreeHeight = 1000;

struct Expr {
  virtual ~Expr() = default;
  Expr(const Expr&) = delete;
  Expr& operator=(const Expr&) = delete;

  // REQUIRES: Node::kKind == kind.
  template <class Node>
  const Node& As() const {
    CANOPY_DCHECK(kind == Node::kKind);
    return static_cast<const Node&>(*this);
  }
  template <class Node>
  Node& As() {
    CANOPY_DCHECK(kind == Node::kKind);
    return static_cast<Node&>(*this);
  }
  // Null when this is another kind of node.
  template <class Node>
  const Node* TryAs() const {
    return kind == Node::kKind ? static_cast<const Node*>(this) : nullptr;
  }

  const ExprKind kind;
  uint16_t height = 1;  // of the tree below, this node included: what recursion over it costs
  ValueType type;       // what evaluating it yields
  PositionRange pos;    // from the first byte of the node to the last, modifiers included

 protected:
  Expr(ExprKind k, ValueType t) : kind(k), type(t) {}
};

using ExprPtr = std::unique_ptr<Expr>;

// 42, 0x2a, 1e3, 1_000, Inf, NaN, 1h30m (a duration is its seconds: 5400)
struct NumberLiteral final : Expr {
  static constexpr ExprKind kKind = ExprKind::kNumber;
  NumberLiteral() : Expr(kKind, ValueType::kScalar) {}
  double value = 0;
  bool is_duration = false;  // written as a duration, and printed as one
};

// "a\tb", 'a', `raw`
struct StringLiteral final : Expr {
  static constexpr ExprKind kKind = ExprKind::kString;
  StringLiteral() : Expr(kKind, ValueType::kString) {}
  std::string value;  // without quotes and escapes
};

enum class AtKind : uint8_t { kNone, kTimestamp, kStart, kEnd };

// offset 5m, offset -5m, @ 1609746000.123, @ start(), @ end(); in either order, each at most once.
struct TimeModifiers {
  Duration offset{0};  // how far into the past; negative: into the future
  AtKind at = AtKind::kNone;
  Timestamp at_time;    // for kTimestamp
  ExprPtr offset_expr;  // offset (1m * 2): a duration expression; `offset` then counts for nothing
};

// http_requests_total{job="api", code=~"5.."} offset 1h
// {"with.dots", x!="y"} @ end()
struct VectorSelector final : Expr {
  static constexpr ExprKind kKind = ExprKind::kVectorSelector;
  VectorSelector() : Expr(kKind, ValueType::kVector) {}
  std::string name;          // the metric name before the braces; may be empty
  model::Matchers matchers;  // all of them, with __name__="name" when there is a name
  TimeModifiers modifiers;
  bool anchored = false;  // rate(m[5m] anchored)
  bool smoothed = false;  // m smoothed
};

// http_requests_total{job="api"}[5m] offset 1h; the modifiers are kept in the selector.
struct MatrixSelector final : Expr {
  static constexpr ExprKind kKind = ExprKind::kMatrixSelector;
  MatrixSelector() : Expr(kKind, ValueType::kMatrix) {}
  std::unique_ptr<VectorSelector> selector;
  Duration range{0};   // samples of (t - range, t]
  ExprPtr range_expr;  // [5m * 2]: a duration expression; `range` then counts for nothing
};

// rate(m[5m])[1h:1m] @ 1609746000 offset 1d
struct Subquery final : Expr {
  static constexpr ExprKind kKind = ExprKind::kSubquery;
  Subquery() : Expr(kKind, ValueType::kMatrix) {}
  ExprPtr expr;
  Duration range{0};
  Duration step{0};  // zero: [1h:], the default evaluation interval
  TimeModifiers modifiers;
  ExprPtr range_expr;
  ExprPtr step_expr;
};

// rate(m[5m]), time(), clamp(m, 0, 1)
struct Call final : Expr {
  static constexpr ExprKind kKind = ExprKind::kCall;
  explicit Call(const Function& f) : Expr(kKind, f.return_type), function(&f) {}
  const Function* function;  // lives as long as the program
  std::vector<ExprPtr> args;
};

enum class AggregateOp : uint8_t {
  kSum,
  kAvg,
  kMin,
  kMax,
  kCount,
  kGroup,
  kStddev,
  kStdvar,
  kTopk,
  kBottomk,
  kQuantile,
  kCountValues,
  kLimitk,
  kLimitRatio,
};

// "sum", "count_values", ...
std::string_view AggregateOpText(AggregateOp op);

// sum by (job) (m), topk without (instance) (3, m), count_values("version", m)
struct Aggregate final : Expr {
  static constexpr ExprKind kKind = ExprKind::kAggregate;
  explicit Aggregate(AggregateOp o) : Expr(kKind, ValueType::kVector), op(o) {}
  AggregateOp op;
  ExprPtr expr;
  ExprPtr param;  // of topk, bottomk, quantile, count_values, limitk, limit_ratio
  std::vector<std::string> grouping;  // as written: in order, perhaps with repetitions
  bool without = false;
};

enum class BinaryOp : uint8_t {
  kPow,
  kMul,
  kDiv,
  kMod,
  kAtan2,
  kAdd,
  kSub,
  kEqual,
  kNotEqual,
  kLessOrEqual,
  kLess,
  kGreaterOrEqual,
  kGreater,
  kTrimUpper,  // </ : histograms only
  kTrimLower,  // >/ : histograms only
  kAnd,
  kUnless,
  kOr,
};

// "^", "==", "unless", ...
std::string_view BinaryOpText(BinaryOp op);
constexpr bool IsComparison(BinaryOp op) {
  return op >= BinaryOp::kEqual && op <= BinaryOp::kGreater;
}
constexpr bool IsSetOperator(BinaryOp op) { return op >= BinaryOp::kAnd; }

enum class Cardinality : uint8_t { kOneToOne, kManyToOne, kOneToMany, kManyToMany };

// How the series of two vectors find each other.
struct VectorMatching {
  Cardinality card = Cardinality::kOneToOne;  // kManyToMany exactly for and, or, unless
  bool on = false;                            // on(labels), else ignoring(labels)
  std::vector<std::string> labels;
  std::vector<std::string> include;  // group_left(include), group_right(include)
  std::optional<double> fill_lhs;    // fill_left(v): for a left side that is missing
  std::optional<double> fill_rhs;
};

// a + on (job) group_left (version) b, m > bool 3, 2 ^ 10, a unless b
struct Binary final : Expr {
  static constexpr ExprKind kKind = ExprKind::kBinary;
  explicit Binary(BinaryOp o) : Expr(kKind, ValueType::kScalar), op(o) {}
  BinaryOp op;
  ExprPtr lhs;
  ExprPtr rhs;
  std::optional<VectorMatching> matching;  // exactly when both sides are vectors
  bool return_bool = false;
};

// -m, +1. Of a number literal there is none: -1 is a NumberLiteral.
struct Unary final : Expr {
  static constexpr ExprKind kKind = ExprKind::kUnary;
  Unary() : Expr(kKind, ValueType::kScalar) {}
  bool negative = false;
  ExprPtr expr;
};

// (a + b)
struct Paren final : Expr {
  static constexpr ExprKind kKind = ExprKind::kParen;
  Paren() : Expr(kKind, ValueType::kScalar) {}
  ExprPtr expr;
};

enum class DurationOp : uint8_t {
  kAdd,
  kSub,
  kMul,
  kDiv,
  kMod,
  kPow,
  kNegate,  // of one operand, the right
  kGroup,   // parentheses around one operand
  kStep,    // step(): the step of the range query
  kRange,   // range(): its length
  kMinOf,
  kMaxOf,
};

// What may stand in [..] and after offset in place of a literal: 5m * 2, min_of(step(), 1m).
// Operands are NumberLiterals (seconds) and DurationExprs. Evaluated by durations.h.
struct DurationExpr final : Expr {
  static constexpr ExprKind kKind = ExprKind::kDuration;
  explicit DurationExpr(DurationOp o) : Expr(kKind, ValueType::kScalar), op(o) {}
  DurationOp op;
  ExprPtr lhs;  // null for kNegate, kGroup, kStep, kRange
  ExprPtr rhs;  // null for kStep, kRange
};

// Calls fn(const Expr&) for each direct child, in the order they are written; param before expr.
template <class Fn>
void ForEachChild(const Expr& e, Fn fn) {
  const auto visit = [&](const ExprPtr& child) {
    if (child) fn(*child);
  };
  switch (e.kind) {
    case ExprKind::kNumber:
    case ExprKind::kString:
    case ExprKind::kVectorSelector:
    case ExprKind::kDuration:
      return;
    case ExprKind::kMatrixSelector:
      fn(static_cast<const Expr&>(*e.As<MatrixSelector>().selector));
      return;
    case ExprKind::kSubquery:
      return visit(e.As<Subquery>().expr);
    case ExprKind::kCall:
      for (const ExprPtr& arg : e.As<Call>().args) visit(arg);
      return;
    case ExprKind::kAggregate:
      visit(e.As<Aggregate>().param);
      return visit(e.As<Aggregate>().expr);
    case ExprKind::kBinary:
      visit(e.As<Binary>().lhs);
      return visit(e.As<Binary>().rhs);
    case ExprKind::kUnary:
      return visit(e.As<Unary>().expr);
    case ExprKind::kParen:
      return visit(e.As<Paren>().expr);
  }
}

}  // namespace canopy::promql
