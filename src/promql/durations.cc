#include "canopy/promql/durations.h"

#include <algorithm>
#include <cmath>

namespace canopy::promql {
namespace {

double Seconds(Duration d) { return static_cast<double>(d.count()) / 1000.0; }

std::string Message(const Expr& at, std::string_view what) {
  std::string out = std::to_string(at.pos.start) + ":" + std::to_string(at.pos.end) + ": ";
  return out.append(what);
}

Result<double> Evaluate(const Expr& e, const QueryTimes& times) {
  if (const auto* number = e.TryAs<NumberLiteral>()) return number->value;
  const auto& d = e.As<DurationExpr>();
  double lhs = 0;
  double rhs = 0;
  if (d.lhs) {
    CANOPY_ASSIGN_OR_RETURN(lhs, Evaluate(*d.lhs, times));
  }
  if (d.rhs) {
    CANOPY_ASSIGN_OR_RETURN(rhs, Evaluate(*d.rhs, times));
  }
  switch (d.op) {
    case DurationOp::kAdd:
      return lhs + rhs;
    case DurationOp::kSub:
      return lhs - rhs;
    case DurationOp::kMul:
      return lhs * rhs;
    case DurationOp::kDiv:
      if (rhs == 0) return Status::Execution(Message(e, "division by zero"));
      return lhs / rhs;
    case DurationOp::kMod:
      if (rhs == 0) return Status::Execution(Message(e, "modulo by zero"));
      return std::fmod(lhs, rhs);
    case DurationOp::kPow:
      return std::pow(lhs, rhs);
    case DurationOp::kNegate:
      return -rhs;
    case DurationOp::kGroup:
      return rhs;
    case DurationOp::kStep:
      return Seconds(times.step);
    case DurationOp::kRange:
      return Seconds(times.range);
    case DurationOp::kMinOf:
      return std::min(lhs, rhs);
    case DurationOp::kMaxOf:
      return std::max(lhs, rhs);
  }
  return Status::Internal("duration expression with an unknown operator");
}

enum class Sign : bool { kAny, kPositive };

Result<Duration> ValueOf(const Expr& e, Sign sign, const QueryTimes& times) {
  CANOPY_ASSIGN_OR_RETURN(const double seconds, Evaluate(e, times));
  if (!std::isfinite(seconds)) return Status::Execution(Message(e, "duration is NaN or infinite"));
  if (sign == Sign::kPositive && seconds <= 0)
    return Status::Execution(Message(e, "duration must be greater than 0"));
  constexpr double kMax = 0x1p63 / 1e9;  // Prometheus holds durations as int64 nanoseconds
  if (std::abs(seconds) > kMax) return Status::Execution(Message(e, "duration is out of range"));
  return Duration(static_cast<int64_t>(seconds * 1000));
}

}  // namespace

Result<Duration> RangeOf(const MatrixSelector& selector, const QueryTimes& times) {
  if (!selector.range_expr) return selector.range;
  return ValueOf(*selector.range_expr, Sign::kPositive, times);
}

Result<Duration> RangeOf(const Subquery& subquery, const QueryTimes& times) {
  if (!subquery.range_expr) return subquery.range;
  return ValueOf(*subquery.range_expr, Sign::kPositive, times);
}

Result<Duration> StepOf(const Subquery& subquery, const QueryTimes& times) {
  if (!subquery.step_expr) return subquery.step;
  return ValueOf(*subquery.step_expr, Sign::kPositive, times);
}

Result<Duration> OffsetOf(const TimeModifiers& modifiers, const QueryTimes& times) {
  if (!modifiers.offset_expr) return modifiers.offset;
  return ValueOf(*modifiers.offset_expr, Sign::kAny, times);
}

}  // namespace canopy::promql
