#include <algorithm>
#include <cmath>

#include "canopy/promql/parser.h"

namespace canopy::promql {
namespace {

bool SameValue(double a, double b) { return a == b || (std::isnan(a) && std::isnan(b)); }

bool SameValue(const std::optional<double>& a, const std::optional<double>& b) {
  return a.has_value() == b.has_value() && (!a || SameValue(*a, *b));
}

bool Same(const ExprPtr& a, const ExprPtr& b) {
  return (a == nullptr) == (b == nullptr) && (!a || SameTree(*a, *b));
}

// Matchers in any order: printing sorts them.
bool Same(const model::Matchers& a, const model::Matchers& b) {
  return std::is_permutation(a.begin(), a.end(), b.begin(), b.end());
}

bool Same(const TimeModifiers& a, const TimeModifiers& b) {
  // As text, times have three decimals of seconds, and seconds are doubles.
  const double error = std::abs(a.at_time.seconds() - b.at_time.seconds());
  return a.offset == b.offset && a.at == b.at && error <= std::abs(a.at_time.seconds()) * 0x1p-50 &&
         Same(a.offset_expr, b.offset_expr);
}

bool Same(const VectorSelector& a, const VectorSelector& b) {
  return a.name == b.name && Same(a.matchers, b.matchers) && Same(a.modifiers, b.modifiers) &&
         a.anchored == b.anchored && a.smoothed == b.smoothed;
}

bool Same(const Subquery& a, const Subquery& b) {
  return a.range == b.range && a.step == b.step && Same(a.range_expr, b.range_expr) &&
         Same(a.step_expr, b.step_expr) && Same(a.modifiers, b.modifiers) && Same(a.expr, b.expr);
}

bool Same(const Call& a, const Call& b) {
  return a.function == b.function &&
         std::equal(a.args.begin(), a.args.end(), b.args.begin(), b.args.end(),
                    [](const ExprPtr& x, const ExprPtr& y) { return Same(x, y); });
}

bool Same(const Aggregate& a, const Aggregate& b) {
  return a.op == b.op && a.without == b.without && a.grouping == b.grouping &&
         Same(a.param, b.param) && Same(a.expr, b.expr);
}

bool Same(const VectorMatching& a, const VectorMatching& b) {
  return a.card == b.card && a.on == b.on && a.labels == b.labels && a.include == b.include &&
         SameValue(a.fill_lhs, b.fill_lhs) && SameValue(a.fill_rhs, b.fill_rhs);
}

bool Same(const Binary& a, const Binary& b) {
  return a.op == b.op && a.return_bool == b.return_bool &&
         a.matching.has_value() == b.matching.has_value() &&
         (!a.matching || Same(*a.matching, *b.matching)) && Same(a.lhs, b.lhs) &&
         Same(a.rhs, b.rhs);
}

template <class Node>
bool SameAs(const Expr& a, const Expr& b) {
  return Same(a.As<Node>(), b.As<Node>());
}

}  // namespace

bool SameTree(const Expr& a, const Expr& b) {
  if (a.kind != b.kind || a.type != b.type) return false;
  switch (a.kind) {
    case ExprKind::kNumber:
      return SameValue(a.As<NumberLiteral>().value, b.As<NumberLiteral>().value);
    case ExprKind::kString:
      return a.As<StringLiteral>().value == b.As<StringLiteral>().value;
    case ExprKind::kVectorSelector:
      return SameAs<VectorSelector>(a, b);
    case ExprKind::kMatrixSelector:
      return a.As<MatrixSelector>().range == b.As<MatrixSelector>().range &&
             Same(a.As<MatrixSelector>().range_expr, b.As<MatrixSelector>().range_expr) &&
             Same(*a.As<MatrixSelector>().selector, *b.As<MatrixSelector>().selector);
    case ExprKind::kSubquery:
      return SameAs<Subquery>(a, b);
    case ExprKind::kCall:
      return SameAs<Call>(a, b);
    case ExprKind::kAggregate:
      return SameAs<Aggregate>(a, b);
    case ExprKind::kBinary:
      return SameAs<Binary>(a, b);
    case ExprKind::kUnary:
      return a.As<Unary>().negative == b.As<Unary>().negative &&
             Same(a.As<Unary>().expr, b.As<Unary>().expr);
    case ExprKind::kParen:
      return Same(a.As<Paren>().expr, b.As<Paren>().expr);
    case ExprKind::kDuration:
      return a.As<DurationExpr>().op == b.As<DurationExpr>().op &&
             Same(a.As<DurationExpr>().lhs, b.As<DurationExpr>().lhs) &&
             Same(a.As<DurationExpr>().rhs, b.As<DurationExpr>().rhs);
  }
  return false;
}

}  // namespace canopy::promql
