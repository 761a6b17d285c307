#include "evaluator.h"

#include <algorithm>

#include "canopy/model/histogram_math.h"
#include "function_call.h"
#include "function_impl.h"

namespace canopy::promql {
namespace {

// Functions that look at the step's time, even where their arguments do not.
bool LooksAtStep(FunctionId id) {
  switch (id) {
    case FunctionId::kDaysInMonth:
    case FunctionId::kDayOfMonth:
    case FunctionId::kDayOfWeek:
    case FunctionId::kDayOfYear:
    case FunctionId::kHour:
    case FunctionId::kMinute:
    case FunctionId::kMonth:
    case FunctionId::kYear:
    case FunctionId::kPredictLinear:
    case FunctionId::kTime:
    case FunctionId::kTimestamp:
      return true;
    default:
      return false;
  }
}

bool IsInvariantCall(const Call& call) {
  const bool arguments = std::all_of(call.args.begin(), call.args.end(),
                                     [](const ExprPtr& arg) { return IsStepInvariant(*arg); });
  if (!arguments) return false;
  // The time of a sample is fixed with the sample.
  if (call.function->id == FunctionId::kTimestamp)
    return Unwrap(*call.args[0]).kind == ExprKind::kVectorSelector;
  return !LooksAtStep(call.function->id);
}

class Negated final : public WrappedSource {
 public:
  using WrappedSource::WrappedSource;
  bool Fill(size_t i, Scratch& scratch, Row& row) const override {
    if (!inner().Fill(i, scratch, row)) return false;
    for (double& v : row.values)
      if (IsPresent(v)) v = -v;
    for (HistogramPtr& h : row.histograms) {
      if (!h) continue;
      auto negative = std::make_shared<model::FloatHistogram>(*h);
      model::Multiply(*negative, -1);
      h = std::move(negative);
    }
    return true;
  }
};

}  // namespace

const Expr& Unwrap(const Expr& expr) {
  const Expr* e = &expr;
  while (const auto* paren = e->TryAs<Paren>()) e = paren->expr.get();
  return *e;
}

bool IsStepInvariant(const Expr& expr) {
  switch (expr.kind) {
    case ExprKind::kNumber:
    case ExprKind::kString:
      return true;
    case ExprKind::kVectorSelector:
      return expr.As<VectorSelector>().modifiers.at != AtKind::kNone;
    case ExprKind::kMatrixSelector:
      return expr.As<MatrixSelector>().selector->modifiers.at != AtKind::kNone;
    case ExprKind::kSubquery:
      return expr.As<Subquery>().modifiers.at != AtKind::kNone;
    case ExprKind::kCall:
      return IsInvariantCall(expr.As<Call>());
    case ExprKind::kAggregate:
      // As in Prometheus, the parameter is not asked: of an invariant vector it is taken at the
      // first step.
      return IsStepInvariant(*expr.As<Aggregate>().expr);
    case ExprKind::kBinary:
      return IsStepInvariant(*expr.As<Binary>().lhs) && IsStepInvariant(*expr.As<Binary>().rhs);
    case ExprKind::kUnary:
      return IsStepInvariant(*expr.As<Unary>().expr);
    case ExprKind::kParen:
      return IsStepInvariant(*expr.As<Paren>().expr);
    case ExprKind::kDuration:
      return false;
  }
  return false;
}

const std::string& Evaluator::String(const Expr& expr) {
  return Unwrap(expr).As<StringLiteral>().value;
}

SourcePtr Evaluator::Vector(const Expr& expr, const Steps& steps) {
  if (steps.count == 0) return EmptySource(query_, 0);
  if (steps.count > 1 && IsStepInvariant(expr)) {
    const InScope scope(query_, ReadScope::Invariant(query_.scope(), steps));
    return Repeat(query_, VectorAt(expr, {steps.start, steps.interval, 1}), steps.count);
  }
  return VectorAt(expr, steps);
}

SourcePtr Evaluator::VectorAt(const Expr& expr, const Steps& steps) {
  query_.Check();
  switch (expr.kind) {
    case ExprKind::kVectorSelector:
      return SelectInstant(query_, selections_, expr.As<VectorSelector>(), steps,
                           SelectedValue::kValue);
    case ExprKind::kCall:
      return CallVectorFunction(*this, expr.As<Call>(), steps);
    case ExprKind::kAggregate:
      return EvalAggregate(*this, expr.As<Aggregate>(), steps);
    case ExprKind::kBinary:
      return EvalBinary(*this, expr.As<Binary>(), steps);
    case ExprKind::kUnary:
      return Negate(expr, steps);
    case ExprKind::kParen:
      return VectorAt(*expr.As<Paren>().expr, steps);
    default:
      Fail("unexpected expression where an instant vector belongs");
  }
}

SourcePtr Evaluator::Negate(const Expr& expr, const Steps& steps) {
  const auto& unary = expr.As<Unary>();
  SourcePtr source = Vector(*unary.expr, steps);
  if (!unary.negative) return source;
  return DropMetadata(query_, std::make_unique<Negated>(std::move(source)), steps.count,
                      Collisions::kMerge);
}

std::vector<double> Evaluator::Scalar(const Expr& expr, const Steps& steps) {
  if (steps.count > 1 && IsStepInvariant(expr)) {
    const InScope scope(query_, ReadScope::Invariant(query_.scope(), steps));
    const double value = ScalarAt(expr, {steps.start, steps.interval, 1})[0];
    return std::vector<double>(steps.count, value);
  }
  return ScalarAt(expr, steps);
}

std::vector<double> Evaluator::ScalarAt(const Expr& expr, const Steps& steps) {
  switch (expr.kind) {
    case ExprKind::kNumber:
      return std::vector<double>(steps.count, expr.As<NumberLiteral>().value);
    case ExprKind::kCall:
      return CallScalarFunction(*this, expr.As<Call>(), steps);
    case ExprKind::kBinary:
      return EvalScalarBinary(*this, expr.As<Binary>(), steps);
    case ExprKind::kUnary: {
      std::vector<double> out = Scalar(*expr.As<Unary>().expr, steps);
      if (expr.As<Unary>().negative)
        for (double& v : out) v = -v;
      return out;
    }
    case ExprKind::kParen:
      return ScalarAt(*expr.As<Paren>().expr, steps);
    default:
      Fail("unexpected expression where a scalar belongs");
  }
}

SourcePtr Evaluator::ScalarAsVector(const Expr& expr, const Steps& steps) {
  auto rows = std::make_unique<BuiltRows>(query_, steps.count);
  const std::vector<double> values = Scalar(expr, steps);
  rows->Add({}, false);
  std::copy(values.begin(), values.end(), rows->row(0).begin());
  rows->Seal();
  return rows;
}

ColumnSourcePtr Evaluator::Columns(const Expr& expr, const Steps& steps, bool result) {
  const Expr& e = Unwrap(expr);
  if (const auto* matrix = e.TryAs<MatrixSelector>())
    return SelectRange(query_, selections_, *matrix, steps);
  return EvalSubquery(e.As<Subquery>(), steps, result);
}

ColumnSourcePtr Evaluator::EvalSubquery(const Subquery& subquery, const Steps& steps, bool result) {
  const LookAt look = Resolve(query_, subquery.modifiers, steps);
  const int64_t range_ms = OrFail(RangeOf(subquery, query_.times)).count();
  const Steps inner_steps = SubquerySteps(query_, subquery, look, range_ms);
  query_.CheckSteps(inner_steps.count);
  const InScope scope(query_,
                      ReadScope::InSubquery(query_.scope(), steps, look.offset, range_ms, result));
  SourcePtr inner = subquery.expr->type == ValueType::kScalar
                        ? ScalarAsVector(*subquery.expr, inner_steps)
                        : Vector(*subquery.expr, inner_steps);
  return SubqueryColumns(query_, std::move(inner), inner_steps, look, range_ms);
}

}  // namespace canopy::promql
