#pragma once

#include <string>
#include <vector>

#include "canopy/promql/ast.h"
#include "column_source.h"
#include "query.h"
#include "select.h"
#include "series_source.h"

namespace canopy::promql {

// Turns expressions into sources, from the leaves up. What is step-invariant is evaluated at the
// first step only. Recursion is as deep as the tree, which the parser bounds.
class Evaluator {
 public:
  explicit Evaluator(Query& query) : query_(query), selections_(query) {}

  Query& query() { return query_; }
  Selections& selections() { return selections_; }

  // REQUIRES, below: expr.type is what the name says.
  SourcePtr Vector(const Expr& expr, const Steps& steps);
  std::vector<double> Scalar(const Expr& expr, const Steps& steps);
  // `result`: the query yields the samples themselves.
  ColumnSourcePtr Columns(const Expr& expr, const Steps& steps, bool result = false);
  // A scalar as a series without labels, as subqueries and range queries of scalars see it.
  SourcePtr ScalarAsVector(const Expr& expr, const Steps& steps);
  static const std::string& String(const Expr& expr);

 private:
  SourcePtr VectorAt(const Expr& expr, const Steps& steps);
  SourcePtr Negate(const Expr& expr, const Steps& steps);
  std::vector<double> ScalarAt(const Expr& expr, const Steps& steps);
  ColumnSourcePtr EvalSubquery(const Subquery& subquery, const Steps& steps, bool result);

  Query& query_;
  Selections selections_;
};

// True when the value is the same at every step: every selector and subquery in it looks at a fixed
// time, and no function in it looks at the step's.
bool IsStepInvariant(const Expr& expr);
// The expression without parentheses around it.
const Expr& Unwrap(const Expr& expr);

// sum, topk, quantile, ...
SourcePtr EvalAggregate(Evaluator& evaluator, const Aggregate& aggregate, const Steps& steps);
// Operators with at least one vector, and those between scalars.
SourcePtr EvalBinary(Evaluator& evaluator, const Binary& binary, const Steps& steps);
std::vector<double> EvalScalarBinary(Evaluator& evaluator, const Binary& binary,
                                     const Steps& steps);

}  // namespace canopy::promql
